//! The text of an open document, kept as the client changes it (LSP 3.17, "Text Documents").

use serde::Deserialize;

/// What a position's `character` counts, as client and server agreed on (`positionEncoding`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: what everybody can.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// By its name in the protocol.
    pub fn named(name: &str) -> Self {
        match name {
            "utf-8" => Self::Utf8,
            "utf-32" => Self::Utf32,
            _ => Self::Utf16,
        }
    }

    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
        }
    }

    /// What `character` counts as.
    fn units(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// A place between two characters.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Position {
    line: usize,
    character: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Range {
    start: Position,
    end: Position,
}

/// One change: of a part, or of the whole where no part is named.
#[derive(Debug, Deserialize)]
pub struct TextChange {
    range: Option<Range>,
    text: String,
}

/// Makes one change. What lies beyond a line or the text means its end, as the protocol says.
pub(super) fn change(text: &mut String, change: &TextChange, encoding: Encoding) {
    let Some(range) = change.range else {
        change.text.clone_into(text);
        return;
    };
    let start = offset(text, range.start, encoding);
    // From the start on, as most changes are within a line.
    let end = offset(text, range.end, encoding).max(start);
    text.replace_range(start..end, &change.text);
}

fn offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let Some(start) = line(text, position.line) else {
        return text.len();
    };
    let (mut at, mut left) = (start, position.character);
    for character in text[start..].chars() {
        let units = encoding.units(character);
        if matches!(character, '\n' | '\r') || left < units {
            break;
        }
        at += character.len_utf8();
        left -= units;
    }
    at
}

/// Where the line begins. A line ends with `\n`, `\r\n` or `\r`.
fn line(text: &str, number: usize) -> Option<usize> {
    if number == 0 {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
    let mut ends = ends.filter(|at| !(bytes[*at] == b'\r' && bytes.get(at + 1) == Some(&b'\n')));
    ends.nth(number - 1).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, range: [usize; 4], new: &str, encoding: Encoding, after: &str) {
        let mut text = before.to_owned();
        let [line, character, end_line, end_character] = range;
        let range = Range {
            start: Position { line, character },
            end: Position {
                line: end_line,
                character: end_character,
            },
        };
        let one = TextChange {
            range: Some(range),
            text: new.to_owned(),
        };
        change(&mut text, &one, encoding);
        assert_eq!(text, after);
    }

    #[test]
    fn a_part_is_changed_where_the_client_means() {
        use Encoding::{Utf8, Utf16, Utf32};
        for encoding in [Utf8, Utf16, Utf32] {
            check("ab\ncd\n", [1, 0, 1, 1], "x", encoding, "ab\nxd\n");
            check("ab\r\ncd\ref", [2, 1, 2, 2], "", encoding, "ab\r\ncd\re");
            check("ab\r\ncd", [0, 2, 1, 0], " ", encoding, "ab cd");
            check("ab", [0, 99, 0, 99], "c", encoding, "abc");
            check("ab\n", [9, 9, 9, 9], "c", encoding, "ab\nc");
            check("ab\ncd", [0, 99, 0, 99], "!", encoding, "ab!\ncd");
            check("", [0, 0, 0, 0], "한", encoding, "한");
            check("abc", [0, 2, 0, 1], "x", encoding, "abxc");
        }
        check("한😀b", [0, 7, 0, 8], "x", Utf8, "한😀x");
        check("한😀b", [0, 3, 0, 4], "x", Utf16, "한😀x");
        check("한😀b", [0, 2, 0, 3], "x", Utf32, "한😀x");
        // Within a character is before it.
        check("😀b", [0, 1, 0, 2], "x", Utf16, "xb");
        check("한b", [0, 1, 0, 4], "x", Utf8, "x");
    }

    #[test]
    fn the_whole_is_changed_where_no_part_is_named() {
        let mut text = "ab".to_owned();
        let one = TextChange {
            range: None,
            text: "c".to_owned(),
        };
        change(&mut text, &one, Encoding::Utf16);
        assert_eq!(text, "c");
    }

    #[test]
    fn an_unknown_encoding_is_the_one_that_everybody_can() {
        assert_eq!(Encoding::named("utf-7"), Encoding::Utf16);
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            assert_eq!(Encoding::named(encoding.name()), encoding);
        }
    }
}
