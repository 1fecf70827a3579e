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

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::handed::Handed;
use crate::api::v1::PROGRAM;
use crate::api::{Place, program_at};
use crate::env_vars;
use crate::error::{Error, Explain, Result};
use crate::files::Identity;
use crate::host::Host;
use crate::project::{socket_lock, sockets, worker_scripts};
use crate::terminal::printable;
use crate::words::t;

/// How long a daemon that has the place may take to serve there, or to end: as long as `aim-backend stop` gives it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether it does.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

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
    /// The same socket again, for whoever takes this place over.
    listener: UnixListener,
}

/// A place on its way to the program that takes this one's place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HandedPlace {
    path: PathBuf,
    paths: Vec<PathBuf>,
    is_chosen: bool,
    is_lent: bool,
    lock: Handed,
    listener: Handed,
}

impl HandedPlace {
    /// What has to stay open on the way.
    pub(super) fn descriptors(&self) -> [&Handed; 2] {
        [&self.lock, &self.listener]
    }
}

/// The right to the place. Gone with its file when dropped.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    identity: Identity,
    file: File,
}

/// A daemon has the place, or has not left it yet.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Taken(String);

/// What came of waiting for a place that another daemon had.
pub(super) enum Awaited {
    /// It is ours.
    Free(ServedSocket, UnixListener),
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

impl ServedSocket {
    /// Takes the place of this person's daemon and binds its socket: the first of [`sockets`] that there can be.
    ///
    /// # Errors
    /// When a daemon runs already, the path is too long for a socket, its folder is open to others, or something that
    /// is not a stale socket of ours is there.
    pub(super) fn take(host: &Host) -> Result<(Self, UnixListener)> {
        let paths = sockets(host);
        let is_chosen = host.path_var(env_vars::SOCKET).is_some();
        let (lock, bound, listener) = first(&paths, |path| settle(path, is_chosen, None))?;
        let place = Self {
            paths,
            is_chosen,
            bound,
            lock,
        };
        Ok((place, listener))
    }

    /// Takes the place of `listener`, which a service manager has made. A daemon that has the place all the same has
    /// lost its socket to that one, and is about to notice.
    ///
    /// # Errors
    /// As [`ServedSocket::take`]; that it has no path.
    pub(super) fn lent(listener: UnixListener) -> Result<(Self, UnixListener)> {
        let address = listener.local_addr()?;
        let path = address.as_pathname();
        let path = path.ok_or_else(|| Error::failed(t!("backend.bad_given_socket")))?;
        match make_private(path.parent().unwrap_or(Path::new("/")), true) {
            Ok(()) => {}
            Err(Untaken::NoFolder(error) | Untaken::Other(error)) => return Err(error),
        }
        let deadline = Instant::now() + PATIENCE;
        let lock = loop {
            match lock(path) {
                Err(error) if error.is::<Taken>() && Instant::now() < deadline => {
                    std::thread::sleep(LOOK_AGAIN);
                }
                locked => break locked?,
            }
        };
        listener.set_nonblocking(true)?;
        let bound = Bound {
            path: path.to_path_buf(),
            identity: Identity::at(path)?,
            is_lent: true,
            listener: listener.try_clone()?,
        };
        let place = Self {
            paths: vec![bound.path.clone()],
            is_chosen: true,
            bound,
            lock,
        };
        Ok((place, listener))
    }

    /// The place as it is handed over. This one has to live until that is done: it would take its files with it.
    ///
    /// # Errors
    /// When no descriptor is free.
    pub(super) fn hand_over(&self) -> io::Result<HandedPlace> {
        Ok(HandedPlace {
            path: self.bound.path.clone(),
            paths: self.paths.clone(),
            is_chosen: self.is_chosen,
            is_lent: self.bound.is_lent,
            lock: Handed::again(&self.lock.file)?,
            listener: Handed::again(&self.bound.listener)?,
        })
    }

    /// The place that was handed over.
    ///
    /// # Errors
    /// When its lock or its socket is gone.
    pub(super) fn take_up(handed: HandedPlace) -> Result<(Self, UnixListener)> {
        let listener = UnixListener::from(handed.listener.into_inner());
        let file = File::from(handed.lock.into_inner());
        let place = Self {
            paths: handed.paths,
            is_chosen: handed.is_chosen,
            lock: Lock {
                path: socket_lock(&handed.path),
                identity: Identity::of(&file)?,
                file,
            },
            bound: Bound {
                identity: Identity::at(&handed.path)?,
                path: handed.path,
                is_lent: handed.is_lent,
                listener: listener.try_clone()?,
            },
        };
        Ok((place, listener))
    }

    /// As [`ServedSocket::take`] where another daemon has the place, but does not serve: it has just begun, or is about
    /// to end.
    ///
    /// # Errors
    /// As [`ServedSocket::take`]; that it went on so for too long.
    pub(super) fn wait(host: &Host) -> Result<Awaited> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut paths = sockets(host).into_iter();
            if let Some(path) = paths.find(|path| answers(path)) {
                return Ok(Awaited::Served(path));
            }
            match Self::take(host) {
                Err(error) if error.is::<Taken>() && Instant::now() < deadline => {
                    std::thread::sleep(LOOK_AGAIN);
                }
                taken => return taken.map(|(place, listener)| Awaited::Free(place, listener)),
            }
        }
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
        let (lock, bound, listener) = first(&paths, |path| {
            let here = self.bound.identity;
            if path == self.bound.path && self.lock.is_in_place() {
                // Nobody else can have taken it meanwhile.
                let (bound, listener) = bind(path, Some(here))?;
                return Ok((None, bound, listener));
            }
            let (lock, bound, listener) = settle(path, self.is_chosen, Some(here))?;
            Ok((Some(lock), bound, listener))
        })?;
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

impl Lock {
    fn is_in_place(&self) -> bool {
        self.identity.is_at(&self.path)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held, so that only who has the file at this path has the place: see `lock`.
        if self.is_in_place() {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
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
) -> std::result::Result<(Lock, Bound, UnixListener), Untaken> {
    address(path)?;
    make_private(path.parent().unwrap_or(Path::new("/")), is_chosen)?;
    let lock = lock(path)?;
    let (bound, listener) = bind(path, ours)?;
    Ok((lock, bound, listener))
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
fn bind(path: &Path, ours: Option<Identity>) -> Result<(Bound, UnixListener)> {
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
        listener: listener.try_clone()?,
    };
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok((bound, listener))
}

/// The process that holds `lock`, as it wrote it down.
pub(super) fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
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

fn lock(socket: &Path) -> Result<Lock> {
    let path = socket_lock(socket);
    let failed = || t!("backend.cannot_lock", path = path.display());
    loop {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&path)
            .context(failed())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(taken(socket, holder(&mut file)));
            }
            Err(TryLockError::Error(error)) => return Err(Error::from(error).context(failed())),
        }
        // A daemon on its way out removes the file: then what was locked is no longer the file at this path.
        let identity = Identity::of(&file)?;
        if identity.is_at(&path) {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id()).context(failed())?;
            return Ok(Lock {
                path,
                identity,
                file,
            });
        }
    }
}

/// That the process `pid` serves here. Only a daemon of ours is one to end.
fn taken(socket: &Path, pid: Option<u32>) -> Error {
    let path = socket.display();
    if let Some(program) = program_at(Place::of_ours(socket)).filter(|name| name != PROGRAM) {
        let program = printable(&program);
        let error = t!("backend.other_program", path = path, program = program);
        return Error::failed(error).hint(t!("api.hint_beside", program = program));
    }
    let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    let already = Taken(t!("backend.already", pid = pid, path = path).into_owned());
    Error::from(already).hint(t!("backend.hint_stop"))
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
