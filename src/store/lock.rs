//! Locks between processes: advisory (`flock`), held by an open file, so that a holder that died leaves none.
//!
//! Waiting asks again every few milliseconds. A blocking `flock` would need a thread to be given up in time, and that
//! thread could still get the lock later, in the name of a process that went on without it.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::places;
use crate::files::{Folder, is_only_name};
use crate::project::VenvLayout;
use crate::secrets;

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
        let place = Place {
            path: venv.lock(),
            name: VenvLayout::LOCK,
            folder: &|| places::made_aim(venv),
        };
        Held::wait(&place, Some(holder), limit, notice).map(Self)
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn try_acquire(venv: &VenvLayout, command: &str) -> Result<Self, LockError> {
        Self::acquire(venv, command, Duration::ZERO, |_| ())
    }

    /// Who holds the lock now, without taking it; none when it is free.
    pub fn holder(venv: &VenvLayout) -> Option<Holder> {
        let (file, _) = places::aim(venv).ok()?.open_file(VenvLayout::LOCK).ok()?;
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

impl Holder {
    /// This process, which runs `command`.
    fn this(command: &str) -> Self {
        Self {
            pid: Some(std::process::id()),
            command: command.to_owned(),
        }
    }

    fn read(file: &File) -> Self {
        // What has another name is not our text; where it is half-written or unreadable, nobody knows who it is.
        let mut text = Vec::new();
        if is_only_name(file) {
            let _ = file.take(LONGEST_TEXT).read_to_end(&mut text);
        }
        let text = String::from_utf8_lossy(&text);
        let (pid, command) = text.split_once('\n').unwrap_or((&text, ""));
        Self {
            pid: pid.trim().parse().ok(),
            command: command.trim_end().to_owned(),
        }
    }

    fn write(&self, mut file: &File) -> io::Result<()> {
        let command = secrets::hide(&self.command).replace(char::is_control, " ");
        let end = (0..=LONGEST_COMMAND.min(command.len()))
            .rev()
            .find(|&end| command.is_char_boundary(end));
        let command = &command[..end.unwrap_or_default()];
        write!(file, "{}\n{command}\n", self.pid.unwrap_or_default())
    }
}

/// Bytes of a command that are written down.
const LONGEST_COMMAND: usize = 4 << 10;
/// Bytes that are read of what a holder wrote.
const LONGEST_TEXT: u64 = 8 << 10;

/// Where a lock is.
pub(super) struct Place<'a> {
    /// For messages.
    pub(super) path: PathBuf,
    pub(super) name: &'static str,
    /// Opens the folder, making it (but none above it) where it is missing. Asked anew each time: it may be removed.
    pub(super) folder: &'a dyn Fn() -> io::Result<Folder>,
}

/// A lock that is held; free again when dropped.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
    path: PathBuf,
}

/// Who asks for the holder has the lock for microseconds, on a machine that has time for it.
const LONGEST_QUESTION: Duration = Duration::from_secs(2);
const NOTICE_AFTER: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// What became of one attempt to take a lock.
enum Attempt {
    /// It is ours.
    Held(Held),
    /// Another process holds it.
    Busy(Holder),
    /// Others have it for a moment, to see who holds it.
    Asked,
}

impl Held {
    pub(super) fn wait(
        place: &Place<'_>,
        me: Option<&Holder>,
        limit: Duration,
        notice: impl FnOnce(&Holder),
    ) -> Result<Self, LockError> {
        let begun = Instant::now();
        let mut notice = Some(notice);
        let mut pause = Duration::from_millis(1);
        loop {
            // Before the attempt: however long that takes on a busy machine, it is the last one only when time was up.
            let waited = begun.elapsed();
            let holder = match Self::attempt(place, me) {
                Ok(Attempt::Held(held)) => return Ok(held),
                Ok(Attempt::Busy(holder)) => holder,
                Ok(Attempt::Asked) if waited < LONGEST_QUESTION => {
                    std::thread::sleep(Duration::from_millis(1));
                    continue;
                }
                Ok(Attempt::Asked) => Holder::default(),
                Err(source) => {
                    return Err(LockError::Unusable {
                        path: place.path.clone(),
                        source,
                    });
                }
            };
            // First the notice: who gives up, too, has been told by then, however late this thread came to run.
            if waited >= NOTICE_AFTER
                && let Some(notice) = notice.take()
            {
                notice(&holder);
            }
            if waited >= limit {
                return Err(LockError::Busy(holder));
            }
            std::thread::sleep(pause.min(limit.saturating_sub(waited)));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn attempt(place: &Place<'_>, me: Option<&Holder>) -> io::Result<Attempt> {
        loop {
            let file = (place.folder)()?.open_or_make(place.name)?;
            match file.try_lock() {
                Ok(()) => {}
                // Who only asks shares the lock with others that ask; who holds it shares it with nobody.
                Err(TryLockError::WouldBlock) if file.try_lock_shared().is_ok() => {
                    return Ok(Attempt::Asked);
                }
                Err(TryLockError::WouldBlock) => return Ok(Attempt::Busy(Holder::read(&file))),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // The file may have been removed between opening and locking: then the lock is on a file that nobody else
            // will open.
            if !(place.folder)()?.is_at(&file, place.name) {
                continue;
            }
            if let Some(me) = me {
                // Only for the waiter's message: a full disk must not keep anyone from locking.
                let _ = empty(&file).and_then(|()| me.write(&file));
            }
            return Ok(Attempt::Held(Self {
                file,
                path: place.path.clone(),
            }));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = empty(&self.file);
        // Closing the file is not enough: a child that is being started at this moment has inherited it.
        let _ = self.file.unlock();
    }
}

/// Empties a lock's file. One that has another name as well may be somebody's text: it serves as a lock all the same,
/// and is not written to.
fn empty(file: &File) -> io::Result<()> {
    if is_only_name(file) {
        return file.set_len(0);
    }
    Err(io::Error::other("the file has another name as well"))
}

#[cfg(test)]
mod tests {
    use std::fs;
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
        // Whoever gives up was told before, if there was time for it at all.
        let second = RunLock::acquire(&venv, "pip", NOTICE_AFTER, |holder| {
            noticed = Some(holder.clone());
        });
        assert!(matches!(second, Err(LockError::Busy(holder)) if holder == expected));
        assert_eq!(noticed, Some(expected));
        drop(first);
        assert_eq!(RunLock::holder(&venv), None);
        RunLock::try_acquire(&venv, "pip").expect("free again");
    }

    #[test]
    fn who_waits_for_a_moment_only_is_told_nothing() {
        let (_dir, venv) = layout();
        let _first = RunLock::try_acquire(&venv, "pip").expect("free");
        let unheard = |_: &Holder| panic!("a notice");
        let second = RunLock::acquire(&venv, "pip", Duration::ZERO, unheard);
        assert!(matches!(second, Err(LockError::Busy(_))));
    }

    #[test]
    fn a_file_with_another_name_is_locked_and_not_written_to() {
        let (dir, venv) = layout();
        let notes = dir.path().join("notes");
        fs::create_dir(venv.aim()).expect("folder");
        fs::write(&notes, "my\nsecret").expect("write");
        fs::hard_link(&notes, venv.lock()).expect("link");
        let first = RunLock::try_acquire(&venv, "pip").expect("free");
        let second = RunLock::try_acquire(&venv, "pip");
        assert!(matches!(second, Err(LockError::Busy(holder)) if holder == Holder::default()));
        drop(first);
        assert_eq!(fs::read_to_string(&notes).expect("read"), "my\nsecret");
    }

    #[test]
    fn who_only_asks_is_in_nobodys_way() {
        let (_dir, venv) = layout();
        drop(RunLock::try_acquire(&venv, "pip").expect("free"));
        let ask = || {
            let file = File::open(venv.lock()).expect("open");
            file.try_lock_shared().expect("free");
            file
        };
        let place = Place {
            path: venv.lock(),
            name: VenvLayout::LOCK,
            folder: &|| places::made_aim(&venv),
        };
        let attempt = || Held::attempt(&place, None).expect("a lock can be here");
        let question = ask();
        assert!(matches!(attempt(), Attempt::Asked));
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| RunLock::try_acquire(&venv, "pip"));
            drop(question);
            let _lock = taken.join().expect("no panic").expect("free");
            assert!(matches!(attempt(), Attempt::Busy(_)));
        });
        assert!(matches!(attempt(), Attempt::Held(_)));
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
