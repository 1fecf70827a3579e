//! The same calls of pip with and without us, compared to the byte; and who is remembered.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Output;

use aim_toolkit::launchers;
use aim_toolkit::project::Venv;

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
    ("BIN/python -E -s -W ignore -X utf8 -m pip install nothing-there", 1),
    ("BIN/python -m pip install --help", 0),
    ("BIN/python SITE/pip install", 1),
    ("BIN/python SITE/pip/__main__.py install --no-such-option", 1),
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
    let left: Vec<_> = std::fs::read_dir(sandbox.root().join("tmp")).expect("tmp").collect();
    assert!(left.is_empty(), "left in TMPDIR: {left:?}");
}

#[test]
fn a_foreign_name_and_a_link_lead_to_the_same_environment() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let link = sandbox.root().join("linked-pip");
    std::os::unix::fs::symlink(sandbox.bin("pip"), &link).expect("link");
    Ran::of(sandbox.command(&link).args(["install"])).exits(1);
    Ran::of(sandbox.command(sandbox.bin("pip")).arg0("another").args(["install"])).exits(1);
    assert_eq!(sandbox.records().len(), 2);
}

#[test]
fn what_is_switched_off_is_not_remembered() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let wheel = sandbox.wheel("greeting", "1.0");
    for (name, value) in [("AIM_PIP_BYPASS", "1"), ("AIM_PIP_GUARD", "1"), ("AIM_ENABLED", "0")] {
        let pip = ["install", "--force-reinstall"].map(OsString::from);
        Ran::of(sandbox.command(sandbox.bin("pip")).args(&pip).arg(&wheel).env(name, value)).ok();
        let python = ["-m", "pip", "install", "--force-reinstall"].map(OsString::from);
        Ran::of(sandbox.command(sandbox.bin("python")).args(&python).arg(&wheel).env(name, value)).ok();
    }
    assert!(sandbox.records().is_empty());
}

#[test]
fn a_pip_in_the_working_folder_stays_what_runs() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    sandbox.write("pip.py", "print('not pip')");
    sandbox.run(sandbox.bin("python"), ["-m", "pip", "install", "x"]).ok().says("not pip");
    assert!(sandbox.records().is_empty());
    sandbox.run(sandbox.bin("python"), ["-I", "-m", "pip", "install"]).exits(1);
    assert_eq!(sandbox.records().len(), 1);
}

#[test]
fn a_missing_shim_leaves_python_dash_m_pip_as_it_was() {
    let sandbox = Sandbox::new().with_venv();
    let venv = Venv::open(sandbox.venv()).expect("an environment");
    launchers::install(&venv, Path::new("/nowhere/aim-pip")).expect("installed");
    let ran = sandbox.run(sandbox.bin("python"), ["-m", "pip", "install"]).exits(1);
    assert!(ran.stderr().starts_with("ERROR: You must give at least one requirement"), "{ran:?}");
}

#[test]
fn pip_that_reinstalls_or_removes_itself_is_healed() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let ours = || std::fs::read(sandbox.bin("pip")).expect("a launcher");
    let launcher = ours();
    sandbox.pip(["uninstall", "-y", "pip"]).ok();
    assert_eq!(ours(), launcher);
    // No pip, no uv on PATH: never another Python's.
    let ran = sandbox.pip(["--version"]).exits(127);
    assert!(ran.stderr().contains("-m ensurepip"), "{ran:?}");
    sandbox.run(sandbox.bin("python"), ["-m", "ensurepip", "--default-pip"]).ok();
    assert_ne!(ours(), launcher, "ensurepip writes its own script");
    // The hook leads that script here too, and the run puts the launcher back.
    sandbox.pip(["install"]).exits(1);
    assert_eq!(ours(), launcher);
}

#[test]
fn a_moved_environment_and_one_on_a_strange_path_work() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    let moved = sandbox.root().join("새 폴더 (1)");
    std::fs::rename(sandbox.project(), &moved).expect("moved");
    let pip = moved.join(".venv/bin/pip");
    let ran = Ran::of(sandbox.command(&pip).arg("--version").current_dir(&moved)).ok();
    assert!(ran.stdout().contains("새 폴더 (1)/.venv"), "{ran:?}");
}

#[test]
fn an_environment_whose_python_is_gone_gets_a_clear_word() {
    let sandbox = Sandbox::new().with_venv();
    install(&sandbox);
    std::fs::remove_dir_all(sandbox.venv().join("bin")).expect("removed");
    install(&sandbox);
    let ran = sandbox.pip(["install", "x"]).exits(126);
    assert!(ran.stderr().contains("interpreter is gone"), "{ran:?}");
}

fn install(sandbox: &Sandbox) {
    let venv = Venv::open(sandbox.venv()).expect("an environment");
    launchers::install(&venv, &program_path("aim-pip")).expect("installed");
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
