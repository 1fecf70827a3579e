//! Whose the files are that we make.
//!
//! `sudo pip install` in a person's project makes files for the superuser. The lock, the records and `env_meta.json`
//! must stay the person's, or their next run could not be remembered, and AIM-Forge could not write at all.
//!
//! **Invariant:** only what this process made itself is given away, by its descriptor: never what was there before, or
//! the superuser could be made to give away a file of their own.

use std::os::fd::AsFd;

use rustix::fs::{Gid, Stat, Uid, fchown, fstat};
use rustix::process::{getegid, geteuid};

/// Gives `made` to whom `old`, which it replaces, belongs, else to whom the folder does that it is in. Where ownership
/// cannot be changed, the superuser keeps it.
pub(super) fn hand_over(made: impl AsFd, folder: impl AsFd, old: Option<&Stat>) {
    if !is_superuser() {
        return;
    }
    let owned = old.copied().or_else(|| fstat(folder).ok());
    if let Some(owned) = owned {
        let (uid, gid) = (Uid::from_raw(owned.st_uid), Gid::from_raw(owned.st_gid));
        if (uid, gid) != (geteuid(), getegid()) {
            let _ = fchown(made, Some(uid), Some(gid));
        }
    }
}

/// Whether this process may do anything to anybody's files.
pub fn is_superuser() -> bool {
    geteuid().is_root()
}
