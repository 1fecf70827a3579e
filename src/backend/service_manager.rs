//! What systemd gives to a daemon that it runs, and is told by it: a listening socket (`sd_listen_fds(3)`), that it
//! serves and when it ends (`sd_notify(3)`), and that it is alive (`sd_watchdog_enabled(3)`). Elsewhere nothing is
//! given, and nobody told.
//!
//! The socket is systemd's: it is there while no daemon runs, and a call begins one.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

use rustix::net::sockopt::{socket_acceptconn, socket_domain};
use rustix::net::{AddressFamily, getsockname};
use sd_notify::NotifyState;

/// The variables by which all this is said. They are for the daemon alone, not for what it starts.
const VARIABLES: [&str; 6] = [
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Whether a variable is about a socket that was given, once, to this very program.
pub(super) fn is_of_given_socket(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"LISTEN_") && is_for_daemon(name)
}

/// Whether a variable is for the daemon alone.
pub(super) fn is_for_daemon(name: &OsStr) -> bool {
    VARIABLES.iter().any(|own| name == *own)
}

/// The Unix socket that this process was given to serve, if any. To be asked once, before anything else is opened.
///
/// # Errors
/// When what is said to be given is not there.
pub(super) fn given_socket() -> io::Result<Option<UnixListener>> {
    let mut found = None;
    for descriptor in sd_notify::listen_fds()? {
        if found.is_none() && is_socket_to_serve(descriptor)? {
            found = Some(adopted(descriptor));
        } else {
            tracing::warn!(
                descriptor,
                "a descriptor is given that is no Unix socket; it is left alone"
            );
        }
    }
    Ok(found)
}

#[expect(
    unsafe_code,
    reason = "the protocol names descriptors by their numbers"
)]
fn is_socket_to_serve(descriptor: RawFd) -> io::Result<bool> {
    // SAFETY: it is open, as it could be marked to be closed at an exec, and nobody has taken it over.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    if getsockname(borrowed).is_err() {
        return Ok(false);
    }
    Ok(socket_domain(borrowed)? == AddressFamily::UNIX && socket_acceptconn(borrowed)?)
}

#[expect(
    unsafe_code,
    reason = "the protocol names descriptors by their numbers"
)]
fn adopted(descriptor: RawFd) -> UnixListener {
    // SAFETY: it is open, was made for this process, and is taken over once.
    unsafe { OwnedFd::from_raw_fd(descriptor) }.into()
}

/// Says that the daemon serves.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Says that the daemon is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says now and again that the daemon is alive, if that is asked for: by the thread that answers calls, so that a stuck
/// one is found.
pub(super) async fn keep_alive() {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    // Half of it, as `sd_watchdog_enabled(3)` recommends.
    let mut beats = tokio::time::interval(limit / 2);
    loop {
        beats.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told of the daemon");
    }
}
