//! Workers behind the daemon's socket.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use aim_toolkit::api::Client;
use aim_toolkit::inventory::Snapshot;
use aim_toolkit::project::{Config, Project};
use aim_toolkit::store::{Ending, RunId, StartedRun, Tool, publish};

use crate::measure::{row, run, timed, turns};
use crate::sandbox::Sandbox;

/// From pip's exit to a worker that is ready at the new generation: what `aim-pip` still does after pip ended (scan,
/// publish, nudge), and what the daemon does until it says ready.
pub(crate) fn ready_after_pip() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let client = Client::at(&sandbox.socket()).expect("the daemon answers");
    let project = Project::at(sandbox.project()).expect("a project");
    client.start(&project).expect("a worker starts");
    let python = sandbox.bin("python");
    let mut version = 0;
    let (bare, ours) = turns(
        25,
        || run(sandbox.command(&python).args(["-c", "pass"])),
        || {
            // The spare for the next change starts a moment after the last one; a person is slower than this loop.
            wait_for_spare(sandbox.root().as_path());
            let before = Snapshot::scan(project.venv());
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
                let after = Snapshot::scan(project.venv());
                let started = StartedRun {
                    id: RunId::new(),
                    action: "install".into(),
                    packages: vec!["thing".into()],
                    argv: vec!["pip".into(), "install".into(), "thing".into()],
                    cwd: project.root().to_path_buf(),
                    tool: Tool::Pip,
                    started_at: chrono::Utc::now(),
                    pid: std::process::id(),
                };
                let run = started.finish(Duration::ZERO, Ending::Exited(0), None);
                let published =
                    publish(&project, &Config::default(), run, &before, &after).expect("published");
                aim_toolkit::api::nudge::env_changed(
                    &sandbox.socket(),
                    project.root(),
                    published.generation.0,
                    &published.record.id.to_string(),
                );
                let status = client
                    .worker_at(&project, published.generation.0, Duration::from_secs(10))
                    .expect("the daemon answers");
                assert_eq!(
                    status.generation,
                    Some(published.generation.0),
                    "{status:?}"
                );
            })
        },
    );
    row(
        "pip's exit to a ready worker / bare python -c pass",
        bare,
        ours,
        "at most 1.5x",
    );
}

/// Waits until the sandbox's daemon has two Python processes: the worker and its spare.
fn wait_for_spare(root: &Path) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while pythons(root) < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(60)); // until it has rehearsed
}

fn pythons(root: &Path) -> usize {
    let output = Command::new("pgrep")
        .args(["-fc"])
        .arg(format!("{}.*aim_worker", root.display()))
        .output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse().ok())
        .unwrap_or(2)
}

/// A trivial node through the daemon's socket, and a bare Python child that echoes JSON lines over pipes.
pub(crate) fn node() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("trivial.py", "def main(x):\n    return x\n");
    let client = Client::at(&sandbox.socket()).expect("the daemon answers");
    let project = Project::at(sandbox.project()).expect("a project");
    let echo = "import sys, json\nfor line in sys.stdin:\n    print(json.dumps(json.loads(line)), flush=True)\n";
    let mut child = sandbox
        .command(sandbox.bin("python"))
        .args(["-c", echo])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut requests = child.stdin.take().expect("piped");
    let mut replies = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    let (bare, ours) = turns(
        1000,
        || {
            timed(|| {
                requests
                    .write_all(b"{\"id\": \"1\", \"x\": 1}\n")
                    .expect("written");
                line.clear();
                replies.read_line(&mut line).expect("read");
            })
        },
        || {
            let node = aim_toolkit::api::v1::NodeRun {
                file: "trivial.py".into(),
                input: serde_json::json!({"x": 1}).into(),
                timeout_s: None,
            };
            timed(|| {
                client
                    .run_node(&project, &node, |_| Ok(()))
                    .expect("the node runs")
            })
        },
    );
    drop(requests);
    child.wait().expect("ends");
    row(
        "a trivial node through the socket / a bare echo",
        bare,
        ours,
        "at most 10x (part 3)",
    );
}
