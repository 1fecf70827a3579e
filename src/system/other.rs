//! Every other Unix, macOS above all.

use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::Command;

use libc::siginfo_t;
use rustix::process::Pid;
use rustix::pty::OpenptFlags;

use super::{CallingProcess, ServiceManager};

/// The longest path of a socket, in bytes (unix(4) of the BSDs: 104 with the NUL at its end).
pub(crate) const LONGEST_SOCKET_PATH: usize = 103;

/// A process cannot open what another has open.
pub(crate) const SHARES_DESCRIPTORS: bool = false;

/// How the master of a terminal is opened: close-on-exec is set afterwards, as `posix_openpt(3)` knows no flag for it.
pub(crate) const MASTER_FLAGS: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY);

/// Folders in which pip looks for its settings beside those of every Unix: the machine's, and one below the home folder
/// (pip's `appdirs`).
pub(crate) const MORE_PIP_SETTINGS: Option<[&str; 2]> = if cfg!(target_os = "macos") {
    Some([
        "/Library/Application Support/pip",
        "Library/Application Support/pip",
    ])
} else {
    None
};

/// The system has no name for a process's own program but the usual one.
pub(crate) const OWN_PROGRAM: Option<&str> = None;

/// What starts a person's services here: launchd, where this is macOS.
pub(crate) const SERVICE_MANAGER: ServiceManager = ServiceManager::Launchd;

/// Not possible: no call follows links nowhere on the way.
pub(crate) fn open_below(_folder: BorrowedFd<'_>, _path: &Path) -> Option<OwnedFd> {
    None
}

/// Not possible: `/dev/fd` only duplicates, and the flags would be the caller's.
pub(crate) fn open_again(_fd: BorrowedFd<'_>) -> Option<OwnedFd> {
    None
}

/// The master cannot be asked; it is opened by its name.
pub(crate) fn open_slave(_master: &OwnedFd) -> Option<OwnedFd> {
    None
}

/// Whether a process sent this signal: macOS leaves the code at 0, and names no process for what a terminal sends.
#[expect(
    unsafe_code,
    reason = "outside Linux the sender may be behind a method that is not safe"
)]
pub(crate) fn is_sent_by_process(info: &siginfo_t) -> bool {
    // SAFETY: every signal that is asked about here is one that a process or a terminal sends, so the sender is set.
    unsafe { info.si_pid() != 0 }
}

/// Nothing: the limit for core files is all that there is.
pub(crate) fn forbid_dump() {}

/// The system tells no process of its parent's end; a worker notices that its socket has closed.
pub(crate) fn end_with_parent(_command: &mut Command) {}

/// Has every descriptor but the standard ones closed when another program takes the place of this one.
pub(crate) fn close_others_on_exec() {
    super::each_close_on_exec();
}

/// A file that has no name and goes with its last descriptor: it has lost that as soon as it was made.
#[expect(
    clippy::disallowed_methods,
    reason = "a file of this process alone, which nobody can find"
)]
pub(crate) fn unnamed_file() -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = format!("/tmp/aim-backend-{}", uuid::Uuid::now_v7().simple());
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&name)?;
    std::fs::remove_file(name)?;
    Ok(file)
}

/// There is no looking at the processes of others.
pub(crate) fn processes() -> impl Iterator<Item = Pid> {
    std::iter::empty()
}

/// As [`processes`].
pub(crate) fn environ_of(_pid: Pid) -> Vec<u8> {
    Vec::new()
}

/// As [`processes`].
pub(crate) fn who_locks(_found: &std::fs::Metadata) -> Option<u64> {
    None
}

/// As [`processes`].
pub(crate) fn command_line_of(_pid: u32) -> Vec<u8> {
    Vec::new()
}

/// As [`processes`].
pub(crate) fn session_of(_pid: u64) -> Option<u64> {
    None
}

/// As [`processes`].
pub(crate) fn beginning_of(_pid: u64) -> Option<u64> {
    None
}

/// As [`processes`].
pub(crate) fn calling_process(_pid: u64) -> Option<CallingProcess> {
    None
}

/// What a process has done so far: there is no telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {}

/// As [`processes`]. So whoever holds a lock is taken to move, and is waited for as long as `lock.timeout` says.
pub(crate) fn work_of(_pid: u32, _without: &[u32]) -> Option<Work> {
    None
}

/// The user on the other side of `socket` (getpeereid(3)).
#[expect(unsafe_code, reason = "nobody has a safe way to ask")]
pub(crate) fn peer_of(socket: BorrowedFd<'_>) -> Option<u32> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: the descriptor is open for as long as it is borrowed, and both pointers lead to what may be written.
    let asked = unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut uid, &raw mut gid) };
    (asked == 0).then_some(uid)
}

/// There are no namespaces of process ids.
pub(crate) fn pid_namespace() -> u64 {
    0
}

/// A process cannot be held.
pub(crate) fn hold(_pid: Pid) -> Option<HeldProcess> {
    None
}

/// A process that is held: there is none.
#[derive(Debug)]
pub(crate) enum HeldProcess {}

impl HeldProcess {
    pub(crate) fn kill(&self) {
        match *self {}
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }

    pub(crate) fn wait(&self, _limit: std::time::Duration) {
        match *self {}
    }
}

/// The file system that `path` is on, if it is not of this machine (statfs(2) of macOS, `MNT_LOCAL`).
#[cfg(target_os = "macos")]
pub(crate) fn remote_file_system(path: &Path) -> Option<&'static str> {
    const MNT_LOCAL: u32 = 0x1000;
    let is_local = rustix::fs::statfs(path).ok()?.f_flags & MNT_LOCAL != 0;
    (!is_local).then_some("a network file system")
}

/// There is no telling.
#[cfg(not(target_os = "macos"))]
pub(crate) fn remote_file_system(_path: &Path) -> Option<&'static str> {
    None
}

/// Nobody chooses which of several sockets at one address is connected to.
pub(crate) fn steer(_socket: BorrowedFd<'_>, _index: u32) -> bool {
    false
}

/// Whether the process `pid`, or one below it, waits for something to happen at `file`: nobody tells.
pub(crate) fn is_watched_below(_pid: u32, _file: BorrowedFd<'_>) -> bool {
    false
}

/// There is no such bound.
pub(crate) fn most_watches() -> Option<usize> {
    None
}

/// A pipe is as wide as it is.
pub(crate) fn widen(_pipe: BorrowedFd<'_>) {}

/// A folder is looked at again and again.
#[derive(Debug)]
pub(crate) enum FolderWatch {}

impl FolderWatch {
    pub(crate) fn of(_folder: &Path) -> Option<Self> {
        None
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }

    pub(crate) fn is_at(&self, _folder: &Path) -> bool {
        match *self {}
    }

    pub(crate) fn settle(&self) {
        match *self {}
    }
}
