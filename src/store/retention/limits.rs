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
}

impl Limits {
    /// The limits of the settings in force.
    pub fn of(config: &Config) -> Self {
        Self {
            runs: config.retention_runs.value,
            days: config.retention_days.value,
            mib: config.retention_mib.value,
        }
    }

    /// When the oldest run that may stay began; none where every run may.
    pub(crate) fn oldest(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = TimeDelta::try_days(i64::try_from(self.days).ok()?)?;
        now.checked_sub_signed(days)
    }

    /// Bytes of logs and records that may stay.
    pub(crate) fn bytes(self) -> u64 {
        self.mib.saturating_mul(1 << 20)
    }
}
