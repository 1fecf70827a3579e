//! Where the daemon of a project may be found, and whether what is there may be talked to.
//!
//! **Invariant:** there is one order, for the shim and for every command: [`places`].
//! **Invariant:** nobody tells a stranger anything: a socket is called only if it is of somebody who is trusted here,
//! and so is the process on its other side.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::daemon_note::DaemonNote;
use super::trusted::{Trusted, strangers};
use crate::host::Host;
use crate::project::{Project, sockets};
use crate::system;

/// A place where a daemon may listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    socket: PathBuf,
    trusted: Trusted,
}

/// Where the daemon of `project` is looked for, in this order: where the note in its environment says, then at the
/// places of this person's daemon ([`sockets`]).
pub fn places(host: &Host, project: Option<&Project>) -> Vec<Place> {
    let noted = project.and_then(|project| {
        let trusted = Trusted::around(project);
        let note = DaemonNote::of_somebody_here(project.venv(), &trusted)?;
        Some(Place {
            socket: note.socket,
            trusted,
        })
    });
    let mut places: Vec<Place> = noted.into_iter().collect();
    for socket in sockets(host) {
        if places.iter().all(|place| place.socket != socket) {
            places.push(Place::of_ours(socket));
        }
    }
    places
}

impl Place {
    /// The place of a daemon of this person's at `socket`.
    pub fn of_ours(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            trusted: Trusted::us(),
        }
    }

    /// The socket's path.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Whether what is there is a socket of somebody who is trusted: somebody else's must not be told about our
    /// projects.
    ///
    /// # Errors
    /// `NotFound` when nothing is there, `PermissionDenied` when it is not a socket or of somebody else.
    pub fn check(&self) -> io::Result<()> {
        self.trusted.check(&self.socket)
    }

    /// Whether the process on the other side of `stream`, which is connected to this place, is of somebody who is
    /// trusted: the socket's file may have been another one when it was looked at.
    ///
    /// # Errors
    /// `PermissionDenied` when it is not.
    pub fn check_peer(&self, stream: impl AsFd) -> io::Result<()> {
        match system::peer_of(stream.as_fd()) {
            Some(peer) if self.trusted.has(peer) => Ok(()),
            _ => Err(strangers()),
        }
    }

    /// Connects without waiting, if somebody listens there who is trusted. Std's own `connect` blocks for as long as a
    /// stuck daemon's queue is full.
    ///
    /// # Errors
    /// As [`Place::check`]; `WouldBlock` when the queue is full; what the system says.
    pub fn connect_at_once(&self) -> io::Result<UnixStream> {
        self.check()?;
        let handle = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::CLOEXEC)?;
        let stream = UnixStream::from(handle);
        stream.set_nonblocking(true)?;
        rustix::net::connect(&stream, &SocketAddrUnix::new(&self.socket)?)?;
        self.check_peer(&stream)?;
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    /// Whether somebody listens there.
    pub fn is_served(&self) -> bool {
        match self.connect_at_once() {
            Ok(_) => true,
            Err(error) => error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::env_vars;

    fn project(root: &Path) -> Project {
        std::fs::create_dir_all(root.join(".venv/.aim")).expect("folders");
        std::fs::write(root.join(".venv/pyvenv.cfg"), "").expect("write");
        Project::at(root).expect("a project")
    }

    fn found(host: &Host, project: Option<&Project>) -> Vec<PathBuf> {
        let places = places(host, project).into_iter();
        places.map(|place| place.socket).collect()
    }

    #[test]
    fn only_our_own_socket_is_trusted() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let kind = |path: &Path| {
            let checked = Place::of_ours(path).check();
            checked.map_err(|error| error.kind())
        };
        assert_eq!(kind(&socket), Err(io::ErrorKind::NotFound));
        let _listener = UnixListener::bind(&socket).expect("bind");
        assert_eq!(kind(&socket), Ok(()));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&socket, &link).expect("link");
        assert_eq!(kind(&link), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(kind(dir.path()), Err(io::ErrorKind::PermissionDenied));
    }

    #[test]
    fn the_other_side_must_be_ours_too() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let place = Place::of_ours(dir.path().join("s"));
        let _listener = UnixListener::bind(place.socket()).expect("bind");
        let stream = place.connect_at_once().expect("ours");
        let stranger = Place {
            trusted: Trusted::only(rustix::process::geteuid().as_raw() + 1),
            ..place
        };
        let refused = stranger.check_peer(&stream).expect_err("not theirs");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_place_with_a_full_queue_is_served_and_a_stale_one_is_not() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let place = Place::of_ours(dir.path().join("s"));
        assert!(!place.is_served());
        let listener = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None);
        let listener = listener.expect("a socket");
        let address = SocketAddrUnix::new(place.socket()).expect("an address");
        rustix::net::bind(&listener, &address).expect("bind");
        rustix::net::listen(&listener, 0).expect("listen");
        let waiting: Vec<_> = (0..4).map(|_| place.connect_at_once()).collect();
        assert!(waiting.iter().any(Result::is_err), "the queue is full");
        assert!(place.is_served());
        drop((listener, waiting));
        assert!(!place.is_served());
    }

    #[test]
    fn the_note_comes_first_and_no_place_twice() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let project = project(&dir.path().join("p"));
        let usual = dir.path().join("usual");
        let host = Host::fake(["x"]).with_var(env_vars::SOCKET, &usual);
        assert_eq!(found(&host, Some(&project)), std::slice::from_ref(&usual));
        let elsewhere = dir.path().join("elsewhere");
        let _daemon = UnixListener::bind(&elsewhere).expect("bind");
        let note = |socket: &Path| {
            let text = DaemonNote::here(socket.to_path_buf()).to_text();
            std::fs::write(project.venv().layout().daemon(), text).expect("write");
        };
        note(&elsewhere);
        assert_eq!(found(&host, Some(&project)), [elsewhere, usual.clone()]);
        assert_eq!(found(&host, None), std::slice::from_ref(&usual));
        let _daemon = UnixListener::bind(&usual).expect("bind");
        note(&usual);
        assert_eq!(found(&host, Some(&project)), [usual]);
    }
}
