//! From what a terminal was told to what a person would read on it.
//!
//! pip and uv draw progress bars: carriage returns, cursor movements, erased lines. [`Cleaner`] follows them on a small
//! screen of the last few lines and gives the text that is left in the end: no escape sequences, no control characters
//! but tab and line end, invalid UTF-8 replaced. Text without any of those passes unchanged.
//!
//! **Invariant:** how the bytes are cut into pieces never changes the result.
//! **Invariant:** memory is bounded, however long a line or an escape sequence is.

use super::screen::Screen;

/// The text that a log keeps of output that came in these pieces.
pub fn readable<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let (mut cleaner, mut text) = (Cleaner::default(), String::new());
    for piece in pieces {
        cleaner.feed(piece, &mut text);
    }
    cleaner.finish(&mut text);
    text
}

/// A stream of bytes on its way to readable text.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    /// The beginning of a character whose end has not come yet: three bytes at most.
    partial: Vec<u8>,
    state: EscapeState,
    screen: Screen,
}

/// Where in an escape sequence we are (ECMA-48).
#[derive(Debug, Default, PartialEq, Eq)]
enum EscapeState {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte: one more ends it.
    Intermediate,
    /// In a control sequence, with its parameters so far.
    Control(String),
    /// In a string (OSC, DCS, SOS, PM, APC), which BEL or ESC `\` ends; `true` after that ESC.
    String(bool),
}

/// More parameters than any real sequence has; what comes beyond is not looked at.
const LONGEST_PARAMETERS: usize = 32;

impl Cleaner {
    /// Takes `bytes` and appends to `out` the text that can no longer change.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut String) {
        if self.partial.is_empty() {
            self.decode(bytes, out);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            self.decode(&joined, out);
        }
    }

    /// The text that may still change, as it stands.
    pub(crate) fn rest(&self) -> String {
        self.screen.rest()
    }

    /// Ends the stream: appends what is left to `out`.
    pub(crate) fn finish(mut self, out: &mut String) {
        if !self.partial.is_empty() {
            self.take("\u{fffd}", out);
        }
        out.push_str(&self.screen.rest());
    }

    fn decode(&mut self, bytes: &[u8], out: &mut String) {
        // Nearly all of it is valid, and this check looks at many bytes at a time.
        let valid = match std::str::from_utf8(bytes) {
            Ok(text) => return self.take(text, out),
            Err(error) => error.valid_up_to(),
        };
        let (valid, bytes) = bytes.split_at(valid);
        self.take(std::str::from_utf8(valid).unwrap_or_default(), out);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.take(chunk.valid(), out);
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let is_cut =
                std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if is_cut && chunks.peek().is_none() {
                self.partial = invalid.to_vec();
            } else {
                self.take("\u{fffd}", out);
            }
        }
    }

    fn take(&mut self, mut text: &str, out: &mut String) {
        while !text.is_empty() {
            if self.state == EscapeState::Text {
                let plain = plain_length(text);
                self.screen.write(&text[..plain], out);
                text = &text[plain..];
                if let Some(next) = text.strip_prefix('\n') {
                    self.screen.line_end(out);
                    text = next;
                    continue;
                }
            }
            let mut chars = text.chars();
            if let Some(c) = chars.next() {
                self.step(c, out);
                text = chars.as_str();
            }
        }
    }

    /// One character that is not plain text, or that stands in an escape sequence.
    fn step(&mut self, c: char, out: &mut String) {
        if matches!(c, '\n' | '\x18' | '\x1a') && !matches!(self.state, EscapeState::Text) {
            // A line end or CAN gives a sequence up: a stray ESC must not swallow the rest of the log.
            self.state = EscapeState::Text;
        }
        self.state = match (std::mem::take(&mut self.state), c) {
            (
                EscapeState::Text
                | EscapeState::Escape
                | EscapeState::Intermediate
                | EscapeState::Control(_),
                '\x1b',
            ) => EscapeState::Escape,
            (EscapeState::Text, c) => {
                self.control_character(c, out);
                EscapeState::Text
            }
            (EscapeState::Escape, '[') => EscapeState::Control(String::new()),
            (EscapeState::Escape, ']' | 'P' | 'X' | '^' | '_')
            | (EscapeState::String(true), '[' | ']') => EscapeState::String(false),
            (EscapeState::Escape | EscapeState::Intermediate, ' '..='/') => {
                EscapeState::Intermediate
            }
            (EscapeState::Escape, c) => {
                match c {
                    'D' => self.screen.down(1),
                    'E' => self.screen.line_end(out),
                    'M' => self.screen.up(1),
                    _ => {}
                }
                EscapeState::Text
            }
            (EscapeState::Control(mut parameters), ' '..='?') => {
                if parameters.len() < LONGEST_PARAMETERS {
                    parameters.push(c);
                }
                EscapeState::Control(parameters)
            }
            (EscapeState::Control(parameters), c) => {
                self.control_sequence(&parameters, c);
                if c.is_control() {
                    self.control_character(c, out);
                }
                EscapeState::Text
            }
            (EscapeState::Intermediate, _)
            | (EscapeState::String(_), '\x07')
            | (EscapeState::String(true), '\\') => EscapeState::Text,
            (EscapeState::String(_), c) => EscapeState::String(c == '\x1b'),
        };
    }

    fn control_character(&mut self, c: char, out: &mut String) {
        match c {
            '\n' => self.screen.line_end(out),
            '\r' => self.screen.column(0),
            '\x08' => self.screen.left(1),
            _ => {}
        }
    }

    /// The sequence that `last` ends. Those that only colour, or that move about a whole screen, change no text.
    fn control_sequence(&mut self, parameters: &str, last: char) {
        let first = parameters.split(';').next().unwrap_or_default();
        let number: usize = first.parse().unwrap_or(0);
        let count = number.max(1);
        match last {
            'A' => self.screen.up(count),
            'B' | 'e' => self.screen.down(count),
            'C' | 'a' => self.screen.right(count),
            'D' => self.screen.left(count),
            'E' => {
                self.screen.down(count);
                self.screen.column(0);
            }
            'F' => {
                self.screen.up(count);
                self.screen.column(0);
            }
            'G' | '`' => self.screen.column(count - 1),
            'J' if number == 0 => self.screen.erase_below(),
            'K' => match number {
                0 => self.screen.erase_right(),
                1 => self.screen.erase_left(),
                _ => self.screen.erase_line(),
            },
            'P' => self.screen.delete(count),
            _ => {}
        }
    }
}

/// Where the first byte is that may not be simply written. Looks at whole blocks, which compiles to a few wide
/// comparisons.
fn first_special(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let is_special = |byte: u8| (byte < 0x20 && byte != b'\t') || byte == 0x7f || byte == 0xc2;
    let has_special = |block: &[u8]| {
        let any = |found: bool, &byte: &u8| found | is_special(byte);
        block.iter().fold(false, any)
    };
    let block = bytes.chunks(BLOCK).position(has_special)?;
    let from = block * BLOCK;
    let at = bytes[from..].iter().position(|&byte| is_special(byte))?;
    Some(from + at)
}

/// How many bytes of `text` are characters that are simply written.
fn plain_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let Some(at) = first_special(&bytes[from..]) else {
            return bytes.len();
        };
        let at = from + at;
        // U+0080 to U+009F are control characters too; the rest of what begins with this byte is text.
        if bytes[at] == 0xc2 && bytes[at + 1] >= 0xa0 {
            from = at + 2;
        } else {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cleaned<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut cleaner = Cleaner::default();
        let mut out = String::new();
        for piece in pieces {
            cleaner.feed(piece, &mut out);
        }
        cleaner.finish(&mut out);
        out
    }

    fn check(given: impl AsRef<[u8]>, expected: &str) {
        let given = given.as_ref();
        assert_eq!(
            cleaned([given]),
            expected,
            "{:?}",
            String::from_utf8_lossy(given)
        );
    }

    #[test]
    fn colours_and_titles_go() {
        check("\x1b[31mred\x1b[0m \x1b[1;38;5;10mx\x1b[m\n", "red x\n");
        check(
            "\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
            "alink",
        );
        check("\x1bP1$r0m\x1b\\a\x1b(Bb\x1b=c\x1b7d\x1b[?25le", "abcde");
        check("a\x1b[2", "a");
        check("a\x1b]never ends\nb\n", "a\nb\n");
        check("a\x1b[1\nb", "a\nb");
        check("\u{9b}31mx", "31mx");
    }

    #[test]
    fn redraws_leave_their_last_state() {
        check("10%\r50%\r100%\n", "100%\n");
        check("12345\rab\n", "ab345\n");
        check("12345\r\x1b[Kab\n", "ab\n");
        check("12345\r\x1b[2Kab\n", "ab\n");
        check("abc\x08\x08X\n", "aXc\n");
        check("abc\r\ndef\r\n", "abc\ndef\n");
        check("가나다\r라\n", "라나다\n");
        check("ab\x1b[5Gx\n", "ab  x\n");
        check("ab\x1b[3Cx", "ab   x");
        check("abcd\x1b[1Gx\x1b[2P", "xd");
        check("abcd\x1b[2D\x1b[1Kx", "  xd");
    }

    #[test]
    fn bars_of_several_lines_are_followed() {
        let bars =
            "a 10%\nb 10%\n\x1b[2A\r\x1b[2Ka 100%\n\x1b[2Kb 50%\n\x1b[1A\x1b[2Kb 100%\ndone\n";
        check(bars, "a 100%\nb 100%\ndone\n");
        // Bars that are erased at the end leave no empty lines.
        check("x\nbar\nbar\n\x1b[2A\x1b[Jdone", "x\ndone");
        check("x\nbar\nbar\n\x1b[1A\x1b[2K\x1b[1A\x1b[2K", "x\n");
    }

    #[test]
    fn what_is_no_text_goes_or_is_replaced() {
        check(b"a\0b\x07c\x7fd\x0ce\tf", "abcde\tf");
        check(
            b"\xff\xfe\xe2\x82x\xed\xa0\x80",
            "\u{fffd}\u{fffd}\u{fffd}x\u{fffd}\u{fffd}\u{fffd}",
        );
        check(b"cut \xf0\x9f", "cut \u{fffd}");
        check("a\u{85}b\u{a0}c", "ab\u{a0}c");
    }

    #[test]
    fn a_line_without_end_needs_little_memory() {
        let mut cleaner = Cleaner::default();
        let (mut out, mut length) = (String::new(), 0);
        for _ in 0..1000 {
            cleaner.feed(&[b'x'; 10_000], &mut out);
            length += out.len();
            out.clear();
            assert!(cleaner.rest().len() <= 20_000);
        }
        cleaner.finish(&mut out);
        assert_eq!(length + out.len(), 10_000_000);
    }

    /// Pieces that make up what programs print, and what they should not.
    fn printed() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            "[a-z가-힣 ]{0,12}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..4),
            "\x1b\\[[0-9]{0,2}[ABCDEFGJKPm]".prop_map(String::into_bytes),
            "\x1b[\\]P(=c7M][a-z]{0,3}".prop_map(String::into_bytes),
            proptest::sample::select(vec![
                "\n", "\r", "\r\n", "\x08", "\x07", "\x1b", "\x1b\\", "\u{9b}"
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn cutting_into_pieces_changes_nothing(bytes in printed(), size in 1_usize..9) {
            prop_assert_eq!(cleaned(bytes.chunks(size)), cleaned([bytes.as_slice()]));
        }

        #[test]
        fn only_text_is_left(bytes in printed()) {
            let text = cleaned([bytes.as_slice()]);
            prop_assert!(text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')), "{:?}", text);
        }

        #[test]
        fn plain_text_is_unchanged(text in "[^\\p{Cc}]{0,40}(\n[^\\p{Cc}]{0,40}){0,60}") {
            prop_assert_eq!(cleaned([text.as_bytes()]), text);
        }
    }
}
