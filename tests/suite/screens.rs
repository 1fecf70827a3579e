//! What a person sees: the screens of the commands that are typed most, at three widths and in both languages, as
//! `tests/fixtures/screens.txt` has them for a reader. `AIM_UPDATE=1` makes that file anew.
//!
//! The screens are a real terminal's. What differs from run to run and from machine to machine (times, versions of
//! Python, ids) is masked, and a gap of any width is two blanks.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use unicode_width::UnicodeWidthStr as _;

use crate::compare::terminal::Terminal;
use crate::generated::compare;
use crate::sandbox::Sandbox;

const WIDTHS: [u16; 3] = [60, 110, 200];

/// What is typed, and whether what it shows is a table, no row of which may be wider than the terminal.
const TYPED: [(&str, bool); 10] = [
    ("aim-venv-sync init", false),
    ("aim-venv-sync list", true),
    ("aim-venv-sync status", false),
    ("aim-venv-sync doctor", false),
    ("aim-logs", true),
    ("aim-logs --failed -n 5", true),
    ("aim-logs show last-failed", false),
    ("aim-worker run nodes/greet.py", false),
    ("aim-worker run nodes/table.py", false),
    ("aim-worker flow --value 2=Lee 2>&1 | cat", false),
];

const GREET: &str =
    "def main(name='you'):\n    print('greeting', name)\n    return {'hello': name}\n";
const TABLE: &str = "\
class Table:
    def to_string(self):
        return '\\n'.join('%d  %s' % (n, 'x' * n) for n in range(3))
def main():
    return Table()
";
const FLOW: &str = r#"{"nodes":[{"id":"1","type":"start"},
    {"id":"2","type":"textInput","data":{"title":"Text Input"}},
    {"id":"3","type":"custom","data":{"title":"Greet","file":"nodes/greet.py"}},
    {"id":"4","type":"result","data":{"title":"Answer"}}],
    "edges":[{"source":"1","target":"3"},{"source":"2","target":"3","targetHandle":"name"},
    {"source":"3","target":"4"}]}"#;

#[test]
fn the_screens_are_as_a_reader_knows_them() {
    let sandbox = Sandbox::new().with_venv();
    // Only older Pythons' environments have it.
    sandbox.pip(["uninstall", "-y", "setuptools"]).ok();
    let sandbox = sandbox.with_init();
    let _daemon = sandbox.daemon();
    std::fs::create_dir(sandbox.project().join("nodes")).expect("folder");
    sandbox.write("nodes/greet.py", GREET);
    sandbox.write("nodes/table.py", TABLE);
    sandbox.write("structure.json", FLOW);
    for (name, version) in [
        ("greeting", "1.0"),
        ("greeting", "2.0"),
        ("charset_normalizer", "3.4.0"),
    ] {
        sandbox.wheel(name, version);
        let wanted = format!("{name}=={version}");
        sandbox.pip(["install", "--no-index", &wanted]).ok();
    }
    // So long that it fits at no width but the last, however wide the other columns are.
    let nowhere = "nowhere-that-anybody-could-look-for-it";
    sandbox.pip(["install", "--no-index", nowhere]).exits(1);
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    let mut seen = String::new();
    for language in ["en", "ko"] {
        for width in WIDTHS {
            for (typed, is_table) in TYPED {
                let screen = screen(&sandbox, typed, width, language);
                if is_table {
                    for row in screen.lines() {
                        let columns = row.width();
                        assert!(columns <= width.into(), "{columns} of {width}: {row}");
                    }
                }
                let screen = masked(&screen);
                writeln!(
                    seen,
                    "──── {typed}  ({language}, {width} columns)\n{screen}"
                )
                .expect("text");
            }
        }
    }
    compare(Path::new("tests/fixtures/screens.txt"), &seen);
}

fn screen(sandbox: &Sandbox, typed: &str, width: u16, language: &str) -> String {
    let line = format!("PATH=.venv/bin:$PATH AIM_LANG={language} NO_COLOR=1 PAGER=cat {typed}");
    let shown = Terminal::start(sandbox, &line, width).end(sandbox).shown;
    assert!(!shown.contains("\u{1b}[3"), "a colour: {shown:?}");
    shown.replace('\r', "")
}

/// What the masks are, in their order.
static MASKS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r"ROOT[^ ,`'\n]*/demo", "/home/kim/demo"),
        // How long it is, and so where the line breaks, is the checkout's.
        (r"\s+/[^ \n]*/aim-pip", " /home/kim/.cargo/bin/aim-pip"),
        (r"(?m)(^|  )(\S+ )*\S*…\S*", "$1…"),
        (r"(Python|pip|setuptools) \d+(\.\d+)+", "$1 X"),
        (r"python3\.\d+", "python3.X"),
        (r"\b3\.\d+\.\d+( +\d+ +)", "3.X.Y$1"),
        (r"(pid|process|프로세스) \d+", "$1 N"),
        (r"(by|사용자)(  +)\S+ \(", "$1${2}kim ("),
        (
            r"(by|사용자)(  +)\S+?( from|,) [^\n]*? \(",
            "$1${2}kim$3 make ← bash (",
        ),
        (r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID"),
        (
            r"\b\d+(\.\d+)? ?(ms|s|min|초|분|밀리초)( ago| 전)",
            "just now",
        ),
        (r"방금", "just now"),
        (r"\b\d+(\.\d+)? ?(ms|s|초|밀리초)\b", "TIME"),
        (
            r"\d{4}-\d\d-\d\d[ T]\d\d[:_]\d\d[:_]\d\d(\.\d+)?([+-]\d\d:?\d\d| UTC|Z)?",
            "DATE",
        ),
        (r" {2,}", "  "),
        (r" +\n", "\n"),
    ]
    .map(|(what, by)| (Regex::new(what).expect("a mask"), by))
    .into()
});

fn masked(screen: &str) -> String {
    let mut text = screen.to_owned();
    for (what, by) in MASKS.iter() {
        text = what.replace_all(&text, *by).into_owned();
    }
    text
}
