//! The process of a supervisor, which this daemon has started or found.

use std::io;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group,
    test_kill_process_group, waitpid,
};
use tokio::time::{Instant, sleep};

use crate::supervise::Supervised;
use crate::system::{beginning_of, is_alive, session_of};

/// How often somebody is looked at who was asked to end.
const LOOK: Duration = Duration::from_millis(20);

/// A supervisor. It may be a child of this process, also where a daemon before this one has started it and then become
/// this one; else whoever has it as a child learns how it ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process {
    pid: Pid,
    began: Option<u64>,
}

/// How a supervisor has ended, as far as that is known.
pub(super) type Ended = Option<WaitStatus>;

impl Process {
    /// The one that wrote `note`.
    pub(super) fn of(note: &Supervised) -> Option<Self> {
        Self::of_pid(note.pid).filter(|found| found.began == note.began())
    }

    /// The process `pid`, which runs.
    pub(super) fn of_pid(pid: u32) -> Option<Self> {
        Some(Self {
            pid: Pid::from_raw(i32::try_from(pid).ok()?)?,
            began: beginning_of(pid.into()),
        })
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How it has ended, if it has.
    pub(super) fn ended(&self) -> Option<Ended> {
        match waitpid(Some(self.pid), WaitOptions::NOHANG) {
            Ok(Some((_, status))) => Some(Some(status)),
            Ok(None) => None,
            Err(_) => (!is_alive(self.pid(), self.began)).then_some(None),
        }
    }

    /// Asks it to end, and kills it and all of its group when it has not within `grace`.
    pub(super) async fn end(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        let _ = self.send(Signal::TERM);
        while self.ended().is_none() {
            if Instant::now() >= deadline {
                self.kill();
                return;
            }
            sleep(LOOK).await;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.end_rest(left).await;
    }

    /// Ends what it has left behind when it ended, as a shell leaves the program that it waits for.
    pub(super) async fn end_rest(&self, grace: Duration) {
        let deadline = Instant::now() + grace;
        if !self.has_rest() {
            return;
        }
        let _ = kill_process_group(self.pid, Signal::TERM);
        while self.has_rest() {
            if Instant::now() >= deadline {
                let _ = kill_process_group(self.pid, Signal::KILL);
                return;
            }
            sleep(LOOK).await;
        }
    }

    /// Whether somebody is left in its group. That has its number as long as there is one; where a process has the
    /// number, it is another one's.
    fn has_rest(&self) -> bool {
        beginning_of(self.pid().into()).is_none() && test_kill_process_group(self.pid).is_ok()
    }

    /// Its command has its group, in a session that is theirs alone.
    fn kill(&self) {
        let is_leader = session_of(self.pid().into()) == Some(self.pid().into());
        tracing::warn!(
            pid = self.pid(),
            "a supervised command does not end, and is killed"
        );
        if is_leader {
            let _ = kill_process_group(self.pid, Signal::KILL);
        } else {
            let _ = self.send(Signal::KILL);
        }
        let _ = waitpid(Some(self.pid), WaitOptions::empty());
    }

    fn send(&self, signal: Signal) -> io::Result<()> {
        if is_alive(self.pid(), self.began) {
            kill_process(self.pid, signal)?;
        }
        Ok(())
    }
}

/// How it ended, in words.
pub(super) fn how(ended: Ended) -> String {
    let status = ended.and_then(|status| {
        let exit = status.exit_status().map(|code| format!("exit {code}"));
        exit.or_else(|| {
            status
                .terminating_signal()
                .map(|signal| format!("signal {signal}"))
        })
    });
    status.unwrap_or_else(|| "its end was not seen".to_owned())
}
