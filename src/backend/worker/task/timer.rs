//! When the task is to look what is due, if nothing else happens before.
//!
//! What is due moves on with every node. A timer that is set anew each time wakes the runtime each time; one that is
//! left as it is rings too early now and then, finds nothing due, and is set to the next time.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// Rings when it was set to, or earlier.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    is_on: bool,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self {
            sleep: Box::pin(sleep_until(Instant::now())),
            is_on: false,
        }
    }

    /// Sets it to `at` at the latest; without a time it is off.
    pub(super) fn set(&mut self, at: Option<Instant>) {
        self.is_on = at.is_some();
        if let Some(at) = at
            && (at < self.sleep.deadline() || self.sleep.deadline() <= Instant::now())
        {
            self.sleep.as_mut().reset(at);
        }
    }

    /// Waits for it; for ever when it is off.
    pub(super) async fn ring(&mut self) {
        if self.is_on {
            self.sleep.as_mut().await;
        } else {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_is_set_to_earlier_times_and_anew_once_it_rang() {
        let mut timer = Timer::new();
        let now = Instant::now();
        let hours = |count: u64| Some(now + Duration::from_secs(3600 * count));
        timer.set(hours(2));
        timer.set(hours(3));
        assert_eq!(Some(timer.sleep.deadline()), hours(2));
        timer.set(hours(1));
        assert_eq!(Some(timer.sleep.deadline()), hours(1));
        timer.set(Some(now));
        timer.ring().await;
        timer.set(hours(3));
        assert_eq!(Some(timer.sleep.deadline()), hours(3));
    }
}
