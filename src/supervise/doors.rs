//! The sockets at which a supervised command is reached, through all of its processes.
//!
//! A door is open as long as the supervisor lives. Where the system lets us choose (`system::steer`), each process gets
//! a socket of its own at the door's address (`SO_REUSEPORT`), and everybody who connects is led to one of them. So the
//! last process meets nobody new once the next one serves, and can be asked to end when it has answered everybody: one
//! that goes while connections come in closes some that it has accepted and not read yet. Elsewhere all of them share
//! one socket.
//!
//! **Invariant:** `sockets` is in the order that the kernel has: a new one comes last, and where one goes, the last one
//! takes its place (`reuseport_add_sock`, `reuseport_detach_sock` in its `sock_reuseport.c`).

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::sockopt::{set_socket_reuseaddr, set_socket_reuseport};
use rustix::net::{AddressFamily, Shutdown, SocketType, bind, listen, shutdown, socket};

use super::address::Address;
use crate::system;

/// Connections that may wait until somebody accepts them; the system has a bound of its own (listen(2)).
const BACKLOG: i32 = 4096;

/// Why a door cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct ListenError {
    /// Where it was to be.
    pub address: Address,
    /// What the system says.
    pub source: io::Error,
}

/// One process of the command after the other, counted.
pub(super) type Turn = u32;

/// All doors of a command.
#[derive(Debug, Default)]
pub struct Doors(Vec<Door>);

#[derive(Debug)]
struct Door {
    /// Its name (`LISTEN_FDNAMES`).
    name: String,
    /// Where each process can have a socket of its own; none where they share one.
    steered: Option<SocketAddr>,
    sockets: Vec<(Turn, OwnedFd)>,
    /// What is taken away at the end.
    path: Option<PathBuf>,
}

impl Doors {
    /// Opens a door at each address. Who connects from now on waits for the first process.
    ///
    /// # Errors
    /// That one is in use, or cannot be ours.
    pub fn open(addresses: &[Address]) -> Result<Self, ListenError> {
        let open = |address: &Address| {
            Door::open(address).map_err(|source| ListenError {
                address: address.clone(),
                source,
            })
        };
        addresses
            .iter()
            .map(open)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn are_there(&self) -> bool {
        !self.0.is_empty()
    }

    /// Has sockets ready for the process of this turn; nobody is led to it yet.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn prepare(&mut self, turn: Turn) -> io::Result<()> {
        self.0.iter_mut().try_for_each(|door| door.prepare(turn))
    }

    /// The sockets of the process of this turn, with their names.
    pub(super) fn of(&self, turn: Turn) -> Vec<(BorrowedFd<'_>, &str)> {
        self.0
            .iter()
            .map(|door| (door.of(turn), door.name.as_str()))
            .collect()
    }

    /// Whether the process `pid`, of this turn, or one that it has started, waits for connections at each door. Never
    /// where the system does not tell.
    pub(super) fn are_watched_by(&self, pid: u32, turn: Turn) -> bool {
        let is_watched = |door: &Door| system::is_watched_below(pid, door.of(turn));
        self.0.iter().all(is_watched)
    }

    /// Leads everybody who connects from now on to the process of this turn.
    pub(super) fn lead_to(&self, turn: Turn) {
        self.0.iter().for_each(|door| door.lead_to(turn));
    }

    /// Whether the last process meets nobody new once others are led to the next.
    pub(super) fn are_steered(&self) -> bool {
        self.0.iter().any(|door| door.steered.is_some())
    }

    /// The process of this turn has ended, and the one of `serving` serves.
    pub(super) fn close(&mut self, turn: Turn, serving: Turn) {
        for door in &mut self.0 {
            door.close(turn);
            door.lead_to(serving);
        }
    }
}

impl Door {
    fn open(address: &Address) -> io::Result<Self> {
        // A colon stands between two names.
        let name = address.to_string().replace(':', "-");
        let door = |socket, steered, path| Self {
            name,
            steered,
            sockets: vec![(0, socket)],
            path,
        };
        let listening = |socket: OwnedFd| listen(&socket, BACKLOG).map(|()| socket);
        match address {
            Address::Unix(path) => {
                let socket = listening(unix(path)?.into())?;
                Ok(door(socket, None, Some(path.clone())))
            }
            Address::Tcp(place) => {
                // Alone, so that whoever listens there is noticed, also where they would share it.
                let alone = TcpListener::bind(place)?;
                let place = alone.local_addr()?;
                drop(alone);
                let shared = beside_others(place).ok();
                if let Some(socket) = shared.filter(|socket| system::steer(socket.as_fd(), 0)) {
                    return Ok(door(socket, Some(place), None));
                }
                let socket = listening(TcpListener::bind(place)?.into())?;
                Ok(door(socket, None, None))
            }
        }
    }

    fn prepare(&mut self, turn: Turn) -> io::Result<()> {
        if let Some(place) = self.steered
            && self.sockets.iter().all(|(of, _)| *of != turn)
        {
            self.sockets.push((turn, beside_others(place)?));
        }
        Ok(())
    }

    fn of(&self, turn: Turn) -> BorrowedFd<'_> {
        let own = self.sockets.iter().find(|(of, _)| *of == turn);
        own.unwrap_or(&self.sockets[0]).1.as_fd()
    }

    fn lead_to(&self, turn: Turn) {
        let index = self.sockets.iter().position(|(of, _)| *of == turn);
        if let Some(index) = index.and_then(|index| u32::try_from(index).ok())
            && self.steered.is_some()
        {
            system::steer(self.of(turn), index);
        }
    }

    fn close(&mut self, turn: Turn) {
        let index = self.sockets.iter().position(|(of, _)| *of == turn);
        if let Some(index) = index.filter(|_| self.sockets.len() > 1) {
            let (_, socket) = self.sockets.swap_remove(index);
            // Also where a process that the last one has left behind has it still.
            let _ = shutdown(&socket, Shutdown::Both);
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            remove(path);
        }
    }
}

/// One more socket at `place`.
fn beside_others(place: SocketAddr) -> io::Result<OwnedFd> {
    let family = if place.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = socket(family, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    set_socket_reuseaddr(&socket, true)?;
    set_socket_reuseport(&socket, true)?;
    bind(&socket, &place)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// A socket at `path`, where one that nobody listens on any more may lie.
fn unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::FileTypeExt as _;

    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = std::fs::symlink_metadata(path)?.file_type().is_socket();
            let is_left = UnixStream::connect(path)
                .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
            if !is_socket || !is_left {
                return Err(error);
            }
            remove(path);
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

#[expect(clippy::disallowed_methods, reason = "a place that the person named")]
fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    /// How many connections wait at each of `turns`.
    fn waiting(doors: &Doors, turns: &[Turn]) -> Vec<usize> {
        let count = |turn: &Turn| {
            let listener = doors.of(*turn)[0].0.try_clone_to_owned().expect("one more");
            let listener = TcpListener::from(listener);
            listener.set_nonblocking(true).expect("does not wait");
            std::iter::from_fn(|| listener.accept().ok()).count()
        };
        turns.iter().map(count).collect()
    }

    #[test]
    fn who_connects_is_led_to_one_process_whoever_came_or_went() {
        let mut doors = Doors::open(&[Address::Tcp("127.0.0.1:0".into())]).expect("open");
        let Some(place) = doors.0[0].steered else {
            return; // this system leads nobody
        };
        let come = || (0..20).for_each(|_| drop(TcpStream::connect(place).expect("connects")));
        come();
        doors.prepare(1).expect("prepared");
        come();
        assert_eq!(waiting(&doors, &[0, 1]), [40, 0]);
        doors.lead_to(1);
        come();
        doors.prepare(2).expect("prepared");
        come();
        assert_eq!(waiting(&doors, &[0, 1, 2]), [0, 40, 0]);
        doors.close(0, 1);
        come();
        assert_eq!(waiting(&doors, &[1, 2]), [20, 0]);
        doors.lead_to(2);
        doors.close(1, 2);
        come();
        assert_eq!(waiting(&doors, &[2]), [20]);
        // The last one stays, whoever ends.
        doors.close(2, 2);
        come();
        assert_eq!(waiting(&doors, &[2]), [20]);
        let taken = Doors::open(&[Address::Tcp(place.to_string())]).expect_err("taken");
        assert_eq!(taken.source.kind(), io::ErrorKind::AddrInUse);
    }
}
