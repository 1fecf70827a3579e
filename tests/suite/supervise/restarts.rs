//! When another process takes the place of the command's, and what is said of it.

use std::os::unix::process::ExitStatusExt as _;

use super::site::{Supervised, install, is_there};
use crate::place::wait_until;
use crate::sandbox::Sandbox;

#[test]
fn a_change_restarts_it_and_one_line_says_so() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &[], &[]);
    install(&sandbox, "1.0", "one");
    supervised.says("began", 2);
    let said = supervised.says("aim: ", 1);
    let line = said
        .lines()
        .find(|line| line.starts_with("aim: "))
        .expect("a line");
    let number = sandbox.last_record()["number"].clone();
    let begins = format!("aim: +greeting 1.0 (#{number}) · serve.py restarted in ");
    assert!(line.starts_with(&begins) && line.ends_with('s'), "{line}");
    let begun = supervised.begun();
    assert_eq!((begun[0].1.as_str(), begun[1].1.as_str()), ("none", "one"));
    assert!(!is_there(begun[0].0) && is_there(begun[1].0));
    // A run that changes nothing is nobody's business.
    sandbox.pip(["install", "greeting"]).ok();
    install(&sandbox, "2.0", "two");
    let said = supervised.says("aim: ", 2);
    assert!(said.contains("aim: greeting 1.0 → 2.0 "), "{said}");
    supervised.says("began", 3);
    supervised.stop();
}

#[test]
fn several_runs_in_a_row_are_one_restart() {
    let sandbox = Sandbox::ready();
    let wheels = ["alpha", "beta", "greeting"].map(|name| sandbox.wheel(name, "1.0"));
    let supervised = Supervised::script(&sandbox, &[], &[]);
    let pip = sandbox.bin("pip").display().to_string();
    let runs = wheels.map(|wheel| format!("{pip} install {}", wheel.display()));
    sandbox.run("/bin/sh", ["-c", &runs.join(" && ")]).ok();
    assert_eq!(sandbox.generation(), 4);
    let said = supervised.says("aim: ", 1);
    assert!(
        said.contains("aim: +alpha 1.0, +beta 1.0, +greeting 1.0 (#4) · "),
        "{said}"
    );
    supervised.says("began", 2);
    assert_eq!(supervised.begun()[1].1, "some");
    supervised.stop();
}

#[test]
fn a_signal_is_sent_in_the_place_of_a_restart() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &["--signal", "hup"], &[]);
    install(&sandbox, "1.0", "one");
    supervised.says("heard SIGHUP", 1);
    let said = supervised.says("serve.py was sent SIGHUP", 1);
    assert_eq!(said.matches("began").count(), 1, "{said}");
    supervised.stop();
}

#[test]
fn what_does_not_end_is_killed() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &["--grace", "0.3"], &["deaf"]);
    install(&sandbox, "1.0", "one");
    supervised.says("did not end within 300 ms and was killed", 1);
    supervised.says("began", 2);
    let begun = supervised.begun();
    assert!(!is_there(begun[0].0) && is_there(begun[1].0));
    supervised.send("INT");
    assert_eq!(supervised.ends().code(), Some(40));
}

#[test]
fn what_ends_at_once_waits_for_the_next_change() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &[], &["breaks"]);
    install(&sandbox, "1.0", "broken");
    let said = supervised.says("ended at once (exit 3)", 1);
    assert!(said.contains("aim: +greeting 1.0"), "{said}");
    let status = sandbox.run("aim-worker", ["list"]).ok();
    assert!(
        status
            .stdout()
            .contains("failed, waits for the next change: exit 3"),
        "{status:?}"
    );
    install(&sandbox, "2.0", "sound");
    supervised.says("began", 3);
    assert_eq!(supervised.begun()[2].1, "sound");
    install(&sandbox, "3.0", "broken");
    supervised.says("ended at once", 2);
    // There is nobody else to hear it.
    supervised.send("INT");
    assert_eq!(supervised.ends().signal(), Some(2));
}

#[test]
fn nobody_is_stopped_for_a_program_that_is_gone() {
    let sandbox = Sandbox::ready();
    let program = sandbox.bin("serve");
    std::fs::copy("/bin/sleep", &program).expect("a program");
    let supervised = Supervised::start(&sandbox, &[], &["serve", "600"]);
    let runs = || {
        sandbox
            .run("aim-worker", ["list"])
            .stdout()
            .contains("running")
    };
    wait_until("it runs", runs);
    std::fs::remove_file(program).expect("removed");
    install(&sandbox, "1.0", "one");
    supervised.says(
        "serve cannot be started (serve); the one from before goes on",
        1,
    );
    assert!(runs());
    supervised.stop();
}

#[test]
fn quiet_says_nothing() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &["--quiet"], &[]);
    install(&sandbox, "1.0", "one");
    let said = supervised.says("began", 2);
    assert!(!said.contains("aim: "), "{said}");
    supervised.stop();
}

#[test]
fn an_environment_that_was_never_set_up_is_told_of() {
    let sandbox = Sandbox::new().with_venv();
    let supervised = Supervised::script(&sandbox, &[], &[]);
    supervised.says("`aim-venv-sync init`", 1);
    assert!(!sandbox.venv().join(".aim").exists());
    supervised.stop();
}
