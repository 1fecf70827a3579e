//! Whether a file is still the one that was looked at.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What tells one state of a file or folder from another. Its change time moves with every write, whatever time that
/// sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Of what is at `path`, links followed; none where nothing can be seen.
    pub fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self::of_metadata(&found))
    }

    /// Of the file that `found` is about.
    pub fn of_metadata(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    /// The stamp without the change time, which also moves when the file gets another name: conda shares one
    /// interpreter between its environments by hard links, and a new environment must not make it another one.
    #[must_use]
    pub fn without_change_time(self) -> Self {
        Self {
            changed: (0, 0),
            ..self
        }
    }

    /// Whether `other` is of the same file, written to or not.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_replaced_or_written_has_another_stamp() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (path, beside) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&path, "one").expect("write");
        let first = Stamp::of(&path).expect("there");
        assert_eq!(Stamp::of(&path), Some(first));
        std::fs::write(&path, "longer").expect("write");
        let written = Stamp::of(&path).expect("there");
        assert_ne!(written, first);
        assert!(written.is_same_file(&first));
        std::fs::write(&beside, "longer").expect("write");
        std::fs::rename(&beside, &path).expect("rename");
        let replaced = Stamp::of(&path).expect("there");
        assert!(!replaced.is_same_file(&written));
        std::fs::remove_file(&path).expect("remove");
        assert_eq!(Stamp::of(&path), None);
    }

    #[test]
    fn a_second_name_moves_the_change_time_alone() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a");
        std::fs::write(&path, "one").expect("write");
        let first = Stamp::of(&path).expect("there");
        let mut second = first;
        // The clock of change times moves in steps.
        while second == first {
            std::fs::hard_link(&path, dir.path().join("b")).expect("link");
            std::fs::remove_file(dir.path().join("b")).expect("remove");
            second = Stamp::of(&path).expect("there");
        }
        assert_eq!(second.without_change_time(), first.without_change_time());
    }
}
