//! HTTP/1.1 on one kept connection to the daemon's socket, with no more than a bench needs of it: a client library's
//! threads would be measured too.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A connection that is kept from one call to the next.
pub(crate) struct Connection {
    stream: BufReader<UnixStream>,
    line: String,
}

impl Connection {
    pub(crate) fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("the daemon listens");
        Self {
            stream: BufReader::new(stream),
            line: String::new(),
        }
    }

    /// As [`Self::post`], of a call that has no body.
    pub(crate) fn get(&mut self, path: &str) -> Vec<u8> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: aim\r\n\r\n"))
    }

    /// The body of the answer, which must be a good one.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Vec<u8> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: aim\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.ask(&request)
    }

    fn ask(&mut self, request: &str) -> Vec<u8> {
        let stream = self.stream.get_mut();
        stream.write_all(request.as_bytes()).expect("sent");
        let status = self.line().to_owned();
        assert!(status.starts_with("HTTP/1.1 200"), "{status}");
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().expect("a number");
            }
            is_chunked |= line == "transfer-encoding: chunked";
        }
        let mut body = Vec::new();
        if !is_chunked {
            self.take(length, &mut body);
            return body;
        }
        loop {
            let size = usize::from_str_radix(self.line(), 16).expect("a chunk's size");
            self.take(size, &mut body);
            assert!(self.line().is_empty());
            if size == 0 {
                return body;
            }
        }
    }

    fn line(&mut self) -> &str {
        self.line.clear();
        self.stream.read_line(&mut self.line).expect("read");
        self.line.trim_end()
    }

    fn take(&mut self, size: usize, into: &mut Vec<u8>) {
        let start = into.len();
        into.resize(start + size, 0);
        self.stream.read_exact(&mut into[start..]).expect("read");
    }
}
