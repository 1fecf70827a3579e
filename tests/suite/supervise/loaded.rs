//! With `--on loaded` only a change of what the command has loaded restarts it.

use std::fs;

use super::site::{Supervised, install};
use crate::place::wait_until;
use crate::sandbox::Sandbox;

/// Loads the modules that are named after the way in which it does so, says that it has begun, and goes on until
/// somebody ends it.
const SCRIPT: &str = r#"
import importlib, multiprocessing, os, signal, sys

def load(names):
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            pass

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(40))
    signal.signal(signal.SIGHUP, lambda *_: os.write(1, b"heard SIGHUP\n"))
    way, *names = sys.argv[1:]
    if way in ("fork", "spawn"):
        child = multiprocessing.get_context(way).Process(target=load, args=(names,))
        child.start()
        child.join()
    else:
        if way == "closes":
            os.closerange(3, 64)
            taken = [os.open("taken", os.O_CREAT | os.O_WRONLY) for _ in range(8)]
        load(names)
    os.write(1, b"began %d -\n" % os.getpid())
    while True:
        signal.pause()
"#;

fn serve(sandbox: &Sandbox, options: &[&str], words: &[&str]) -> Supervised {
    sandbox.write("serve.py", SCRIPT);
    let options = [&["--on", "loaded"], options].concat();
    let supervised = Supervised::start(
        sandbox,
        &options,
        &[&["python", "serve.py"], words].concat(),
    );
    supervised.says("began", 1);
    supervised
}

/// Installs a distribution with these files.
fn install_files(sandbox: &Sandbox, name: &str, version: &str, files: &[(&str, &str)]) {
    let wheel = sandbox.wheel_of(name, version, files);
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
}

/// Waits until the supervisor has looked at the newest change and let the command go on.
fn goes_on(sandbox: &Sandbox) {
    let note = sandbox.venv().join(".aim/supervised/serve.py.json");
    let newest = sandbox.generation();
    wait_until("nothing loaded has changed", || {
        let text = fs::read(&note).expect("a note");
        let note: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(note["restarts"], 0, "{note}");
        note["fresh_generation"] == newest && note["env_generation"] == newest
    });
}

#[test]
fn only_what_it_has_loaded_restarts_it() {
    let sandbox = Sandbox::ready();
    install(&sandbox, "1.0", "one");
    let supervised = serve(&sandbox, &[], &["plain", "greeting"]);
    install_files(&sandbox, "other", "1.0", &[("other.py", "")]);
    goes_on(&sandbox);
    install_files(&sandbox, "other", "2.0", &[("other.py", "")]);
    sandbox.pip(["uninstall", "-y", "other"]).ok();
    goes_on(&sandbox);
    let list = sandbox.run("aim-worker", ["list"]).ok().stdout();
    assert!(
        list.contains("running") && !list.contains("stale"),
        "{list}"
    );
    install(&sandbox, "2.0", "two");
    supervised.says("greeting 1.0 → 2.0", 1);
    supervised.says("began", 2);
    // Installed anew as the same version, with something else in it.
    install_files(
        &sandbox,
        "greeting",
        "2.0",
        &[("greeting.py", "VERSION = 2\n")],
    );
    let wheel = sandbox.wheel_of("greeting", "2.0", &[("greeting.py", "VERSION = 3\n")]);
    let wheel = wheel.to_str().expect("utf-8").to_owned();
    sandbox.pip(["install", "--force-reinstall", &wheel]).ok();
    supervised.says("began", 3);
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    supervised.says("began", 4);
    supervised.stop();
    let left = fs::read_dir(sandbox.venv().join(".aim/supervised")).expect("a folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn what_was_missed_restarts_it_when_it_comes() {
    let sandbox = Sandbox::ready();
    let supervised = serve(&sandbox, &[], &["plain", "extra"]);
    install_files(&sandbox, "extra", "1.0", &[("extra/__init__.py", "")]);
    supervised.says("+extra 1.0", 1);
    supervised.says("began", 2);
    supervised.stop();
}

#[test]
fn what_came_and_went_is_no_reason() {
    let sandbox = Sandbox::ready();
    let supervised = serve(&sandbox, &[], &["plain", "extra"]);
    let wheel = sandbox.wheel("extra", "1.0");
    let pip = sandbox.bin("pip").display().to_string();
    let runs = format!(
        "{pip} install {} && {pip} uninstall -y extra",
        wheel.display()
    );
    sandbox.run("/bin/sh", ["-c", &runs]).ok();
    goes_on(&sandbox);
    supervised.stop();
}

#[test]
fn half_of_a_namespace_is_not_the_other_half() {
    let sandbox = Sandbox::ready();
    let halves = |half: &str, version: &str| {
        let file = format!("pair/{half}/__init__.py");
        install_files(
            &sandbox,
            &format!("pair-{half}"),
            version,
            &[(&file, version)],
        );
    };
    halves("one", "1.0");
    let supervised = serve(&sandbox, &[], &["plain", "pair.one"]);
    halves("two", "1.0");
    goes_on(&sandbox);
    halves("one", "2.0");
    supervised.says("began", 2);
    supervised.stop();
}

#[test]
fn what_its_children_have_loaded_counts() {
    let sandbox = Sandbox::ready();
    for (round, way) in ["fork", "spawn", "closes"].into_iter().enumerate() {
        install(&sandbox, &format!("{round}.1"), "one");
        let supervised = serve(&sandbox, &[], &[way, "greeting"]);
        install_files(
            &sandbox,
            "other",
            &format!("{round}.0"),
            &[("other.py", "")],
        );
        goes_on(&sandbox);
        install(&sandbox, &format!("{round}.2"), "two");
        supervised.says("began", 2);
        supervised.stop();
    }
    // The descriptor of the list was another file's by then.
    let taken = fs::read_to_string(sandbox.project().join("taken"));
    assert_eq!(taken.expect("a file"), "");
}

#[test]
fn a_startup_file_concerns_everybody() {
    let sandbox = Sandbox::ready();
    let supervised = serve(&sandbox, &[], &["plain"]);
    let files = [("starts.pth", "# nothing\n"), ("starts.py", "")];
    install_files(&sandbox, "starts", "1.0", &files);
    supervised.says("began", 2);
    supervised.stop();
}

#[test]
fn where_nobody_can_tell_every_change_counts() {
    let sandbox = Sandbox::ready();
    let isolated =
        "exec python -I -c 'print(\"began 1 -\", flush=True); import signal; signal.pause()'";
    let options = ["--on", "loaded", "--name", "web"];
    let supervised = Supervised::start(&sandbox, &options, &["sh", "-c", isolated]);
    supervised.says("began", 1);
    for change in 1..=2 {
        install(&sandbox, &format!("{change}.0"), "one");
        supervised.says("web restarted in", change);
        supervised.says("began", change + 1);
    }
    supervised.says("aim: web: nobody can tell what it has loaded", 1);
    supervised.stop();
    // A process that could not note something takes the list away.
    let supervised = serve(&sandbox, &[], &["plain"]);
    let lists = sandbox.venv().join(".aim/supervised/serve.py.loaded");
    fs::remove_file(lists.join("1/loaded")).expect("a list");
    install_files(&sandbox, "other", "1.0", &[("other.py", "")]);
    supervised.says("began", 2);
    supervised.stop();
}

#[test]
fn a_signal_is_sent_for_what_is_loaded_alone() {
    let sandbox = Sandbox::ready();
    install(&sandbox, "1.0", "one");
    let supervised = serve(&sandbox, &["--signal", "HUP"], &["plain", "greeting"]);
    install_files(&sandbox, "other", "1.0", &[("other.py", "")]);
    goes_on(&sandbox);
    install(&sandbox, "2.0", "two");
    let said = supervised.says("heard SIGHUP", 1);
    assert_eq!(said.matches("began").count(), 1, "{said}");
    supervised.stop();
}

#[test]
fn a_sitecustomize_runs_as_if_there_were_no_other() {
    let sandbox = Sandbox::ready();
    let theirs = sandbox.root().join("theirs");
    fs::create_dir(&theirs).expect("a folder");
    fs::write(theirs.join("sitecustomize.py"), "print('theirs ran')\n").expect("written");
    sandbox.write(
        "shows.py",
        "import os, sys, sitecustomize\nprint(sitecustomize.__file__)\nprint('first', sys.path[1])\n\
         print('given', os.environ['PYTHONPATH'].split(':')[1:])\n",
    );
    let theirs = theirs.display().to_string();
    let mut call = super::site::call(&sandbox, &["--on", "loaded"], &["python", "shows.py"]);
    call.env("PYTHONPATH", &theirs);
    crate::sandbox::Ran::of(&mut call)
        .ok()
        .says("theirs ran")
        .says(&format!("{theirs}/sitecustomize.py"))
        .says(&format!("first {theirs}"))
        .says(&format!("given ['{theirs}']"));
}
