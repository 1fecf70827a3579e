//! The worker's Python source on disk.
//!
//! It is part of the daemon's binary, so that the two are always of one version, and is written to a folder that only
//! its owner can enter: whoever could change it would run as us.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::store::atomic;

const SOURCE: &str = include_str!("../../../worker/aim_worker.py");
const NAME: &str = "aim_worker.py";

/// The script in `folder`; written first if it is missing or of another version.
///
/// # Errors
/// When the folder is not private to us, or cannot be written.
pub(super) fn in_folder(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join(NAME);
    make_private(folder)?;
    if fs_err::read(&path).is_ok_and(|found| found == SOURCE.as_bytes()) {
        return Ok(path);
    }
    atomic::write(&path, SOURCE.as_bytes())?;
    Ok(path)
}

/// Makes `folder`, or checks that it is a real folder, ours, and closed to others.
fn make_private(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs_err::create_dir_all(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
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
        let path = in_folder(&folder).expect("written");
        std::fs::write(&path, "print('other')").expect("write");
        in_folder(&folder).expect("written again");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), SOURCE);
        std::fs::remove_dir_all(&folder).expect("remove");
        in_folder(&folder).expect("made again");
        assert!(path.is_file());
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let open = dir.path().join("open");
        std::fs::create_dir(&open).expect("folder");
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).expect("mode");
        assert!(in_folder(&open).is_err());
        let private = dir.path().join("private");
        in_folder(&private).expect("written");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&private, &link).expect("link");
        assert!(in_folder(&link).is_err());
    }
}
