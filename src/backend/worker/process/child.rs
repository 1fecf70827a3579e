//! One Python process: its protocol, its output, its end.
//!
//! Descriptor 0 of the process is one end of a socket pair, on which requests and replies go; 1 and 2 are pipes.
//! [`Process::event`] is the one thing to wait for.
//!
//! **Invariant:** the process leads a group of its own, and the group does not outlive the [`Process`]: dropping it
//! kills whatever a node left behind. What left the group too is killed by [`Process::end`] and
//! [`Process::kill_leftovers`].
//! **Invariant:** every method that waits can be given up and called again without losing a byte.

use std::io::{self, BufRead};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

use super::log::WorkerLog;
use super::socket::{More, Socket};
use super::{leftovers, parent_thread};
use crate::api::v1::Stream;
use crate::backend::{descriptors, supervise};
use crate::env_vars;
use crate::exec;

/// Bytes that one read takes, from the protocol and from the output.
const CHUNK: usize = 64 << 10;
/// The longest reply. Longer ones are taken for a process gone mad.
const LONGEST_LINE: usize = 1 << 30;
/// What a quick node takes, with what it costs to wake a processor.
const QUICK: Duration = Duration::from_micros(100);
/// How often a group that is ending is looked at: the kernel tells nobody when a group becomes empty.
const GROUP_POLL: Duration = Duration::from_millis(10);

/// What a process does.
#[derive(Debug)]
pub(crate) enum ProcessEvent {
    /// A line of the protocol, without its end.
    Line(Vec<u8>),
    /// Something printed.
    Output(Stream, Vec<u8>),
    /// The protocol is over: the process is ending, or can no longer be asked anything.
    Hangup,
    /// The process has ended. Nothing of the protocol comes after it; output may still be had by [`Process::drain`].
    Exited(ExitStatus),
}

/// A running interpreter.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Pid,
    protocol: Option<Socket>,
    received: Vec<u8>,
    /// Bytes of `received` that are known to hold no line end.
    searched: usize,
    outgoing: Vec<u8>,
    sent: usize,
    /// Whether it left the last of what was sent unread when it ended.
    has_unread: bool,
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    exited: Option<ExitStatus>,
    /// Whether the group was killed after its leader's end: from then on its number may be another's.
    is_swept: bool,
    /// What its descendants are known by.
    mark: String,
}

impl Process {
    /// Starts `python` on `script` in `folder`, with exactly these variables.
    ///
    /// `-S` keeps it from looking at the environment before it is told to; `-I` keeps the person's own packages and the
    /// working folder out.
    pub(crate) async fn spawn<'a>(
        python: &Path,
        script: &Path,
        folder: &Path,
        variables: impl Iterator<Item = (&'a std::ffi::OsStr, &'a std::ffi::OsStr)>,
    ) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let (stdout, stdout_writer) = io::pipe()?;
        let (stderr, stderr_writer) = io::pipe()?;
        let mark = leftovers::new_mark();
        #[expect(clippy::disallowed_methods, reason = "every worker begins here")]
        let mut command = Command::new(python);
        command
            .args(["-u", "-I", "-S"])
            .arg(script)
            .current_dir(folder)
            .env_clear()
            .envs(variables)
            .env(env_vars::WORKER_MARK, &mark)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(stdout_writer)
            .stderr(stderr_writer)
            .process_group(0)
            .kill_on_drop(true);
        if let Some(limit) = descriptors::given() {
            exec::limit_descriptors(command.as_std_mut(), limit);
        }
        let child = parent_thread::spawn(command).await?;
        let group = child
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
            .ok_or_else(|| io::Error::other("a started process has no id"))?;
        Ok(Self {
            child,
            group,
            protocol: Some(Socket::new(ours)?),
            received: Vec::new(),
            searched: 0,
            outgoing: Vec::new(),
            sent: 0,
            has_unread: false,
            stdout: Some(pipe::Receiver::from_owned_fd(stdout.into())?),
            stderr: Some(pipe::Receiver::from_owned_fd(stderr.into())?),
            exited: None,
            is_swept: false,
            mark,
        })
    }

    /// The process's id, which is its group's too.
    pub(crate) fn pid(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    /// Begins to send one line; [`Self::event`] goes on with what does not fit at once.
    pub(crate) fn send(&mut self, line: &str) {
        self.outgoing.extend_from_slice(line.as_bytes());
        self.outgoing.push(b'\n');
        self.write();
    }

    /// Whether it has ended without having read the whole of the last line that was sent: what that asked for has not
    /// begun. In doubt it is taken for read.
    pub(crate) fn left_unread(&self) -> bool {
        self.has_unread
    }

    /// Gives the processor to the process for as long as a quick node takes, and takes what it answers.
    ///
    /// A thread that sleeps until the answer comes is mostly woken on another processor, which has to be woken itself:
    /// that takes longer than the node. So this one does not sleep at once. It yields, and where the two share a
    /// processor the node runs meanwhile.
    pub(crate) fn linger(&mut self) {
        let begun = std::time::Instant::now();
        while self.outgoing.is_empty() && begun.elapsed() < QUICK {
            std::thread::yield_now();
            let Some(protocol) = &self.protocol else {
                return;
            };
            // An end is left for `event` to tell: it is seen there again.
            let now = read_now(protocol.as_fd(), &mut self.received, CHUNK);
            self.has_unread |= now == Now::EndAndUnread;
            if now != Now::Nothing {
                return;
            }
        }
    }

    /// The next thing that the process does. Its output is left where it is, and the process with it once the pipes are
    /// full, unless `reads_output`.
    pub(crate) async fn event(&mut self, reads_output: bool) -> ProcessEvent {
        loop {
            if let Some(line) = self.take_line() {
                return ProcessEvent::Line(line);
            }
            if let Some(status) = self.exited {
                return ProcessEvent::Exited(status);
            }
            let is_sending = self.sent < self.outgoing.len();
            let status = tokio::select! {
                biased;
                more = receive(self.protocol.as_ref(), &mut self.received) => {
                    if more != More::Perhaps {
                        self.has_unread |= more == More::NothingAndUnread;
                        self.protocol = None;
                        return ProcessEvent::Hangup;
                    }
                    continue;
                }
                bytes = read(&mut self.stdout), if reads_output => return ProcessEvent::Output(Stream::Stdout, bytes),
                bytes = read(&mut self.stderr), if reads_output => return ProcessEvent::Output(Stream::Stderr, bytes),
                () = has_room(self.protocol.as_ref()), if is_sending => {
                    self.write();
                    continue;
                }
                status = self.child.wait() => status,
            };
            self.exited = Some(status.unwrap_or_else(|_| ExitStatus::from_raw(0)));
            // A reply may have come just before the end.
            while self.protocol.is_some() && self.receive_now() {}
        }
    }

    /// What is in the pipes at this moment, at most as much as fits in them: a child that a node left behind may be
    /// writing without end.
    pub(crate) fn drain(&mut self) -> Vec<(Stream, Vec<u8>)> {
        let mut found = Vec::new();
        for (stream, pipe) in [
            (Stream::Stdout, &mut self.stdout),
            (Stream::Stderr, &mut self.stderr),
        ] {
            let Some(receiver) = pipe else { continue };
            // Straight from the descriptor: the runtime may not have heard yet of what was written just now.
            let mut bytes = Vec::new();
            while bytes.len() < (1 << 20) {
                // Most nodes print nothing, and no memory is taken for that.
                let waiting = rustix::io::ioctl_fionread(&*receiver).unwrap_or(0);
                let waiting = usize::try_from(waiting).unwrap_or(CHUNK).min(CHUNK);
                if waiting == 0 || read_now(receiver.as_fd(), &mut bytes, waiting) != Now::Some {
                    break;
                }
            }
            if !bytes.is_empty() {
                found.push((stream, bytes));
            }
        }
        found
    }

    /// Ends the process, which is idle, and its group. It may do what Python does at its end, in half of `grace`; then
    /// it is ended as by [`Self::end`].
    pub(crate) async fn end_in_peace(mut self, grace: Duration, log: WorkerLog) {
        self.protocol = None;
        self.outgoing.clear();
        let _ = timeout_at(Instant::now() + grace / 2, self.exit(&log)).await;
        self.end(grace, log).await;
    }

    /// Waits until the process, but not its group, has ended.
    async fn exit(&mut self, log: &WorkerLog) {
        loop {
            match self.event(true).await {
                ProcessEvent::Output(_, bytes) => log.output(&bytes),
                ProcessEvent::Exited(_) => return,
                ProcessEvent::Line(_) | ProcessEvent::Hangup => {}
            }
        }
    }

    /// Ends the process and its group: by closing the protocol and asking, after `grace` by force. What it prints last
    /// goes to `log`.
    pub(crate) async fn end(mut self, grace: Duration, log: WorkerLog) {
        let deadline = Instant::now() + grace;
        self.protocol = None;
        self.outgoing.clear();
        self.signal_group(Signal::TERM);
        let gone = async {
            self.exit(&log).await;
            while test_kill_process_group(self.group).is_ok() {
                tokio::time::sleep(GROUP_POLL).await;
            }
        };
        if timeout_at(deadline, gone).await.is_err() {
            self.signal_group(Signal::KILL);
        }
        let _ = self.child.wait().await;
        self.is_swept = true;
        self.kill_leftovers().await;
        for (_, bytes) in self.drain() {
            log.output(&bytes);
        }
        log.rest();
    }

    /// Interrupts the process and what its node has started, as a terminal does with Ctrl-C.
    pub(crate) fn interrupt(&self) {
        if self.exited.is_none() {
            self.signal_group(Signal::INT);
        }
    }

    /// Kills what nodes started and took out of the group, also after the process's own end.
    pub(crate) async fn kill_leftovers(&mut self) {
        let mark = std::mem::take(&mut self.mark);
        if !mark.is_empty() {
            let _ = supervise::blocking("leftovers", move || leftovers::kill(&mark)).await;
        }
    }

    /// Kills the process and its group now.
    pub(crate) fn kill(&mut self) {
        if !self.is_swept {
            self.signal_group(Signal::KILL);
            self.is_swept = self.exited.is_some();
        }
    }

    fn signal_group(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal);
    }

    /// Reads once, whatever the runtime says; false when there is nothing more.
    fn receive_now(&mut self) -> bool {
        let Some(protocol) = &self.protocol else {
            return false;
        };
        let now = read_now(protocol.as_fd(), &mut self.received, CHUNK);
        self.has_unread |= now == Now::EndAndUnread;
        if matches!(now, Now::End | Now::EndAndUnread) {
            self.protocol = None;
        }
        now == Now::Some
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let mut rest = &self.received[self.searched..];
        // Never fails on bytes in memory, and is the quickest search that the standard library has.
        let skipped = rest.skip_until(b'\n').unwrap_or_default();
        let end = self.searched + skipped;
        if !self.received[..end].ends_with(b"\n") {
            self.searched = end;
            return None;
        }
        self.searched = 0;
        if self.received.len() < CHUNK / 2 {
            // A short line is copied, so that the buffer serves the next one too.
            let line = self.received[..end - 1].to_vec();
            self.received.drain(..end);
            return Some(line);
        }
        let rest = self.received.split_off(end);
        let mut line = std::mem::replace(&mut self.received, rest);
        line.truncate(end - 1);
        Some(line)
    }

    fn write(&mut self) {
        let Some(protocol) = &mut self.protocol else {
            return;
        };
        while self.sent < self.outgoing.len() {
            match protocol.write_now(&self.outgoing[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return protocol.begin_to_watch();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The process is going; the other side of the protocol tells.
                Err(_) => {
                    self.has_unread = true;
                    break;
                }
            }
        }
        protocol.cease_to_watch();
        self.sent = 0;
        self.outgoing.clear();
        self.outgoing.shrink_to(CHUNK);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What one read that does not wait found.
#[derive(PartialEq, Eq)]
enum Now {
    Some,
    Nothing,
    End,
    /// As [`More::NothingAndUnread`].
    EndAndUnread,
}

/// Reads `size` bytes or more, if they are there.
fn read_now(from: impl AsFd, into: &mut Vec<u8>, size: usize) -> Now {
    into.reserve(size);
    match rustix::io::read(from, rustix::buffer::spare_capacity(into)) {
        Ok(0) => Now::End,
        Ok(_) | Err(Errno::INTR) => Now::Some,
        Err(Errno::AGAIN) => Now::Nothing,
        Err(Errno::CONNRESET) => Now::EndAndUnread,
        Err(_) => Now::End,
    }
}

/// Waits for more of the protocol and reads it once. Waits for ever on one that was over before.
async fn receive(protocol: Option<&Socket>, into: &mut Vec<u8>) -> More {
    match protocol {
        Some(socket) => match socket.read(into).await {
            More::Perhaps if into.len() > LONGEST_LINE => More::Nothing,
            more => more,
        },
        None => std::future::pending().await,
    }
}

async fn has_room(protocol: Option<&Socket>) {
    match protocol {
        Some(socket) => socket.has_room().await,
        None => std::future::pending().await,
    }
}

/// The next bytes of a pipe; waits for ever on one that nobody holds any more.
async fn read(pipe: &mut Option<pipe::Receiver>) -> Vec<u8> {
    while let Some(receiver) = pipe {
        let mut bytes = Vec::new();
        if receiver.readable().await.is_ok() {
            bytes.reserve(CHUNK);
            match receiver.try_read_buf(&mut bytes) {
                Ok(0) => {}
                Ok(_) => return bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => {}
            }
        }
        *pipe = None;
    }
    std::future::pending().await
}
