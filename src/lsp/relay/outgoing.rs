//! What is still to be written to one side, which may take its time.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;

use rustix::io::{Errno, writev};

use crate::lsp::wire::{Body, header};

/// Messages on their way, each with its header.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    waiting: VecDeque<(String, Body)>,
    /// How much of the first one is written.
    written: usize,
    bytes: usize,
}

impl Outgoing {
    pub(super) fn push(&mut self, body: Body) {
        let header = header(body.len());
        self.bytes += header.len() + body.len();
        self.waiting.push_back((header, body));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// Nobody will read it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes as much as goes without waiting.
    ///
    /// # Errors
    /// What the system says, but for "not now".
    pub(super) fn write_to(&mut self, side: &impl AsFd) -> io::Result<()> {
        while let Some((header, body)) = self.waiting.front() {
            let (of_header, of_body) = match self.written.checked_sub(header.len()) {
                Some(of_body) => (header.len(), of_body),
                None => (self.written, 0),
            };
            let pieces = [
                IoSlice::new(&header.as_bytes()[of_header..]),
                IoSlice::new(&body[of_body..]),
            ];
            let pieces = if of_header == header.len() {
                &pieces[1..]
            } else {
                &pieces
            };
            match writev(side, pieces) {
                Ok(0) if header.len() + body.len() > self.written => return Ok(()),
                Ok(written) => {
                    self.written += written;
                    self.bytes -= written;
                    if self.written == header.len() + body.len() {
                        self.written = 0;
                        self.waiting.pop_front();
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn what_does_not_go_at_once_goes_later() {
        let (near, mut far) = UnixStream::pair().expect("a pair");
        near.set_nonblocking(true).expect("set");
        let mut outgoing = Outgoing::default();
        let bodies = [
            "{}".to_owned(),
            "x".repeat(3_000_000),
            String::new(),
            "[1]".to_owned(),
        ];
        let mut expected = Vec::new();
        for body in &bodies {
            expected.extend_from_slice(header(body.len()).as_bytes());
            expected.extend_from_slice(body.as_bytes());
            outgoing.push(Rc::new(body.clone().into_bytes()));
        }
        assert_eq!(outgoing.len(), expected.len());
        let (mut read, mut buffer) = (Vec::new(), vec![0; 100_000]);
        while read.len() < expected.len() {
            outgoing.write_to(&near).expect("written");
            let count = far.read(&mut buffer).expect("read");
            read.extend_from_slice(&buffer[..count]);
        }
        assert_eq!((outgoing.is_empty(), outgoing.bytes), (true, 0));
        assert_eq!(read, expected);
        drop(far);
        outgoing.push(Rc::new(b"{}".to_vec()));
        assert!(outgoing.write_to(&near).is_err(), "nobody reads");
    }
}
