//! What the daemon's children read on disk: the worker's Python source, and our own files for shells.
//!
//! It is part of the daemon's binary, so that the two are always of one version, and is written to a folder that only
//! its owner can enter: whoever could change it would run as us.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::locked::Locked;
use crate::files::{Folder, Identity};
use crate::shells;
use crate::worker_source::{FILES, WORKER};

/// The folder of the script. Beside the daemon's socket, and so it moves when that does; clones move along.
#[derive(Debug, Clone)]
pub struct ScriptFolder(Arc<Locked<Whereabouts>>);

#[derive(Debug, Default)]
struct Whereabouts {
    path: PathBuf,
    /// The folders as they were when they were used last: workers may still load from those that it moved away from.
    used: BTreeMap<PathBuf, Identity>,
}

impl ScriptFolder {
    /// The folder at `path`, made when it is used.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let here = Self(Arc::default());
        here.move_to(path.into());
        here
    }

    /// From now on it is at `path`.
    pub(in crate::backend) fn move_to(&self, path: PathBuf) {
        self.0.lock().path = path;
    }

    /// Leaves the folders to the next daemon, which then need not write them, nor Python compile them.
    pub(in crate::backend) fn leave(&self) {
        self.0.lock().used.clear();
    }

    /// Removes the folders that were used.
    pub(in crate::backend) fn discard(&self) {
        for (path, used) in std::mem::take(&mut self.0.lock().used) {
            if let (true, Some(folder), Some(name)) =
                (used.is_at(&path), path.parent(), path.file_name())
            {
                // What is left is used by the next daemon.
                let _ = Folder::open(folder).and_then(|folder| folder.remove_all(name));
            }
        }
    }

    /// The script; what is missing or of another version is written first.
    ///
    /// # Errors
    /// When the folder is not private to us, or cannot be written.
    pub(crate) fn script(&self) -> io::Result<PathBuf> {
        Ok(self.folder()?.join(WORKER))
    }

    /// The folder of all of them; what is missing or of another version is written first.
    ///
    /// # Errors
    /// When the folder is not private to us, or cannot be written.
    pub(crate) fn folder(&self) -> io::Result<PathBuf> {
        let mut here = self.0.lock();
        write_in(&here.path)?;
        let (path, used) = (here.path.clone(), Identity::at(&here.path)?);
        here.used.insert(path.clone(), used);
        Ok(path)
    }
}

/// Writes what is missing in `folder`, or of another version.
///
/// # Errors
/// When the folder is not private to us, or cannot be written.
fn write_in(folder: &Path) -> io::Result<()> {
    make_private(folder)?;
    let opened = Folder::open(folder)?;
    for (name, source) in FILES.into_iter().chain(shells::FILES) {
        // The first node waits for this, and what a power cut leaves is compared again: nobody waits for the disk.
        opened.write_unless_same(name, source.as_bytes())?;
    }
    Ok(())
}

/// Makes `folder`, or checks that it is a real folder, ours, and closed to others.
#[expect(
    clippy::disallowed_methods,
    reason = "the daemon's own folder, checked to be private"
)]
fn make_private(folder: &Path) -> io::Result<()> {
    // The socket's folder may be gone. Those above are not for us to make: whoever keeps the daemon's place sees to it.
    for folder in [folder.parent(), Some(folder)].into_iter().flatten() {
        match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let found = fs_err::symlink_metadata(folder)?;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    let open_to_others = found.mode() & 0o077;
    if found.is_dir() && is_ours && open_to_others == 0 {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} is not a private folder of ours", folder.display()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_script_that_went_missing_or_was_changed_is_written_again() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("run/worker");
        write_in(&folder).expect("written");
        let path = folder.join(FILES[0].0);
        std::fs::write(&path, "print('other')").expect("write");
        write_in(&folder).expect("written again");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), FILES[0].1);
        std::fs::remove_dir_all(&folder).expect("remove");
        write_in(&folder).expect("made again");
        for (name, source) in FILES.into_iter().chain(shells::FILES) {
            assert_eq!(
                std::fs::read_to_string(folder.join(name)).expect("read"),
                source
            );
        }
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let open = dir.path().join("open");
        std::fs::create_dir(&open).expect("folder");
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).expect("mode");
        assert!(write_in(&open).is_err());
        let private = dir.path().join("private");
        write_in(&private).expect("written");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&private, &link).expect("link");
        assert!(write_in(&link).is_err());
    }

    #[test]
    fn only_the_folder_that_was_used_is_removed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        let folder = ScriptFolder::new(&one);
        std::fs::create_dir(&one).expect("somebody's");
        folder.discard();
        assert!(one.exists(), "never used");
        std::fs::remove_dir(&one).expect("removed");
        folder.script().expect("written");
        let clone = folder.clone();
        folder.move_to(two.clone());
        assert!(clone.script().expect("written").starts_with(&two));
        assert!(one.exists(), "workers may load from it");
        let aside = dir.path().join("aside");
        std::fs::rename(&two, &aside).expect("moved");
        std::fs::create_dir(&two).expect("somebody's");
        folder.discard();
        assert!(!one.exists());
        assert!(two.exists() && aside.exists(), "not the one that was used");
    }
}
