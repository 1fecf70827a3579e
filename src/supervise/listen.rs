//! The sockets that a supervised command listens on: where they are, and how they are made.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::str::FromStr;

/// Connections that may wait until somebody accepts them; the system has a bound of its own (listen(2)).
const BACKLOG: i32 = 4096;

/// Where a socket listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A host and a port.
    Tcp(String),
    /// A path.
    Unix(PathBuf),
}

/// Why a socket cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct ListenError {
    /// Where it was to be.
    pub address: Address,
    /// What the system says.
    pub source: io::Error,
}

impl Address {
    /// Its socket, made, and its name (`LISTEN_FDNAMES`).
    ///
    /// # Errors
    /// That it is in use, or not ours.
    pub fn listen(&self) -> Result<(OwnedFd, String), ListenError> {
        let socket = self.socket().map_err(|source| ListenError {
            address: self.clone(),
            source,
        })?;
        // A colon stands between two names.
        Ok((socket, self.to_string().replace(':', "-")))
    }

    fn socket(&self) -> io::Result<OwnedFd> {
        let socket: OwnedFd = match self {
            Self::Tcp(place) => TcpListener::bind(place)?.into(),
            Self::Unix(path) => unix(path)?.into(),
        };
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(socket)
    }

    /// Takes away what is left of a socket whose process has ended.
    pub fn clear(&self) {
        if let Self::Unix(path) = self {
            remove(path);
        }
    }
}

/// A socket at `path`, where one that nobody listens on any more may lie.
fn unix(path: &PathBuf) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            use std::os::unix::fs::FileTypeExt as _;
            use std::os::unix::net::UnixStream;

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
fn remove(path: &PathBuf) {
    let _ = std::fs::remove_file(path);
}

impl FromStr for Address {
    type Err = ();

    /// `127.0.0.1:8000`, `localhost:8000`, `[::1]:8000`, `:8000` and `8000` for this machine alone, `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(path) = text.strip_prefix("unix:") {
            return (!path.is_empty())
                .then(|| Self::Unix(path.into()))
                .ok_or(());
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        let port: u16 = port.parse().map_err(|_| ())?;
        Ok(Self::Tcp(format!("{host}:{port}")))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(place) => f.write_str(place),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
