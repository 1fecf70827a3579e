//! The speeds that are promised, each as a ratio (or a difference) to its floor, measured side by side in one run.
//!
//! `make bench` runs it; docs/benchmarks.md notes results. Machines are noisy, so the two sides of a comparison take
//! turns and medians are compared. What can only run where the daemon is built stands behind no feature: benches are
//! built with all of them.

#![allow(
    missing_docs,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, and writes its fixtures in place"
)]

#[path = "../tests/suite/sandbox/mod.rs"]
#[allow(dead_code, reason = "a bench needs less of it than the tests")]
mod sandbox;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use aim_toolkit::api::Client;
use aim_toolkit::inventory::{Gate, Snapshot};
use aim_toolkit::project::{Config, Project, Venv};
use aim_toolkit::store::{Ending, RunId, StartedRun, Tool, publish};
use sandbox::Sandbox;

fn main() {
    println!(
        "{:<58} {:>10} {:>10} {:>8}  bound",
        "what", "floor", "ours", "ratio"
    );
    reading_command();
    scan();
    ready_after_pip();
    node();
}

/// One comparison, printed as a row.
fn row(what: &str, floor: Duration, ours: Duration, bound: &str) {
    let ratio = ours.as_secs_f64() / floor.as_secs_f64();
    println!(
        "{what:<58} {:>10} {:>10} {ratio:>7.2}x  {bound}",
        shown(floor),
        shown(ours)
    );
}

fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 {
        format!("{micros:.1} us")
    } else {
        format!("{:.2} ms", micros / 1e3)
    }
}

/// Medians of two things that take turns, `rounds` times each.
fn turns(
    rounds: usize,
    mut one: impl FnMut() -> Duration,
    mut other: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        times.0.push(one());
        times.1.push(other());
    }
    (median(times.0), median(times.1))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    std::hint::black_box(work());
    started.elapsed()
}

fn run(command: &mut Command) -> Duration {
    timed(|| {
        let output = command.output().expect("starts");
        assert!(output.status.success(), "{output:?}");
    })
}

/// A reading command through our launcher, and through the one that pip wrote.
fn reading_command() {
    let ours = Sandbox::ready();
    let plain = Sandbox::new().with_venv();
    let (direct, launched) = turns(
        60,
        || run(plain.command(plain.bin("pip")).arg("--version")),
        || run(ours.command(ours.bin("pip")).arg("--version")),
    );
    row(
        "pip --version through the launcher",
        direct,
        launched,
        "at most 1.5 ms more",
    );
}

/// A scan of 300 distributions, and a bare list and stat of them.
fn scan() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let site = dir.path().join("lib/python3.12/site-packages");
    std::fs::create_dir_all(&site).expect("folders");
    std::fs::write(dir.path().join("pyvenv.cfg"), "version = 3.12.0\n").expect("written");
    for number in 0..300 {
        let info = site.join(format!("distribution_{number}-1.{number}.dist-info"));
        std::fs::create_dir_all(&info).expect("folder");
        std::fs::create_dir_all(site.join(format!("distribution_{number}"))).expect("folder");
        for (name, text) in [
            ("RECORD", ""),
            ("METADATA", "Name: x\n"),
            ("INSTALLER", "pip\n"),
        ] {
            std::fs::write(info.join(name), text).expect("written");
        }
    }
    let venv = Venv::open(dir.path()).expect("an environment");
    let (bare, ours) = turns(
        300,
        || timed(|| list_and_stat(&site)),
        || timed(|| Snapshot::scan(&venv)),
    );
    row(
        "scan of 300 distributions / bare list and stat",
        bare,
        ours,
        "at most 1 ms",
    );
    let gate = Gate::of(&venv);
    let (stat, gate) = turns(
        3000,
        || timed(|| std::fs::metadata(&site)),
        || timed(|| gate.has_moved()),
    );
    row("the gate / one stat", stat, gate, "2 us");
}

fn list_and_stat(site: &Path) -> usize {
    let entries = std::fs::read_dir(site).expect("readable").flatten();
    let infos = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".dist-info"));
    infos
        .filter(|entry| std::fs::metadata(entry.path().join("RECORD")).is_ok())
        .count()
}

/// From pip's exit to a worker that is ready at the new generation: what `aim-pip` still does after pip ended (scan,
/// publish, nudge), and what the daemon does until it says ready.
fn ready_after_pip() {
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
fn node() {
    use std::io::{BufRead, BufReader, Write};

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
                ..aim_toolkit::api::v1::NodeRun::default()
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
