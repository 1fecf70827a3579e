//! A value behind a lock that a panic does not close.
//!
//! **Invariant:** what is changed under such a lock is right at every moment, so that a panic in between leaves nothing
//! that the next owner of the lock could not go on with.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A [`Mutex`] that never counts as poisoned.
#[derive(Debug, Default)]
pub(super) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// The value, for this caller alone until the guard is dropped.
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_closes_nothing() {
        let locked = Locked::new(1);
        let panicked = std::thread::scope(|scope| {
            let change = || {
                let mut value = locked.lock();
                *value = 2;
                panic!("under the lock");
            };
            scope.spawn(change).join().is_err()
        });
        assert!(panicked);
        assert_eq!(*locked.lock(), 2);
    }
}
