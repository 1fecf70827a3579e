//! A start that failed, and when it is tried again.

use std::hash::{BuildHasher, RandomState};

use tokio::time::{Duration, Instant};

use crate::backend::worker::start::View;

/// How often a start that failed is tried again by itself.
const TRIES: u32 = 8;
/// The longest wait between two of these tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A start that failed, and when it is tried again by itself. A node or a person who asks does not wait for that.
pub(super) struct Failed {
    pub(super) view: View,
    /// Whether nodes run on the old worker meanwhile.
    pub(super) keeps_old: bool,
    pub(super) tries: u32,
    pub(super) again_at: Option<Instant>,
}

impl Failed {
    /// Each try is put off twice as long as the one before, by a quarter more or less, so that many projects on one
    /// broken disk do not try all at once; after [`TRIES`] it is left to whoever asks.
    pub(super) fn after(last: Option<Self>, view: View, pause: Duration) -> Self {
        let tries = last
            .filter(|last| last.view == view)
            .map_or(0, |last| last.tries + 1);
        let pause = (pause * (1 << tries.min(TRIES))).min(LONGEST_PAUSE);
        let random = RandomState::new().hash_one(tries) >> 32;
        let jitter = f64::from(u32::try_from(random).unwrap_or(0)) / f64::from(u32::MAX);
        Self {
            view,
            keeps_old: false,
            tries,
            again_at: (tries < TRIES).then(|| Instant::now() + pause.mul_f64(0.75 + jitter / 2.0)),
        }
    }
}
