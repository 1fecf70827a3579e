//! What a descriptor is.

use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, fstat, stat};
use rustix::termios::isatty;

/// What a descriptor is, as far as capture goes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum DescriptorKind {
    /// A terminal.
    Terminal,
    /// A pipe, with or without a name.
    Pipe,
    /// A socket.
    Socket,
    /// A regular file.
    File,
    /// `/dev/null`.
    Null,
    /// Any other device, a folder, …: not captured.
    Other,
}

impl DescriptorKind {
    /// Looks at what `fd` is.
    pub(super) fn of(fd: BorrowedFd<'_>) -> Self {
        let Ok(status) = fstat(fd) else {
            return Self::Other;
        };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::Fifo => Self::Pipe,
            FileType::Socket => Self::Socket,
            FileType::RegularFile => Self::File,
            FileType::CharacterDevice if isatty(fd) => Self::Terminal,
            FileType::CharacterDevice
                if stat(c"/dev/null").is_ok_and(|null| null.st_rdev == status.st_rdev) =>
            {
                Self::Null
            }
            _ => Self::Other,
        }
    }
}
