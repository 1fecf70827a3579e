//! Where the daemon's tasks and threads begin, and what becomes of one that panics.
//!
//! A panic is a fault of ours. It must not be silent and it must not be the end: it is caught, told in the log and kept
//! for whoever asks ([`faults`]); and a task that lives as long as the daemon, or as a project's use, is begun anew by
//! whoever started it, after a pause that grows while it goes on panicking ([`Pauses`]). Nobody else calls
//! `tokio::spawn` and its like (`clippy.toml` keeps it so).
//!
//! **Invariant:** no panic goes past this without being counted.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use chrono::Utc;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use crate::api::v1::{Fault, Faults};

/// The first and the longest pause before something that panicked is begun anew.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(10));

/// How long something must have gone well for the pause to be the first one again.
const CALM: Duration = Duration::from_secs(60);

static FAULTS: Mutex<Faults> = Mutex::new(Faults {
    count: 0,
    last: None,
});

thread_local! {
    /// What the last panic of this thread said, and where.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Something panicked: what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Panicked(String);

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Has panics told in the log, with their place, instead of on standard error, where a reader that does not read would
/// hold them up.
pub(super) fn begin() {
    panic::set_hook(Box::new(|info| {
        let said = words(info);
        tracing::error!(thread = std::thread::current().name(), "panic: {said}");
        SAID.with(|last| *last.borrow_mut() = Some(said));
    }));
}

/// What went wrong since the daemon began.
pub(super) fn faults() -> Faults {
    kept().clone()
}

/// Runs `future` beside its owner. If it panics, that is told.
#[expect(clippy::disallowed_methods, reason = "the one place for it")]
pub(super) fn spawn<T: Send + 'static>(
    task: &'static str,
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<Result<T, Panicked>> {
    tokio::spawn(caught(task, future))
}

/// As [`spawn`], in another runtime than the caller's.
pub(super) fn spawn_at(
    runtime: &Handle,
    task: &'static str,
    future: impl Future<Output = ()> + Send + 'static,
) {
    runtime.spawn(caught(task, future));
}

/// Runs `future` as one of `tasks`. If it panics, that is told, and it has ended.
#[expect(clippy::disallowed_methods, reason = "the one place for it")]
pub(super) fn spawn_on(
    tasks: &mut JoinSet<()>,
    task: &'static str,
    future: impl Future<Output = ()> + Send + 'static,
) {
    tasks.spawn(async move {
        let _ = caught(task, future).await;
    });
}

/// Runs `work` on a thread that may wait.
#[expect(clippy::disallowed_methods, reason = "the one place for it")]
pub(super) async fn blocking<T: Send + 'static>(
    task: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panicked> {
    let done = tokio::task::spawn_blocking(move || guarded(task, work)).await;
    done.unwrap_or_else(|_| Err(Panicked("the daemon is shutting down".to_owned())))
}

/// Starts a thread called `name`, on which nothing may panic that is not [`guarded`].
#[expect(clippy::disallowed_methods, reason = "the one place for it")]
pub(super) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map(drop)
}

/// What comes of `future`, or that it panicked, which is told.
pub(super) async fn caught<T>(
    task: &'static str,
    future: impl Future<Output = T>,
) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(told(task, &*panic))),
        },
    )
    .await
}

/// What comes of `work`, or that it panicked, which is told.
pub(super) fn guarded<T>(task: &'static str, work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| told(task, &*panic))
}

/// The pauses before something that goes on panicking is begun anew.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    last: Option<(Instant, Duration)>,
}

impl Pauses {
    /// Whether the last one was a short while ago.
    pub(super) fn is_again(&self) -> bool {
        self.last.is_some_and(|(then, _)| then.elapsed() < CALM)
    }

    /// Lets the next pause pass.
    pub(super) async fn next(&mut self) {
        let now = Instant::now();
        let pause = match self.last {
            Some((_, pause)) if self.is_again() => (pause * 2).min(PAUSES.1),
            _ => PAUSES.0,
        };
        self.last = Some((now, pause));
        sleep(pause).await;
    }
}

/// Counts a panic of `task`.
fn told(task: &'static str, panic: &(dyn Any + Send)) -> Panicked {
    let said = SAID.with(|last| last.borrow_mut().take());
    let why = said.unwrap_or_else(|| text(panic).to_owned());
    tracing::error!(task, why, "a part of the daemon failed");
    let mut faults = kept();
    faults.count += 1;
    faults.last = Some(Fault {
        part: task.to_owned(),
        why: why.clone(),
        at: Utc::now(),
    });
    Panicked(why)
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let text = text(info.payload());
    match info.location() {
        Some(place) => format!("{text} ({place})"),
        None => text.to_owned(),
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason was given")
}

fn kept() -> MutexGuard<'static, Faults> {
    FAULTS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_caught_counted_and_told() {
        let before = faults().count;
        let failed = spawn("a task", async { panic!("on purpose: {}", 1) });
        let failed = failed.await.expect("caught");
        assert_eq!(failed, Err(Panicked("on purpose: 1".to_owned())));
        let failed = blocking("work", || panic!("on a thread")).await;
        assert_eq!(failed, Err::<(), _>(Panicked("on a thread".to_owned())));
        let failed = guarded("a call", || panic!("in a call"));
        assert_eq!(failed, Err::<(), _>(Panicked("in a call".to_owned())));
        let now = faults();
        assert!(now.count >= before + 3, "{now:?}");
        assert!(now.last.is_some());
        assert_eq!(spawn("fine", async { 7 }).await.expect("ended"), Ok(7));
    }

    #[tokio::test]
    async fn a_panic_after_a_wait_is_caught_too() {
        let failed = caught("waits", async {
            tokio::task::yield_now().await;
            panic!("later")
        });
        assert_eq!(failed.await, Err::<(), _>(Panicked("later".to_owned())));
    }

    #[tokio::test]
    async fn what_goes_on_panicking_is_begun_anew_ever_more_slowly() {
        let mut pauses = Pauses::default();
        assert!(!pauses.is_again());
        let begun = Instant::now();
        for _ in 0..4 {
            pauses.next().await;
            assert!(pauses.is_again());
        }
        let all = PAUSES.0 * (1 + 2 + 4 + 8);
        assert!(begun.elapsed() >= all, "{:?}", begun.elapsed());
    }
}
