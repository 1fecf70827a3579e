//! The daemon's end of a worker's protocol.
//!
//! The runtime's own socket wants to hear of everything, also that the worker has taken a request from the socket's
//! buffer. That wakes a thread for nothing just when the worker begins to run, which then goes on another processor. So
//! this one hears of room for more only while a request does not fit.

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Bytes that one read takes.
const CHUNK: usize = 64 << 10;
/// How often a socket that cannot be watched is tried.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Socket {
    readable: AsyncFd<UnixStream>,
    /// The same socket again, while a request does not fit.
    full: Option<AsyncFd<UnixStream>>,
}

/// What is known after a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum More {
    /// There may be more.
    Perhaps,
    /// There will be nothing more.
    Nothing,
    /// There will be nothing more, and the other side has left something unread.
    NothingAndUnread,
}

impl Socket {
    /// Takes over `socket`, which does not block.
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        Ok(Self {
            readable: watch(socket, Interest::READABLE)?,
            full: None,
        })
    }

    /// Waits until there is something and reads it once, to the end of `into`.
    pub(crate) async fn read(&self, into: &mut Vec<u8>) -> More {
        let Ok(mut guard) = self.readable.readable().await else {
            return More::Nothing;
        };
        into.reserve(CHUNK);
        let room = into.capacity() - into.len();
        match rustix::io::read(self.as_fd(), spare_capacity(into)) {
            Ok(0) => More::Nothing,
            Ok(read) => {
                // As the runtime does it: less than there was room for is all that there was.
                if read < room {
                    guard.clear_ready();
                }
                More::Perhaps
            }
            Err(Errno::AGAIN) => {
                guard.clear_ready();
                More::Perhaps
            }
            Err(Errno::INTR) => More::Perhaps,
            // Linux says so, once, of a socket whose other end was closed with something unread in it.
            Err(Errno::CONNRESET) => More::NothingAndUnread,
            Err(_) => More::Nothing,
        }
    }

    /// Writes what fits.
    pub(crate) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        self.readable.get_ref().write(bytes)
    }

    /// A request did not fit: [`Self::has_room`] is to tell when more of it does.
    pub(crate) fn begin_to_watch(&mut self) {
        if self.full.is_none() {
            let again = self.readable.get_ref().try_clone();
            self.full = again
                .and_then(|again| watch(again, Interest::WRITABLE))
                .ok();
        }
    }

    /// All that was to be sent is sent.
    pub(crate) fn cease_to_watch(&mut self) {
        self.full = None;
    }

    /// Waits until more fits.
    pub(crate) async fn has_room(&self) {
        match &self.full {
            Some(full) => {
                if let Ok(mut guard) = full.writable().await {
                    guard.clear_ready();
                }
            }
            // No descriptor was left to watch it by.
            None => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.get_ref().as_fd()
    }
}

fn watch(socket: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // SAFETY: a `UnixStream` is the same open descriptor until it is dropped.
    #[expect(unsafe_code, reason = "there is no other way to name the interest")]
    Ok(unsafe { AsyncFd::register_with_interest(socket, interest) }?)
}
