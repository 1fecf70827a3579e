//! Where a message begins and ends: the base protocol of LSP 3.17 ("Base Protocol").
//!
//! A server's own output may be mixed with text that something printed, and a length may be wrong. What is no message
//! is given as text, for the log, and the next header is looked for.

use std::io::{self, Read};

/// A longer message is none: whoever says so is not believed.
pub const LONGEST_BODY: usize = 512 << 20;

/// A line that is no header is cut here.
const LONGEST_LINE: usize = 8 << 10;

/// What is read at once.
const CHUNK: usize = 128 << 10;

const LENGTH: &[u8] = b"content-length:";
const TYPE: &[u8] = b"content-type:";

/// The header of a message of `length` bytes.
pub fn header(length: usize) -> String {
    format!("Content-Length: {length}\r\n\r\n")
}

/// What stood in a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message.
    Body(Vec<u8>),
    /// What is none: printed text, a header that says nothing, a body whose length was wrong.
    Text(Vec<u8>),
}

/// Takes a stream apart.
#[derive(Debug, Default)]
pub struct Frames {
    /// What came and is not yet given, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// The length that the header under way has told.
    length: Option<usize>,
    /// A body under way, and how long it will be.
    body: Option<(Vec<u8>, usize)>,
}

impl Frames {
    /// Reads once from `source`; gives how many bytes that were, 0 at its end.
    ///
    /// # Errors
    /// What the source says.
    pub fn read_from(&mut self, source: &mut impl Read) -> io::Result<usize> {
        if let Some((body, length)) = &mut self.body {
            // What belongs to a long body goes there at once.
            return read_into(source, body, (*length - body.len()).min(CHUNK));
        }
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        read_into(source, &mut self.buffer, CHUNK)
    }

    /// The next message or text that is whole.
    pub fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((body, length)) = &mut self.body {
                let missing = *length - body.len();
                let here = missing.min(self.buffer.len() - self.start);
                body.extend_from_slice(&self.buffer[self.start..self.start + here]);
                self.start += here;
                if here < missing {
                    return None;
                }
                let (body, _) = self.body.take()?;
                return Some(self.judged(body));
            }
            match self.line()? {
                Line::Blank => {
                    if let Some(length) = self.length.take() {
                        // The claim alone reserves no memory to speak of.
                        self.body = Some((Vec::with_capacity(length.min(1 << 20)), length));
                    }
                }
                Line::Length(length) => self.length = Some(length),
                Line::Type => {}
                Line::Text(text) => return Some(Frame::Text(text)),
            }
        }
    }

    /// Whether it stops in the middle of a message.
    pub fn is_within_message(&self) -> bool {
        self.body.is_some() || self.length.is_some() || self.start < self.buffer.len()
    }

    /// What is left where a stream has ended.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = self.body.take().map(|(body, _)| body).unwrap_or_default();
        rest.extend_from_slice(&self.buffer[self.start..]);
        self.buffer.clear();
        self.start = 0;
        rest
    }

    /// A body that is no JSON had a wrong length; if it was too long, the next header is within.
    fn judged(&mut self, mut body: Vec<u8>) -> Frame {
        let trimmed = body.trim_ascii();
        let is_json = matches!(
            (trimmed.first(), trimmed.last()),
            (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
        );
        if is_json {
            return Frame::Body(body);
        }
        if let Some(place) = find_length(&body).or_else(|| begun_length(&body)) {
            let mut again = body.split_off(place);
            again.extend_from_slice(&self.buffer[self.start..]);
            self.buffer = again;
            self.start = 0;
        }
        Frame::Text(body)
    }

    /// The next line of a header, without its end.
    fn line(&mut self) -> Option<Line> {
        let waiting = &self.buffer[self.start..];
        let end = memchr::memchr(b'\n', waiting);
        let Some(end) = end else {
            // A header's beginning is kept; a long line without an end is text.
            let is_long = waiting.len() > LONGEST_LINE;
            return is_long.then(|| {
                let text = waiting.to_vec();
                self.start = self.buffer.len();
                Line::Text(text)
            });
        };
        let line = waiting[..end].trim_ascii();
        if let Some(place) = find_length(line).filter(|place| *place > 0) {
            // Text was printed without a line's end before the header.
            let text = line[..place].to_vec();
            let skipped = waiting
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            self.start += skipped + place;
            return Some(Line::Text(text));
        }
        let line = Line::of(line);
        self.start += end + 1;
        Some(line)
    }
}

enum Line {
    Blank,
    Length(usize),
    Type,
    Text(Vec<u8>),
}

impl Line {
    fn of(line: &[u8]) -> Self {
        if line.is_empty() {
            return Self::Blank;
        }
        if is_begun_by(line, TYPE) {
            return Self::Type;
        }
        let number = is_begun_by(line, LENGTH).then(|| line[LENGTH.len()..].trim_ascii());
        let number = number.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        match number {
            Some(length) if length <= LONGEST_BODY => Self::Length(length),
            _ => Self::Text(line.to_vec()),
        }
    }
}

fn is_begun_by(text: &[u8], begin: &[u8]) -> bool {
    let head = text.get(..begin.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(begin))
}

fn find_length(text: &[u8]) -> Option<usize> {
    let mut places = memchr::memchr2_iter(b'C', b'c', text);
    places.find(|place| is_begun_by(&text[*place..], LENGTH))
}

/// Where a header begins that the text cuts short.
fn begun_length(text: &[u8]) -> Option<usize> {
    let mut ends = (1..LENGTH.len())
        .rev()
        .filter_map(|length| text.len().checked_sub(length));
    ends.find(|place| LENGTH[..text.len() - place].eq_ignore_ascii_case(&text[*place..]))
}

fn read_into(source: &mut impl Read, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let before = buffer.len();
    buffer.resize(before + most, 0);
    let read = source.read(&mut buffer[before..]);
    buffer.truncate(before + read.as_ref().map_or(0, |read| *read));
    read
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives at most so many bytes at a time.
    struct Cut<'a>(&'a [u8], usize);

    impl Read for Cut<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(into.len());
            self.0.read(&mut into[..most])
        }
    }

    fn all(stream: &[u8], cut: usize) -> Vec<Frame> {
        let (mut frames, mut source, mut all) = (Frames::default(), Cut(stream, cut), Vec::new());
        while frames.read_from(&mut source).expect("memory can be read") > 0 {
            while let Some(frame) = frames.frame() {
                all.push(frame);
            }
        }
        all
    }

    fn framed(body: &str) -> String {
        header(body.len()) + body
    }

    fn body(text: &str) -> Frame {
        Frame::Body(text.as_bytes().to_vec())
    }

    fn text(text: &str) -> Frame {
        Frame::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn messages_are_found_whatever_they_are_cut_into() {
        let stream =
            framed("{}") + &framed(r#"{"a":"한국"}"#) + "content-type: x\ncontent-length:4\n\n[{}]";
        for cut in 1..stream.len() {
            let found = all(stream.as_bytes(), cut);
            assert_eq!(
                found,
                [body("{}"), body(r#"{"a":"한국"}"#), body("[{}]")],
                "{cut}"
            );
        }
    }

    #[test]
    fn what_is_printed_between_is_text() {
        let stream =
            "starting\n".to_owned() + &framed("{}") + "warning: old" + &framed("[]") + "bye\n";
        for cut in 1..stream.len() {
            let found = all(stream.as_bytes(), cut);
            let expected = [
                text("starting"),
                body("{}"),
                text("warning: old"),
                body("[]"),
                text("bye"),
            ];
            assert_eq!(found, expected, "{cut}");
        }
    }

    #[test]
    fn a_wrong_length_costs_one_message() {
        let long = "Content-Length: 9\r\n\r\n{}".to_owned() + &framed("[1]");
        let found = all(long.as_bytes(), 7);
        assert_eq!(found.last(), Some(&body("[1]")), "{found:?}");
        let short = "Content-Length: 3\r\n\r\n{\"a\":1}".to_owned() + "\n" + &framed("[1]");
        let found = all(short.as_bytes(), 7);
        assert_eq!(found.last(), Some(&body("[1]")), "{found:?}");
        for wrong in ["-1", "x", "", "99999999999999999999", "536870913"] {
            let stream = format!("Content-Length: {wrong}\r\n\r\n") + &framed("{}");
            let found = all(stream.as_bytes(), 5);
            assert_eq!(found.last(), Some(&body("{}")), "{wrong}: {found:?}");
            assert_eq!(found.len(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_text_at_some_time() {
        let found = all(&vec![b'x'; 100_000], 1000);
        assert!(found.len() > 5, "{}", found.len());
        let mut frames = Frames::default();
        frames
            .read_from(&mut Cut(b"Content-Length: 5\r\n\r\n{\"a", 99))
            .expect("read");
        assert_eq!(frames.frame(), None);
        assert!(frames.is_within_message());
        assert_eq!(frames.rest(), b"{\"a");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_stumble(
            stream in prop::collection::vec(prop_oneof![
                any::<u8>().prop_map(|byte| vec![byte]),
                Just(b"Content-Length: ".to_vec()),
                Just(b"\r\n\r\n".to_vec()),
                Just(b"3".to_vec()),
                Just(b"{}\n".to_vec()),
            ], 0..60),
            cut in 1_usize..20,
        ) {
            let stream = stream.concat();
            let given: usize = all(&stream, cut).iter().map(|frame| match frame {
                Frame::Body(bytes) | Frame::Text(bytes) => bytes.len(),
            }).sum();
            prop_assert!(given <= stream.len());
        }
    }
}
