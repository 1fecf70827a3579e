//! Which file it is, whatever is in it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use super::momentary::there;

/// What tells one file, folder or socket from every other that was, is or will be at its path. The number alone would
/// not do: a system may give it again to the next file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    /// Where the file system knows.
    born: Option<SystemTime>,
}

impl Identity {
    /// Of what is at `path`; of a link, its own.
    ///
    /// # Errors
    /// What the system says.
    pub fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::of_metadata(&std::fs::symlink_metadata(path)?))
    }

    /// Of a file that is open.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::of_metadata(&file.metadata()?))
    }

    /// Whether this is at `path` now, as far as can be seen.
    pub fn is_at(self, path: &Path) -> bool {
        Self::at(path).is_ok_and(|there| there == self)
    }

    /// Whether this is not at `path` any more: nothing is, or another thing. What cannot be looked at has not gone.
    pub fn is_gone_from(self, path: &Path) -> bool {
        there(Self::at(path)).is_ok_and(|there| there != Some(self))
    }

    fn of_metadata(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            born: found.created().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_with_the_file_and_not_with_the_path() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (path, beside) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&path, "one").expect("write");
        let identity = Identity::at(&path).expect("there");
        std::fs::write(&path, "changed").expect("write");
        assert!(
            identity.is_at(&path) && !identity.is_gone_from(&path),
            "written to"
        );
        let open = File::open(&path).expect("open");
        assert_eq!(Identity::of(&open).expect("open"), identity);
        std::fs::rename(&path, &beside).expect("rename");
        assert!(identity.is_at(&beside) && !identity.is_at(&path));
        std::fs::write(&path, "one").expect("write");
        assert!(
            !identity.is_at(&path) && identity.is_gone_from(&path),
            "another file"
        );
        assert!(identity.is_gone_from(&dir.path().join("nowhere/a")));
        // The way there leads in a circle: nobody can look.
        let circle = dir.path().join("circle");
        std::os::unix::fs::symlink(&circle, &circle).expect("link");
        assert!(!identity.is_gone_from(&circle.join("a")) && !identity.is_at(&circle.join("a")));
        std::os::unix::fs::symlink(&beside, dir.path().join("link")).expect("link");
        assert!(!identity.is_at(&dir.path().join("link")));
    }
}
