//! The main story: `pip install`, remembered, and the worker on the new environment.

use crate::sandbox::{Python, Sandbox};

const IMPORTS_GREETING: &str =
    "def main():\n    import greeting\n    return greeting.greet('world')\n";

#[test]
fn the_next_node_sees_what_pip_installed() {
    tell(Sandbox::new());
}

#[test]
fn the_story_on_the_oldest_python() {
    if let Some(python) = Python::find(8) {
        tell(Sandbox::on(python));
    }
}

#[test]
fn the_story_on_a_new_python() {
    if let Some(python) = Python::find(13) {
        tell(Sandbox::on(python));
    }
}

fn tell(sandbox: Sandbox) {
    let sandbox = sandbox.with_venv().with_init();
    let _daemon = sandbox.daemon();
    sandbox.write("greet.py", IMPORTS_GREETING);
    let wheel = sandbox.wheel("greeting", "1.0");

    let before = sandbox
        .run("aim-worker", ["run", "greet.py", "--json"])
        .exits(1)
        .json();
    assert_eq!(before["ok"], false);
    assert!(
        before["error"]
            .as_str()
            .expect("a text")
            .contains("greeting"),
        "{before}"
    );

    let generation = sandbox.generation();
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok()
        .says("Successfully installed greeting-1.0");
    assert_eq!(sandbox.generation(), generation + 1);

    let after = sandbox
        .run("aim-worker", ["run", "greet.py", "--json"])
        .ok()
        .json();
    assert_eq!(after["output"], "hello world, this is greeting 1.0");

    let record = sandbox.last_record();
    assert_eq!(record["action"], "install");
    assert_eq!(record["exit_code"], 0);
    assert_eq!(record["added"][0]["name"], "greeting");
    assert_eq!(record["added"][0]["to"], "1.0");
    assert_eq!(record["generation_after"], generation + 1);

    let log = sandbox.run("aim-logs", ["show", "last", "--stdout"]).ok();
    assert!(
        log.stdout().contains("Successfully installed greeting-1.0"),
        "{log:?}"
    );

    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    let gone = sandbox
        .run("aim-worker", ["run", "greet.py", "--json"])
        .exits(1)
        .json();
    assert!(
        gone["error"].as_str().expect("a text").contains("greeting"),
        "{gone}"
    );
    assert_eq!(sandbox.generation(), generation + 2);
}

#[test]
fn python_dash_m_pip_is_remembered_as_well() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("greeting", "1.0");
    let generation = sandbox.generation();
    sandbox
        .run(
            sandbox.bin("python"),
            ["-m", "pip", "install", wheel.to_str().expect("utf-8")],
        )
        .ok();
    assert_eq!(sandbox.generation(), generation + 1);
    assert_eq!(sandbox.records().len(), 1 + records_of_init(&sandbox));
}

#[test]
fn a_run_that_changed_nothing_raises_no_generation() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("greeting", "1.0");
    let wheel = wheel.to_str().expect("utf-8");
    sandbox.pip(["install", wheel]).ok();
    let meta = sandbox.env_meta();
    sandbox
        .pip(["install", "greeting"])
        .ok()
        .says("already satisfied");
    let again = sandbox.env_meta();
    assert_eq!(again["generation"], meta["generation"]);
    assert_eq!(again["updated_at"], meta["updated_at"]);
    assert_ne!(
        again["last_action"]["timestamp"],
        meta["last_action"]["timestamp"]
    );
}

#[test]
fn a_failed_run_is_remembered_with_pips_own_status() {
    let sandbox = Sandbox::ready();
    let generation = sandbox.generation();
    sandbox
        .pip(["install", "no-such-distribution-anywhere"])
        .exits(1)
        .warns("No matching distribution");
    assert_eq!(sandbox.generation(), generation);
    let record = sandbox.last_record();
    assert_eq!(record["exit_code"], 1);
    let meta = sandbox.env_meta();
    assert_eq!(meta["last_action"]["success"], false);
    let log = sandbox
        .project()
        .join(record["log_path"].as_str().expect("a path"));
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(
        log.starts_with(
            "action: install\npackages: no-such-distribution-anywhere\nstatus: error\n"
        ),
        "{log}"
    );
    assert!(log.contains("[stderr]"), "{log}");
}

#[test]
fn a_reading_command_leaves_no_trace() {
    let sandbox = Sandbox::ready();
    let (records, meta) = (sandbox.records(), sandbox.env_meta());
    sandbox.pip(["list"]).ok().says("pip");
    sandbox.pip(["--version"]).ok();
    sandbox
        .run(
            sandbox.bin("python"),
            ["-m", "pip", "list", "--format", "json"],
        )
        .ok()
        .json();
    assert_eq!(sandbox.records(), records);
    assert_eq!(sandbox.env_meta(), meta);
}

#[test]
fn a_lost_message_delays_nothing() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("greet.py", IMPORTS_GREETING);
    sandbox.run("aim-worker", ["run", "greet.py"]).exits(1);
    let wheel = sandbox.wheel("greeting", "1.0");
    // The message goes nowhere, the file is raised all the same.
    let install = crate::sandbox::Ran::of(
        sandbox
            .command(sandbox.bin("pip"))
            .args(["install", wheel.to_str().expect("utf-8")])
            .env("AIM_SOCKET", sandbox.root().join("run/nobody.sock")),
    );
    install.ok();
    sandbox
        .run("aim-worker", ["run", "greet.py"])
        .ok()
        .says("hello world");
}

fn records_of_init(sandbox: &Sandbox) -> usize {
    sandbox
        .records()
        .iter()
        .filter(|record| record["action"] != "install")
        .count()
}
