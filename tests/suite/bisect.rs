//! `aim-logs bisect`: which run broke a command, and which of its changes did.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use crate::place::wait_until;
use crate::sandbox::{Ran, Sandbox};
use crate::undo::{install, same, tree};

/// A wheel with one module that tells its version, and what it requires.
fn wheel(sandbox: &Sandbox, name: &str, version: &str, requires: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/make_wheel.py");
    let mut make = sandbox.command(sandbox.python().path());
    make.arg(script)
        .args([&sandbox.root().join("wheels")])
        .args([name, version, "--file"])
        .arg(format!("{name}.py=version = {version}\n"));
    for one in requires {
        make.args(["--requires", one]);
    }
    Ran::of(&mut make).ok().stdout().trim_end().to_owned()
}

fn bisect(sandbox: &Sandbox, options: &[&str], code: &str) -> Ran {
    let words = ["--", "python", "-c", code];
    sandbox.run("aim-logs", ["bisect"].iter().chain(options).chain(&words))
}

/// Generations 2 to 6: `tool` 1 to 5; at 5 `one`, `two` and `three` come to 2 along with it.
fn history() -> Sandbox {
    let sandbox = Sandbox::ready();
    let at = |name: &str, version: &str| wheel(&sandbox, name, version, &[]);
    let first = ["one", "two", "three"].map(|name| at(name, "1.0"));
    install(
        &sandbox,
        &[&at("tool", "1.0"), &first[0], &first[1], &first[2]],
    );
    install(&sandbox, &[&at("tool", "2.0")]);
    install(&sandbox, &[&at("tool", "3.0")]);
    let second = ["one", "two", "three"].map(|name| at(name, "2.0"));
    install(
        &sandbox,
        &[&at("tool", "4.0"), &second[0], &second[1], &second[2]],
    );
    install(&sandbox, &[&at("tool", "5.0")]);
    assert_eq!(sandbox.generation(), 6);
    sandbox
}

#[test]
fn the_run_and_what_of_it_is_enough_are_found() {
    let sandbox = history();
    let (before, records) = (tree(&sandbox.venv()), sandbox.records());
    let code =
        "import sys, two, three; print('said it'); sys.exit(two.version == three.version == 2)";
    let found = bisect(&sandbox, &["--json"], code).ok().json();
    assert_eq!((&found["good"], &found["bad"]), (&4.into(), &5.into()));
    assert_eq!(found["runs"][0]["number"], 5, "{found}");
    let only = found["changes"].as_array().expect("changes").iter();
    let only: Vec<_> = only.map(|one| &one["name"]).collect();
    assert_eq!(only, ["three", "two"], "{found}");
    assert_eq!(found["undo"], "aim-logs undo 5");

    let told = bisect(&sandbox, &[], code).ok();
    assert!(told.stdout().contains("#5 broke it"), "{told:?}");
    assert!(
        told.stdout()
            .contains("enough for it: ~three 1.0 → 2.0  ~two 1.0 → 2.0"),
        "{told:?}"
    );
    let steps = told.stderr();
    assert!(
        steps.contains("g6  bad") && steps.contains("said it"),
        "{told:?}"
    );
    assert!(
        steps.contains("`aim-logs undo 5` takes it back"),
        "{told:?}"
    );
    let shown = bisect(&sandbox, &["-v", "--good", "g4", "--bad", "5"], code).ok();
    assert!(shown.stdout().contains("said it"), "{shown:?}");

    same(&tree(&sandbox.venv()), &before, "today's environment");
    assert_eq!(sandbox.records(), records);
    let fails = ["run", "--at", "now", "--", "python", "-c", code];
    sandbox.run("aim-venv-sync", fails).exits(1);
    sandbox.run("aim-logs", ["undo", "5", "-y"]).ok();
    let works = ["run", "--at", "now", "--", "python", "-c", code];
    sandbox.run("aim-venv-sync", works).ok();
}

#[test]
fn where_it_cannot_be_told_is_passed_over() {
    let sandbox = history();
    let skips =
        "import sys, tool, two; sys.exit(125 if 2 <= tool.version <= 4 else two.version == 2)";
    let found = bisect(&sandbox, &["--json", "--good", "g2"], skips)
        .ok()
        .json();
    let runs = found["runs"].as_array().expect("runs").iter();
    let runs: Vec<_> = runs.filter_map(|run| run["number"].as_u64()).collect();
    assert_eq!(runs, [3, 4, 5, 6], "{found}");
    assert!(found["undo"].is_null(), "{found}");
    bisect(&sandbox, &["--good", "g2"], skips)
        .ok()
        .says("one of these broke it: #3, #4, #5, #6");

    // A mixture in which a requirement would not hold is not asked.
    let below = wheel(&sandbox, "below", "1.0", &[]);
    let above = wheel(&sandbox, "above", "1.0", &["below>=1"]);
    install(&sandbox, &[&below, &above]);
    let found = bisect(
        &sandbox,
        &["--json"],
        "import importlib.util as u, sys; sys.exit(bool(u.find_spec('above')))",
    );
    let found = found.ok().json();
    assert_eq!(found["runs"][0]["number"], 7, "{found}");
    let steps = found["steps"].as_array().expect("steps").iter();
    let asked = steps.filter(|step| step["only"] == serde_json::json!(["above"]));
    assert_eq!(asked.count(), 0, "{found}");
}

#[test]
fn what_cannot_be_found_is_said() {
    let sandbox = history();
    for (options, code, status, says) in [
        (&[][..], "pass", 1, "does not fail at generation 6"),
        (&[], "import nothing", 1, "failed in every generation"),
        (
            &["--good", "g3"],
            "import nothing",
            1,
            "does not succeed at generation 3",
        ),
        (&["--good", "g6"], "import nothing", 2, "is not before"),
        (&["--good", "soon"], "pass", 4, "no time, run or generation"),
        (&["--good", "g4", "--bad", "g3"], "pass", 2, "is not before"),
        (&["--bad", "g99"], "pass", 4, "nobody knows"),
        (&["--bad", "g1"], "pass", 1, "only one generation"),
        (
            &[],
            "import sys; sys.exit(200)",
            1,
            "stopped: failed (exit 200)",
        ),
        (
            &[],
            "import os; os.kill(os.getpid(), 15)",
            1,
            "stopped: SIGTERM",
        ),
    ] {
        bisect(&sandbox, options, code).exits(status).warns(says);
    }
    sandbox.run("aim-logs", ["bisect"]).exits(2);
}

#[test]
fn ctrl_c_ends_the_command_and_leaves_nothing() {
    let sandbox = history();
    let before = tree(&sandbox.venv());
    let mark = sandbox.root().join("begun");
    let mut command = sandbox.command("aim-logs");
    let script = format!(
        "echo $$ >{0}.new; mv {0}.new {0}; exec sleep 1000",
        mark.display()
    );
    command
        .args(["bisect", "--", "sh", "-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = command.spawn().expect("it starts");
    wait_until("the command begins", || mark.exists());
    let group = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).expect("sent");
    assert_eq!(child.wait().expect("ended").code(), Some(130));
    let pid = std::fs::read_to_string(&mark).expect("read");
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().expect("a number"));
    let asked = rustix::process::test_kill_process(pid.expect("a process"));
    assert!(asked.is_err(), "the command goes on");
    same(&tree(&sandbox.venv()), &before, "today's environment");
    let names = std::fs::read_dir(sandbox.venv().join(".aim/views")).expect("views");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let parts = names.filter(|name| name.to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0);
}
