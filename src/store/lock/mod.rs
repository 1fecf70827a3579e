//! Locks between processes: advisory (`flock`), held by an open file, so that a holder that died leaves none.
//!
//! [`RunLock`] is the one that people wait for: whoever waits leaves word of it (`waiting`), and does so only while the
//! holder gets somewhere (`stillness`).

mod held;
mod holder;
mod stillness;
mod waiting;

use std::fs::TryLockError;
use std::path::Path;
use std::time::Duration;

pub use self::held::LockError;
pub(super) use self::held::{Held, Place};
pub use self::holder::Holder;
use self::stillness::Stillness;
use self::waiting::Waiting;
use super::places;
use crate::project::VenvLayout;

/// How long somebody waits before anyone is told.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

/// The run lock of an environment: one changing pip at a time. Free again when dropped.
#[derive(Debug)]
pub struct RunLock(Held);

impl RunLock {
    /// Takes the lock, for `command` (shown to whoever waits), waiting for it up to `limit`, and only while its
    /// holder moves. Calls `notice` once with the holder when it has waited for a second.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn acquire(
        venv: &VenvLayout,
        command: &str,
        limit: Duration,
        notice: impl FnOnce(&Holder),
    ) -> Result<Self, LockError> {
        Self::acquire_as(
            venv,
            &Holder::new(std::process::id(), command),
            limit,
            notice,
        )
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
        let mut sign = None;
        let mut stillness = Stillness::default();
        Held::wait(
            &place,
            holder,
            limit,
            (NOTICE_AFTER, |other: &Holder| {
                sign = Waiting::begin(venv, holder);
                notice(other);
            }),
            |other| !stillness.lasts(other, || waiters(venv, holder)),
        )
        .map(Self)
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

    /// Who waits for the lock, and has for a second.
    pub fn waiting(venv: &VenvLayout) -> Vec<Holder> {
        Waiting::all(venv)
    }

    /// The lock file, for messages.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

/// The processes that wait: `me`, this one beside it, and those that left word of it.
fn waiters(venv: &VenvLayout, me: &Holder) -> Vec<u32> {
    let others = Waiting::all(venv).into_iter().filter_map(|other| other.pid);
    me.pid
        .into_iter()
        .chain([std::process::id()])
        .chain(others)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};

    use std::fs::File;
    use std::io::{self, Read as _, Write as _};

    use super::held::Attempt;
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
        let expected = Holder::new(std::process::id(), "pip install a b");
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
        let attempt = || Held::attempt(&place, &Holder::this()).expect("a lock can be here");
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
