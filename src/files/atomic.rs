//! Files that are there whole or not at all.
//!
//! **Invariant:** the target is only ever touched by `rename`; a failed write leaves nothing beside it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::owner::hand_over;

/// Writes `bytes` to `path` so that, whatever happens, either the old or the new content is there whole: they are on the
/// disk before the name leads to them. Keeps the permissions and the owner of an old file; writes through a symbolic link.
///
/// The name itself is left to the system to write down: after a power cut the old content may be there, which every
/// reader of ours takes (`docs/decisions/0008-what-waits-for-the-disk.md`).
///
/// # Errors
/// What the system says; the old content is then untouched and nothing is left beside it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, true)
}

/// As [`write()`], but leaves it to the system when the content reaches the disk: for what can be made again. A dead
/// process loses nothing; after a power cut the old content, or an empty file, may be there.
///
/// # Errors
/// As [`write()`].
pub fn write_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, false)
}

/// How the names of files that are being written end; one that is there for long was left by a crash.
pub(crate) const UNDER_WAY: &str = ".aim-tmp";

fn replace(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let old = fs::symlink_metadata(path).ok();
    let (target, old) = if old.as_ref().is_some_and(fs::Metadata::is_symlink) {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let old = fs::metadata(&target).ok();
        (target, old)
    } else {
        (path.to_path_buf(), old)
    };
    let draft = beside(&target)?;
    let written =
        fill(&draft, old.as_ref(), bytes, sync).and_then(|()| fs::rename(&draft, &target));
    if let Err(error) = written {
        // A second failure would only hide the first.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    Ok(())
}

fn fill(draft: &Path, old: Option<&fs::Metadata>, bytes: &[u8], sync: bool) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(draft)?;
    if let Some(old) = old {
        let mode = old.permissions().mode() & 0o777;
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    hand_over(&file, draft, old);
    file.write_all(bytes)?;
    if sync { file.sync_all() } else { Ok(()) }
}

/// A name in the folder of `target` that no other process or thread uses.
fn beside(target: &Path) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut draft = std::ffi::OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}-{number}{UNDER_WAY}", std::process::id()));
    Ok(target.with_file_name(draft))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::names;

    #[test]
    fn the_content_is_replaced_and_its_permissions_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a");
        write(&path, b"one").expect("write");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("permissions");
        write_unsynced(&path, b"two").expect("write");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(
            fs::metadata(&path).expect("stat").permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "one").expect("write");
        std::os::unix::fs::symlink("real", &link).expect("link");
        write(&link, b"two").expect("write");
        assert!(fs::symlink_metadata(&link).expect("stat").is_symlink());
        assert_eq!(fs::read(&real).expect("read"), b"two");
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("folder");
        fs::create_dir_all(path.join("inside")).expect("folders");
        assert!(write(&path, b"x").is_err());
        assert_eq!(names(dir.path()), ["folder"]);
    }
}
