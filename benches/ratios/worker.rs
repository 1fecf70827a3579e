//! Workers behind the daemon's socket.

use std::time::Duration;

use aim_toolkit::testing::{
    Client, Config, Ending, Host, Project, RunId, Snapshot, StartedRun, Tool, publish,
};

use crate::floor::Echo;
use crate::http::Connection;
use crate::measure::{quick_turns, row, run, timed, turns};
use crate::memory::Workers;
use crate::sandbox::Sandbox;

/// The call that runs [`TRIVIAL`].
const RUN: &str = "/api/v1/projects/demo/nodes/run";
const TRIVIAL: &str = r#"{"file":"trivial.py","input":{"x":1}}"#;

pub(crate) fn rows() {
    answer_after_pip();
    node();
}

/// From pip's exit to the first answer of a node at the new generation: what `aim-pip` still does after pip ended
/// (scan, publish, nudge), and what the daemon does until the node is done.
fn answer_after_pip() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    // The note in the environment leads to the sandbox's daemon.
    let host = Host::real();
    let client = Client::at(&sandbox.socket()).expect("the daemon answers");
    let project = Project::at(sandbox.project()).expect("a project");
    client.start(&project).expect("a worker starts");
    let python = sandbox.bin("python");
    sandbox.write("trivial.py", "def main(x):\n    return x\n");
    let mut connection = Connection::open(&sandbox.socket());
    connection.post(RUN, TRIVIAL);
    let mut version = 0;
    let mut workers = Workers::default();
    let (bare, ours) = turns(
        25,
        || run(sandbox.command(&python).args(["-c", "pass"])),
        || {
            // The spare for the next change starts a moment after the last one; a person is slower than this loop.
            let worker = client.worker(&project).expect("its state").pid;
            workers.wait_for_spare(worker.expect("a worker"), &sandbox.root());
            let before = Snapshot::scan(project.venv(), &host).expect("readable");
            let info = sandbox
                .site_packages()
                .join(format!("thing-1.{version}.dist-info"));
            let _ = std::fs::remove_dir_all(&info);
            version += 1;
            let info = sandbox
                .site_packages()
                .join(format!("thing-1.{version}.dist-info"));
            std::fs::create_dir_all(&info).expect("folder");
            std::fs::write(info.join("METADATA"), "Name: thing\n").expect("written");
            std::fs::write(info.join("RECORD"), "").expect("written");
            timed(|| {
                let after = Snapshot::scan(project.venv(), &host).expect("readable");
                let started = StartedRun {
                    id: RunId::new(),
                    action: "install".into(),
                    packages: vec!["thing".into()],
                    argv: vec!["pip".into(), "install".into(), "thing".into()],
                    cwd: project.root().to_path_buf(),
                    tool: Tool::Pip,
                    started_at: chrono::Utc::now(),
                    pid: std::process::id(),
                    callers: Vec::new(),
                    undoes: None,
                    waited_ms: 0,
                };
                let run = started.finish(Duration::ZERO, Ending::Exited(0), None);
                let published =
                    publish(&project, &Config::default(), run, &before, &after).expect("published");
                aim_toolkit::testing::env_changed(
                    &host,
                    &project,
                    published.generation.0,
                    &published.record.id.to_string(),
                );
                let answer = connection.post(RUN, TRIVIAL);
                let answer: serde_json::Value = serde_json::from_slice(&answer).expect("one line");
                // Newer where the watch took the files, which no run's lock covers here, for another tool's.
                let generation = answer["reply"]["generation"].as_u64();
                assert!(generation >= Some(published.generation.0), "{answer}");
            })
        },
    );
    row(
        "pip's exit to the first right answer / bare python -c pass",
        bare,
        ours,
        "at most 10 ms",
    );
}

/// A trivial node through the socket on a kept connection, and a bare echo.
fn node() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("trivial.py", "def main(x):\n    return x\n");
    let client = Client::at(&sandbox.socket()).expect("the daemon answers");
    let project = Project::at(sandbox.project()).expect("a project");
    client.start(&project).expect("a worker starts");
    let mut echo = Echo::start(&sandbox.bin("python"));
    let mut connection = Connection::open(&sandbox.socket());
    let (bare, ours) = quick_turns(
        60,
        || echo.once(),
        || {
            timed(|| {
                let answer = connection.post(RUN, TRIVIAL);
                assert!(answer.ends_with(b"}\n"));
            })
        },
    );
    row(
        "a trivial node through the socket / a bare echo",
        bare,
        ours,
        "at most 10x",
    );
}
