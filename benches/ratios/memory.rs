//! Processes of a sandbox, and the memory that they take.

use std::path::Path;
use std::time::{Duration, Instant};

use aim_toolkit::testing::{Client, Project};

use crate::sandbox::Sandbox;

/// What an idle project costs, and one that was never used.
pub(crate) fn rows() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let client = Client::at(&sandbox.socket()).expect("the daemon answers");
    let project = Project::at(sandbox.project()).expect("a project");
    client.register(project.root()).expect("registered");
    println!(
        "{:<58} {:>10} {:>10} {:>8}  none",
        "processes of a project that was never used",
        0,
        pythons(&sandbox.root()).len(),
        ""
    );
    client.start(&project).expect("a worker starts");
    let pids = pythons(&sandbox.root());
    let kib: u64 = pids.iter().map(|&pid| proportional_kib(pid)).sum();
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 12 MB",
        "memory of an idle project",
        "",
        format!("{} kB", kib * 1024 / 1000),
        ""
    );
}

/// The Python processes that run the worker's script of the sandbox below `root`.
fn pythons(root: &Path) -> Vec<u32> {
    let root = root.as_os_str().as_encoded_bytes();
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let has = |part: &[u8]| line.windows(part.len()).any(|window| window == part);
        has(root) && has(b"aim_worker.py")
    })
    .collect()
}

/// The processes that have been a project's worker: beside them, a Python that sleeps is its spare.
#[derive(Default)]
pub(crate) struct Workers(Vec<u32>);

impl Workers {
    /// Waits until there is a spare beside `worker`, and the daemon has heard of it.
    pub(crate) fn wait_for_spare(&mut self, worker: u32, root: &Path) {
        self.0.push(worker);
        let deadline = Instant::now() + Duration::from_secs(10);
        let is_spare = |pid: &u32| !self.0.contains(pid) && is_waiting(*pid);
        while !pythons(root).iter().any(is_spare) {
            assert!(Instant::now() < deadline, "no spare came");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process has nothing to do: both of a worker's threads sleep.
fn is_waiting(pid: u32) -> bool {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    let states: Vec<bool> = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok())
        .map(|stat| {
            stat.rsplit(')')
                .next()
                .is_some_and(|rest| rest.starts_with(" S"))
        })
        .collect();
    states.len() == 2 && states.iter().all(|sleeps| *sleeps)
}

/// What a process costs: its own pages, and its part of those that it shares.
fn proportional_kib(pid: u32) -> u64 {
    kib(pid, "smaps_rollup", "Pss:")
}

/// A number of KiB that the kernel tells of a running process in one of its files there.
pub(crate) fn kib(pid: u32, file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("Linux");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}
