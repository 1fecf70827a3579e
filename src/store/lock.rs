//! Locks between processes: advisory (`flock`), held by an open file, so that a holder that died leaves none.
//!
//! Waiting asks again every few milliseconds. A blocking `flock` would need a thread to be given up in time, and that
//! thread could still get the lock later, in the name of a process that went on without it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::files::{hand_over, make_folder};
use crate::project::{ProjectLayout, VenvLayout};

/// Who holds a lock, as the holder wrote it down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Its process; none when it could not be read.
    pub pid: Option<u32>,
    /// Its command.
    pub command: String,
}

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("locked by process {} ({})", .0.pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string()), .0.command)]
    Busy(Holder),
    /// There can be no lock here: read-only, full, not a folder.
    #[error("cannot lock {}: {source}", .path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The run lock of an environment: one changing pip at a time. Free again when dropped.
#[derive(Debug)]
pub struct RunLock(Held);

impl RunLock {
    /// Takes the lock, for `command` (shown to whoever waits), waiting for it up to `limit`. Calls `notice` once with
    /// the holder when it has waited for 300 ms.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn acquire(
        venv: &VenvLayout,
        command: &str,
        limit: Duration,
        notice: impl FnOnce(&Holder),
    ) -> Result<Self, LockError> {
        Self::acquire_as(venv, &Holder::this(command), limit, notice)
    }

    /// [`acquire`](Self::acquire) in the name of `holder`, another process than this one perhaps.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn acquire_as(
        venv: &VenvLayout,
        holder: &Holder,
        limit: Duration,
        notice: impl FnOnce(&Holder),
    ) -> Result<Self, LockError> {
        Held::wait(&venv.lock(), Some(holder), limit, notice).map(Self)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn try_acquire(venv: &VenvLayout, command: &str) -> Result<Self, LockError> {
        // Not zero: someone may be asking who holds it, which takes it for a moment.
        let limit = Duration::from_millis(10);
        Self::acquire(venv, command, limit, |_| ())
    }

    /// Who holds the lock now, without taking it; none when it is free.
    pub fn holder(venv: &VenvLayout) -> Option<Holder> {
        let file = File::open(venv.lock()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Holder::read(&file)),
            _ => None,
        }
    }

    /// The lock file, for messages.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

/// The lock of a project's history. Held for milliseconds at a time.
#[derive(Debug)]
pub(super) struct HistoryLock {
    _held: Held,
}

impl HistoryLock {
    /// Longer than any writer needs, short enough for a person who waits behind one that is stopped.
    const LIMIT: Duration = Duration::from_secs(30);

    /// Takes the lock, making the folder of logs where it is missing.
    pub(super) fn acquire(project: &ProjectLayout) -> Result<Self, LockError> {
        let held = Held::wait(&project.lock(), None, Self::LIMIT, |_| ())?;
        Ok(Self { _held: held })
    }
}

impl Holder {
    /// This process, which runs `command`.
    fn this(command: &str) -> Self {
        Self {
            pid: Some(std::process::id()),
            command: command.to_owned(),
        }
    }

    fn read(mut file: &File) -> Self {
        let mut text = String::new();
        // Half-written or unreadable: then nobody knows who it is.
        let _ = file.read_to_string(&mut text);
        let (pid, command) = text.split_once('\n').unwrap_or((&text, ""));
        Self {
            pid: pid.trim().parse().ok(),
            command: command.trim_end().to_owned(),
        }
    }

    fn write(&self, mut file: &File) -> io::Result<()> {
        let command = self.command.replace(char::is_control, " ");
        write!(file, "{}\n{command}\n", self.pid.unwrap_or_default())
    }
}

/// A lock that is held.
#[derive(Debug)]
struct Held {
    file: File,
    path: PathBuf,
}

const NOTICE_AFTER: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

impl Held {
    fn wait(
        path: &Path,
        me: Option<&Holder>,
        limit: Duration,
        notice: impl FnOnce(&Holder),
    ) -> Result<Self, LockError> {
        let begun = Instant::now();
        let mut notice = Some(notice);
        let mut pause = Duration::from_millis(1);
        loop {
            let holder = match Self::attempt(path, me) {
                Ok(Ok(held)) => return Ok(held),
                Ok(Err(holder)) => holder,
                Err(source) => {
                    return Err(LockError::Unusable {
                        path: path.to_path_buf(),
                        source,
                    });
                }
            };
            let waited = begun.elapsed();
            if waited >= limit {
                return Err(LockError::Busy(holder));
            }
            if waited >= NOTICE_AFTER
                && let Some(notice) = notice.take()
            {
                notice(&holder);
            }
            std::thread::sleep(pause.min(limit.saturating_sub(waited)));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The lock, or who has it.
    fn attempt(path: &Path, me: Option<&Holder>) -> io::Result<Result<Self, Holder>> {
        loop {
            let file = open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Err(Holder::read(&file))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // The file may have been removed between opening and locking: then this is a lock on nothing.
            if !is_at(&file, path) {
                continue;
            }
            if let Some(me) = me {
                // Only for the waiter's message: a full disk must not keep anyone from locking.
                let _ = file.set_len(0).and_then(|()| me.write(&file));
            }
            return Ok(Ok(Self {
                file,
                path: path.to_path_buf(),
            }));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing would do, were the file not inherited by a child that is just being started.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Opens the lock file, making it and its folder (but no folder above that) where they are missing.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).or_else(|error| match path.parent() {
        Some(folder) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(folder)?;
            options.open(path)
        }
        _ => Err(error),
    })?;
    hand_over(&file, path, None);
    Ok(file)
}

fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else {
        return false;
    };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn layout() -> (tempfile::TempDir, VenvLayout) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let layout = VenvLayout::new(dir.path());
        (dir, layout)
    }

    #[test]
    fn a_second_one_is_told_who_holds_it() {
        let (_dir, venv) = layout();
        assert_eq!(RunLock::holder(&venv), None);
        let first = RunLock::try_acquire(&venv, "pip install a\nb").expect("free");
        let expected = Holder {
            pid: Some(std::process::id()),
            command: "pip install a b".into(),
        };
        assert_eq!(RunLock::holder(&venv), Some(expected.clone()));
        let mut noticed = None;
        let limit = NOTICE_AFTER + Duration::from_millis(100);
        let second = RunLock::acquire(&venv, "pip", limit, |holder| noticed = Some(holder.clone()));
        assert!(matches!(second, Err(LockError::Busy(holder)) if holder == expected));
        assert_eq!(noticed, Some(expected));
        drop(first);
        assert_eq!(RunLock::holder(&venv), None);
        RunLock::try_acquire(&venv, "pip").expect("free again");
    }

    #[test]
    fn a_lock_is_waited_for() {
        let (_dir, venv) = layout();
        let first = RunLock::try_acquire(&venv, "pip").expect("free");
        std::thread::scope(|scope| {
            let (waits, waiting) = std::sync::mpsc::channel();
            let venv = &venv;
            let second = scope.spawn(move || {
                RunLock::acquire(venv, "pip", Duration::from_secs(60), |_| {
                    waits.send(()).expect("heard");
                })
            });
            waiting.recv().expect("it waits");
            drop(first);
            second.join().expect("no panic").expect("had in the end");
        });
    }

    #[test]
    fn a_removed_lock_file_locks_nobody() {
        let (_dir, venv) = layout();
        let _first = RunLock::try_acquire(&venv, "pip").expect("free");
        fs::remove_file(venv.lock()).expect("remove");
        RunLock::try_acquire(&venv, "pip").expect("another file, another lock");
    }

    /// Run by `a_killed_holder_leaves_no_lock` in a process of its own.
    #[test]
    fn holds_a_lock_until_killed() {
        let Some(root) = std::env::var_os("AIM_TEST_HOLD") else {
            return;
        };
        let _lock = RunLock::try_acquire(&VenvLayout::new(Path::new(&root)), "held").expect("free");
        // Says that it holds the lock, then waits for an end that only a signal brings.
        io::stderr().write_all(b"held\n").expect("heard");
        let _ = io::stdin().read(&mut [0]);
    }

    #[test]
    fn a_killed_holder_leaves_no_lock() {
        let (dir, venv) = layout();
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "store::lock::tests::holds_a_lock_until_killed",
                "--nocapture",
            ])
            .env("AIM_TEST_HOLD", dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start");
        let mut said = [0; 5];
        child
            .stderr
            .as_mut()
            .expect("piped")
            .read_exact(&mut said)
            .expect("it holds the lock");
        assert!(
            matches!(RunLock::try_acquire(&venv, "pip"), Err(LockError::Busy(holder)) if holder.command == "held")
        );
        child.kill().expect("kill");
        child.wait().expect("ended");
        RunLock::try_acquire(&venv, "pip").expect("free");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_apart() {
        let venv = VenvLayout::new(Path::new("/nowhere/at/all"));
        assert!(matches!(
            RunLock::try_acquire(&venv, "pip"),
            Err(LockError::Unusable { .. })
        ));
        let (dir, venv) = layout();
        fs::write(dir.path().join(".aim"), "a file").expect("write");
        assert!(matches!(
            RunLock::try_acquire(&venv, "pip"),
            Err(LockError::Unusable { .. })
        ));
    }
}
