//! `aim-venv-sync run --at`, `shell --at`, `aim-worker run --at`: an earlier generation beside today's, to which
//! nothing is done, and through which nothing is written.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use crate::sandbox::{Python, Ran, Sandbox};
use crate::undo::{editable, install, same, tree, wheel};
use crate::watch::Uv;

/// What is in the archive, to the byte, with all that Python might compile into it.
fn archive(sandbox: &Sandbox) -> Vec<(String, Vec<u8>)> {
    let archive = sandbox.venv().join(".aim/archive");
    let walk = walkdir::WalkDir::new(archive).sort_by_file_name();
    walk.into_iter()
        .map(|entry| entry.expect("readable"))
        .map(|entry| {
            let text = std::fs::read(entry.path()).unwrap_or_default();
            (entry.path().to_string_lossy().into_owned(), text)
        })
        .collect()
}

/// Runs `words` at `at`.
fn run_at(sandbox: &Sandbox, at: &str, words: &[&str]) -> Ran {
    let args = ["run", "--at", at, "--"];
    sandbox.run("aim-venv-sync", args.iter().chain(words))
}

/// The folders of the archive of which something is compiled.
fn compiled(sandbox: &Sandbox) -> BTreeSet<String> {
    let shared = sandbox.venv().join(".aim/views/compiled");
    let walk = walkdir::WalkDir::new(&shared).into_iter();
    let paths = walk.map(|entry| entry.expect("readable").into_path());
    let paths = paths.filter(|path| path.extension().is_some_and(|ending| ending == "pyc"));
    let folders = paths.map(|path| {
        let below = path.strip_prefix(&shared).expect("below").parent();
        below.expect("a folder").to_string_lossy().into_owned()
    });
    folders.collect()
}

fn views(sandbox: &Sandbox) -> Vec<String> {
    let names = std::fs::read_dir(sandbox.venv().join(".aim/views")).expect("views");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('g')).collect()
}

/// What is asked of a view in which the wheels of [`wheel`], `demo` and `other`, and the editable project are there.
const ASKED: &str = "
import importlib.metadata, importlib.util, os, runpy, sys, sysconfig
import demo, live, space.demo_part, space.other_part
assert sys.prefix == os.environ['VIRTUAL_ENV'] != sys.base_prefix, sys.prefix
assert sysconfig.get_path('purelib') == os.path.dirname(os.path.dirname(demo.__file__))
assert demo.__file__.startswith(sys.prefix)
assert os.path.isfile(importlib.metadata.distribution('demo').locate_file('demo/__init__.py'))
version = importlib.metadata.version('demo')
assert [space.demo_part.version, demo.version] == [version] * 2
assert space.other_part.version == '1.0'
with open(os.path.join(sys.prefix, 'share/demo/data.txt')) as stream:
    assert stream.read() == 'data of ' + version + '\\n'
if sys.version_info >= (3, 9):
    import importlib.resources
    assert importlib.resources.files('demo').joinpath('__init__.py').is_file()
import compileall
compileall.compile_dir(os.path.dirname(demo.__file__), quiet=1)
compileall.compile_dir(os.path.dirname(os.path.realpath(demo.__file__)), quiet=1)
print(version, live.x)
";

fn an_earlier_generation_runs(python: Python) {
    let sandbox = Sandbox::on(python).with_venv().with_init();
    let (one, two) = (
        wheel(&sandbox, "demo", "1.0"),
        wheel(&sandbox, "demo", "2.0"),
    );
    let other = wheel(&sandbox, "other", "1.0");
    install(&sandbox, &[&one, &other]);
    install(
        &sandbox,
        &["--no-build-isolation", "-e", &editable(&sandbox)],
    );
    install(&sandbox, &[&two]);
    sandbox.pip(["uninstall", "-q", "-y", "other"]).ok();
    let (before, kept, records) = (tree(&sandbox.venv()), archive(&sandbox), sandbox.records());

    run_at(&sandbox, "g3", &["python", "-c", ASKED])
        .ok()
        .says("1.0 1");
    run_at(&sandbox, "g4", &["python", "-c", ASKED])
        .ok()
        .says("2.0 1");
    let shared = compiled(&sandbox);
    let of = |begin: &str| {
        shared
            .iter()
            .any(|one| one.starts_with(begin) && one.ends_with("/demo"))
    };
    assert!(of("demo-1.0-") && of("demo-2.0-"), "{shared:?}");
    for (words, says) in [
        (&["demo-run"][..], "1.0"),
        (
            &["sh", "-c", "head -n 1 $VIRTUAL_ENV/bin/demo-raw"],
            "/.aim/views/g3-",
        ),
        (&["pip", "list"], "other"),
        (&["python", "-m", "pip", "show", "demo"], "Version: 1.0"),
    ] {
        run_at(&sandbox, "3", words).ok().says(says);
    }
    // What is not there at that time is not taken from today's, and what is there is not taken from elsewhere.
    let path = format!("{}:/usr/bin:/bin", sandbox.venv().join("bin").display());
    let mut command = sandbox.command(crate::sandbox::program_path("aim-venv-sync"));
    let active = command
        .env("PATH", &path)
        .env("VIRTUAL_ENV", sandbox.venv());
    Ran::of(active.args(["run", "--at", "g1", "demo-run"]))
        .exits(127)
        .warns("no such command");
    run_at(&sandbox, "g1", &["sh", "-c", "exit 7"]).exits(7);
    let killed = run_at(&sandbox, "g3", &["sh", "-c", "kill -TERM $$"]);
    assert_eq!(killed.output.status.signal(), Some(15), "{killed:?}");

    let four = views(&sandbox).len();
    run_at(&sandbox, "g3", &["demo-run"]).ok();
    assert_eq!(views(&sandbox).len(), four, "it is kept for the next time");
    same(&tree(&sandbox.venv()), &before, "today's environment");
    assert!(archive(&sandbox) == kept, "the archive is as it was");
    assert_eq!(sandbox.records(), records);
    sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();

    // Without a time it is today's.
    let args = ["run", "--", "demo-run"];
    sandbox.run("aim-venv-sync", args).ok().says("2.0");
    sandbox.run("aim-logs", ["prune"]).ok().warns("views");
    assert_eq!(views(&sandbox), [""; 0]);
}

#[test]
fn an_earlier_generation_runs_beside_todays() {
    an_earlier_generation_runs(Python::main());
}

#[test]
fn an_earlier_generation_runs_on_the_oldest_and_the_newest_python() {
    for minor in [8, 13] {
        if let Some(python) = Python::find(minor) {
            an_earlier_generation_runs(python);
        }
    }
}

#[test]
fn nothing_is_installed_into_a_view_whoever_tries() {
    let sandbox = Sandbox::ready();
    let (one, two) = (
        wheel(&sandbox, "demo", "1.0"),
        wheel(&sandbox, "demo", "2.0"),
    );
    install(&sandbox, &[&one]);
    let (before, kept, records) = (tree(&sandbox.venv()), archive(&sandbox), sandbox.records());
    let runs_pip = "import runpy, sys; sys.argv = ['pip', 'uninstall', '-y', 'demo']\n\
        runpy.run_module('pip', run_name='__main__')";
    for words in [
        &["pip", "install", &two][..],
        &["pip", "uninstall", "-y", "demo"],
        &["python", "-m", "pip", "install", "-U", &two],
        &["env", "AIM_PIP_BYPASS=1", "pip", "install", &two],
        &["python", "-c", runs_pip],
    ] {
        run_at(&sandbox, "g2", words)
            .exits(1)
            .warns("as it was at generation 2");
    }
    let elsewhere = sandbox.root().join("elsewhere");
    let elsewhere = elsewhere.to_str().expect("utf-8");
    for words in [
        &["pip", "install", "-q", "--target", elsewhere, &two][..],
        &["pip", "download", "-q", "-d", elsewhere, &two],
        &["pip", "check"],
        &["pip", "install", "--help"],
    ] {
        run_at(&sandbox, "g2", words).ok();
    }
    assert!(Path::new(elsewhere).join("demo").is_dir());
    if let Some(uv) = Uv::of(&sandbox) {
        for args in [&["install", &two][..], &["uninstall", "demo"]] {
            let ran = run_at(&sandbox, "g2", &[&[uv.program(), "pip"], args].concat());
            assert!(!ran.output.status.success(), "{ran:?}");
            assert!(ran.stderr().contains("EXTERNALLY-MANAGED"), "{ran:?}");
        }
    }
    same(&tree(&sandbox.venv()), &before, "today's environment");
    assert!(archive(&sandbox) == kept, "the archive is as it was");
    assert_eq!(sandbox.records(), records);
}

#[test]
fn what_is_lost_is_named_and_only_a_person_goes_without_it() {
    let sandbox = Sandbox::ready();
    install(&sandbox, &[&wheel(&sandbox, "demo", "1.0")]);
    install(&sandbox, &[&wheel(&sandbox, "other", "1.0")]);
    let archive = sandbox.venv().join(".aim/archive");
    let entries = std::fs::read_dir(&archive).expect("the archive");
    let demo = entries
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().contains("/demo-1.0-"));
    std::fs::remove_dir_all(demo.expect("an entry")).expect("removed");
    run_at(&sandbox, "g3", &["other-run"])
        .exits(1)
        .warns("demo 1.0")
        .warns("--incomplete");
    let args = ["run", "--at", "g3", "--incomplete", "other-run"];
    let ran = sandbox.run("aim-venv-sync", args).ok().says("1.0");
    assert!(ran.stderr().contains("demo 1.0"), "{ran:?}");
    for (at, status) in [
        ("g99", 4),
        // Of the time before anybody looked, what was found then.
        ("g0", 0),
        ("2020-01-01", 0),
        ("soon", 4),
        ("99", 4),
    ] {
        run_at(&sandbox, at, &["true"]).exits(status);
    }
    sandbox.run("aim-venv-sync", ["run", "--at", "g3"]).exits(2);
    sandbox.run("aim-venv-sync", ["shell"]).exits(2);
    sandbox
        .run("aim-venv-sync", ["shell", "bash", "--at", "g3"])
        .exits(2);

    // A list that is gone is made up for by the history.
    std::fs::remove_file(archive.join("generations/2.json")).expect("removed");
    run_at(&sandbox, "g2", &["true"]).exits(1).warns("demo 1.0");
    run_at(&sandbox, "g1", &["pip", "--version"]).ok();
    std::fs::remove_dir_all(&archive).expect("removed");
    run_at(&sandbox, "g1", &["true"]).exits(4);
}

#[test]
fn a_view_stays_while_something_runs_in_it_and_goes_with_the_archive() {
    let sandbox = Sandbox::ready();
    sandbox.write(".aim.toml", "[archive]\ngenerations = 1\n");
    install(&sandbox, &[&wheel(&sandbox, "demo", "1.0")]);
    let mut command = sandbox.command("aim-venv-sync");
    let waits = "print('up', flush=True); input(); import demo; print(demo.version)";
    command
        .args(["run", "--at", "g2", "python", "-c", waits])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("read"), "up");
    let half = sandbox.venv().join(".aim/views/g2-0000000000.part");
    std::fs::create_dir(&half).expect("made");
    for version in ["2.0", "3.0", "4.0"] {
        install(&sandbox, &[&wheel(&sandbox, "demo", version)]);
    }
    assert!(!half.exists(), "what a crash left of a view is no view");
    run_at(&sandbox, "g2", &["true"]).exits(1).warns("demo 1.0");
    sandbox.run("aim-logs", ["prune"]).ok();
    assert_eq!(views(&sandbox).len(), 1);
    writeln!(child.stdin.take().expect("piped")).expect("written");
    assert_eq!(lines.next().expect("a line").expect("read"), "1.0");
    assert!(child.wait().expect("ended").success());
    install(&sandbox, &[&wheel(&sandbox, "demo", "5.0")]);
    assert_eq!(views(&sandbox), [""; 0]);
}

#[test]
fn a_node_runs_in_an_earlier_generation() {
    let sandbox = Sandbox::ready();
    install(&sandbox, &[&wheel(&sandbox, "demo", "1.0")]);
    install(&sandbox, &[&wheel(&sandbox, "demo", "2.0")]);
    sandbox.write(
        "node.py",
        "def main(a=1):\n    import demo\n    return demo.version\n",
    );
    let (before, kept) = (tree(&sandbox.venv()), archive(&sandbox));
    for (at, version) in [("g2", "1.0"), ("now", "2.0")] {
        let args = ["run", "--at", at, "node.py"];
        sandbox.run("aim-worker", args).ok().says(version);
    }
    same(&tree(&sandbox.venv()), &before, "today's environment");
    assert!(archive(&sandbox) == kept, "the archive is as it was");
}

#[test]
fn a_shell_in_a_view_says_so() {
    let sandbox = Sandbox::ready();
    install(&sandbox, &[&wheel(&sandbox, "demo", "1.0")]);
    install(&sandbox, &[&wheel(&sandbox, "demo", "2.0")]);
    let mut command = sandbox.command("aim-venv-sync");
    command
        .args(["shell", "--at", "g2"])
        .env("SHELL", "/bin/bash")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let typed = "demo-run; echo \"<$VIRTUAL_ENV_PROMPT>\"; aim-logs list -n 1 --format '{action}'\nexit 3\n";
    let mut keyboard = child.stdin.take().expect("piped");
    keyboard.write_all(typed.as_bytes()).expect("typed");
    drop(keyboard);
    let output = child.wait_with_output().expect("ended");
    let (said, talk) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(said, "1.0\n<.venv g2>\ninstall\n", "{talk}");
    assert_eq!(output.status.code(), Some(3));
    assert!(talk.contains("(.venv g2)"), "{talk}");
}
