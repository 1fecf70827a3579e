//! The screen of a session at one place of its output, as bytes that draw it.
//!
//! An emulator follows some 30 to 100 MB a second, which is too slow to stand in the stream. So it is let at what is
//! kept when the terminal is quiet, and only its result is kept: some kilobytes, and no grid of cells.

use serde::{Deserialize, Serialize};

use super::modes::Modes;
use crate::backend::handed::as_text;

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Size {
    pub(super) cols: u16,
    pub(super) rows: u16,
}

/// A screen, drawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Drawing {
    /// The place in the output.
    pub(super) at: u64,
    /// What draws the screen on an empty one, and brings the terminal to the state that it was in.
    #[serde(with = "as_text")]
    pub(super) bytes: Vec<u8>,
    /// That state.
    modes: Modes,
    /// Nothing that the alternate screen shows was drawn before the bytes that this was made of.
    pub(super) is_whole: bool,
}

impl Drawing {
    /// The screen after `output`, which begins at `place`: there the screen was as the drawing `last` has it; without
    /// one it is not known, but for the state `before`.
    pub(super) fn of(
        size: Size,
        last: Option<Self>,
        before: Modes,
        place: u64,
        output: &[u8],
    ) -> Self {
        let (mut modes, begin, was_whole) = if let Some(last) = last {
            (last.modes, last.bytes, last.is_whole)
        } else {
            let (begin, was_whole) = (before.restored(), !before.is_alternate());
            (before, begin, was_whole)
        };
        // A character that is not whole yet is left to what comes after.
        let whole = output.len() - unfinished(output);
        let output = &output[..whole];
        modes.follow(output);
        let (cols, rows) = (usize::from(size.cols.max(1)), usize::from(size.rows.max(1)));
        // A sequence that is not whole yet ends the drawing.
        let mut bytes = modes.beside_drawing();
        if let Ok(mut terminal) = avt::Terminal::new(cols, rows) {
            terminal.feed(&*String::from_utf8_lossy(&begin));
            terminal.feed(&*String::from_utf8_lossy(output));
            bytes.extend(as_xterm_reads(&terminal.dump()).into_bytes());
        }
        Self {
            at: place + whole as u64,
            bytes,
            // The alternate screen begins empty.
            is_whole: was_whole || !modes.is_alternate(),
            modes,
        }
    }
}

/// Tab stops as every terminal sets them (TBC, HTS): xterm.js does not know the emulator's way (CTC, ECMA-48).
fn as_xterm_reads(drawn: &str) -> String {
    drawn
        .replace("\x1b[5W", "\x1b[3g")
        .replace("\x1b[0W", "\x1bH")
}

/// How many bytes at the end are a character that is not whole.
fn unfinished(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(4)..];
    match tail.utf8_chunks().last() {
        Some(last)
            if std::str::from_utf8(last.invalid())
                .is_err_and(|error| error.error_len().is_none()) =>
        {
            last.invalid().len()
        }
        _ => 0,
    }
}
