//! Supervised commands are known in their environment, without a daemon and with one.

use super::site::{Supervised, call, install};
use crate::place::wait_until;
use crate::sandbox::{Ran, Sandbox};

#[test]
fn who_is_supervised_is_listed_and_restarted_by_name() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &["--name", "web", "--on", "manual"], &[]);
    let list = || sandbox.run("aim-worker", ["list"]).ok();
    list().says("web").says("running").warns("no daemon");
    install(&sandbox, "1.0", "one");
    let is_stale = || {
        list()
            .stdout()
            .contains("stale until `aim-worker restart web`")
    };
    wait_until("it is stale", is_stale);
    assert_eq!(supervised.begun().len(), 1);
    sandbox
        .run("aim-worker", ["restart", "web"])
        .ok()
        .warns("web restarted in ");
    supervised.says("began", 2);
    assert!(!is_stale());
    let restarted = sandbox
        .run("aim-worker", ["restart", "web", "--json"])
        .ok()
        .json();
    assert_eq!(
        (&restarted["name"], &restarted["restarts"]),
        (&"web".into(), &2.into())
    );
    let unknown = sandbox.run("aim-worker", ["restart", "wep"]).exits(4);
    unknown
        .warns("no supervised command is called wep")
        .warns("did you mean web?");
    {
        let _daemon = sandbox.daemon();
        sandbox
            .run("aim-worker", ["status"])
            .ok()
            .says("web: running");
        let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
        assert_eq!(status["supervised"][0]["name"], "web");
        let list = sandbox.run("aim-worker", ["list", "--json"]).ok().json();
        assert_eq!(list[0]["supervised"][0]["name"], "web", "{list}");
    }
    supervised.stop();
    let left = std::fs::read_dir(sandbox.venv().join(".aim/supervised")).expect("a folder");
    assert_eq!(left.count(), 0);
    sandbox.run("aim-worker", ["list"]).exits(3);
    sandbox
        .run("aim-worker", ["restart", "web"])
        .exits(4)
        .warns("aim-worker supervise -- COMMAND");
}

#[test]
fn a_chosen_name_is_taken_once_and_others_are_counted() {
    let sandbox = Sandbox::ready();
    let one = Supervised::script(&sandbox, &["--name", "web"], &[]);
    let other = Ran::of(&mut call(&sandbox, &["--name", "web"], &["true"])).exits(1);
    other
        .warns(&format!("process {}", one.pid()))
        .warns("--name");
    let two = Supervised::script(&sandbox, &[], &[]);
    let three = Supervised::script(&sandbox, &[], &[]);
    sandbox
        .run("aim-worker", ["list"])
        .ok()
        .says("serve.py ")
        .says("serve.py-2 ");
    Ran::of(&mut call(&sandbox, &["--name", "../x"], &["true"])).exits(2);
    for supervised in [one, two, three] {
        supervised.stop();
    }
}

#[test]
fn one_that_came_to_nothing_is_an_error_for_who_asked() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &["--on", "manual"], &["breaks"]);
    install(&sandbox, "1.0", "broken");
    // It was started, and failed later.
    sandbox.run("aim-worker", ["restart", "serve.py"]).ok();
    supervised.says("ended at once (exit 3)", 1);
    install(&sandbox, "2.0", "sound");
    sandbox.run("aim-worker", ["restart", "serve.py"]).ok();
    supervised.says("began", 3);
    supervised.stop();
}
