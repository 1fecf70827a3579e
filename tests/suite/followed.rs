//! Projects that are known and that nobody uses: what other tools change there is recorded all the same.

use serde_json::Value;

use crate::place::wait_until;
use crate::sandbox::Sandbox;
use crate::watch::{Uv, ask, text};

/// Known by `init`, followed at once; and what happened while no daemon ran is entered, once, when one starts.
#[test]
fn a_project_that_nobody_uses_is_followed() {
    let sandbox = Sandbox::new().with_venv();
    let daemon = sandbox.daemon();
    let sandbox = sandbox.with_init();
    let Some(uv) = Uv::of(&sandbox) else { return };
    let followed = |generation: u64| {
        let is_recorded = || sandbox.generation() == generation;
        wait_until("the change in the history", is_recorded);
        let record = sandbox.last_record();
        assert_eq!(
            (&record["action"], &record["tool"]),
            (&"sync".into(), &"uv".into()),
            "{record}"
        );
        let worker = ask(&sandbox, "/worker");
        assert_eq!(
            (&worker["state"], &worker["pid"]),
            (&"stopped".into(), &Value::Null),
            "{worker}"
        );
        assert_eq!(worker["env_generation"], generation, "{worker}");
    };
    let (generation, runs) = (sandbox.generation(), sandbox.records().len());
    let is_watched = || ask(&sandbox, "")["watching"]["mode"] == "events";
    wait_until("a watch", is_watched);
    let first = sandbox.wheel("greeting", "1.0");
    uv.pip(&sandbox, ["install", text(&first)]);
    followed(generation + 1);
    daemon.terminate();

    let second = sandbox.wheel("greeting", "2.0");
    uv.pip(&sandbox, ["install", text(&second)]);
    let daemon = sandbox.daemon();
    followed(generation + 2);
    daemon.terminate();
    let _daemon = sandbox.daemon();
    wait_until("a watch", is_watched);
    let check = sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
    assert_eq!(sandbox.records().len(), runs + 2, "{check:?}");

    // What the shim records is its own run, and nobody else's.
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    sandbox.write("node.py", "def main():\n    return 1\n");
    sandbox.run("aim-worker", ["run", "node.py"]).ok().says("1");
    assert_eq!(sandbox.records().len(), runs + 3);
    assert_eq!(sandbox.last_record()["action"], "uninstall");
}

/// The daemon looks which projects there are whenever one comes, and now and then.
#[test]
fn a_project_without_the_hook_or_without_an_environment_is_followed_no_more() {
    let sandbox = Sandbox::new().with_venv();
    let _daemon = sandbox.daemon();
    let sandbox = sandbox.with_init();
    let watching = || ask(&sandbox, "")["watching"].clone();
    let another_comes = |name: &str| {
        let folder = sandbox.root().join(name);
        sandbox.python().copy_venv(&folder.join(".venv"));
        sandbox.run("aim-venv-sync", ["init", text(&folder)]).ok();
    };
    wait_until("a watch", || watching()["mode"] == "events");
    sandbox.run("aim-venv-sync", ["remove"]).ok();
    another_comes("one");
    wait_until("its end", || watching().is_null());
    sandbox.run("aim-venv-sync", ["init"]).ok();
    wait_until("a watch", || watching()["mode"] == "events");
    let runs = sandbox.records().len();
    std::fs::remove_dir_all(sandbox.venv()).expect("removed");
    another_comes("two");
    wait_until("its end", || watching().is_null());
    assert_eq!(sandbox.records().len(), runs);
}
