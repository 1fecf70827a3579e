//! What `aim-worker run` shows of a result, and nodes that run in the person's own terminal.

use crate::compare::terminal::Terminal;
use crate::sandbox::{Ran, Sandbox};

/// Results that JSON has no form for, by name.
const ODD: &str = r#"
import datetime, os
class Table:
    shape = 500, 1
    def __init__(self, rows=500): self.rows = rows
    def head(self, rows): return Table(min(rows, self.rows))
    def to_string(self): return "\n".join(["name  " + "w" * 200] + ["row %d" % n for n in range(self.rows)])
class Figure:
    def savefig(self, path): open(path, "w").write("drawn")
class Text:
    def __init__(self, text): self.text = text
    def __repr__(self): return self.text() if callable(self.text) else self.text
class Wrong:
    def __repr__(self): raise ValueError("no text today")
class Stuck:
    def __repr__(self):
        open("started", "w").close()
        __import__("time").sleep(600)
def main(kind, other=None):
    return {"date": datetime.date(2026, 3, 1), "set": {7}, "own": Text("<own>\n\x1b[2Jtwo"), "table": Table(),
            "figure": Figure(), "wrong": Wrong(), "stuck": Stuck(), "long": list(range(400)),
            "big": Text(lambda: "x" * (64 << 20)), "line": "y" * 30000}[kind]
"#;

fn shown(sandbox: &Sandbox, kind: &str, more: &[&str]) -> Ran {
    let input = format!(r#"{{"kind": "{kind}"}}"#);
    let args = ["run", "odd.py", "--input", &input];
    sandbox.run("aim-worker", args.iter().chain(more))
}

#[test]
fn what_json_has_no_form_for_is_shown_as_it_shows_itself() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("odd.py", ODD);
    for (kind, expected) in [
        ("date", "datetime.date(2026, 3, 1)\n"),
        ("set", "{7}\n"),
        ("own", "<own>\n\u{1b}[2Jtwo\n"),
        (
            "wrong",
            "<Wrong object; its text cannot be made: no text today>\n",
        ),
    ] {
        assert_eq!(shown(&sandbox, kind, &[]).ok().stdout(), expected);
    }
    // A pipe gets all of a table.
    let table = shown(&sandbox, "table", &[]).ok().stdout();
    assert_eq!(table.lines().count(), 501);
    let figure = sandbox.venv().join(".aim/figures/odd.png");
    shown(&sandbox, "figure", &[])
        .ok()
        .says(&format!("figure saved: {}", figure.display()));
    assert_eq!(std::fs::read_to_string(figure).expect("saved"), "drawn");
    let big = shown(&sandbox, "big", &[])
        .ok()
        .warns("the result is cut here");
    assert_eq!(big.stdout().len(), (16 << 20) + 1);
}

#[test]
fn a_program_gets_a_reference_to_what_stays_in_the_worker() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("odd.py", ODD);
    let reply = shown(&sandbox, "set", &["--json"]).ok().json();
    let output = &reply["output"];
    assert_eq!(
        (&output["type"], &output["preview"], &output["data_type"]),
        (
            &"reference".into(),
            &"Set with 1 items".into(),
            &"set".into()
        ),
        "{reply}"
    );
    assert!(reply.get("text").is_none(), "{reply}");
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status["objects"]["count"], 1, "{status}");
    shown(&sandbox, "long", &["--json"]).ok();
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert!(
        status["objects"].is_null(),
        "it ran again, and let go: {status}"
    );
}

#[test]
fn a_terminal_is_shown_the_beginning() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("odd.py", ODD);
    for (language, kind, last, more) in [
        ("en", "table", "row 98\r\n", "… and more; `| less`"),
        ("ko", "table", "row 98\r\n", "… 뒤에 내용이 더 있습니다"),
        ("en", "long", "  98,\r\n", "… and more; `| less`"),
    ] {
        let line =
            format!(r#"AIM_LANG={language} aim-worker run odd.py --input '{{"kind": "{kind}"}}'"#);
        let scene = Terminal::start(&sandbox, &line, 60).end(&sandbox);
        let (data, said) = scene
            .shown
            .split_once('…')
            .map_or(("", ""), |(data, said)| {
                // The wide heading of a table is cut, too.
                said.split_once('…').unwrap_or((data, said))
            });
        assert!(data.ends_with(last), "{}", scene.shown);
        assert!(format!("…{said}").starts_with(more), "{}", scene.shown);
    }
    let line = r#"aim-worker run odd.py --input '{"kind": "line"}'"#;
    let shown = Terminal::start(&sandbox, line, 60).end(&sandbox).shown;
    assert_eq!(shown.matches('y').count(), 20_000 - 1);
    assert!(shown.contains("… and more"), "{shown}");
    let line = r#"aim-worker run odd.py --input '{"kind": "own"}'"#;
    let shown = Terminal::start(&sandbox, line, 60).end(&sandbox).shown;
    assert_eq!(shown, "<own>\r\n␛[2Jtwo\r\n");
    let line = r#"aim-worker run odd.py --input '{"kind": "stuck"}'"#;
    let mut terminal = Terminal::start(&sandbox, line, 60);
    crate::worker::wait_for(&sandbox, "started");
    terminal.press("\x03").wait_for("cancelled odd.py");
    drop(terminal);
    sandbox
        .run(
            "aim-worker",
            ["run", "odd.py", "--input", r#"{"kind": "date"}"#],
        )
        .ok();
}

#[test]
fn what_a_file_has_and_lacks_is_said() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write(
        "nodes/two.py",
        "def helper():\n    pass\ndef main():\n    return 1\n",
    );
    sandbox.write("none.py", "x = 1\n");
    let korean = |args: &[&str]| {
        let mut command = sandbox.command("aim-worker");
        Ran::of(command.args(args).env("AIM_LANG", "ko"))
    };
    let two = ["run", "nodes/two.py"];
    sandbox
        .run("aim-worker", two)
        .ok()
        .warns("note: ran main; nodes/two.py also has helper");
    korean(&two).ok().warns("참고: 실행한 함수: main");
    let json = sandbox
        .run("aim-worker", ["run", "nodes/two.py", "--json"])
        .ok();
    assert_eq!(json.stderr(), "");
    let none = ["run", "none.py"];
    sandbox
        .run("aim-worker", none)
        .exits(1)
        .warns("hint: write a function into it");
    korean(&none).exits(1).warns("파일에 함수를 작성하세요");
    sandbox.write("nodes/beside.py", "NAME = 1\n");
    sandbox.write(
        "nodes/uses.py",
        "import beside\ndef main():\n    return beside.NAME\n",
    );
    let uses = sandbox.run("aim-worker", ["run", "nodes/uses.py"]).ok();
    assert_eq!(uses.stdout(), "1\n");
    let gone = ["run", "to.py"];
    sandbox
        .run("aim-worker", gone)
        .exits(2)
        .warns("did you mean nodes/two.py?");
    korean(&gone).exits(2).warns("nodes/two.py");
}

#[test]
fn a_failure_is_tied_to_the_change_that_it_comes_of() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let install = |version: &str, module: &str| {
        sandbox.wheel_of("tidings", version, &[("tidings.py", module)]);
        let wanted = format!("tidings=={version}");
        sandbox.pip(["install", "--no-index", &wanted]).ok();
    };
    sandbox.write(
        "news.py",
        "def main():\n    import tidings\n    return tidings.good\n",
    );
    let node = ["run", "news.py"];
    sandbox
        .run("aim-worker", node)
        .exits(1)
        .warns("hint: `pip install tidings` brings it");
    install("1.0", "good = 1");
    sandbox.run("aim-worker", node).ok();
    install("2.0", "bad = 1");
    sandbox
        .run("aim-worker", node)
        .exits(1)
        .warns("note: tidings changed 1.0 → 2.0 in #3, just now, by pip install tidings==2.0 · aim-logs undo 3");
    sandbox.write(
        "structure.json",
        r#"{"nodes":[{"id":"s","type":"start"},{"id":"n","type":"custom","data":{"title":"News","file":"news.py"}}],
            "edges":[{"source":"s","target":"n"}]}"#,
    );
    sandbox
        .run("aim-worker", ["flow"])
        .exits(1)
        .warns("note: tidings changed 1.0 → 2.0 in #3");
    sandbox.pip(["uninstall", "-y", "tidings"]).ok();
    sandbox.run("aim-worker", node).exits(1).warns(
        "note: tidings 2.0 was removed in #4, just now, by pip uninstall tidings · aim-logs undo 4",
    );
    let mut korean = sandbox.command("aim-worker");
    Ran::of(korean.args(node).env("AIM_LANG", "ko"))
        .exits(1)
        .warns("참고: tidings 2.0 제거됨: #4");
    let here = sandbox
        .run("aim-worker", ["run", "--here", "news.py"])
        .exits(1);
    assert!(here.stderr().contains("was removed in #4"), "{here:?}");
}

#[test]
fn who_asks_something_is_told_of_the_terminal_and_runs_there() {
    let sandbox = Sandbox::ready();
    sandbox.write("nodes/beside.py", "NAME = 'beside'\n");
    sandbox.write(
        "nodes/ask.py",
        "import sys\nfrom nodes.beside import NAME\ndef other():\n    pass\ndef main(greeting='Hi', more=0):\n    \
         print(sys.prefix)\n    return {greeting: input('name? '), 'from': NAME}\n",
    );
    sandbox.write(
        "nodes/debug.py",
        "def main():\n    x = 3\n    breakpoint()\n    return x\n",
    );
    {
        let _daemon = sandbox.daemon();
        for file in ["nodes/ask.py", "nodes/debug.py"] {
            sandbox
                .run("aim-worker", ["run", file])
                .exits(1)
                .warns(&format!("hint: `aim-worker run --here {file}`"));
            let mut korean = sandbox.command("aim-worker");
            Ran::of(korean.args(["run", file]).env("AIM_LANG", "ko"))
                .exits(1)
                .warns("이 터미널에서");
        }
    }
    // Nobody needs a daemon from here on.
    let mut terminal = Terminal::start(&sandbox, "aim-worker run --here nodes/ask.py", 110);
    let prefix = sandbox.venv().canonicalize().expect("there");
    terminal.wait_for(
        prefix
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name"),
    );
    terminal.wait_for("name? ").press("Kim\n");
    let scene = terminal.end(&sandbox);
    let end = "note: ran main; nodes/ask.py also has other\r\n\
               {\r\n  \"Hi\": \"Kim\",\r\n  \"from\": \"beside\"\r\n}\r\n";
    assert!(scene.shown.ends_with(end), "{}", scene.shown);
    assert!(scene.status.success());
    let mut terminal = Terminal::start(&sandbox, "aim-worker run --here nodes/debug.py", 110);
    terminal
        .wait_for("(Pdb) ")
        .press("x = 41\n")
        .wait_for("(Pdb) ")
        .press("c\n");
    let shown = terminal.end(&sandbox).shown;
    assert!(shown.ends_with("\r\n41\r\n"), "{shown}");
    sandbox.write("long.py", crate::worker::LONG);
    let mut terminal = Terminal::start(&sandbox, "aim-worker run --here long.py", 110);
    crate::worker::wait_for(&sandbox, "started");
    terminal.press("\x03").wait_for("KeyboardInterrupt");
    assert_eq!(terminal.end(&sandbox).status.code(), Some(130));
    crate::worker::wait_for(&sandbox, "cleaned");
    let mut command = sandbox.command("aim-worker");
    let given = [
        "run",
        "--here",
        "nodes/ask.py",
        "--json",
        "--input",
        "{\"greeting\": 1}",
    ];
    let piped = "printf 'Lee\\n' | exec \"$0\" \"$@\"";
    let mut shell = sandbox.command("/bin/sh");
    shell
        .args(["-c", piped])
        .arg(command.get_program())
        .args(given);
    let reply = Ran::of(&mut shell).ok().json();
    assert_eq!(
        reply["output"],
        serde_json::json!({"1": "Lee", "from": "beside"})
    );
    command.args(["run", "--here", "gone.py"]);
    Ran::of(&mut command).exits(2).warns("gone.py");
    sandbox.write("ends.py", "import os\ndef main():\n    os._exit(7)\n");
    let mut command = sandbox.command("aim-worker");
    Ran::of(command.args(["run", "--here", "ends.py"]))
        .exits(1)
        .warns("exit 7");
    let left = std::fs::read_dir(sandbox.venv().join(".aim/here")).expect("there");
    let left = left
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "json"));
    assert_eq!(left.count(), 0);
}

#[test]
fn a_program_under_run_that_misses_a_module_is_told_what_took_it() {
    let sandbox = Sandbox::ready();
    let run = |command: &[&str]| {
        let words = [&["run", "--"], command].concat();
        sandbox.run("aim-venv-sync", words)
    };
    sandbox.write("app.py", "import tidings\nprint(tidings.VERSION)\n");
    let missing = run(&["python", "app.py"]).exits(1);
    missing.warns(
        "ModuleNotFoundError: No module named 'tidings'\nhint: `pip install tidings` brings it",
    );
    let wheel = sandbox.wheel_of("tidings", "1.0", &[("tidings.py", "VERSION = 1\n")]);
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    run(&["python", "app.py"]).ok();
    sandbox.pip(["uninstall", "-y", "tidings"]).ok();
    let gone = run(&["sh", "-c", "python app.py"]).exits(1);
    let gone = gone.warns("note: tidings 1.0 was removed in #3, ");
    assert_eq!(
        gone.stderr().matches("aim-logs undo 3").count(),
        1,
        "{gone:?}"
    );
    // Whatever else ends a program is its own business, and so is what it has caught.
    for code in [
        "raise ValueError('module')",
        "raise SystemExit(1)",
        "try:\n    import tidings\nexcept ImportError:\n    raise SystemExit(1)",
        "import os, sys\nsys.stderr.write('x')\nos._exit(1)",
    ] {
        let other = run(&["python", "-c", code]).exits(1);
        assert!(!other.stderr().contains("aim-logs"), "{other:?}");
    }
    // The person's own start-up code runs, and nothing of ours is to be seen.
    sandbox.write("own/sitecustomize.py", "print('mine')\n");
    let seen = "import sys; print([p for p in sys.path if '.aim' in p], sys.excepthook is sys.__excepthook__)";
    let mut own = sandbox.command("aim-venv-sync");
    let own = own.env("PYTHONPATH", sandbox.project().join("own"));
    let own = Ran::of(own.args(["run", "--", "python", "-c", seen])).ok();
    assert_eq!(own.stdout(), "mine\n[] True\n");
    assert_eq!(own.stderr(), "");
    // Switched off, it is not there.
    sandbox.run("aim-venv-sync", ["disable"]).ok();
    let off = run(&["python", "app.py"]).exits(1);
    assert!(!off.stderr().contains("aim-logs"), "{off:?}");
}
