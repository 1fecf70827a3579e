//! The lines of a text of any size, read in pieces.
//!
//! **Invariant:** no more of a line is held than a line may have.

use std::io::{self, BufRead};

use memchr::memchr;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A line, without its end, and whether it had one.
    Whole {
        /// Its bytes.
        line: Vec<u8>,
        /// Whether it is not the torn last one.
        is_ended: bool,
    },
    /// A line with more bytes than a line may have.
    TooLong,
}

/// The lines of a text; empty ones are left out.
#[derive(Debug)]
pub(super) struct Lines<R> {
    text: R,
    longest: usize,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `text`, of at most `longest` bytes each.
    pub(super) fn new(text: R, longest: usize) -> Self {
        Self { text, longest }
    }

    fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        let mut line = Vec::new();
        let mut is_too_long = false;
        loop {
            let found = match self.text.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                found => found?,
            };
            let end = memchr(b'\n', found);
            let part = &found[..end.unwrap_or(found.len())];
            is_too_long |= line.len() + part.len() > self.longest;
            if is_too_long {
                line.clear();
            } else {
                line.extend_from_slice(part);
            }
            let (is_ended, is_over) = (end.is_some(), found.is_empty());
            let taken = part.len() + usize::from(is_ended);
            self.text.consume(taken);
            if is_too_long && (is_ended || is_over) {
                return Ok(Some(Piece::TooLong));
            }
            if is_over && line.is_empty() {
                return Ok(None);
            }
            if is_over || (is_ended && !line.is_empty()) {
                return Ok(Some(Piece::Whole { line, is_ended }));
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<io::Result<Piece>> {
        self.next_piece().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_or_not_at_all() {
        let text = "one\n\ntwo and more\nthree\nfour";
        let shown: Vec<String> = Lines::new(io::BufReader::with_capacity(2, text.as_bytes()), 5)
            .map(|piece| match piece.expect("read") {
                Piece::Whole { line, is_ended } => {
                    let end = if is_ended { "." } else { "" };
                    String::from_utf8(line).expect("text") + end
                }
                Piece::TooLong => "!".to_owned(),
            })
            .collect();
        assert_eq!(shown, ["one.", "!", "three.", "four"]);
        assert_eq!(Lines::new(&b""[..], 5).count(), 0);
        assert_eq!(Lines::new(&b"\n\n"[..], 5).count(), 0);
        assert_eq!(Lines::new(&b"far too long"[..], 5).count(), 1);
    }
}
