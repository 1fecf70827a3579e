//! How long what a page has open may be idle.

use std::time::Duration;

/// A minute of the settings that end in `idle_minutes`; nobody wants to wait for one in a test.
const MINUTE: Duration = Duration::from_millis(if cfg!(test) { 1_000 } else { 60_000 });

/// So many minutes; none for 0, which is for ever.
pub(super) fn idle_limit(minutes: u64) -> Option<Duration> {
    let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
    (minutes > 0).then(|| MINUTE.saturating_mul(minutes))
}
