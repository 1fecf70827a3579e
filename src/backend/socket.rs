//! The daemon's place: one daemon a socket, and nobody but its owner on it (design, section 7).
//!
//! A lock file beside the socket decides who serves. It is held, never waited for, and free again however its holder
//! ends; so a socket that is there while the lock is free is stale, and is replaced.
//!
//! **Invariant:** nothing but a socket of ours is ever removed from the socket's path.

#![expect(
    clippy::disallowed_methods,
    reason = "the daemon's own folder, checked to be private"
)]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::api::check_ours;
use crate::env_vars;
use crate::error::{Error, Explain, Result};
use crate::host::Host;
use crate::project::{socket, socket_lock, worker_scripts};
use crate::words::t;

/// A socket that is ours to serve, for as long as this lives.
#[derive(Debug)]
pub(super) struct ServedSocket {
    path: PathBuf,
    // After the socket is gone.
    _lock: Lock,
}

/// The right to the place. Gone with its file when dropped.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    file: File,
}

impl ServedSocket {
    /// Takes the place of this person's daemon and binds its socket.
    ///
    /// # Errors
    /// When a daemon runs already, the path is too long for a socket, its folder is open to others, or something that
    /// is not a stale socket of ours is there.
    pub(super) fn take(host: &Host) -> Result<(Self, UnixListener)> {
        let path = socket(host);
        let address = SocketAddr::from_pathname(&path).map_err(|error| {
            Error::failed(t!(
                "backend.bad_socket_path",
                path = path.display(),
                why = error
            ))
            .hint(t!("backend.hint_socket"))
        })?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let is_chosen = host.path_var(env_vars::SOCKET).is_some();
        make_private(folder, is_chosen)?;
        let lock = lock(&path)?;
        clear(&path)?;
        let listener = UnixListener::bind_addr(&address)
            .context(t!("backend.cannot_bind", path = path.display()))?;
        let place = Self { path, _lock: lock };
        std::fs::set_permissions(&place.path, PermissionsExt::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok((place, listener))
    }

    /// The socket's path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder beside the socket for files that workers are started from; gone when the place is given up.
    pub(super) fn script_folder(&self) -> PathBuf {
        worker_scripts(&self.path)
    }
}

impl Drop for ServedSocket {
    fn drop(&mut self) {
        // Failures leave a stale socket, which the next daemon replaces.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_dir_all(self.script_folder());
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held, so that only who has the file at this path has the place: see `lock`.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// The process that holds `lock`, as it wrote it down.
pub(super) fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Removes what a daemon that was killed left behind.
fn clear(socket: &Path) -> Result<()> {
    let occupied = || Error::failed(t!("backend.occupied", path = socket.display()));
    match std::fs::symlink_metadata(socket) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(found) if !found.file_type().is_socket() => return Err(occupied()),
        Ok(_) => {}
    }
    // Another program may offer the same calls here without knowing of our lock.
    if check_ours(socket).is_err() || UnixStream::connect(socket).is_ok() {
        return Err(occupied().hint(t!("backend.hint_socket")));
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
                let pid = holder(&mut file).map_or_else(|| "?".to_owned(), |pid| pid.to_string());
                let error = t!("backend.already", pid = pid, path = socket.display());
                return Err(Error::failed(error).hint(t!("backend.hint_stop")));
            }
            Err(TryLockError::Error(error)) => return Err(Error::from(error).context(failed())),
        }
        // A daemon on its way out removes the file: then what was locked is no longer the file at this path.
        let (mine, there) = (file.metadata()?, std::fs::symlink_metadata(&path));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (mine.dev(), mine.ino())) {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id()).context(failed())?;
            return Ok(Lock { path, file });
        }
    }
}

/// Makes the socket's folder, or checks the one that is there.
///
/// Our own default folder must be a real folder, ours, and is closed to others: in a temporary folder, anybody could
/// have put a link there. A folder that a person chose is left as it is, but nobody else may be able to swap files in
/// it.
fn make_private(folder: &Path, is_chosen: bool) -> Result<()> {
    let failed = || t!("backend.cannot_make_folder", path = folder.display());
    let made = std::fs::DirBuilder::new()
        .recursive(is_chosen)
        .mode(0o700)
        .create(folder);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(Error::from(error).context(failed()));
        }
        _ => {}
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
        return Err(
            Error::failed(t!("backend.open_folder", path = folder.display()))
                .hint(t!("backend.hint_socket")),
        );
    }
    if !is_chosen && found.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).context(failed())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(socket: &Path) -> Host {
        Host::fake(["aim-backend"]).with_var(env_vars::SOCKET, socket)
    }

    fn refused(host: &Host) -> String {
        ServedSocket::take(host).expect_err("refused").to_string()
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("there").mode() & 0o7777
    }

    #[test]
    fn one_daemon_a_socket_and_nothing_left_behind() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("deep/er/s");
        let host = at(&socket);
        let (place, _listener) = ServedSocket::take(&host).expect("free");
        assert_eq!(mode(&socket), 0o600);
        assert_eq!(mode(socket.parent().expect("a folder")), 0o700);
        let second = ServedSocket::take(&host).expect_err("taken");
        assert!(
            second.to_string().contains(&std::process::id().to_string()),
            "{second}"
        );
        assert!(second.hints()[0].contains("aim-backend stop"));
        assert!(socket.exists(), "the second did no harm");
        drop(place);
        let left = std::fs::read_dir(socket.parent().expect("a folder")).expect("list");
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_stale_socket_is_replaced() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        drop(UnixListener::bind(&socket).expect("bind"));
        std::fs::write(socket_lock(&socket), "99999999\n").expect("a dead daemon's lock");
        let (_place, _listener) = ServedSocket::take(&at(&socket)).expect("replaced");
        assert!(UnixStream::connect(&socket).is_ok());
    }

    #[test]
    fn what_is_not_a_stale_socket_is_left_alone() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let file = dir.path().join("file");
        std::fs::write(&file, "precious").expect("write");
        refused(&at(&file));
        assert_eq!(std::fs::read_to_string(&file).expect("read"), "precious");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).expect("link");
        refused(&at(&link));
        let served = dir.path().join("served");
        let _other = UnixListener::bind(&served).expect("bind");
        refused(&at(&served));
        assert!(served.exists());
    }

    #[test]
    fn a_lock_that_is_a_link_is_not_followed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let precious = dir.path().join("precious");
        std::fs::write(&precious, "precious").expect("write");
        std::os::unix::fs::symlink(&precious, socket_lock(&socket)).expect("link");
        refused(&at(&socket));
        assert_eq!(
            std::fs::read_to_string(&precious).expect("read"),
            "precious"
        );
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_named() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let error =
            ServedSocket::take(&at(&dir.path().join("x".repeat(120)))).expect_err("too long");
        assert!(error.hints()[0].contains("AIM_SOCKET"), "{error:?}");
    }

    #[test]
    fn a_chosen_folder_must_not_be_open_to_all() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let open = dir.path().join("open");
        std::fs::create_dir(&open).expect("folder");
        let set = |mode| {
            std::fs::set_permissions(&open, PermissionsExt::from_mode(mode)).expect("mode");
        };
        set(0o777);
        refused(&at(&open.join("s")));
        set(0o1777);
        ServedSocket::take(&at(&open.join("s"))).expect("sticky: others cannot swap files");
        assert_eq!(mode(&open), 0o1777, "a chosen folder is left as it is");
    }

    #[test]
    fn the_default_folder_is_real_and_closed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["aim-backend"]).with_var("XDG_RUNTIME_DIR", dir.path());
        let folder = dir.path().join("aim");
        let elsewhere = dir.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).expect("folder");
        std::os::unix::fs::symlink(&elsewhere, &folder).expect("link");
        refused(&host);
        std::fs::remove_file(&folder).expect("remove");
        std::fs::create_dir(&folder).expect("folder");
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).expect("mode");
        ServedSocket::take(&host).expect("closed, then taken");
        assert_eq!(mode(&folder), 0o700);
    }
}
