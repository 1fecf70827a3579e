//! ureq over the daemon's Unix socket.
//!
//! ureq leaves it to its user how bytes travel: a [`Connector`] makes a [`Transport`], and a [`Resolver`] finds
//! addresses, of which a socket in the file system needs none. These traits may change with ureq's minor version
//! (decision 0015).

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::sockopt::{Timeout as Wait, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketType};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Agent, Error};

use super::place::Place;
use crate::files::momentary::is_momentary;

/// A client whose every call goes to `place`, whatever host it names. [`Error::ConnectionFailed`] when nobody listens.
pub(super) fn agent(place: Place) -> Agent {
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent("")
        .build();
    Agent::with_parts(config, Socket(place), NoAddress)
}

/// Where to connect to.
#[derive(Debug)]
struct Socket(Place);

impl Connector for Socket {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Connection>, Error> {
        match connect(&self.0, limit(details.timeout)) {
            Ok(stream) => Ok(Some(Connection {
                stream,
                buffers: LazyBuffers::new(
                    details.config.input_buffer_size(),
                    details.config.output_buffer_size(),
                ),
            })),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(Error::Timeout(details.timeout.reason))
            }
            Err(error) if is_momentary(&error) || is_a_stranger(&error) => Err(Error::Io(error)),
            Err(_) => Err(Error::ConnectionFailed),
        }
    }
}

/// Connects, waiting for a turn in the queue of a busy daemon for at most `limit`; std's own `connect` waits for ever.
fn connect(place: &Place, limit: Option<Duration>) -> io::Result<UnixStream> {
    let handle = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::CLOEXEC)?;
    set_socket_timeout(&handle, Wait::Send, limit)?;
    let address = SocketAddrUnix::new(place.socket())?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&handle, &address))?;
    place.check_peer(&handle)?;
    Ok(UnixStream::from(handle))
}

fn is_a_stranger(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// A connection to the daemon.
#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_write_timeout(limit(timeout))?;
        match self.stream.write_all(&self.buffers.output()[..amount]) {
            // The daemon may answer before it has read the whole request. So a failed write is no error yet: the
            // answer, if there is one, is read next.
            Err(error) if is_closed(&error) => Ok(()),
            written => written.map_err(|error| late(error, timeout)),
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_read_timeout(limit(timeout))?;
        let free = self.buffers.input_append_buf();
        let read = loop {
            match self.stream.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| late(error, timeout))?,
            }
        };
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        let look = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let found = rustix::net::recv(&self.stream, &mut [0; 1], look);
        found == Err(rustix::io::Errno::WOULDBLOCK)
    }
}

fn is_closed(error: &io::Error) -> bool {
    let closed = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    closed.contains(&error.kind())
}

/// A time limit as the system takes it. A call that has no time left is not made, so this is never zero.
fn limit(timeout: NextTimeout) -> Option<Duration> {
    timeout.not_zero().map(|limit| *limit)
}

/// An error that is only the end of the time limit, told as that.
fn late(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}

/// Finds the one address that ureq wants and nobody uses.
#[derive(Debug)]
struct NoAddress;

impl Resolver for NoAddress {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_waited_for_no_longer_than_the_limit() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let listener = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None);
        let listener = listener.expect("a socket");
        let address = SocketAddrUnix::new(&socket).expect("an address");
        let place = Place::of_ours(&socket);
        rustix::net::bind(&listener, &address).expect("bind");
        rustix::net::listen(&listener, 0).expect("listen");
        let limit = Some(Duration::from_millis(10));
        let waiting: Vec<_> = (0..16).map(|_| connect(&place, limit)).collect();
        let last = waiting.last().expect("one").as_ref().expect_err("no place");
        // macOS refuses at once; that counts as nobody being there.
        let expected = [io::ErrorKind::WouldBlock, io::ErrorKind::ConnectionRefused];
        assert!(expected.contains(&last.kind()), "{last}");
    }
}
