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
pub(crate) struct Terminal {
    /// None once the person has gone.
    far: Option<OwnedFd>,
    child: Child,
    shown: Vec<u8>,
    /// Up to where `shown` was waited for.
    read_to: usize,
}

/// What a terminal showed, and how its program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    pub(crate) shown: String,
    pub(crate) status: ExitStatus,
}

impl Terminal {
    /// Starts a line of bash in `sandbox` at a terminal of this width.
    pub(crate) fn start(sandbox: &Sandbox, line: &str, columns: u16) -> Self {
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
        command.env("TERM", "xterm-256color");

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
    pub(crate) fn wait_for(&mut self, text: &str) -> &mut Self {
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

    /// Types, when whoever is at the terminal waits for it.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        self.settle();
        let far = self.far.as_ref().expect("a terminal");
        let written = rustix::io::write(far, keys.as_bytes());
        assert_eq!(written, Ok(keys.len()));
        self
    }

    /// Changes the window's width.
    pub(crate) fn resize(&mut self, columns: u16) -> &mut Self {
        self.settle();
        size(self.far.as_ref().expect("a terminal"), columns);
        self
    }

    /// Closes the window.
    pub(crate) fn hang_up(&mut self) -> &mut Self {
        self.far = None;
        self
    }

    /// Waits until all processes of the session sleep. Faster than any person, a test could send a signal between a
    /// program's prompt and its read, where Python, with us or without, does not see it until the read is over.
    fn settle(&self) {
        let until = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < until {
            let now = asleep(self.child.id());
            if now.is_some() && now == last {
                return;
            }
            last = now;
            std::thread::sleep(Duration::from_millis(2)); // nothing tells of this but looking
        }
    }

    /// Sees the program to its end.
    pub(crate) fn end(mut self, sandbox: &Sandbox) -> Scene {
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

/// How often each process of a session has been switched away from, if all of them sleep now. (Where there is no
/// /proc, nothing is known, and that is soon the same twice.)
fn asleep(session: u32) -> Option<Vec<String>> {
    let mut switches = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let [state, _, _, of, ..] = fields[..] else {
            continue;
        };
        if of != session.to_string() {
            continue;
        }
        if !matches!(state, "S" | "T" | "Z") {
            return None;
        }
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let lines = status.lines().filter(|line| line.contains("_switches"));
        switches.extend(lines.map(str::to_owned));
    }
    Some(switches)
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
