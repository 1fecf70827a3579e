//! Whether who holds a lock gets anywhere.
//!
//! A pip that asks its person something, one that stands stopped, and one whose build waits for the very pip that waits
//! here do not: nothing that belongs to them uses processor time, reads or writes.

use std::time::{Duration, Instant};

use super::holder::Holder;
use crate::system::{self, Work};

/// A holder that has not moved for as long stands still.
const LONGEST: Duration = Duration::from_secs(5);
/// Each look reads what the system says of every process.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// What was seen of who holds a lock, look after look.
#[derive(Debug, Default)]
pub(super) struct Stillness {
    holder: Holder,
    work: Option<Work>,
    moved: Option<Instant>,
    looked: Option<Instant>,
}

impl Stillness {
    /// Whether `holder` has stood still for [`LONGEST`], its whole tree but for `without` and what those started. Who
    /// cannot be seen, in a container, say, is taken to move.
    pub(super) fn lasts(&mut self, holder: &Holder, without: impl Fn() -> Vec<u32>) -> bool {
        let now = Instant::now();
        if self
            .looked
            .is_some_and(|looked| now - looked < BETWEEN_LOOKS)
        {
            return false;
        }
        self.looked = Some(now);
        let work = holder
            .process()
            .and_then(|pid| system::work_of(pid, &without()));
        if work.is_none() || work != self.work || *holder != self.holder {
            self.holder = holder.clone();
            self.work = work;
            self.moved = Some(now);
        }
        self.moved.is_some_and(|moved| now - moved >= LONGEST)
    }
}
