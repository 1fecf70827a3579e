//! What nodes leave behind: processes that took themselves out of their worker's group.
//!
//! A worker has a variable of its own ([`env_vars::WORKER_MARK`]), which everything that its nodes start inherits; by it, whatever is left
//! is found when the worker has ended. Who starts a process with an empty environment *and* in a session of its own
//! wants it to stay, and keeps it.
//!
//! A daemon that was killed can look for nothing any more. The mark tells which one it was, so the next daemon of the same
//! person ends what it left ([`kill_orphans`]).

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(target_os = "linux")]
use std::{
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(target_os = "linux")]
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

#[cfg(any(target_os = "linux", doc))]
use crate::env_vars;

/// Time for all that was left behind to end: a killed process ends when it gets a processor.
#[cfg(target_os = "linux")]
const LONGEST: Duration = Duration::from_secs(5);

/// A mark that no other worker of this machine has.
pub(crate) fn new_mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", *DAEMON)
}

/// Kills what workers of daemons that are gone left behind. Reads the environment of every process of this person.
#[cfg(target_os = "linux")]
pub(in crate::backend) fn kill_orphans() {
    for (pid, folder) in processes() {
        let environ = std::fs::read(folder.join("environ")).unwrap_or_default();
        if mark_in(&environ).is_some_and(is_of_the_dead) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// As [`kill`], elsewhere there is no telling.
#[cfg(not(target_os = "linux"))]
pub(in crate::backend) fn kill_orphans() {}

/// Kills everything that has `mark`, and waits until it is gone. Reads the environment of every process of this person,
/// which takes milliseconds.
#[cfg(target_os = "linux")]
pub(crate) fn kill(mark: &str) {
    let variable = [
        env_vars::WORKER_MARK.as_bytes(),
        b"=",
        mark.as_bytes(),
        b"\0",
    ]
    .concat();
    let is_ours = |folder: &Path| {
        std::fs::read(folder.join("environ"))
            .is_ok_and(|environ| starts_a_variable(&environ, &variable))
    };
    let deadline = Instant::now() + LONGEST;
    while Instant::now() < deadline {
        let found: Vec<(Pid, Option<OwnedFd>)> = processes()
            .filter(|(_, folder)| is_ours(folder))
            // The number may be another process's by now: asked again with the process held by its descriptor.
            .filter_map(|(pid, folder)| {
                let process = pidfd_open(pid, PidfdFlags::empty()).ok();
                is_ours(&folder).then_some((pid, process))
            })
            .collect();
        if found.is_empty() {
            return;
        }
        for (pid, process) in &found {
            let _ = match process {
                Some(process) => pidfd_send_signal(process, Signal::KILL),
                None => kill_process(*pid, Signal::KILL), // Linux before 5.3
            };
        }
        for process in found.iter().filter_map(|(_, process)| process.as_ref()) {
            wait_for_end(process, deadline);
        }
    }
}

/// Waits until `process` has ended, which its descriptor tells by being readable (`pidfd_open(2)`).
#[cfg(target_os = "linux")]
fn wait_for_end(process: &OwnedFd, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let limit = Timespec::try_from(left).ok();
    let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], limit.as_ref());
}

/// Elsewhere there is no telling whose a process is; the group is all that is ended.
#[cfg(not(target_os = "linux"))]
pub(crate) fn kill(_mark: &str) {}

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

/// The mark among the variables of `environ`.
#[cfg(target_os = "linux")]
fn mark_in(environ: &[u8]) -> Option<&str> {
    let mut variables = environ.split(|byte| *byte == 0);
    let mark = variables.find_map(|variable| {
        let value = variable.strip_prefix(env_vars::WORKER_MARK.as_bytes())?;
        value.strip_prefix(b"=")
    })?;
    std::str::from_utf8(mark).ok()
}

/// Whether the daemon that made `mark` is gone, as far as that can be told from here: process ids of another namespace,
/// a container's, mean other processes.
#[cfg(target_os = "linux")]
fn is_of_the_dead(mark: &str) -> bool {
    let Some((daemon, _)) = mark.rsplit_once('-') else {
        return false;
    };
    let mut parts = daemon.split('-').map(str::parse::<u64>);
    let (Some(Ok(namespace)), Some(Ok(pid)), Some(Ok(began)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    namespace != 0 && namespace == pid_namespace() && began != 0 && beginning_of(pid) != Some(began)
}

/// What names this daemon: its namespace, its process id and, since those are used again, when it began.
static DAEMON: LazyLock<String> = LazyLock::new(|| {
    let pid = std::process::id();
    let began = beginning_of(pid.into()).unwrap_or(0);
    format!("{}-{pid}-{began}", pid_namespace())
});

/// The number of the namespace that process ids are of; 0 when it cannot be told.
fn pid_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino())
}

/// When a process began, in ticks since the machine did; none for one that has ended (`proc_pid_stat(5)`).
fn beginning_of(pid: u64) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let began = fields.nth(18)?.parse().ok()?;
    (state != "Z" && state != "X").then_some(began)
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

    #[test]
    fn only_marks_of_daemons_that_are_gone_are_of_the_dead() {
        let mark = new_mark();
        assert!(!is_of_the_dead(&mark), "{mark}: this process runs");
        let (namespace, pid) = (pid_namespace(), std::process::id());
        let began = beginning_of(pid.into()).expect("this process runs");
        // The same process id, given to another process later.
        assert!(is_of_the_dead(&format!(
            "{namespace}-{pid}-{}-0",
            began - 1
        )));
        assert!(is_of_the_dead(&format!(
            "{namespace}-{}-{began}-0",
            u32::MAX
        )));
        for other in [
            format!("{}-{pid}-{}-0", namespace + 1, began - 1),
            format!("{namespace}-{pid}-0-0"),
            format!("{pid}-00ff-3"),
            "x".to_owned(),
            String::new(),
        ] {
            assert!(!is_of_the_dead(&other), "{other}");
        }
    }

    #[test]
    fn a_mark_is_found_among_variables() {
        let environ = format!("A={0}=1\0{0}=1-2-3-4\0B=\0", env_vars::WORKER_MARK);
        assert_eq!(mark_in(environ.as_bytes()), Some("1-2-3-4"));
        assert_eq!(mark_in(b"A=1\0"), None);
        assert_eq!(mark_in(b""), None);
    }
}
