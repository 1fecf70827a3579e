//! A worker's log, as it is and as it grows.

use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use fs_err::File;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::named::{Named, Shared};
use crate::backend::reply::{Query, Refusal};
use crate::backend::state::Daemon;

/// How often a followed log is looked at.
const PERIOD: Duration = Duration::from_millis(100);

/// Most bytes that are read at once, and looked through for the last lines.
const PIECE: u64 = 1 << 20;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default = "usual_lines")]
    lines: usize,
    #[serde(default)]
    follow: bool,
}

fn usual_lines() -> usize {
    200
}

/// `GET …/worker/log?lines=N&follow=true`: plain text, the last lines and, if followed, what comes after them until the
/// caller or the daemon goes.
pub(super) async fn show(
    State(daemon): Shared,
    Named(known): Named,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let mut log = Tail::new(daemon.worker_log(&known.id));
    let last = log
        .last_lines(wanted.lines)
        .map_err(|error| Refusal::internal("cannot read the worker's log", error))?;
    let body = if wanted.follow {
        let (sender, pieces) = mpsc::channel(4);
        tokio::spawn(follow(daemon, log, last, sender));
        Body::from_stream(ReceiverStream::new(pieces))
    } else {
        Body::from(last)
    };
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
}

async fn follow(
    daemon: Arc<Daemon>,
    mut log: Tail,
    last: Vec<u8>,
    sender: mpsc::Sender<io::Result<Bytes>>,
) {
    let mut piece = Ok(last);
    loop {
        let is_end = piece.is_err();
        let is_empty = piece.as_ref().is_ok_and(Vec::is_empty);
        if !is_empty && (sender.send(piece.map(Bytes::from)).await.is_err() || is_end) {
            return;
        }
        if is_empty {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = sender.closed() => return,
                () = daemon.closed() => return,
            }
        }
        piece = log.more();
    }
}

/// A growing file, read from its end on; it may not be there yet, and may be replaced by a new one.
struct Tail {
    path: PathBuf,
    open: Option<(File, u64)>,
}

impl Tail {
    fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// The last `lines` lines that are there; of a very long log, what they are of its last part.
    fn last_lines(&mut self, lines: usize) -> io::Result<Vec<u8>> {
        let Some((file, inode)) = open(&self.path)? else {
            return Ok(Vec::new());
        };
        let mut file = file;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(PIECE)))?;
        let mut bytes = Vec::new();
        (&mut file).take(PIECE).read_to_end(&mut bytes)?;
        self.open = Some((file, inode));
        let body = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let breaks = body
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n');
        let start = match lines {
            0 => bytes.len(),
            lines => breaks.map(|(at, _)| at + 1).nth(lines - 1).unwrap_or(0),
        };
        bytes.drain(..start);
        Ok(bytes)
    }

    /// What was added since.
    fn more(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some((file, _)) = &mut self.open {
            file.take(PIECE).read_to_end(&mut bytes)?;
        }
        if bytes.is_empty() {
            let now = std::fs::metadata(&self.path).ok().map(|found| found.ino());
            if now.is_some() && now != self.open.as_ref().map(|(_, inode)| *inode) {
                self.open = open(&self.path)?;
                if let Some((file, _)) = &mut self.open {
                    file.take(PIECE).read_to_end(&mut bytes)?;
                }
            }
        }
        Ok(bytes)
    }
}

fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    match File::open(path) {
        Ok(file) => {
            let inode = file.metadata()?.ino();
            Ok(Some((file, inode)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, lines: usize, expected: &str) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("log");
        std::fs::write(&path, text).expect("write");
        let last = Tail::new(path).last_lines(lines).expect("read");
        assert_eq!(
            String::from_utf8_lossy(&last),
            expected,
            "{lines} of {text:?}"
        );
    }

    #[test]
    fn last_lines() {
        check("a\nb\nc\n", 2, "b\nc\n");
        check("a\nb\nc", 2, "b\nc");
        check("a\nb\n", 9, "a\nb\n");
        check("a\nb\n", 0, "");
        check("\n\n\n", 1, "\n");
        check("", 3, "");
    }

    #[test]
    fn a_log_that_comes_later_grows_and_is_replaced() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("log");
        let mut tail = Tail::new(path.clone());
        assert_eq!(tail.last_lines(5).expect("read"), b"");
        std::fs::write(&path, "one\n").expect("write");
        assert_eq!(tail.more().expect("read"), b"one\n");
        assert_eq!(tail.more().expect("read"), b"");
        std::fs::write(dir.path().join("log"), "one\ntwo\n").expect("write");
        assert_eq!(tail.more().expect("read"), b"two\n");
        std::fs::rename(&path, dir.path().join("log.1")).expect("rename");
        assert_eq!(tail.more().expect("read"), b"");
        std::fs::write(&path, "three\n").expect("write");
        assert_eq!(tail.more().expect("read"), b"three\n");
    }
}
