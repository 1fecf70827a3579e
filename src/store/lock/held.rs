//! A lock that is held, and the way to it.
//!
//! Waiting asks again every few milliseconds. A blocking `flock` would need a thread to be given up in time, and that
//! thread could still get the lock later, in the name of a process that went on without it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::holder::Holder;
use crate::files::{Folder, is_only_name};

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("locked by {0}")]
    Busy(Holder),
    /// There can be no lock here: read-only, full, not a folder.
    #[error("cannot lock {}: {source}", .path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Where a lock is.
pub(in crate::store) struct Place<'a> {
    /// For messages.
    pub(in crate::store) path: PathBuf,
    pub(in crate::store) name: &'a str,
    /// Opens the folder, making it (but none above it) where it is missing. Asked anew each time: it may be removed.
    pub(in crate::store) folder: &'a dyn Fn() -> io::Result<Folder>,
}

/// A lock that is held; free again when dropped.
#[derive(Debug)]
pub(in crate::store) struct Held {
    file: File,
    pub(super) path: PathBuf,
}

/// Who asks for the holder has the lock for microseconds, on a machine that has time for it.
const LONGEST_QUESTION: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// What became of one attempt to take a lock.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is ours.
    Held(Held),
    /// Another process holds it.
    Busy(Holder),
    /// Others have it for a moment, to see who holds it.
    Asked,
}

impl Held {
    /// Takes the lock for `me`, waiting for it up to `limit`, and no longer than `is_worth_it` says of who holds it.
    /// Calls `notice` once with the holder when it has waited for as long as stands beside it.
    pub(in crate::store) fn wait(
        place: &Place<'_>,
        me: &Holder,
        limit: Duration,
        (notice_after, notice): (Duration, impl FnOnce(&Holder)),
        mut is_worth_it: impl FnMut(&Holder) -> bool,
    ) -> Result<Self, LockError> {
        let begun = Instant::now();
        let mut notice = Some(notice);
        let mut pause = Duration::from_millis(1);
        loop {
            // Before the attempt: however long that takes on a busy machine, it is the last one only when time was up.
            let waited = begun.elapsed();
            let holder = match Self::attempt(place, me) {
                Ok(Attempt::Held(held)) => return Ok(held),
                Ok(Attempt::Busy(holder)) => holder,
                Ok(Attempt::Asked) if waited < LONGEST_QUESTION => {
                    std::thread::sleep(Duration::from_millis(1));
                    continue;
                }
                Ok(Attempt::Asked) => Holder::default(),
                Err(source) => {
                    return Err(LockError::Unusable {
                        path: place.path.clone(),
                        source,
                    });
                }
            };
            // First the notice: who gives up, too, has been told by then, however late this thread came to run.
            if waited >= notice_after
                && let Some(notice) = notice.take()
            {
                notice(&holder);
            }
            if waited >= limit || !is_worth_it(&holder) {
                return Err(LockError::Busy(holder));
            }
            std::thread::sleep(pause.min(limit.saturating_sub(waited)));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    pub(super) fn attempt(place: &Place<'_>, me: &Holder) -> io::Result<Attempt> {
        loop {
            let file = (place.folder)()?.open_or_make(place.name)?;
            match file.try_lock() {
                Ok(()) => {}
                // Who only asks shares the lock with others that ask; who holds it shares it with nobody.
                Err(TryLockError::WouldBlock) if file.try_lock_shared().is_ok() => {
                    return Ok(Attempt::Asked);
                }
                Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(Holder::read(&file))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // The file may have been removed between opening and locking: then the lock is on a file that nobody else
            // will open.
            if !(place.folder)()?.is_at(&file, place.name) {
                continue;
            }
            // Only for the waiter's message: a full disk must not keep anyone from locking.
            let _ = empty(&file).and_then(|()| me.write(&file));
            return Ok(Attempt::Held(Self {
                file,
                path: place.path.clone(),
            }));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = empty(&self.file);
        // Closing the file is not enough: a child that is being started at this moment has inherited it.
        let _ = self.file.unlock();
    }
}

/// Empties a lock's file. One that has another name as well may be somebody's text: it serves as a lock all the same,
/// and is not written to.
fn empty(file: &File) -> io::Result<()> {
    if is_only_name(file) {
        return file.set_len(0);
    }
    Err(io::Error::other("the file has another name as well"))
}
