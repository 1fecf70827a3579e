//! The least that is possible: a bare Python child, and one copy in memory.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::measure::{median, timed};

/// Echoes JSON lines, and does nothing else.
const ECHO: &str = "
import sys, json
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(json.dumps(json.loads(line)).encode() + b'\\n')
    sys.stdout.buffer.flush()
";

/// A program and a bare Python child that echoes JSON lines over pipes: the limit that a node is measured by.
pub(crate) struct Echo {
    child: Child,
    requests: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    line: String,
}

impl Echo {
    pub(crate) fn start(python: &Path) -> Self {
        let mut child = Command::new(python)
            .args(["-I", "-S", "-c", ECHO])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        Self {
            requests: child.stdin.take(),
            replies: BufReader::new(child.stdout.take().expect("piped")),
            child,
            line: String::new(),
        }
    }

    /// One line there and back.
    pub(crate) fn once(&mut self) -> Duration {
        timed(|| {
            let mut requests = self.requests.as_ref().expect("open");
            requests
                .write_all(b"{\"id\": \"1\", \"input\": {\"a\": 1, \"b\": 2}}\n")
                .expect("written");
            self.line.clear();
            self.replies.read_line(&mut self.line).expect("read");
        })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.child.wait();
    }
}

/// Copying `bytes` bytes from one place in memory to another, both of which were touched before.
pub(crate) fn memcpy(bytes: usize) -> Duration {
    let from = vec![1_u8; bytes];
    let mut to = vec![2_u8; bytes];
    let copy = || timed(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    median(std::iter::repeat_with(copy).take(5).collect())
}

/// The same into memory that is new, as it is for whoever is given a copy.
pub(crate) fn copy_of(bytes: usize) -> Duration {
    let from = vec![1_u8; bytes];
    timed(|| black_box(black_box(&from).clone()))
}
