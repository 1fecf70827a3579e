//! What stands at a name, without opening it.

use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat};

/// What stands at a name; of a link, the link itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Whether it is a link.
    pub is_link: bool,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written to.
    pub modified: SystemTime,
    /// Its permissions.
    pub mode: u32,
    /// The user that it belongs to, by number.
    pub owner: u32,
}

impl Found {
    #[expect(
        clippy::unnecessary_cast,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "the fields' types differ between systems; sizes are never negative, nanoseconds are below a billion"
    )]
    pub(super) fn of(stat: &Stat) -> Self {
        let kind = FileType::from_raw_mode(stat.st_mode);
        let since = Duration::new(stat.st_mtime.max(0) as u64, stat.st_mtime_nsec as u32);
        Self {
            is_file: kind == FileType::RegularFile,
            is_folder: kind == FileType::Directory,
            is_link: kind == FileType::Symlink,
            length: stat.st_size as u64,
            modified: SystemTime::UNIX_EPOCH + since,
            mode: stat.st_mode as u32 & 0o7777,
            owner: stat.st_uid,
        }
    }
}
