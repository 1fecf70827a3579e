//! Released language servers: each kind of change is seen, without a restart that anybody notices.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::editor::{Editor, PATIENCE, Profile};
use super::swaps::noted;
use crate::released::Released;
use crate::sandbox::{Sandbox, skipped};

static SERVERS: Released = Released::new(
    "servers",
    &[
        "basedpyright",
        "jedi-language-server",
        "python-lsp-server",
        "ruff",
        "ty",
    ],
);

const TEXT: &str = "import alpha\nimport beta\nalpha.greet(1)\n";

/// The editable project's own backend, so that nothing need be fetched.
const BACKEND: &str = r#"
import os, zipfile

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "beta-1.0-py3-none-any.whl"
    info = "beta-1.0.dist-info"
    files = {
        "beta.pth": os.path.abspath("src") + "\n",
        info + "/METADATA": "Metadata-Version: 2.1\nName: beta\nVersion: 1.0\n",
        info + "/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join("%s,,\n" % file for file in files) + info + "/RECORD,,\n"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for file, text in {**files, info + "/RECORD": record}.items():
            wheel.writestr(file, text)
    return name
"#;

/// A project in which `alpha` is to be installed, upgraded, taken away and torn out, and `beta` is to be editable.
struct Site {
    sandbox: Sandbox,
    versions: [String; 2],
}

impl Site {
    fn new() -> Self {
        let sandbox = Sandbox::ready();
        let version = |version, text| {
            let wheel = sandbox.wheel_of("alpha", version, &[("alpha/__init__.py", text)]);
            wheel.display().to_string()
        };
        let versions = [
            version("1.0", "def greet(a: int) -> int:\n    return a\n"),
            version(
                "2.0",
                "def greet(a: int, b: int) -> int:\n    return a + b\n",
            ),
        ];
        sandbox.write(
            "work/pyproject.toml",
            "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
        );
        sandbox.write("work/backend.py", BACKEND);
        sandbox.write("work/src/beta/__init__.py", "");
        Self { sandbox, versions }
    }

    fn install(&self, version: usize) {
        self.sandbox
            .pip([
                "install",
                "--no-index",
                "--no-deps",
                &self.versions[version],
            ])
            .ok();
    }

    fn install_editable(&self) {
        let args = [
            "install",
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "-e",
            "work",
        ];
        self.sandbox.pip(args).ok();
    }

    fn uninstall(&self, name: &str) {
        self.sandbox.pip(["uninstall", "-y", name]).ok();
    }

    /// As somebody does who knows no better.
    fn tear_out(&self) {
        let site = self.sandbox.site_packages();
        for entry in std::fs::read_dir(&site).expect("a folder").flatten() {
            if entry.file_name().to_string_lossy().starts_with("alpha") {
                std::fs::remove_dir_all(entry.path()).expect("removed");
            }
        }
        self.sandbox.run("aim-venv-sync", ["sync"]).ok();
    }

    /// Makes each kind of change; after each, `sees` is asked to see what is there: `alpha`, with the right call of
    /// it, and `beta`.
    fn each_change(&self, mut sees: impl FnMut(&str, [bool; 3])) {
        sees("nothing", [false, true, false]);
        self.install(0);
        sees("an install", [true, true, false]);
        self.install(1);
        sees("an upgrade", [true, false, false]);
        self.install_editable();
        sees("an editable install", [true, false, true]);
        self.uninstall("alpha");
        sees("an uninstall", [false, true, true]);
        self.install(0);
        sees("an install again", [true, true, true]);
        self.uninstall("beta");
        sees("an editable uninstall", [true, true, false]);
        self.tear_out();
        sees("what was torn out", [false, true, false]);
    }
}

/// A server that tells of what is missing.
fn by_diagnostics(command: &[&str], hows: &[&str]) {
    for profile in [Profile::Push, Profile::Pull] {
        let site = Site::new();
        let mut editor = Editor::start(&site.sandbox, command, profile);
        let uri = editor.open(&site.sandbox, "main.py", TEXT);
        site.each_change(|change, [alpha, call, beta]| {
            let is_right = |shown: &[String]| {
                let misses = |name: &str| {
                    let quoted = [format!("\"{name}\""), format!("`{name}`")];
                    let is_of = |words: &String| words.contains("resolve");
                    shown
                        .iter()
                        .any(|words| is_of(words) && quoted.iter().any(|name| words.contains(name)))
                };
                let is_wrong = shown.iter().any(|words| {
                    ["reportCallIssue", "missing-argument"]
                        .iter()
                        .any(|code| words.contains(code))
                });
                misses("alpha") != alpha && misses("beta") != beta && is_wrong != call
            };
            editor.shows(
                &uri,
                &format!("{command:?} {profile:?}: {change}"),
                is_right,
            );
        });
        noted(&site.sandbox);
        let status = site
            .sandbox
            .run("aim-lsp", ["status", "--json"])
            .ok()
            .json();
        let how = status[0]["how"].as_str().unwrap_or_default();
        assert!(hows.contains(&how), "{status}");
        editor.goodbye();
    }
}

/// A server that is asked where something is.
fn by_questions(command: &[&str]) {
    let site = Site::new();
    let mut editor = Editor::start(&site.sandbox, command, Profile::Push);
    let uri = editor.open(&site.sandbox, "main.py", TEXT);
    site.each_change(|change, [alpha, call, beta]| {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = [0, 1].map(|line| {
                let at = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": 8}});
                let id = editor.ask("textDocument/definition", at);
                let places = editor.answer_to(id)["result"].to_string();
                places.contains("/alpha/") || places.contains("/beta/")
            });
            let at = json!({"textDocument": {"uri": uri}, "position": {"line": 2, "character": 12}});
            let id = editor.ask("textDocument/signatureHelp", at);
            let label = editor.answer_to(id)["result"]["signatures"][0]["label"].to_string();
            if found == [alpha, beta] && (!alpha || label.contains("b: int") != call) {
                break;
            }
            assert!(Instant::now() < end, "{command:?}: {change}: {found:?} {label}");
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    editor.goodbye();
}

/// The server of that name, if it was fetched.
pub(super) fn released(name: &str) -> Option<String> {
    Some(SERVERS.programs()?.join(name).display().to_string())
}

#[test]
fn basedpyright_sees_each_change() {
    if let Some(server) = released("basedpyright-langserver") {
        by_diagnostics(&[&server, "--stdio"], &["injected"]);
    }
}

#[test]
fn pyright_sees_each_change() {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/test-servers/node_modules/pyright/langserver.index.js");
    if server.exists() {
        by_diagnostics(
            &["node", &server.display().to_string(), "--stdio"],
            &["injected"],
        );
    } else {
        skipped("pyright is not in target/test-servers, where `.ci/fetch` puts it");
    }
}

#[test]
fn ty_sees_each_change() {
    if let Some(server) = released("ty") {
        by_diagnostics(&[&server, "server"], &["injected"]);
    }
}

#[test]
fn jedi_sees_each_change() {
    if let Some(server) = released("jedi-language-server") {
        by_questions(&[&server]);
    }
}

#[test]
fn pylsp_sees_each_change() {
    if let Some(server) = released("pylsp") {
        by_questions(&[&server]);
    }
}

#[test]
fn ruff_is_left_alone() {
    let Some(server) = released("ruff") else {
        return;
    };
    let site = Site::new();
    let mut editor = Editor::start(&site.sandbox, &[&server, "server"], Profile::Push);
    let uri = editor.open(&site.sandbox, "main.py", "import os\n");
    editor.shows(&uri, "an unused import", |shown| {
        shown.iter().any(|one| one.contains("F401"))
    });
    site.install(0);
    let end = Instant::now() + PATIENCE;
    let status = loop {
        let status = site
            .sandbox
            .run("aim-lsp", ["status", "--json"])
            .ok()
            .json();
        if status[0]["how"] != Value::Null {
            break status;
        }
        assert!(Instant::now() < end, "{status}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status[0]["how"], "nothing");
    editor.goodbye();
}

/// A server in the environment itself: its own upgrade makes another one of it, any other change does not.
#[test]
fn a_server_in_the_environment_is_replaced_with_its_own_files() {
    let Some(programs) = released("ty") else {
        return;
    };
    let site = Site::new();
    let own = site.sandbox.bin("ty");
    std::fs::copy(programs, &own).expect("copied");
    let mut editor = Editor::start(&site.sandbox, &["ty", "server"], Profile::Push);
    let uri = editor.open(&site.sandbox, "main.py", TEXT);
    let how_after = |editor: &mut Editor, missing: bool| {
        editor.shows(&uri, "the right diagnostics", |shown| {
            shown.iter().any(|words| words.contains("`alpha`")) == missing
        });
        let generation = site.sandbox.generation();
        let end = Instant::now() + PATIENCE;
        loop {
            let status = site
                .sandbox
                .run("aim-lsp", ["status", "--json"])
                .ok()
                .json();
            if status[0]["generation"] == generation && status[0]["how"] != Value::Null {
                return status[0]["how"].as_str().unwrap_or_default().to_owned();
            }
            assert!(Instant::now() < end, "{status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    site.install(0);
    assert_eq!(how_after(&mut editor, false), "injected");
    let wheel = site.sandbox.wheel("ty", "9.9");
    site.sandbox
        .pip([
            "install",
            "--no-index",
            "--no-deps",
            &wheel.display().to_string(),
        ])
        .ok();
    assert_eq!(how_after(&mut editor, false), "replaced");
    editor.goodbye();
}
