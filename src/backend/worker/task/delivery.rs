//! What a running node prints, on its way to whoever asked for the node.
//!
//! A reader that is slow makes the node wait, as a full pipe does. A reader that takes nothing for [`PATIENCE`] is not
//! waited for any longer: the node goes on, and what the reader missed is counted and told. The worker log has it all.
//!
//! **Invariant:** at most a few chunks are kept for a reader, however much the node prints.
//! **Invariant:** text is cut between characters only.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;

use crate::api::v1::{NodeOutput, Stream};

/// How long a node waits for a reader that takes nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to one reader.
#[derive(Debug)]
pub(crate) struct Delivery {
    output: mpsc::Sender<NodeOutput>,
    /// Beginnings of characters whose rest has not come yet.
    started: [Vec<u8>; 2],
    backlog: VecDeque<NodeOutput>,
    stalled_since: Option<Instant>,
    left_out: u64,
    is_given_up: bool,
}

impl Delivery {
    pub(crate) fn new(output: mpsc::Sender<NodeOutput>) -> Self {
        Self {
            output,
            started: [Vec::new(), Vec::new()],
            backlog: VecDeque::new(),
            stalled_since: None,
            left_out: 0,
            is_given_up: false,
        }
    }

    /// Adds what was printed.
    pub(crate) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        if self.is_given_up {
            self.left_out += bytes.len() as u64;
            return;
        }
        let started = &mut self.started[stream as usize];
        let text = decode(started, bytes);
        self.hand_over(stream, text);
    }

    /// Whether the node is to wait.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.backlog.is_empty() && !self.is_given_up
    }

    /// Whether everything was handed over.
    pub(crate) fn is_done(&self) -> bool {
        self.backlog.is_empty() && self.left_out == 0
    }

    /// When the reader is to be given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.stalled_since
            .filter(|_| !self.is_given_up)
            .map(|since| since + PATIENCE)
    }

    /// Stops waiting for the reader.
    pub(crate) fn give_up(&mut self) {
        self.is_given_up = true;
    }

    /// Waits until the reader takes something, and gives it the next chunk; for ever when there is none.
    pub(crate) async fn step(&mut self) {
        if self.is_done() {
            return std::future::pending().await;
        }
        let Ok(permit) = self.output.reserve().await else {
            // Nobody reads any more, and nobody misses anything.
            self.backlog.clear();
            self.left_out = 0;
            self.is_given_up = false;
            return;
        };
        self.stalled_since = Some(Instant::now());
        if let Some(chunk) = self.backlog.pop_front() {
            permit.send(chunk);
        } else {
            permit.send(NodeOutput {
                stream: Stream::Stderr,
                text: format!(
                    "\n[{} bytes left out here: they came faster than they were read; the worker log has them]\n",
                    self.left_out
                ),
            });
            self.left_out = 0;
        }
        if self.is_done() {
            self.stalled_since = None;
            self.is_given_up = false;
        }
    }

    /// The node has ended: half a character will not be completed.
    pub(crate) fn finish(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut self.started[stream as usize]);
            let text = String::from_utf8_lossy(&rest).into_owned();
            self.hand_over(stream, text);
        }
    }

    /// Hands over what is left, to a reader that takes it.
    pub(crate) async fn complete(mut self) {
        while !self.is_done() && tokio::time::timeout(PATIENCE, self.step()).await.is_ok() {}
    }

    fn hand_over(&mut self, stream: Stream, text: String) {
        if text.is_empty() {
            return;
        }
        let chunk = NodeOutput { stream, text };
        if !self.backlog.is_empty() {
            return self.backlog.push_back(chunk);
        }
        if let Err(TrySendError::Full(chunk)) = self.output.try_send(chunk) {
            self.backlog.push_back(chunk);
            self.stalled_since = Some(Instant::now());
        }
    }
}

/// The text of `started` and `bytes`. The beginning of a character at the end stays in `started`; what can be no part
/// of any is U+FFFD.
fn decode(started: &mut Vec<u8>, bytes: &[u8]) -> String {
    started.extend_from_slice(bytes);
    let mut text = String::with_capacity(started.len());
    let mut rest = started.as_slice();
    loop {
        let error = match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                started.clear();
                return text;
            }
            Err(error) => error,
        };
        let (valid, after) = rest.split_at(error.valid_up_to());
        text.push_str(&String::from_utf8_lossy(valid));
        let Some(wrong) = error.error_len() else {
            let unfinished = after.to_vec();
            *started = unfinished;
            return text;
        };
        text.push(char::REPLACEMENT_CHARACTER);
        rest = &after[wrong..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(parts: &[&[u8]], expected: &[&str]) {
        let mut started = Vec::new();
        let found: Vec<String> = parts
            .iter()
            .map(|part| decode(&mut started, part))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn split_characters_are_kept_together() {
        check(&["가나".as_bytes()], &["가나"]);
        check(&[b"a\xea", b"\xb0", b"\x80b"], &["a", "", "가b"]);
        check(&[b"a\xffb\xea", b"x"], &["a\u{fffd}b", "\u{fffd}x"]);
        check(&[b"\xf0\x9f\x98", b"\x80"], &["", "😀"]);
    }

    #[tokio::test]
    async fn a_reader_that_is_given_up_is_told_what_it_missed() {
        let (sender, mut reader) = mpsc::channel(1);
        let mut delivery = Delivery::new(sender);
        delivery.push(Stream::Stdout, b"one");
        assert!(!delivery.is_blocked());
        delivery.push(Stream::Stdout, b"two");
        assert!(delivery.is_blocked());
        delivery.give_up();
        assert!(!delivery.is_blocked());
        delivery.push(Stream::Stdout, b"lost");
        delivery.finish();
        let seen = tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(chunk) = reader.recv().await {
                seen.push(chunk.text);
            }
            seen
        });
        delivery.complete().await;
        let seen = seen.await.expect("read");
        assert_eq!(&seen[..2], ["one", "two"]);
        assert!(seen[2].contains("[4 bytes left out"), "{seen:?}");
    }

    #[tokio::test]
    async fn a_reader_that_went_away_blocks_nobody() {
        let (sender, reader) = mpsc::channel(1);
        let mut delivery = Delivery::new(sender);
        delivery.push(Stream::Stdout, b"one");
        delivery.push(Stream::Stdout, b"two");
        drop(reader);
        delivery.step().await;
        assert!(delivery.is_done() && !delivery.is_blocked());
        delivery.push(Stream::Stdout, b"three");
        assert!(delivery.is_done());
    }
}
