//! Whose the files are that we make.
//!
//! `sudo pip install` in a person's project makes files for the superuser. The lock, the records and `env_meta.json` must stay
//! the person's, or their next run could not be remembered, and AIM-Forge could not write at all.

use std::fs::{self, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Gid, Uid};
use rustix::process::{getegid, geteuid};

/// Makes the folder at `path`, but none above it, where it is missing; it belongs to whom the one above belongs.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            if is_superuser()
                && let Some(above) = above(path)
            {
                // Where that cannot be, it is the superuser's.
                let _ = rustix::fs::chown(path, Some(uid(&above)), Some(gid(&above)));
            }
            Ok(())
        }
    }
}

/// Gives `file`, which was just made at `path`, to whom `old`, which it replaces, belongs, else to whom its folder does.
pub(crate) fn hand_over(file: impl AsFd, path: &Path, old: Option<&Metadata>) {
    if !is_superuser() {
        return;
    }
    let above = if old.is_none() { above(path) } else { None };
    if let Some(owned) = old.or(above.as_ref())
        && (uid(owned), gid(owned)) != (geteuid(), getegid())
    {
        let _ = rustix::fs::fchown(file, Some(uid(owned)), Some(gid(owned)));
    }
}

fn is_superuser() -> bool {
    geteuid().is_root()
}

fn above(path: &Path) -> Option<Metadata> {
    fs::metadata(path.parent()?).ok()
}

fn uid(owned: &Metadata) -> Uid {
    Uid::from_raw(owned.uid())
}

fn gid(owned: &Metadata) -> Gid {
    Gid::from_raw(owned.gid())
}
