//! A person at a terminal: a pty whose far end this test holds, and a program that has it as its controlling one.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::seen::redacted;
use crate::sandbox::Sandbox;

/// No answer takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program at a terminal.
pub(super) struct Terminal {
    /// None once the person has gone.
    far: Option<OwnedFd>,
    child: Child,
    shown: Vec<u8>,
    /// Up to where `shown` was waited for.
    read_to: usize,
}

/// What a terminal showed, and how its program ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) shown: String,
    pub(super) status: ExitStatus,
}

impl Terminal {
    /// Starts a line of bash in `sandbox` at a terminal of this width.
    pub(super) fn start(sandbox: &Sandbox, line: &str, columns: u16) -> Self {
        let shell = super::twins::shell(sandbox, line);
        // `setsid --ctty` makes what it is given the leader of a session with this terminal.
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg(shell.get_program())
            .args(shell.get_args());
        command.current_dir(sandbox.project()).env_clear();
        for (name, value) in shell.get_envs() {
            command.env(name, value.expect("a value"));
        }
        command
            .env("TERM", "xterm-256color")
            .env_remove("PIP_NO_INDEX");

        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
        fcntl_setfd(&far, FdFlags::CLOEXEC).expect("flags");
        grantpt(&far).expect("granted");
        unlockpt(&far).expect("unlocked");
        let name = ptsname(&far, Vec::new()).expect("a name");
        let near = std::fs::File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("utf-8"))
            .expect("the near end");
        size(&far, columns);
        let copy = || Stdio::from(near.try_clone().expect("copied"));
        let child = command
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("setsid starts");
        Self {
            far: Some(far),
            child,
            shown: Vec::new(),
            read_to: 0,
        }
    }

    /// Waits until `text` is shown, after what was waited for before.
    #[track_caller]
    pub(super) fn wait_for(&mut self, text: &str) -> &mut Self {
        let until = Instant::now() + PATIENCE;
        loop {
            let new = &self.shown[self.read_to..];
            let found = new
                .windows(text.len())
                .position(|part| part == text.as_bytes());
            if let Some(at) = found {
                self.read_to += at + text.len();
                return self;
            }
            let goes_on = self.read(until);
            assert!(
                goes_on.is_continue(),
                "no {text:?} in {:?}",
                String::from_utf8_lossy(&self.shown)
            );
        }
    }

    /// Types.
    pub(super) fn press(&mut self, keys: &str) -> &mut Self {
        let far = self.far.as_ref().expect("a terminal");
        let written = rustix::io::write(far, keys.as_bytes());
        assert_eq!(written, Ok(keys.len()));
        self
    }

    /// Changes the window's width.
    pub(super) fn resize(&mut self, columns: u16) -> &mut Self {
        size(self.far.as_ref().expect("a terminal"), columns);
        self
    }

    /// Closes the window.
    pub(super) fn hang_up(&mut self) -> &mut Self {
        self.far = None;
        self
    }

    /// Sees the program to its end.
    pub(super) fn end(mut self, sandbox: &Sandbox) -> Scene {
        let until = Instant::now() + PATIENCE;
        while self.far.is_some() && self.read(until).is_continue() {}
        let status = self.child.wait().expect("waited for");
        Scene {
            shown: String::from_utf8_lossy(&redacted(sandbox, &self.shown)).into_owned(),
            status,
        }
    }

    /// Reads what there is, waiting for it; breaks at the end, or when it takes too long.
    fn read(&mut self, until: Instant) -> ControlFlow<()> {
        let Some(far) = &self.far else {
            return ControlFlow::Break(());
        };
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("short");
        let mut wanted = [PollFd::from_borrowed_fd(far.as_fd(), PollFlags::IN)];
        match poll(&mut wanted, Some(&left)) {
            Ok(0) => {
                let _ = self.child.kill();
                return ControlFlow::Break(());
            }
            Err(Errno::INTR) => return ControlFlow::Continue(()),
            other => other.expect("polled"),
        };
        let mut buffer = [0; 4096];
        match rustix::io::read(far, &mut buffer) {
            Ok(0) | Err(Errno::IO) => ControlFlow::Break(()), // nobody has the near end any more
            Ok(count) => {
                self.shown.extend_from_slice(&buffer[..count]);
                ControlFlow::Continue(())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.far = None; // hangs up on whatever still runs there
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn size(far: &OwnedFd, columns: u16) {
    let size = Winsize {
        ws_row: 30,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(far, size).expect("a new size");
}
