//! One of our own output descriptors, written to without ever standing still in a write.
//!
//! The descriptor is shared with the caller, so its flags are not ours to change: a shell would find its terminal
//! non-blocking afterwards. Instead a pipe or terminal is opened once more for ourselves where the system can do so, a
//! socket is asked not to wait each time, and to anything else no more is written than surely has room.

use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::io::{Errno, write};
use rustix::net::{SendFlags, send};

use super::descriptor_kind::DescriptorKind;
use crate::system;

/// As much as a pipe that polls as writable takes at once (`PIPE_BUF` of POSIX).
const SURE: usize = 512;

/// A descriptor of ours that output goes to.
pub(super) struct Sink<'fd> {
    real: BorrowedFd<'fd>,
    /// The same pipe or terminal, opened once more and not blocking.
    own: Option<OwnedFd>,
    kind: DescriptorKind,
}

impl<'fd> Sink<'fd> {
    /// Prepares to write to `real`, which is of this kind.
    pub(super) fn new(real: BorrowedFd<'fd>, kind: DescriptorKind) -> Self {
        let own = if matches!(kind, DescriptorKind::Pipe | DescriptorKind::Terminal) {
            system::open_again(real)
        } else {
            None
        };
        Self { real, own, kind }
    }

    /// The caller's descriptor.
    pub(super) fn real(&self) -> BorrowedFd<'fd> {
        self.real
    }

    /// The descriptor to poll for room and errors.
    pub(super) fn polled(&self) -> BorrowedFd<'_> {
        self.own.as_ref().map_or(self.real, |own| own.as_fd())
    }

    /// Whether this is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.kind == DescriptorKind::Terminal
    }

    /// Whether there is somebody at the other side who may go away while nothing is written.
    pub(super) fn has_reader(&self) -> bool {
        matches!(
            self.kind,
            DescriptorKind::Pipe | DescriptorKind::Socket | DescriptorKind::Terminal
        )
    }

    /// Whether a write may be tried without polling for room first.
    pub(super) fn never_blocks(&self) -> bool {
        self.own.is_some()
            || matches!(
                self.kind,
                DescriptorKind::Socket | DescriptorKind::File | DescriptorKind::Null
            )
    }

    /// Writes the beginning of `bytes` and says how much that was. `AGAIN` means that there is no room now.
    pub(super) fn write(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        loop {
            let written = match (&self.own, self.kind) {
                (Some(own), _) => write(own, bytes),
                (None, DescriptorKind::Socket) => self.send(bytes),
                (None, DescriptorKind::File | DescriptorKind::Null) => write(self.real, bytes),
                (None, _) => write(self.real, &bytes[..bytes.len().min(SURE)]),
            };
            match written {
                Err(Errno::INTR) => {}
                other => return other,
            }
        }
    }

    fn send(&self, bytes: &[u8]) -> rustix::io::Result<usize> {
        // SIGPIPE is ignored by Rust's runtime in any case, so that NOSIGNAL, which macOS lacks, is not needed.
        send(self.real, bytes, SendFlags::DONTWAIT)
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{OFlags, fcntl_getfl};

    use super::*;

    /// Writes until there is no room. (A blocking write would wait and never say so.)
    fn fill(sink: &Sink<'_>) -> usize {
        let (mut total, bytes) = (0, vec![b'x'; 100_000]);
        loop {
            match sink.write(&bytes) {
                Ok(count) => total += count,
                Err(error) => {
                    assert_eq!(error, Errno::AGAIN);
                    return total;
                }
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_pipe_does_not_block_us_and_stays_blocking_for_others() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let sink = Sink::new(writer.as_fd(), DescriptorKind::Pipe);
        assert!(sink.never_blocks());
        assert!(fill(&sink) >= 4096);
        assert!(!fcntl_getfl(&writer).unwrap().contains(OFlags::NONBLOCK));
    }

    #[test]
    fn a_full_socket_does_not_block_us() {
        let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(fill(&Sink::new(near.as_fd(), DescriptorKind::Socket)) >= 4096);
    }

    #[test]
    fn what_may_block_is_written_in_sure_pieces() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let sink = Sink {
            real: writer.as_fd(),
            own: None,
            kind: DescriptorKind::Pipe,
        };
        assert!(!sink.never_blocks());
        assert_eq!(sink.write(&[b'x'; 5000]), Ok(SURE));
    }
}
