//! One language server as a process: its streams, its group, its end.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process_group};

use super::launch::Launch;
use super::outgoing::Outgoing;
use crate::lsp::session::Number;
use crate::lsp::wire::{Body, Frame, Frames};
use crate::system::{HeldProcess, hold, widen};

/// How long a server has to end by itself once its input is closed, and then after it was asked to.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a process is looked at that is to end, or that cannot tell of its end.
const LOOK: Duration = Duration::from_millis(20);
/// What is kept of the last thing that it said.
const TAIL: usize = 2 << 10;

/// How far its end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// Its input is, or will be, closed.
    Closing,
    /// It was asked to end.
    Terminated,
    /// It was ended.
    Killed,
}

/// A server that runs. Whatever is in its group ends with it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) number: Number,
    child: Child,
    held: Option<HeldProcess>,
    input: Option<OwnedFd>,
    pub(super) outgoing: Outgoing,
    output: Option<File>,
    frames: Frames,
    errors: Option<File>,
    tail: Vec<u8>,
    stage: Stage,
    until: Option<Instant>,
    is_reaped: bool,
}

impl Process {
    /// Starts a server.
    ///
    /// # Errors
    /// What the system says, `NotFound` for a command that is not there.
    pub(super) fn start(number: Number, launch: &Launch) -> io::Result<Self> {
        let (program, args) = launch
            .command
            .split_first()
            .ok_or(io::ErrorKind::InvalidInput)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the one door of language servers"
        )]
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(launch.vars.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(folder) = &launch.folder {
            command.current_dir(folder);
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take().map(OwnedFd::from);
        let output = child.stdout.take().map(OwnedFd::from);
        let errors = child.stderr.take().map(OwnedFd::from);
        for stream in [&input, &output, &errors].into_iter().flatten() {
            do_not_wait(stream)?;
            widen(stream.as_fd());
        }
        Ok(Self {
            number,
            held: pid(&child).and_then(hold),
            child,
            input,
            outgoing: Outgoing::default(),
            output: output.map(File::from),
            frames: Frames::default(),
            errors: errors.map(File::from),
            tail: Vec::new(),
            stage: Stage::Serving,
            until: None,
            is_reaped: false,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends `body`, now or as soon as it is read.
    pub(super) fn send(&mut self, body: Body) {
        if self.input.is_some() {
            self.outgoing.push(body);
            self.write();
        }
    }

    /// Writes what waits.
    pub(super) fn write(&mut self) {
        let Some(input) = &self.input else {
            return;
        };
        if self.outgoing.write_to(input).is_err() {
            // It reads no more; its output tells why.
            self.outgoing.clear();
            self.input = None;
        }
        if self.stage != Stage::Serving && self.outgoing.is_empty() {
            self.input = None;
        }
    }

    /// It is not needed any more.
    pub(super) fn close(&mut self, now: Instant) {
        if self.stage == Stage::Serving {
            self.stage = Stage::Closing;
            self.until = Some(now + PATIENCE);
            self.write();
        }
    }

    /// Reads once from its output, and gives what is whole. At its end the process is to end, too.
    pub(super) fn read(&mut self, now: Instant) -> Vec<Frame> {
        let mut found = Vec::new();
        let Some(output) = &mut self.output else {
            return found;
        };
        match self.frames.read_from(output) {
            Ok(0) => {
                self.output = None;
                let rest = self.frames.rest();
                if !rest.is_empty() {
                    found.push(Frame::Text(rest));
                }
                self.close(now);
            }
            Ok(_) => {}
            Err(error) if is_of_the_moment(&error) => {}
            Err(_) => {
                self.output = None;
                self.close(now);
            }
        }
        while let Some(frame) = self.frames.frame() {
            found.push(frame);
        }
        found
    }

    /// Reads once from what it says beside its messages.
    pub(super) fn read_errors(&mut self) -> Vec<u8> {
        let mut text = vec![0; 8 << 10];
        let Some(errors) = &mut self.errors else {
            return Vec::new();
        };
        match errors.read(&mut text) {
            Ok(0) => self.errors = None,
            Ok(read) => {
                text.truncate(read);
                self.remember(&text);
                return text;
            }
            Err(error) if is_of_the_moment(&error) => {}
            Err(_) => self.errors = None,
        }
        Vec::new()
    }

    /// Keeps the end of what it says, in case it is its last word.
    pub(super) fn remember(&mut self, text: &[u8]) {
        self.tail.extend_from_slice(text);
        let more = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..more);
    }

    /// Ends what has had its time. Gives its last words once it is gone, with all that was in its group.
    pub(super) fn look(&mut self, now: Instant) -> Option<String> {
        if let Ok(Some(status)) = self.child.try_wait() {
            // At once: its number may come to mean another one.
            if !self.is_reaped {
                self.signal(Signal::KILL);
                self.is_reaped = true;
            }
            // What it has said is heard first: with its group, the other ends of its streams are closed.
            let is_silent = self.output.is_none() || self.stage == Stage::Killed;
            let is_over = is_silent || self.until.is_some_and(|until| until + PATIENCE <= now);
            if self.until.is_none() {
                self.until = Some(now);
            }
            return is_over.then(|| self.last_words(status));
        }
        if self.until.is_some_and(|until| until <= now) {
            let (stage, signal) = match self.stage {
                Stage::Serving | Stage::Closing => (Stage::Terminated, Signal::TERM),
                Stage::Terminated | Stage::Killed => (Stage::Killed, Signal::KILL),
            };
            self.stage = stage;
            self.until = Some(now + PATIENCE / 2);
            self.signal(signal);
        }
        None
    }

    /// When [`Self::look`] is worth a call.
    pub(super) fn next_look(&self, now: Instant) -> Option<Instant> {
        match (self.until, &self.held) {
            // It may be gone any moment.
            (Some(_), _) => Some(now + LOOK),
            (None, Some(_)) => None,
            (None, None) => Some(now + LOOK * 50),
        }
    }

    /// Where its messages, what it says beside them, and its end are heard.
    pub(super) fn heard_at(&self) -> [Option<BorrowedFd<'_>>; 3] {
        let is_alive = self.until.is_none();
        let held = self.held.as_ref().filter(|_| is_alive);
        [
            self.output.as_ref().map(AsFd::as_fd),
            self.errors.as_ref().map(AsFd::as_fd),
            held.map(HeldProcess::descriptor),
        ]
    }

    /// Where it is written to, if something waits.
    pub(super) fn written_at(&self) -> Option<BorrowedFd<'_>> {
        let input = self.input.as_ref().filter(|_| !self.outgoing.is_empty());
        input.map(AsFd::as_fd)
    }

    fn last_words(&mut self, status: ExitStatus) -> String {
        while !self.read_errors().is_empty() {}
        let tail = String::from_utf8_lossy(&self.tail);
        let last = tail.lines().map(str::trim).rfind(|line| !line.is_empty());
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => String::new(),
        };
        match last {
            Some(line) => format!("{how}: {line}"),
            None => how,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = pid(&self.child) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    /// Nothing of it is left, however the relay ends.
    fn drop(&mut self) {
        if !self.is_reaped {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Reading and writing give back at once.
pub(super) fn do_not_wait(stream: &impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(stream)?;
    Ok(fcntl_setfl(stream, flags | OFlags::NONBLOCK)?)
}

pub(super) fn is_of_the_moment(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
