//! The copy loop: from the child's capture ends to our own descriptors, while listening for signals and the child's
//! end. One thread, one poll.
//!
//! A channel holds one buffer: it reads when that is empty and writes when it is not, so a slow reader slows the
//! child just as it would without us, and memory is bounded. A channel whose sink fails closes its capture end, so
//! that the child meets the failure by itself and at the same place; the other channel goes on.

use std::io;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd as _, OwnedFd};
use rustix::io::{Errno, read};
use rustix::process::{Pid, Signal, kill_process};

use super::signals::Signals;
use super::sink::Sink;
use super::status::ChildStatus;
use super::stream::{ChildStream, Tee};
use super::terminal::copy_size;

/// Bytes in a channel's buffer: what a pipe holds.
const BUFFER: usize = 64 * 1024;

/// Bytes that are still read after the child's end. All that the child wrote is among them, since no pipe or terminal
/// of an ordinary user holds more. What comes later was written by a grandchild, and may never end.
const LAST: usize = 1024 * 1024;

/// One of the child's outputs on its way to one of ours.
pub(super) struct Channel<'fd> {
    stream: ChildStream,
    sink: Sink<'fd>,
    /// Our end of what the child writes to. None when nothing more is to come or nobody would take it.
    source: Option<OwnedFd>,
    buffer: Vec<u8>,
    /// The part of `buffer` that is still to be written.
    pending: std::ops::Range<usize>,
    /// How much may still be read; None while the child runs.
    left: Option<usize>,
    /// Whether the end of what the child wrote was reached although somebody else can still write.
    is_left_open: bool,
}

/// What poll said about a channel.
#[derive(Copy, Clone)]
struct Ready {
    source: PollFlags,
    sink: PollFlags,
}

/// Copies until `child` has ended and all it wrote has been passed on, and gives its status.
///
/// The only error is that of waiting for the child.
pub(super) fn until_end(
    child: &mut Child,
    channels: &mut [Channel<'_>],
    signals: &mut Signals,
    tee: &mut Tee<'_>,
) -> io::Result<ChildStatus> {
    let pid = Pid::from_child(child);
    let mut status: Option<ChildStatus> = None;
    let mut is_hurried = false;
    loop {
        if status.is_none()
            && let Some(ended) = child.try_wait()?
        {
            status = Some(ended.into());
            signals.answer(&[]); // what arrived till now was the child's
            for channel in &mut *channels {
                channel.left = Some(LAST);
            }
        }
        if let Some(status) = status
            && channels.iter().all(Channel::is_done)
        {
            return Ok(status);
        }

        let ready = match wait(signals, channels) {
            Ok(ready) => ready,
            Err(Errno::INTR | Errno::AGAIN | Errno::NOMEM) => [None; 2],
            Err(_) => {
                channels.iter_mut().for_each(Channel::give_up);
                return child.wait().map(ChildStatus::from);
            }
        };
        let wishes = signals.answer(status.is_none().then_some(pid).as_slice());
        if wishes.resize
            && channels
                .iter()
                .fold(false, |changed, channel| channel.resize() | changed)
        {
            // The kernel told the child of the resize before the capture terminal had the new size.
            if status.is_none() {
                let _ = kill_process(pid, Signal::WINCH);
            }
        }
        is_hurried |= wishes.end.is_some() && status.is_some();
        if is_hurried
            && let Some(status) = status
            && ready.iter().flatten().any(|ready| ready.is_stuck())
        {
            return Ok(status); // only a reader that takes nothing kept us here
        }
        for (channel, ready) in channels.iter_mut().zip(ready) {
            if let Some(ready) = ready {
                channel.step(ready, tee);
            }
        }
    }
}

impl Ready {
    /// Whether there is something to write and no room for it.
    fn is_stuck(self) -> bool {
        self.source.is_empty() && self.sink.is_empty()
    }
}

impl<'fd> Channel<'fd> {
    /// A channel from `source`, which must not block, to `sink`.
    pub(super) fn new(stream: ChildStream, source: OwnedFd, sink: Sink<'fd>) -> Self {
        Self {
            stream,
            sink,
            source: Some(source),
            buffer: vec![0; BUFFER],
            pending: 0..0,
            left: None,
            is_left_open: false,
        }
    }

    /// Our end and the sink, if the child ended and somebody else can still write to the channel.
    pub(super) fn into_leftover(self) -> Option<(OwnedFd, Sink<'fd>)> {
        let is_whole = self.pending.is_empty();
        self.source
            .filter(|_| self.is_left_open && is_whole)
            .map(|source| (source, self.sink))
    }

    /// Whether the child ended and nothing more of it is to be passed on.
    fn is_done(&self) -> bool {
        self.pending.is_empty() && (self.source.is_none() || self.is_left_open)
    }

    /// Gives a capture terminal the size of the real one; says whether that was a change.
    fn resize(&self) -> bool {
        let Some(source) = &self.source else {
            return false;
        };
        self.sink.is_terminal() && copy_size(self.sink.real(), source.as_fd())
    }

    /// Reads once and writes once, as far as that is possible.
    fn step(&mut self, ready: Ready, tee: &mut Tee<'_>) {
        // Seen also when there is nothing to write: a reader that went away must stop the child at its next write.
        if ready.sink.intersects(PollFlags::ERR | PollFlags::HUP) {
            return self.give_up();
        }
        let mut may_write = !ready.sink.is_empty();
        if self.pending.is_empty() && !ready.source.is_empty() {
            self.fill();
            may_write = self.sink.never_blocks();
        }
        if may_write && !self.pending.is_empty() {
            self.flush(tee);
        }
    }

    fn fill(&mut self) {
        let Some(source) = &self.source else {
            return;
        };
        let room = self.left.map_or(BUFFER, |left| left.min(BUFFER));
        match read(source, &mut self.buffer[..room]) {
            Ok(0) if room == 0 => self.is_left_open = true,
            Ok(0) => self.source = None,
            Ok(count) => {
                self.pending = 0..count;
                self.left = self.left.map(|left| left - count);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => self.is_left_open = self.left.is_some(),
            // A pty that all writers have closed says EIO. After any other error there is nothing more to read either.
            Err(_) => self.source = None,
        }
    }

    fn flush(&mut self, tee: &mut Tee<'_>) {
        match self.sink.write(&self.buffer[self.pending.clone()]) {
            Ok(count) => {
                let end = self.pending.start + count;
                tee(self.stream, &self.buffer[self.pending.start..end]);
                self.pending.start = end;
            }
            Err(Errno::AGAIN) => {}
            Err(_) => self.give_up(),
        }
    }

    /// Nobody reads the output any more. The capture end is closed, so that the child's own next write fails.
    fn give_up(&mut self) {
        self.source = None;
        self.pending = 0..0;
    }
}

/// Waits until there is something to do: a signal, bytes to copy, room for them, or a sink that failed.
fn wait(signals: &Signals, channels: &[Channel<'_>]) -> rustix::io::Result<[Option<Ready>; 2]> {
    let mut fds = Vec::with_capacity(5);
    fds.push(PollFd::from_borrowed_fd(signals.bell(), PollFlags::IN));
    let mut until = signals.deadline();
    let mut asked = [None; 2];
    for (channel, asked) in channels.iter().zip(&mut asked) {
        if channel.is_done() {
            continue;
        }
        let next = fds.len();
        if !channel.pending.is_empty() {
            fds.push(PollFd::from_borrowed_fd(
                channel.sink.polled(),
                PollFlags::OUT,
            ));
            *asked = Some((Some(next), None));
        } else if let Some(source) = &channel.source {
            fds.push(PollFd::from_borrowed_fd(source.as_fd(), PollFlags::IN));
            *asked = Some((None, Some(next)));
            if channel.sink.has_reader() {
                fds.push(PollFd::from_borrowed_fd(
                    channel.sink.polled(),
                    PollFlags::empty(),
                ));
                *asked = Some((Some(next + 1), Some(next)));
            }
            if channel.left.is_some() {
                until = Some(Instant::now()); // what is there now is all
            }
        }
    }
    let timeout = until.map(|until| timespec(until.saturating_duration_since(Instant::now())));
    poll(&mut fds, timeout.as_ref())?;
    let flags = |index: usize| fds[index].revents();
    Ok(std::array::from_fn(|channel| {
        asked[channel].map(|(sink, source)| Ready {
            sink: sink.map_or(PollFlags::empty(), flags),
            source: match (source, channels[channel].left) {
                (Some(_), Some(_)) => PollFlags::IN, // the read itself says whether there is anything
                (Some(source), None) => flags(source),
                (None, _) => PollFlags::empty(),
            },
        })
    }))
}

fn timespec(duration: Duration) -> Timespec {
    // Held signals wait half a second: the seconds always fit.
    Timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(1),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
