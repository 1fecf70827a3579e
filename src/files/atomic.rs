//! Files that are there whole or not at all.
//!
//! **Invariant:** the target is only ever touched by `rename`; a failed write leaves nothing beside it.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FileType, OFlags, Stat};

use super::folder::{Folder, is_only_name, plain};

/// Writes `bytes` to `path`, which is the person's own: [`Folder::write`] in the folder that it leads to.
///
/// # Errors
/// As [`Folder::write`].
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    Folder::open(folder)?.write(name, bytes)
}

/// Where `path`, which is the person's own, leads: a file that they keep elsewhere is changed there, and the link
/// stays. Where there is none, `path` itself.
///
/// # Errors
/// What the system says.
pub fn led_to(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_path_buf()),
        led => led,
    }
}

impl Folder {
    /// Writes `bytes` to `name` so that, whatever happens, either the old or the new content is there whole: they are
    /// on the disk before the name leads to them. Keeps the permissions and the owner of an old file; what is no file,
    /// a link say, is replaced.
    ///
    /// The name itself is left to the system to write down: after a power cut the old content may be there, which every
    /// reader of ours takes (`docs/decisions/0008-what-waits-for-the-disk.md`).
    ///
    /// # Errors
    /// What the system says; the old content is then untouched and nothing is left beside it.
    pub fn write(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> io::Result<()> {
        replace(self, plain(name.as_ref())?, bytes, true)
    }

    /// As [`Folder::write`], but leaves it to the system when the content reaches the disk: for what can be made again.
    /// A dead process loses nothing; after a power cut the old content, or an empty file, may be there.
    ///
    /// # Errors
    /// As [`Folder::write`].
    pub fn write_unsynced(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> io::Result<()> {
        replace(self, plain(name.as_ref())?, bytes, false)
    }

    /// As [`Folder::write_unsynced`], where something else is at `name`, or nothing.
    ///
    /// # Errors
    /// As [`Folder::write`].
    pub fn write_unless_same(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> io::Result<()> {
        let name = name.as_ref();
        match self.read(name, bytes.len() as u64) {
            Ok(found) if found == bytes => Ok(()),
            _ => self.write_unsynced(name, bytes),
        }
    }

    /// As [`Folder::write_unsynced`], for what its owner alone may read and write, whatever was there before.
    ///
    /// # Errors
    /// As [`Folder::write`].
    pub fn write_private(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> io::Result<()> {
        put(self, plain(name.as_ref())?, |file| {
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(bytes)
        })
    }

    /// As [`Folder::open_or_make`], for writing at its end; it then has no other name, so that nothing is added to what
    /// somebody linked to it.
    ///
    /// # Errors
    /// As [`Folder::open_file`].
    pub fn open_to_append(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = name.as_ref();
        let file = self.open_to_change(name, OFlags::RDWR | OFlags::APPEND)?;
        if is_only_name(&file) {
            return Ok(file);
        }
        copy_over(self, plain(name)?, file)?;
        self.open_to_change(name, OFlags::RDWR | OFlags::APPEND)
    }
}

/// How the names of files that are being written end; one that is there for long was left by a crash.
pub(crate) const UNDER_WAY: &str = ".aim-tmp";

/// Puts a file with `bytes` in the place of `name`.
fn replace(folder: &Folder, name: &OsStr, bytes: &[u8], sync: bool) -> io::Result<()> {
    put(folder, name, |file| {
        file.write_all(bytes)?;
        if sync { file.sync_all() } else { Ok(()) }
    })
}

/// Puts a file with the content of `old` in the place of `name`.
fn copy_over(folder: &Folder, name: &OsStr, mut old: File) -> io::Result<()> {
    put(folder, name, |file| {
        io::copy(&mut old, file)?;
        file.sync_all()
    })
}

fn put(
    folder: &Folder,
    name: &OsStr,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let is_file = |old: &Stat| FileType::from_raw_mode(old.st_mode) == FileType::RegularFile;
    let old = folder.stat(name).ok().filter(is_file);
    let draft = beside(name);
    let written = folder
        .create(&draft, OFlags::WRONLY, old.as_ref())
        .and_then(|mut file| {
            if let Some(old) = old {
                file.set_permissions(Permissions::from_mode(mode(&old)))?;
            }
            fill(&mut file)
        })
        .and_then(|()| folder.rename(&draft, folder, name));
    if let Err(error) = written {
        // A second failure would only hide the first.
        let _ = folder.remove(&draft);
        return Err(error);
    }
    Ok(())
}

#[expect(
    clippy::unnecessary_cast,
    reason = "the field's type differs between systems"
)]
fn mode(old: &Stat) -> u32 {
    old.st_mode as u32 & 0o777
}

/// A name that no other process or thread uses.
fn beside(name: &OsStr) -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut draft = OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}-{number}{UNDER_WAY}", std::process::id()));
    draft
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::files::testing::names;

    #[test]
    fn what_is_private_is_so_whatever_was_there() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = Folder::open(dir.path()).expect("open");
        let path = dir.path().join("a");
        let mode = || path.metadata().expect("there").permissions().mode() & 0o777;
        folder.write_private("a", b"new").expect("written");
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("permissions");
        folder.write_private("a", b"newer").expect("written");
        assert_eq!(mode(), 0o600);
        assert_eq!(fs::read(&path).expect("read"), b"newer");
    }

    #[test]
    fn the_content_is_replaced_and_its_permissions_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a");
        write(&path, b"one").expect("write");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("permissions");
        let folder = Folder::open(dir.path()).expect("open");
        folder.write_unsynced("a", b"two").expect("write");
        assert_eq!(fs::read(&path).expect("read"), b"two");
        assert_eq!(
            fs::metadata(&path).expect("stat").permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_led_to_stays() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "one").expect("write");
        std::os::unix::fs::symlink("real", &link).expect("link");
        write(&link, b"two").expect("write");
        assert!(fs::symlink_metadata(&link).expect("stat").is_file());
        assert_eq!(fs::read(&real).expect("read"), b"one");
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
