//! The daemon's place: one daemon a socket, and nobody but its owner on it (design, section 7).
//!
//! A lock file beside the socket decides who serves. It is held, never waited for, and free again however its holder
//! ends; so a socket that is there while the lock is free is stale, and is replaced.
//!
//! A place can go while its daemon lives: `/run/user/<uid>` with a person's last login, a folder of `/tmp` with its
//! age. Then the daemon makes it again, at its path or, where there can be none any more, at the next ([`sockets`]).
//!
//! **Invariant:** what is removed from the paths of socket and lock is this daemon's own, by its inode, or a stale
//! socket of this person's, under the lock.

#![expect(
    clippy::disallowed_methods,
    reason = "the daemon's own folder, checked to be private"
)]

mod handed;
mod lock;

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

pub(super) use self::handed::HandedPlace;
use self::lock::{Lock, patiently};
pub(super) use self::lock::{Taken, holder, other_program};
use crate::api::v1::PROGRAM;
use crate::api::{Place, program_at};
use crate::env_vars;
use crate::error::{Error, Explain, Result};
use crate::files::Identity;
use crate::host::Host;
use crate::project::{sockets, worker_scripts};
use crate::words::t;

/// A socket that is ours to serve, for as long as this lives.
#[derive(Debug)]
pub(super) struct ServedSocket {
    /// Where it may be.
    paths: Vec<PathBuf>,
    /// Whether a person chose the path.
    is_chosen: bool,
    bound: Bound,
    // After the socket is gone.
    lock: Lock,
}

/// A socket that was bound. Gone with its file when dropped, unless it was lent.
#[derive(Debug)]
struct Bound {
    path: PathBuf,
    identity: Identity,
    /// Made by a service manager, which listens there when this daemon has ended.
    is_lent: bool,
    listener: UnixListener,
}

/// What came of waiting for a place that another daemon had.
pub(super) enum Awaited {
    /// It is ours.
    Free(ServedSocket),
    /// The other one serves here.
    Served(PathBuf),
}

/// Why a place was not taken.
enum Untaken {
    /// There is no place here: the folder above is gone, or is somebody else's.
    NoFolder(Error),
    /// Any other reason; another place would be wrong, too.
    Other(Error),
}

impl From<Error> for Untaken {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<Untaken> for Error {
    fn from(why: Untaken) -> Self {
        match why {
            Untaken::NoFolder(error) | Untaken::Other(error) => error,
        }
    }
}

impl ServedSocket {
    /// Takes the place of this person's daemon and binds its socket: the first of [`sockets`] that there can be.
    ///
    /// # Errors
    /// When a daemon runs already, the path is too long for a socket, its folder is open to others, or something that
    /// is not a stale socket of ours is there.
    pub(super) fn take(host: &Host) -> Result<Self> {
        let paths = sockets(host);
        let is_chosen = host.path_var(env_vars::SOCKET).is_some();
        let (lock, bound) = first(&paths, |path| settle(path, is_chosen, None))?;
        Ok(Self {
            paths,
            is_chosen,
            bound,
            lock,
        })
    }

    /// Takes the place of `listener`, which a service manager has made. A daemon that has the place all the same has
    /// lost its socket to that one, and is about to notice.
    ///
    /// # Errors
    /// As [`ServedSocket::take`]; that it has no path.
    pub(super) fn lent(listener: UnixListener) -> Result<Self> {
        let address = listener.local_addr()?;
        let path = address.as_pathname();
        let path = path.ok_or_else(|| Error::failed(t!("backend.bad_given_socket")))?;
        make_private(path.parent().unwrap_or(Path::new("/")), true)?;
        let lock = patiently(|| Lock::take(path))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            paths: vec![path.to_path_buf()],
            is_chosen: true,
            bound: Bound {
                path: path.to_path_buf(),
                identity: Identity::at(path)?,
                is_lent: true,
                listener,
            },
            lock,
        })
    }

    /// As [`ServedSocket::take`] where another daemon has the place, but does not serve: it has just begun, or is about
    /// to end.
    ///
    /// # Errors
    /// As [`ServedSocket::take`]; that it went on so for too long.
    pub(super) fn wait(host: &Host) -> Result<Awaited> {
        patiently(|| {
            let mut paths = sockets(host).into_iter();
            match paths.find(|path| answers(path)) {
                Some(path) => Ok(Awaited::Served(path)),
                None => Self::take(host).map(Awaited::Free),
            }
        })
    }

    /// The socket, once more.
    ///
    /// # Errors
    /// When no descriptor is free.
    pub(super) fn listener(&self) -> io::Result<UnixListener> {
        self.bound.listener.try_clone()
    }

    /// The socket's path.
    pub(super) fn path(&self) -> &Path {
        &self.bound.path
    }

    /// A folder beside the socket for files that workers are started from.
    pub(super) fn script_folder(&self) -> PathBuf {
        worker_scripts(&self.bound.path)
    }

    /// Whether the socket or the lock at its path is not this daemon's any more.
    pub(super) fn is_lost(&self) -> bool {
        let lock = &self.lock;
        lock.identity.is_gone_from(&lock.path) || self.bound.identity.is_gone_from(&self.bound.path)
    }

    /// Whether somebody listens at the path of this daemon's socket: where that is lost, somebody else.
    pub(super) fn is_served(&self) -> bool {
        Place::of_ours(&self.bound.path).is_served()
    }

    /// Makes the place again, at its path or else at the next that there can be.
    ///
    /// # Errors
    /// As [`ServedSocket::take`]: above all that another daemon has it by now.
    pub(super) fn make_again(&mut self) -> Result<UnixListener> {
        let others = self.paths.iter().filter(|path| **path != self.bound.path);
        let paths: Vec<PathBuf> = [&self.bound.path]
            .into_iter()
            .chain(others)
            .cloned()
            .collect();
        let (lock, bound) = first(&paths, |path| {
            let here = self.bound.identity;
            if path == self.bound.path && self.lock.is_in_place() {
                // Nobody else can have taken it meanwhile.
                return Ok((None, bind(path, Some(here))?));
            }
            let (lock, bound) = settle(path, self.is_chosen, Some(here))?;
            Ok((Some(lock), bound))
        })?;
        let listener = bound.listener.try_clone()?;
        self.bound = bound;
        if let Some(lock) = lock {
            self.lock = lock;
        }
        Ok(listener)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if !self.is_lent && self.identity.is_at(&self.path) {
            // Failures leave a stale socket, which the next daemon replaces.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What `take` makes of the first of `paths` where there can be a place.
fn first<T>(
    paths: &[PathBuf],
    mut take: impl FnMut(&Path) -> std::result::Result<T, Untaken>,
) -> Result<T> {
    let mut why = None;
    for path in paths {
        match take(path) {
            Ok(taken) => return Ok(taken),
            Err(Untaken::Other(error)) => return Err(error),
            Err(Untaken::NoFolder(error)) => drop(why.get_or_insert(error)),
        }
    }
    Err(why.unwrap_or_else(|| Error::failed(t!("api.no_daemon"))))
}

/// Takes the place at `path`, where a socket may be that is ours.
fn settle(
    path: &Path,
    is_chosen: bool,
    ours: Option<Identity>,
) -> std::result::Result<(Lock, Bound), Untaken> {
    address(path)?;
    make_private(path.parent().unwrap_or(Path::new("/")), is_chosen)?;
    let lock = Lock::take(path)?;
    Ok((lock, bind(path, ours)?))
}

/// Whether a daemon of ours at `path` answers, and is not on its way out.
fn answers(path: &Path) -> bool {
    program_at(Place::of_ours(path)).as_deref() == Some(PROGRAM)
}

fn address(path: &Path) -> Result<SocketAddr> {
    SocketAddr::from_pathname(path).map_err(|error| {
        Error::failed(t!(
            "backend.bad_socket_path",
            path = path.display(),
            why = error
        ))
        .hint(t!("backend.hint_socket"))
    })
}

/// Binds the socket at `path`, which is free, or has a stale one or `ours`; the lock is held.
fn bind(path: &Path, ours: Option<Identity>) -> Result<Bound> {
    let address = address(path)?;
    if ours.is_some_and(|ours| ours.is_at(path)) {
        std::fs::remove_file(path)?;
    }
    clear(path)?;
    let failed = || t!("backend.cannot_bind", path = path.display());
    let listener = UnixListener::bind_addr(&address).context(failed())?;
    let bound = Bound {
        path: path.to_path_buf(),
        identity: Identity::at(path).context(failed())?,
        is_lent: false,
        listener,
    };
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    bound.listener.set_nonblocking(true)?;
    Ok(bound)
}

/// Removes what a daemon that was killed left behind.
fn clear(socket: &Path) -> Result<()> {
    let place = Place::of_ours(socket);
    let is_free = match place.check() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error.into()),
        // Another program may offer the same calls here without knowing of our lock.
        checked => checked.is_ok() && !place.is_served(),
    };
    if !is_free {
        let occupied = Error::failed(t!("backend.occupied", path = socket.display()));
        return Err(occupied.hint(t!("backend.hint_socket")));
    }
    Ok(std::fs::remove_file(socket)?)
}

/// Makes the socket's folder, or checks the one that is there.
///
/// Our own default folder must be a real folder, ours, and is closed to others: in a temporary folder, anybody could
/// have put a link there. A folder that a person chose is left as it is, but nobody else may be able to swap files in
/// it.
fn make_private(folder: &Path, is_chosen: bool) -> std::result::Result<(), Untaken> {
    let failed = || t!("backend.cannot_make_folder", path = folder.display());
    let made = std::fs::DirBuilder::new()
        .recursive(is_chosen)
        .mode(0o700)
        .create(folder);
    match made.map_err(|error| (error.kind(), error)) {
        Ok(()) | Err((io::ErrorKind::AlreadyExists, _)) => {}
        Err((kind, error)) => {
            let error = Error::from(error).context(failed());
            return Err(match kind {
                io::ErrorKind::NotFound
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                    if !is_chosen =>
                {
                    Untaken::NoFolder(error)
                }
                _ => Untaken::Other(error),
            });
        }
    }
    let found = if is_chosen {
        std::fs::metadata(folder)
    } else {
        std::fs::symlink_metadata(folder)
    }
    .context(failed())?;
    let us = rustix::process::geteuid().as_raw();
    let is_trusted = if is_chosen {
        let others_write = found.mode() & 0o022 != 0;
        let is_sticky = found.mode() & 0o1000 != 0;
        (found.uid() == us || found.uid() == 0) && (!others_write || is_sticky)
    } else {
        found.uid() == us
    };
    if !found.is_dir() || !is_trusted {
        let open = Error::failed(t!("backend.open_folder", path = folder.display()));
        return Err(open.hint(t!("backend.hint_socket")).into());
    }
    if !is_chosen && found.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).context(failed())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
