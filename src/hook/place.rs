//! Puts files in place by a rename, so that nobody ever sees half of one. In an open folder, no link followed.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use crate::files::Folder;
use crate::files::momentary::is_momentary;

/// Writes `bytes` with `mode` at `name`, whatever is there (a link is replaced, not followed).
pub(super) fn file(folder: &Folder, name: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let fresh = beside(name);
    let write = || {
        folder.remove(&fresh)?;
        let mut file = folder.create_new(&fresh)?;
        file.write_all(bytes)?;
        // The caller's umask must not make a file that others cannot use.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        folder.rename(&fresh, folder, name)
    };
    let written = write();
    if written.is_err() {
        let _ = folder.remove(&fresh);
    }
    named(folder, name, written)
}

/// Removes the file or link `name`; says whether there was one.
pub(super) fn discard(folder: &Folder, name: &str) -> io::Result<bool> {
    named(folder, name, folder.remove(name))
}

/// `result`, its error with the path that it is about; what is of the moment is about none.
pub(super) fn named<T>(folder: &Folder, name: &str, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| {
        if is_momentary(&error) {
            return error;
        }
        let path = folder.path().join(name);
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    })
}

/// The name that a file has before it is in place. Always the same one, so that a crash leaves at most one, which
/// the next call replaces; callers hold the lock.
fn beside(name: &str) -> OsString {
    format!(".{name}.aim-new").into()
}
