//! Puts files in place by a rename, so that nobody ever sees half of one.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt;

/// Writes `bytes` with `mode` at `path`, whatever is there (a link is replaced, not followed).
pub(super) fn file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let fresh = beside(path);
    discard(&fresh)?;
    let mut file = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&fresh)?;
    let written = file
        .write_all(bytes)
        // The mode again: the caller's umask must not make a launcher that others cannot run.
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs_err::rename(&fresh, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

/// Keeps the file or link at `from` under the name `to` as well: the same file where the file system has hard links,
/// else a copy with the same mode. `from` stays.
pub(super) fn keep(from: &Path, to: &Path) -> io::Result<()> {
    let fresh = beside(to);
    discard(&fresh)?;
    if fs_err::hard_link(from, &fresh).is_err() {
        if fs_err::symlink_metadata(from)?.is_symlink() {
            fs_err::os::unix::fs::symlink(fs_err::read_link(from)?, &fresh)?;
        } else {
            fs_err::copy(from, &fresh)?;
        }
    }
    fs_err::rename(&fresh, to)?;
    // Two names of one file: then a rename does nothing and leaves both (rename(2)).
    discard(&fresh).map(|_| ())
}

/// Removes the file or link at `path`; says whether there was one.
pub(super) fn discard(path: &Path) -> io::Result<bool> {
    match fs_err::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The name that a file has before it is in place. Always the same one, so that a crash leaves at most one, which
/// the next call replaces; callers hold the lock.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".aim-new");
    path.with_file_name(name)
}
