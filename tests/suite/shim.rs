//! The same calls of pip with and without us, compared to the byte; and who is remembered.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Output;

use aim_toolkit::testing::{self, Venv};
use serde_json::json;

use crate::sandbox::{Python, Ran, Sandbox, program_path};

/// Calls that fail or read, with what they leave in the history. `BIN`, `SITE` and `python` stand for the environment's
/// own; words are split at spaces.
const CALLS: &[(&str, u32)] = &[
    ("BIN/pip", 0),
    ("BIN/pip --version", 0),
    ("BIN/pip3 --help", 0),
    ("BIN/pip list --format json", 0),
    ("BIN/pip help install", 0),
    ("BIN/pip install --help", 0),
    ("BIN/pip show nothing-there", 0),
    ("BIN/pip install", 1),
    ("BIN/pip install --no-such-option", 1),
    ("BIN/pip no-such-command", 0),
    ("BIN/pip -q install nothing-there", 1),
    ("BIN/pip install --dry nothing-there", 0),
    ("BIN/pip uninstall -y nothing-there", 1),
    (".venv/bin/pip install", 1),
    ("env -i BIN/pip3 install", 1),
    ("BIN/python -m pip", 0),
    ("BIN/python -m pip --version", 0),
    ("BIN/python -m pip install", 1),
    ("BIN/python -mpip install --no-such-option", 1),
    ("BIN/python -I -m pip install nothing-there", 1),
    ("BIN/python -Impip install", 1),
    ("BIN/python -um pip install", 1),
    (
        "BIN/python -E -s -W ignore -X utf8 -m pip install nothing-there",
        1,
    ),
    ("BIN/python -m pip install --help", 0),
    ("BIN/python SITE/pip install", 1),
    (
        "BIN/python SITE/pip/__main__.py install --no-such-option",
        1,
    ),
    ("BIN/python -c print('-m_pip_install')", 0),
    ("BIN/python -S -m pip install", 0),
];

#[test]
fn no_call_can_be_told_from_one_without_us() {
    compare(Sandbox::new());
}

#[test]
fn nor_on_the_oldest_python() {
    if let Some(python) = Python::find(8) {
        compare(Sandbox::on(python));
    }
}

#[test]
fn nor_on_a_new_python() {
    if let Some(python) = Python::find(13) {
        compare(Sandbox::on(python));
    }
}

fn compare(sandbox: Sandbox) {
    let sandbox = sandbox.with_venv();
    let calls = || CALLS.iter().map(|(call, _)| call);
    let without: Vec<Output> = calls().map(|call| ran(&sandbox, call).output).collect();
    install(&sandbox);
    for ((call, remembered), without) in CALLS.iter().zip(without) {
        let before = sandbox.records().len();
        let with = ran(&sandbox, call);
        let texts = |output: &Output| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (output.status, text(&output.stdout), text(&output.stderr))
        };
        assert_eq!(texts(&with.output), texts(&without), "{call}");
        let new = sandbox.records().len() - before;
        assert_eq!(new, *remembered as usize, "records of {call}");
    }
    let parts = std::fs::read_dir(sandbox.project().join(".pip-logs")).expect("logs");
    let parts = parts.filter(|entry| {
        let name = entry.as_ref().expect("readable").file_name();
        name.to_string_lossy().ends_with(".part")
    });
    assert_eq!(parts.count(), 0, "logs of runs that are over");
    let left: Vec<_> = std::fs::read_dir(sandbox.root().join("tmp"))
        .expect("tmp")
        .collect();
    assert!(left.is_empty(), "left in TMPDIR: {left:?}");
}

#[test]
fn a_foreign_name_and_a_link_lead_to_the_same_environment() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let link = sandbox.root().join("linked-pip");
    std::os::unix::fs::symlink(sandbox.bin("pip"), &link).expect("link");
    Ran::of(sandbox.command(&link).args(["install"])).exits(1);
    Ran::of(
        sandbox
            .command(sandbox.bin("pip"))
            .arg0("another")
            .args(["install"]),
    )
    .exits(1);
    assert_eq!(sandbox.records().len(), 2);
}

#[test]
fn what_is_switched_off_is_not_remembered() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let wheel = sandbox.wheel("greeting", "1.0");
    for (name, value) in [
        ("AIM_PIP_BYPASS", "1"),
        ("AIM_PIP_GUARD", "1"),
        ("AIM_ENABLED", "0"),
    ] {
        let pip = ["install", "--force-reinstall"].map(OsString::from);
        Ran::of(
            sandbox
                .command(sandbox.bin("pip"))
                .args(&pip)
                .arg(&wheel)
                .env(name, value),
        )
        .ok();
        let python = ["-m", "pip", "install", "--force-reinstall"].map(OsString::from);
        Ran::of(
            sandbox
                .command(sandbox.bin("python"))
                .args(&python)
                .arg(&wheel)
                .env(name, value),
        )
        .ok();
    }
    assert!(sandbox.records().is_empty());
}

#[test]
fn a_pip_in_the_working_folder_stays_what_runs() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    sandbox.write("pip.py", "print('not pip')");
    sandbox
        .run(sandbox.bin("python"), ["-m", "pip", "install", "x"])
        .ok()
        .says("not pip");
    assert!(sandbox.records().is_empty());
    sandbox
        .run(sandbox.bin("python"), ["-I", "-m", "pip", "install"])
        .exits(1);
    assert_eq!(sandbox.records().len(), 1);
}

#[test]
fn a_missing_shim_leaves_python_dash_m_pip_as_it_was() {
    let sandbox = Sandbox::new().with_venv();
    let venv = Venv::open(sandbox.venv()).expect("an environment");
    testing::install(&venv, Path::new("/nowhere/aim-pip")).expect("installed");
    let ran = sandbox
        .run(sandbox.bin("python"), ["-m", "pip", "install"])
        .exits(1);
    assert!(
        ran.stderr()
            .starts_with("ERROR: You must give at least one requirement"),
        "{ran:?}"
    );
}

#[test]
fn pip_that_reinstalls_or_removes_itself_is_remembered() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let script = || std::fs::read(sandbox.bin("pip")).ok();
    let original = script();
    let python = sandbox.bin("python");
    sandbox.pip(["uninstall", "-y", "pip"]).ok();
    assert_eq!(sandbox.last_record()["removed"][0]["name"], "pip");
    assert_eq!(script(), None, "an environment without pip has no pip");
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .exits(1)
        .says("-m ensurepip");
    let ensure = ["-m", "ensurepip", "--default-pip"];
    sandbox.run(&python, ensure).ok();
    assert_eq!(sandbox.last_record()["added"][0]["name"], "pip");
    assert!(script().is_some() && original.is_some());
    sandbox.pip(["install"]).exits(1);
    assert_eq!(sandbox.last_record()["argv"], json!(["pip", "install"]));
}

#[test]
fn a_moved_environment_and_one_on_a_strange_path_work() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let moved = sandbox.root().join("새 폴더 (1)");
    std::fs::rename(sandbox.project(), &moved).expect("moved");
    // pip's own script leads to where its Python was.
    let python = moved.join(".venv/bin/python");
    let mut pip = sandbox.command(&python);
    pip.args(["-m", "pip", "install"]).current_dir(&moved);
    Ran::of(&mut pip).exits(1);
    let records = std::fs::read_to_string(moved.join(".pip-logs/runs.jsonl")).expect("records");
    assert!(records.contains("\"install\""), "{records}");
}

#[test]
fn what_pip_starts_is_left_alone() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    sandbox.wheel("greeting", "1.0");
    sandbox.write("source/pyproject.toml", BUILDS_WITH_GREETING);
    sandbox.write("source/backend.py", CALLS_PIP);
    let ran = sandbox.pip(["install", "./source"]).ok();
    assert!(
        ran.stdout().contains("Successfully installed built-1.0"),
        "{ran:?}"
    );
    assert_eq!(sandbox.records().len(), 1);
}

/// pip makes an environment with `greeting` for the build, by calling itself.
const BUILDS_WITH_GREETING: &str = "[build-system]\n\
    requires = ['greeting']\n\
    build-backend = 'backend'\n\
    backend-path = ['.']\n";

/// A build script that calls pip of the environment itself, in two ways, unless it is kept apart from it.
const CALLS_PIP: &str = r#"
import importlib.util, os, subprocess, sys, tempfile, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    pip = os.path.join(os.path.dirname(sys.executable), "pip")
    with tempfile.TemporaryDirectory() as target:
        calls = ([sys.executable, "-m", "pip"], [pip]) if importlib.util.find_spec("pip") else ()
        for start in calls:
            subprocess.run(start + ["install", "-q", "--target", target, "--upgrade", "greeting"], check=True)
    name = "built-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        info = "built-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return name
"#;

#[test]
fn the_hook_reads_command_lines_as_python_does() {
    for minor in 8..=14 {
        let Some(python) = Python::find(minor) else {
            continue;
        };
        let sandbox = Sandbox::on(python).with_venv();
        install(&sandbox);
        sandbox.write("ask.py", ASKS_THE_HOOK);
        let ran = sandbox.run(
            sandbox.bin("python"),
            ["-I", "-X", "utf8", "ask.py", "-m", "pip"],
        );
        assert_eq!(ran.ok().stdout(), "fine\n", "Python 3.{minor}");
    }
}

/// Compares the hook's reading with what is known, for lines that it might meet.
const ASKS_THE_HOOK: &str = r#"
import os, sys, _aim_pip_hook as hook
assert hook._command_line()[-6:] == ["-I", "-X", "utf8", "ask.py", "-m", "pip"], hook._command_line()
assert hook._command_line_of_c()[-6:] == hook._command_line()[-6:]
site = hook.site_packages()
bin = os.path.join(sys.prefix, "bin")
for line, count in [
    ("-m pip install x", 2), ("-mpip install x", 1), ("-Impip x", 1), ("-Im pip x", 2), ("-W ignore -Xdev -m pip x", 5),
    ("-Wignore -X dev -um pip x", 5), ("--check-hash-based-pycs never -m pip x", 4), (site + "/pip x", 1),
    (site + "/pip/__main__.py x", 1), ("-- " + bin + "/pip3 x", 2), (bin + "/pip3.11 x", 1), (bin + "/pip-3.11 x", 1),
    ("", 0), ("-", 0), ("-m", 0), ("-c pip", 0), ("-mpipx", 0), ("-m pipx x", 0), ("x.py -m pip", 0), ("-cm pip", 0),
    ("-V", 0), ("/elsewhere/pip x", 0), (bin + "/pipx x", 0), (bin + "/__main__.py", 0), ("-W", 0), ("--", 0),
]:
    words = ["python"] + line.split()
    assert hook._words_before_pip(words)[0] == (count and count + 1), line
print("fine")
"#;

fn install(sandbox: &Sandbox) {
    let venv = Venv::open(sandbox.venv()).expect("an environment");
    testing::install(&venv, &program_path("aim-pip")).expect("installed");
}

fn ran(sandbox: &Sandbox, call: &str) -> Ran {
    let site = sandbox.site_packages();
    let words: Vec<OsString> = call
        .split(' ')
        .map(|word| {
            let bin = sandbox.venv().join("bin");
            let word = word.replace("BIN", bin.to_str().expect("utf-8"));
            word.replace("SITE", site.to_str().expect("utf-8")).into()
        })
        .collect();
    Ran::of(sandbox.command(&words[0]).args(&words[1..]))
}
