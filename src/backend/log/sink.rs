//! Where the lines of the daemon's log go, for as long as somebody takes them.
//!
//! A reader of the log can go (`EPIPE`), its terminal can be closed (`EIO`), the disk under it can be full, and a
//! reader that is there may not read. None of that is a reason to end or to wait: such a line is left out and counted,
//! and the count is the first line that can be written again.
//!
//! **Invariant:** writing never fails, never panics, and waits [`PATIENCE`] at most.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pipe::PIPE_BUF;

/// How long a reader that is behind is waited for; not at all once a line was left out because of it.
const PATIENCE: Duration = Duration::from_millis(20);

/// Says that so many lines are missing, as a line of the log.
pub(super) type Notice = fn(lost: u64) -> String;

/// Where the lines go.
#[derive(Debug)]
pub(super) struct LogSink<F> {
    to: F,
    notice: Notice,
    damage: Mutex<Damage>,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Damage {
    /// Lines that are missing, and of which nothing is said in the log yet.
    unsaid: u64,
    /// The last line was written in part.
    is_torn: bool,
}

impl<F: AsFd> LogSink<F> {
    /// A log on `to`.
    pub(super) fn new(to: F, notice: Notice) -> Self {
        Self {
            to,
            notice,
            damage: Mutex::default(),
            lost: AtomicU64::new(0),
        }
    }

    /// How many lines are missing from the log since it began.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes `line`, with its end, or counts it.
    fn put(&self, line: &[u8]) {
        let mut damage = self.damage();
        let is_written = self.says_what_is_missing(&mut damage) && self.write(line, &mut damage);
        if !is_written {
            damage.unsaid += 1;
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn says_what_is_missing(&self, damage: &mut Damage) -> bool {
        if damage.unsaid == 0 {
            return true;
        }
        let notice = (self.notice)(damage.unsaid);
        let is_said = self.write(notice.as_bytes(), damage);
        if is_said {
            damage.unsaid = 0;
        }
        is_said
    }

    /// Whether all of `bytes` was taken.
    fn write(&self, bytes: &[u8], damage: &mut Damage) -> bool {
        let patience = if damage.unsaid == 0 {
            PATIENCE
        } else {
            Duration::ZERO
        };
        let deadline = Instant::now() + patience;
        let torn: &[u8] = if damage.is_torn { b"\n" } else { b"" };
        // A pipe that is ready takes so many bytes without making the writer wait (pipe(7)).
        for piece in torn.chunks(1).chain(bytes.chunks(PIPE_BUF)) {
            let mut rest = piece;
            while !rest.is_empty() {
                match self.write_some(rest, deadline) {
                    Ok(written) => {
                        damage.is_torn = true;
                        rest = &rest[written..];
                    }
                    Err(Errno::INTR) => {}
                    Err(_) => return false,
                }
            }
        }
        damage.is_torn = false;
        true
    }

    fn write_some(&self, bytes: &[u8], deadline: Instant) -> Result<usize, Errno> {
        let left = deadline.saturating_duration_since(Instant::now());
        let limit = Timespec::try_from(left).ok();
        if poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], limit.as_ref())? == 0 {
            return Err(Errno::AGAIN);
        }
        match rustix::io::write(&self.to, bytes)? {
            0 => Err(Errno::IO),
            written => Ok(written),
        }
    }

    fn damage(&self) -> MutexGuard<'_, Damage> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line at a time, as the log's formatter writes.
impl<F: AsFd> Write for &LogSink<F> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{PipeReader, Read};
    use std::os::fd::OwnedFd;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    fn notice(lost: u64) -> String {
        format!("{lost} lost\n")
    }

    fn on(to: impl Into<OwnedFd>) -> LogSink<OwnedFd> {
        LogSink::new(to.into(), notice)
    }

    /// What `reader` has, up to and with the last line that ends.
    fn read(reader: &mut PipeReader) -> String {
        let waiting = rustix::io::ioctl_fionread(&*reader).expect("a pipe");
        let mut bytes = vec![0; usize::try_from(waiting).expect("small")];
        reader.read_exact(&mut bytes).expect("there");
        String::from_utf8(bytes).expect("text")
    }

    fn put(sink: &LogSink<OwnedFd>, lines: u64, expected_lost: u64) {
        for _ in 0..lines {
            sink.put(b"a line\n");
        }
        assert_eq!(sink.lost(), expected_lost);
    }

    #[test]
    fn a_reader_that_went_away_costs_lines_and_nothing_else() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let sink = on(writer);
        put(&sink, 2, 0);
        drop(reader);
        put(&sink, 3, 3);
    }

    #[test]
    fn a_terminal_that_was_closed_costs_lines_and_nothing_else() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let slave =
            rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).expect("open");
        let sink = on(slave);
        put(&sink, 2, 0);
        drop(master);
        put(&sink, 3, 3);
    }

    #[test]
    fn a_socket_whose_reader_is_gone_costs_lines_and_nothing_else() {
        let (reader, writer) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let sink = on(writer);
        put(&sink, 1, 0);
        drop(reader);
        put(&sink, 3, 3);
        let (reader, writer) = std::os::unix::net::UnixDatagram::pair().expect("a pair");
        let sink = on(writer);
        put(&sink, 1, 0);
        drop(reader);
        put(&sink, 3, 3);
    }

    #[test]
    fn a_full_disk_costs_lines_and_nothing_else() {
        // Only Linux has a file that is always full.
        let Ok(full) = File::options().write(true).open("/dev/full") else {
            return;
        };
        let sink = on(full);
        put(&sink, 3, 3);
    }

    #[test]
    fn a_reader_that_does_not_read_holds_nobody_up_and_is_told_later() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let sink = on(writer);
        let mut lines = 0;
        while sink.lost() == 0 {
            sink.put(b"a line\n");
            lines += 1;
        }
        put(&sink, 9, 10);
        let before = read(&mut reader);
        assert_eq!(before.matches("a line\n").count(), lines - 1);
        put(&sink, 1, 10);
        assert_eq!(read(&mut reader), "10 lost\na line\n");
        put(&sink, 1, 10);
        assert_eq!(read(&mut reader), "a line\n");
    }

    #[test]
    fn a_line_that_was_cut_off_has_an_end_before_the_next() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let sink = on(writer);
        let long = [vec![b'x'; 5 * PIPE_BUF], b"\n".to_vec()].concat();
        while sink.lost() == 0 {
            sink.put(&long);
        }
        assert!(read(&mut reader).ends_with('x'), "cut off");
        put(&sink, 1, 1);
        assert_eq!(read(&mut reader), "\n1 lost\na line\n");
    }
}
