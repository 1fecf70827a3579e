//! What one operating system can do and another cannot, by one name for all of them.
//!
//! This project is built for Linux first (`linux`). `other` is every other Unix, macOS above all; what such a system
//! lacks is done without. No other file asks for the system's name (`tests/suite/imports.rs` keeps it so), so whoever
//! brings a new system has only these files to read.
//!
//! **Invariant:** both have the same functions, with the same types and words.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::*;

/// The first descriptor after the standard ones.
const FIRST_OF_OTHERS: libc::c_int = 3;

/// A process that called another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallingProcess {
    /// The process that started it, by its number.
    pub(crate) parent: u64,
    /// Its session, likewise.
    pub(crate) session: u64,
    /// Its name: the beginning of its file's, or what it gave itself.
    pub(crate) name: String,
    /// What it was called with.
    pub(crate) words: Vec<String>,
}

/// What starts a person's services.
#[allow(dead_code, reason = "each system has one of them")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceManager {
    /// systemd, by a manager of each person's.
    Systemd,
    /// macOS's.
    Launchd,
}

/// As [`close_others_on_exec`], one by one.
#[expect(unsafe_code, reason = "what is open there is nobody's value")]
fn each_close_on_exec() {
    /// Where a process may have as many as it likes, nobody has more.
    const MOST: u64 = 65_536;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let end = libc::c_int::try_from(limit.unwrap_or(MOST).min(MOST)).unwrap_or(FIRST_OF_OTHERS);
    for descriptor in FIRST_OF_OTHERS..end {
        // SAFETY: closes nothing in this process; a number that is none is refused.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Closes every descriptor but the standard ones. For a process in which nobody owns one.
#[expect(unsafe_code, reason = "what is open there is nobody's value")]
pub(crate) fn close_others() {
    for descriptor in open_others() {
        // SAFETY: nobody in this process owns it, as the caller says; a number that is none is refused.
        unsafe { libc::close(descriptor) };
    }
}

/// The descriptors but the standard ones that are open, as far as that is told.
fn open_others() -> Vec<libc::c_int> {
    let entries = std::fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number| *number >= FIRST_OF_OTHERS)
        .collect()
}

/// Whether the process `pid` is still the one that began at `began`, as [`beginning_of`] tells it: process ids are used
/// again. Where the system tells nobody, whether there is a process of that number.
pub(crate) fn is_alive(pid: u32, began: Option<u64>) -> bool {
    if beginning_of(std::process::id().into()).is_some() {
        return began.is_some() && began == beginning_of(pid.into());
    }
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}
