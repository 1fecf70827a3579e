//! How much of a history is kept.

use chrono::{DateTime, TimeDelta, Utc};

use crate::project::Config;

/// What is kept: whichever limit is met first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Runs.
    pub runs: u64,
    /// Days.
    pub days: u64,
    /// MiB of logs.
    pub mib: u64,
    /// What began before then goes, however few days ago that was.
    pub before: Option<DateTime<Utc>>,
}

impl Limits {
    /// The limits of the settings in force.
    pub fn of(config: &Config) -> Self {
        Self {
            runs: config.retention_runs.value,
            days: config.retention_days.value,
            mib: config.retention_mib.value,
            before: None,
        }
    }

    /// When the oldest run that may stay began; none where every run may.
    pub(crate) fn oldest(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = i64::try_from(self.days).ok().and_then(TimeDelta::try_days);
        let by_days = days.and_then(|days| now.checked_sub_signed(days));
        self.before.max(by_days)
    }

    /// A sixteenth less of everything: to where a history is cut that has come to its limit, so that the next run does
    /// not write it anew.
    pub(crate) fn with_room(self) -> Self {
        let less = |limit: u64| limit - limit / 16;
        Self {
            runs: less(self.runs),
            days: less(self.days),
            mib: less(self.mib),
            before: self.before,
        }
    }

    /// Bytes of logs and records that may stay.
    pub(crate) fn bytes(self) -> u64 {
        self.mib.saturating_mul(1 << 20)
    }
}
