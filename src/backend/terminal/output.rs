//! What a session has put out: the newest bytes, each with its place in the whole stream.
//!
//! It is scrollback and send queue in one. A page reads on from its own place; what a page that comes back has missed
//! is sent as it was. When more came than is kept, what is older is gone, but not what it did: [`Modes`] follows what
//! goes, and now and then, when the terminal is quiet, the screen is drawn by an emulator ([`Drawing`]), so that a page
//! that comes back to an editor sees the editor.
//!
//! **Invariant:** what a page gets to show is what a page that was there all the time shows, as far as either has it.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::drawing::{Drawing, Size};
use super::modes::Modes;
use crate::backend::handed::as_text;

/// Bytes that are kept.
pub(super) const KEPT: usize = 2 << 20;

/// Resets a terminal (RIS).
const RESET: &[u8] = b"\x1bc";

/// What brings the part of the screen that is seen to its beginning, whatever a program left: out of the alternate
/// screen, margins and modes as in the beginning, cleared (xterm's DECSTR, ED 2).
const CLEARED: &[u8] = b"\x1b[?1049l\x1b[!p\x1b[0m\x1b[?7h\x1b(B\x1b[H\x1b[2J";

/// The output of one session.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Output {
    /// How many bytes are kept.
    #[serde(skip, default = "usual_most")]
    most: usize,
    #[serde(with = "as_text")]
    kept: VecDeque<u8>,
    /// The place of the first kept byte.
    start: u64,
    /// The terminal's state before it.
    before: Modes,
    drawing: Option<Drawing>,
    /// Up to here some page was sent the stream, and its terminal has answered what was asked of it.
    answered: u64,
}

/// What a page is to show that comes to a session.
#[derive(Debug)]
pub(super) struct Replay {
    /// It follows what the page has already.
    pub(super) is_resumed: bool,
    /// The place in the stream of the first byte sent, so that the page can count on from there.
    pub(super) offset: u64,
    /// What is sent before the stream goes on at [`Self::from`].
    pub(super) head: Vec<u8>,
    /// Where the stream goes on.
    pub(super) from: u64,
    /// So many bytes, of the head and then of the stream, have had their answers from a page before.
    pub(super) no_news: u64,
    /// What is shown may lack something; the program had better draw its screen again.
    pub(super) is_in_doubt: bool,
}

fn usual_most() -> usize {
    KEPT
}

impl Default for Output {
    fn default() -> Self {
        Self::keeping(usual_most())
    }
}

impl Output {
    /// Nothing as yet, of which the last `most` bytes will be kept.
    pub(super) fn keeping(most: usize) -> Self {
        Self {
            most,
            kept: VecDeque::new(),
            start: 0,
            before: Modes::default(),
            drawing: None,
            answered: 0,
        }
    }

    /// The place after the last byte.
    pub(super) fn end(&self) -> u64 {
        self.start + self.kept.len() as u64
    }

    /// Takes in what was put out next.
    pub(super) fn push(&mut self, new: &[u8]) {
        for new in new.chunks(self.most) {
            self.let_go((self.kept.len() + new.len()).saturating_sub(self.most));
            let needed = self.kept.len() + new.len();
            if needed > self.kept.capacity() {
                let more = needed.next_power_of_two().min(self.most) - self.kept.len();
                self.kept.reserve_exact(more);
            }
            self.kept.extend(new);
        }
    }

    fn let_go(&mut self, count: usize) {
        for part in parts(&self.kept, 0..count) {
            self.before.follow(part);
        }
        self.kept.drain(..count);
        self.start += count as u64;
    }

    /// The bytes from `place` on, `most` of them; none where there are none yet.
    pub(super) fn piece(&self, place: u64, most: usize) -> Option<Bytes> {
        let skipped = usize::try_from(place.checked_sub(self.start)?).ok()?;
        let [first, second] = parts(&self.kept, skipped..skipped.saturating_add(most));
        let piece = if first.is_empty() { second } else { first };
        (!piece.is_empty()).then(|| Bytes::copy_from_slice(piece))
    }

    /// How a page goes on that has seen the stream up to `seen`, or nothing of it. `others` have been shown it since.
    pub(super) fn replay(&self, seen: Option<u64>, others: bool) -> Replay {
        let seen = seen.filter(|seen| (self.start..=self.end()).contains(seen));
        let (is_resumed, from) = match seen {
            Some(seen) => (true, seen),
            None if self.start == 0 => (false, 0),
            None => return self.rebuilt(),
        };
        Replay {
            is_resumed,
            offset: from,
            head: Vec::new(),
            from,
            // What a page has not seen, it has not answered; whether somebody else has, is another matter.
            no_news: if is_resumed && !others {
                0
            } else {
                self.answered.saturating_sub(from)
            },
            is_in_doubt: false,
        }
    }

    /// All that is kept, for a page that has nothing: what goes into its scrollback, then the screen as it was drawn
    /// last, then what came after.
    fn rebuilt(&self) -> Replay {
        let drawing = self
            .drawing
            .as_ref()
            .filter(|drawing| drawing.at >= self.start);
        let from = drawing.map_or(self.end(), |drawing| drawing.at);
        let screen = drawing.map_or_else(Vec::new, |drawing| [CLEARED, &drawing.bytes].concat());
        let begin = [RESET, &self.before.restored()].concat();
        // The page counts what it gets, so that there is no more of it than of the stream.
        let made = begin.len() + screen.len();
        let kept = usize::try_from(from - self.start).unwrap_or(usize::MAX);
        let room = usize::try_from(from)
            .unwrap_or(usize::MAX)
            .saturating_sub(made);
        let older = parts(&self.kept, 0..kept).concat();
        let cut = kept.saturating_sub(room).max(self.before.rest(&older));
        let older = &older[cut.min(kept)..];
        let head = [&begin, older, &screen].concat();
        Replay {
            is_resumed: false,
            offset: from.saturating_sub(head.len() as u64),
            no_news: head.len() as u64 + self.answered.saturating_sub(from),
            head,
            from,
            is_in_doubt: drawing.is_none_or(|drawing| !drawing.is_whole)
                && self.state_at_end().is_alternate(),
        }
    }

    fn state_at_end(&self) -> Modes {
        let mut state = self.before.clone();
        for part in parts(&self.kept, 0..self.kept.len()) {
            state.follow(part);
        }
        state
    }

    /// Whether the screen had better be drawn when nothing else is to be done.
    pub(super) fn wants_drawing(&self) -> bool {
        let drawn = self.drawing.as_ref().map_or(0, |drawing| drawing.at);
        self.end() - drawn > self.most as u64 / 2
    }

    /// What draws the screen as it is now, on a terminal of `size`; to be run elsewhere, since it takes its time.
    pub(super) fn draw(&self, size: Size) -> impl FnOnce() -> Drawing + Send + 'static {
        let last = self
            .drawing
            .clone()
            .filter(|drawing| drawing.at >= self.start);
        let place = last.as_ref().map_or(self.start, |drawing| drawing.at);
        let skipped = usize::try_from(place - self.start).unwrap_or(usize::MAX);
        let bytes = parts(&self.kept, skipped..self.kept.len()).concat();
        let before = match last {
            Some(_) => Modes::default(),
            None => self.before.clone(),
        };
        move || Drawing::of(size, last, before, place, &bytes)
    }

    /// Some page was sent the stream up to `place`.
    pub(super) fn answered(&mut self, place: u64) {
        self.answered = self.answered.max(place);
    }

    /// Keeps a drawing.
    pub(super) fn drawn(&mut self, drawing: Drawing) {
        self.drawing = Some(drawing);
    }
}

/// What `kept` has there, as far as it goes: it lies in two parts, either of which may be empty.
fn parts(kept: &VecDeque<u8>, there: Range<usize>) -> [&[u8]; 2] {
    let (first, second) = kept.as_slices();
    let place = |at: usize| at.min(first.len())..at.saturating_sub(first.len()).min(second.len());
    let (from, to) = (place(there.start), place(there.end));
    [&first[from.start..to.start], &second[from.end..to.end]]
}
