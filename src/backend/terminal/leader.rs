//! The process that leads a session: one that this daemon started, or that the daemon before it did, in this same
//! process: then it is its parent all the same.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::ExitStatus;
use std::task::{Context, Poll, ready};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::process::Child;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A process whose end is waited for.
#[derive(Debug)]
pub(super) enum Leader {
    /// Started here.
    Started(Child),
    /// Taken over.
    TakenOver(TakenOver),
}

/// A child of this process that was started before it was this program.
#[derive(Debug)]
pub(super) struct TakenOver {
    pid: Pid,
    /// Some child has ended.
    told: Signal,
    ended: Option<ExitStatus>,
}

impl Leader {
    /// The child `pid` of this process.
    ///
    /// # Errors
    /// When its end cannot be waited for.
    pub(super) fn taken_over(pid: Pid) -> io::Result<Self> {
        Ok(Self::TakenOver(TakenOver {
            pid,
            // Before it is asked for the first time, so that no end is missed.
            told: signal(SignalKind::child())?,
            ended: None,
        }))
    }

    /// Whether its end was seen: then its number may be another's.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            Self::Started(child) => child.id().is_none(),
            Self::TakenOver(child) => child.ended.is_some(),
        }
    }

    /// Ready when it has ended.
    pub(super) fn poll_exit(&mut self, context: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        match self {
            Self::Started(child) => pin!(child.wait()).poll(context),
            Self::TakenOver(child) => child.poll_exit(context),
        }
    }
}

impl TakenOver {
    fn poll_exit(&mut self, context: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        loop {
            if let Some(ended) = self.ended {
                return Poll::Ready(Ok(ended));
            }
            match waitpid(Some(self.pid), WaitOptions::NOHANG) {
                Ok(Some((_, status))) => {
                    self.ended = Some(ExitStatus::from_raw(status.as_raw()));
                    continue;
                }
                Ok(None) | Err(Errno::INTR) => {}
                // Somebody else has waited for it.
                Err(_) => {
                    self.ended = Some(ExitStatus::from_raw(0));
                    continue;
                }
            }
            if ready!(self.told.poll_recv(context)).is_none() {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::process::Command;

    use super::*;

    #[expect(
        clippy::zombie_processes,
        reason = "its end is what is waited for, past std"
    )]
    #[tokio::test]
    async fn the_end_of_a_child_is_seen_that_was_not_started_here() {
        let child = Command::new("sh")
            .args(["-c", "exit 7"])
            .spawn()
            .expect("starts");
        let pid = Pid::from_child(&child);
        let mut leader = Leader::taken_over(pid).expect("waited for");
        let status = poll_fn(|context| leader.poll_exit(context))
            .await
            .expect("ended");
        assert_eq!(status.code(), Some(7));
        assert!(leader.has_ended());
        let again = poll_fn(|context| leader.poll_exit(context))
            .await
            .expect("still");
        assert_eq!(again, status);
    }
}
