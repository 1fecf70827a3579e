//! Who has a place: the file beside the socket, and its lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::api::v1::PROGRAM;
use crate::api::{Place, program_at};
use crate::error::{Error, Explain, Result};
use crate::files::Identity;
use crate::project::socket_lock;
use crate::terminal::printable;
use crate::words::t;

/// How long a daemon that has the place may take to serve there, or to end: as long as `aim-backend stop` gives it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether it does.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The right to the place. Gone with its file when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    pub(super) file: File,
}

/// A daemon has the place, or has not left it yet.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::backend) struct Taken(String);

impl Lock {
    /// Takes the right to the place of `socket`.
    ///
    /// # Errors
    /// [`Taken`]; what the system says.
    pub(super) fn take(socket: &Path) -> Result<Self> {
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
                return Ok(Self {
                    path,
                    identity,
                    file,
                });
            }
        }
    }

    /// Whether its file is this one still.
    pub(super) fn is_in_place(&self) -> bool {
        self.identity.is_at(&self.path)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is held, so that only who has the file at this path has the place: see `Lock::take`.
        if self.is_in_place() {
            let _ = std::fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

/// What `take` gives once no daemon has the place, or one has had it for too long.
pub(super) fn patiently<T>(mut take: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match take() {
            Err(error) if error.is::<Taken>() && Instant::now() < deadline => {
                std::thread::sleep(LOOK_AGAIN);
            }
            taken => return taken,
        }
    }
}

/// The process that holds `lock`, as it wrote it down.
pub(in crate::backend) fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// That `program` serves at `socket`, which is not ours to end or to move.
pub(in crate::backend) fn other_program(socket: &Path, program: &str) -> Error {
    Error::failed(t!(
        "backend.other_program",
        path = socket.display(),
        program = printable(program)
    ))
}

/// That the process `pid` serves here. Only a daemon of ours is one to end.
fn taken(socket: &Path, pid: Option<u32>) -> Error {
    if let Some(program) = program_at(Place::of_ours(socket)).filter(|name| name != PROGRAM) {
        let hint = t!("api.hint_beside", program = printable(&program));
        return other_program(socket, &program).hint(hint);
    }
    let path = socket.display();
    let pid = pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    let already = Taken(t!("backend.already", pid = pid, path = path).into_owned());
    Error::from(already).hint(t!("backend.hint_stop"))
}
