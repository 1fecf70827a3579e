//! How long what a page has open may be idle, and whether the daemon itself is in use.
//!
//! It is in use while a call is under way, which a node that runs, a page that is open and who follows events are, too;
//! while there is a terminal; while a page has a language server; and while a command is run that a project orders. A
//! worker that waits for its next node is none of these: it would keep the daemon for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::locked::Locked;

/// A minute of the settings that end in `idle_minutes`; nobody wants to wait for one in a test.
const MINUTE: Duration = Duration::from_millis(if cfg!(test) { 1_000 } else { 60_000 });

/// So many minutes; none for 0, which is for ever.
pub(super) fn idle_limit(minutes: u64) -> Option<Duration> {
    let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
    (minutes > 0).then(|| MINUTE.saturating_mul(minutes))
}

/// The calls that are under way. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    under_way: AtomicUsize,
    /// Those of them that do something: a node, a flow, a restart, and no follower of events.
    at_work: watch::Sender<usize>,
    /// When the last one ended, if any did.
    ended: Locked<Option<Instant>>,
}

/// A call, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    calls: Calls,
    is_work: bool,
}

impl Calls {
    /// Counts one, which does something (`is_work`), or only looks.
    pub(super) fn begin(&self, is_work: bool) -> UnderWay {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        if is_work {
            self.0.at_work.send_modify(|count| *count += 1);
        }
        UnderWay {
            calls: self.clone(),
            is_work,
        }
    }

    /// How many do something.
    pub(super) fn at_work(&self) -> usize {
        *self.0.at_work.borrow()
    }

    /// Returns when none does.
    pub(super) async fn none_at_work(&self) {
        // The sender lives as long as this does.
        let _ = self
            .0
            .at_work
            .subscribe()
            .wait_for(|count| *count == 0)
            .await;
    }

    /// Returns when for so long no call was under way, and nothing that `is_open` tells of. What ended between two
    /// looks, a terminal say, is taken to have ended at the second.
    pub(super) async fn cease(&self, limit: Duration, is_open: impl Fn() -> bool) {
        /// So many looks in the time that it may be idle.
        const LOOKS: u32 = 60;
        let mut used = Instant::now();
        let mut was_in_use = false;
        loop {
            let is_in_use = self.0.under_way.load(Ordering::Relaxed) > 0 || is_open();
            if is_in_use || was_in_use {
                used = Instant::now();
            }
            was_in_use = is_in_use;
            used = used.max((*self.0.ended.lock()).unwrap_or(used));
            if used.elapsed() >= limit {
                return;
            }
            sleep_until((Instant::now() + limit / LOOKS).min(used + limit)).await;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let calls = &self.calls.0;
        *calls.ended.lock() = Some(Instant::now());
        calls.under_way.fetch_sub(1, Ordering::Relaxed);
        if self.is_work {
            calls.at_work.send_modify(|count| *count -= 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn calls_have_ceased_so_long_after_the_last_one() {
        let calls = Calls::default();
        let call = calls.begin(true);
        assert_eq!(
            (calls.at_work(), calls.begin(false).calls.at_work()),
            (1, 1)
        );
        let ceased = timeout(LIMIT * 4, calls.cease(LIMIT, || false)).await;
        assert!(ceased.is_err(), "a call is under way");
        let works = timeout(LIMIT, calls.none_at_work()).await;
        assert!(works.is_err(), "it does something");
        drop(call);
        let ended = Instant::now();
        calls.none_at_work().await;
        calls.cease(LIMIT, || false).await;
        assert!(ended.elapsed() >= LIMIT, "{:?}", ended.elapsed());
        let ceased = timeout(LIMIT * 4, calls.cease(LIMIT, || true)).await;
        assert!(ceased.is_err(), "a terminal is open");
    }

    #[test]
    fn no_minutes_are_for_ever() {
        assert_eq!(idle_limit(0), None);
        assert_eq!(idle_limit(2), Some(MINUTE * 2));
    }
}
