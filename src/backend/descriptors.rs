//! How many descriptors the daemon may have open, who gets how many, and what is let go when they run short.
//!
//! A system gives a process 1,024 or so unless it asks for more (the soft limit), and lets it ask for the hard limit.
//! The daemon asks, and its children get the limit that it was started with: programs that use `select` break above it.
//!
//! A worker has four or five, and another four with its spare; so some hundred projects are too many for 1,024. Before
//! a process is started when less than a quarter is left, the spares and the idle workers that were used least lately
//! are let go ([`Descriptors::make_room`]): their next node starts them again. Watches cost none: one watcher serves
//! all projects.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The most that is asked for where the system says "as many as you like" and means fewer (macOS: `OPEN_MAX`).
const PLENTY: u64 = 10_240;

/// How long a start waits for others to be let go.
const PATIENCE: Duration = Duration::from_secs(5);

/// Descriptors of a worker: its socket, two pipes, itself, its log.
pub(super) const OF_A_WORKER: u64 = 5;

/// The soft limit that this process was started with, if it was raised.
static GIVEN: OnceLock<u64> = OnceLock::new();

/// Raises the limit of this process as far as it may be, and gives it.
pub(super) fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(given) = current else {
        return u64::MAX;
    };
    for wanted in [maximum, Some(PLENTY)] {
        let is_more = wanted.is_none_or(|wanted| wanted > given);
        let limit = Rlimit {
            current: wanted,
            maximum,
        };
        if is_more && setrlimit(Resource::Nofile, limit).is_ok() {
            let _ = GIVEN.set(given);
            return wanted.unwrap_or(u64::MAX);
        }
    }
    given
}

/// The soft limit that children are to have, where this process has another one.
pub(super) fn given() -> Option<u64> {
    GIVEN.get().copied()
}

/// Gives back what [`raise`] took, for the program that takes this one's place: it takes it anew.
pub(super) fn lower() {
    if let Some(current) = given() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let current = Some(current);
        let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    }
}

/// How many connections each door takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) socket: usize,
    pub(super) tcp: usize,
}

impl Shares {
    /// Those of a process that may have `limit` descriptors open: a quarter for the person's own programs, an eighth
    /// for TCP, within reason.
    pub(super) fn of(limit: u64) -> Self {
        let share = |part: u64, least: usize, most: usize| {
            usize::try_from(limit / part).map_or(most, |share| share.clamp(least, most))
        };
        Self {
            socket: share(4, 32, 1_024),
            tcp: share(8, 16, 128),
        }
    }
}

/// The descriptors of this process. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub struct Descriptors(Arc<Mutex<Option<mpsc::Sender<Plea>>>>);

/// Somebody waits until others were let go.
pub(super) type Plea = oneshot::Sender<()>;

impl Descriptors {
    /// Returns when there are enough for one more process, or when no spare and no idle worker is left to end.
    pub(super) async fn make_room(&self) {
        if missing() == 0 {
            return;
        }
        let Some(pleas) = self.pleas().clone() else {
            return;
        };
        let (reply, answer) = oneshot::channel();
        if pleas.send(reply).await.is_ok() {
            let _ = timeout(PATIENCE, answer).await;
        }
    }

    /// Where it is asked that others be let go. For the one who can do so.
    pub(super) fn listen(&self) -> mpsc::Receiver<Plea> {
        let (sender, pleas) = mpsc::channel(16);
        *self.pleas() = Some(sender);
        pleas
    }

    fn pleas(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Plea>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many must be closed before a quarter of all is free; 0 where that is so.
pub(super) fn missing() -> u64 {
    match getrlimit(Resource::Nofile).current {
        Some(limit) => (open(limit) + limit / 4).saturating_sub(limit),
        None => 0,
    }
}

/// How many are open, of `limit`.
fn open(limit: u64) -> u64 {
    match std::fs::read_dir("/dev/fd") {
        Ok(entries) => entries.count() as u64,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        // Not even one for this.
        Err(_) => limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persons_own_programs_have_the_larger_share() {
        for (limit, socket, tcp) in [
            (256, 64, 32),
            (1_024, 256, 128),
            (524_288, 1_024, 128),
            (u64::MAX, 1_024, 128),
            (20, 32, 16),
        ] {
            assert_eq!(Shares::of(limit), Shares { socket, tcp }, "{limit}");
        }
    }

    #[test]
    fn what_is_open_is_counted() {
        let before = open(1_000);
        let more: Vec<_> = (0..20)
            .map(|_| std::fs::File::open("/dev/null").expect("there"))
            .collect();
        // Other tests open and close files of their own.
        assert!(before > 2 && open(1_000) > 20, "{before}");
        drop(more);
    }

    #[tokio::test]
    async fn whoever_can_let_go_is_asked_and_nobody_else_is_waited_for() {
        let descriptors = Descriptors::default();
        descriptors.make_room().await;
        let mut pleas = descriptors.listen();
        assert!(pleas.try_recv().is_err(), "there is room");
    }
}
