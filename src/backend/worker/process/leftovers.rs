//! What nodes leave behind: processes that took themselves out of their worker's group.
//!
//! A worker has a variable of its own ([`env_vars::WORKER_MARK`]), which everything that its nodes start inherits; by
//! it, whatever is left is found when the worker has ended. Who starts a process with an empty environment *and* in a
//! session of its own wants it to stay, and keeps it. Where the system does not show the variables of processes, the
//! group is all that is ended.
//!
//! A daemon that was killed can look for nothing any more. The mark tells which one it was, so the next daemon of the
//! same person ends what it left ([`kill_orphans`]).

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::env_vars;
use crate::system::{self, beginning_of, environ_of, pid_namespace};

/// Time for all that was left behind to end: a killed process ends when it gets a processor.
const LONGEST: Duration = Duration::from_secs(5);

/// A mark that no other worker of this machine has.
pub(crate) fn new_mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", *DAEMON)
}

/// Kills what workers of daemons that are gone left behind. Reads the environment of every process of this person.
pub(in crate::backend) fn kill_orphans() {
    for pid in system::processes() {
        if mark_in(&environ_of(pid)).is_some_and(is_of_the_dead) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Kills everything that has `mark`, and waits until it is gone. Reads the environment of every process of this person,
/// which takes milliseconds.
pub(crate) fn kill(mark: &str) {
    let variable = [
        env_vars::WORKER_MARK.as_bytes(),
        b"=",
        mark.as_bytes(),
        b"\0",
    ]
    .concat();
    let is_ours = |pid: Pid| starts_a_variable(&environ_of(pid), &variable);
    let deadline = Instant::now() + LONGEST;
    while Instant::now() < deadline {
        let found: Vec<(Pid, Option<system::HeldProcess>)> = system::processes()
            .filter(|pid| is_ours(*pid))
            // The number may be another process's by now: asked again with the process held.
            .filter_map(|pid| {
                let process = system::hold(pid);
                is_ours(pid).then_some((pid, process))
            })
            .collect();
        if found.is_empty() {
            return;
        }
        for (pid, process) in &found {
            match process {
                Some(process) => process.kill(),
                // Linux before 5.3
                None => {
                    let _ = kill_process(*pid, Signal::KILL);
                }
            }
        }
        for process in found.iter().filter_map(|(_, process)| process.as_ref()) {
            process.wait(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

/// Whether `variable`, with its end, is among those of `environ`.
fn starts_a_variable(environ: &[u8], variable: &[u8]) -> bool {
    environ
        .split_inclusive(|byte| *byte == 0)
        .any(|found| found == variable)
}

/// The mark among the variables of `environ`.
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
