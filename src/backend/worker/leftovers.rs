//! What nodes leave behind: processes that took themselves out of their worker's group.
//!
//! A worker has a variable of its own ([`env_vars::WORKER_MARK`]), which everything that its nodes start inherits; by it, whatever is left
//! is found when the worker has ended. Who starts a process with an empty environment *and* in a session of its own
//! wants it to stay, and keeps it.

use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(any(target_os = "linux", doc))]
use crate::env_vars;

/// Rounds of looking: a process that forks all the time may escape one.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 5;

/// A mark that no other worker of this machine has.
pub(super) fn new_mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{:016x}-{count}", std::process::id(), daemon())
}

/// Kills everything that has `mark`. Reads the environment of every process of this person, which takes milliseconds.
#[cfg(target_os = "linux")]
pub(super) fn kill(mark: &str) {
    use rustix::process::{Signal, kill_process};

    let variable = [
        env_vars::WORKER_MARK.as_bytes(),
        b"=",
        mark.as_bytes(),
        b"\0",
    ]
    .concat();
    for _ in 0..ROUNDS {
        let found: Vec<_> = processes()
            .filter(|(_, folder)| {
                std::fs::read(folder.join("environ"))
                    .is_ok_and(|environ| starts_a_variable(&environ, &variable))
            })
            .map(|(pid, _)| pid)
            .collect();
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Elsewhere there is no telling whose a process is; the group is all that is ended.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill(_mark: &str) {}

/// Every other process, with its folder in `/proc`.
#[cfg(target_os = "linux")]
fn processes() -> impl Iterator<Item = (rustix::process::Pid, std::path::PathBuf)> {
    let own = rustix::process::getpid();
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((rustix::process::Pid::from_raw(number)?, entry.path()))
        })
        .filter(move |(pid, _)| *pid != own)
}

/// Whether `variable`, with its end, is among those of `environ`.
#[cfg(target_os = "linux")]
fn starts_a_variable(environ: &[u8], variable: &[u8]) -> bool {
    environ
        .split_inclusive(|byte| *byte == 0)
        .any(|found| found == variable)
}

/// A number for this daemon, since process ids are used again.
fn daemon() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::LazyLock;
    static NUMBER: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    *NUMBER
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_found_whole_only() {
        let check = |environ: &[u8], expected| {
            assert_eq!(starts_a_variable(environ, b"M=1-2\0"), expected);
        };
        check(b"A=x\0M=1-2\0B=y\0", true);
        check(b"A=M=1-2\0", false);
        check(b"M=1-23\0", false);
        check(b"", false);
    }

    #[test]
    fn marks_differ() {
        assert_ne!(new_mark(), new_mark());
    }
}
