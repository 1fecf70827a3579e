//! JSON laid out for reading, one element a line, two spaces a level.
//!
//! No values are made on the way: numbers keep their digits, and a lone surrogate, which no text can hold, stays the
//! escape that it was. Other escapes become the characters that they mean, as far as those may be shown.

use super::escape::{escape_of, unescape};
use crate::terminal::is_deceptive;

/// `json`, which must be valid, for a terminal: what would move the cursor, hide or turn text stays escaped.
pub(crate) fn laid_out(json: &str) -> String {
    let mut printer = Printer::new(usize::MAX, |c| c.is_control() || is_deceptive(c));
    printer.write(json);
    printer.text
}

/// The first `limit` characters of `json` as Python's `json.dumps(value, indent=2, ensure_ascii=False)` writes it, and
/// whether there are more. `json` may end anywhere after what makes up those characters.
#[cfg(feature = "backend")]
pub(crate) fn laid_out_as_python(json: &str, limit: usize) -> (String, bool) {
    let mut printer = Printer::new(limit, |c| c < ' ');
    printer.write(json);
    (printer.text, printer.is_full)
}

struct Printer {
    text: String,
    /// Characters that may still be added.
    room: usize,
    /// Whether there was a character too many.
    is_full: bool,
    depth: usize,
    stays_escaped: fn(char) -> bool,
}

impl Printer {
    fn new(limit: usize, stays_escaped: fn(char) -> bool) -> Self {
        Self {
            text: String::new(),
            room: limit,
            is_full: false,
            depth: 0,
            stays_escaped,
        }
    }

    fn write(&mut self, json: &str) {
        let mut rest = json;
        while let Some((c, next)) = self.next(rest) {
            rest = next;
            match c {
                '"' => {
                    self.push('"');
                    rest = self.string(next);
                }
                '{' | '[' => {
                    self.push(c);
                    rest = self.open(next);
                }
                '}' | ']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.new_line();
                    self.push(c);
                }
                ',' => {
                    self.push(',');
                    self.new_line();
                }
                ':' => self.push_all(": "),
                c if c.is_ascii_whitespace() => {}
                c => self.push(c),
            }
        }
    }

    /// After an opening bracket: what is empty stays on its line.
    fn open<'t>(&mut self, next: &'t str) -> &'t str {
        let inside = next.trim_ascii_start();
        if let Some(close @ ('}' | ']')) = inside.chars().next() {
            self.push(close);
            return &inside[1..];
        }
        self.depth += 1;
        self.new_line();
        inside
    }

    /// The rest of a string and its closing quote; gives what follows.
    fn string<'t>(&mut self, mut rest: &'t str) -> &'t str {
        while let Some((c, next)) = self.next(rest) {
            match c {
                '"' => {
                    self.push('"');
                    return next;
                }
                '\\' => {
                    let (c, after) = unescape(rest);
                    match c {
                        Some(c @ ('"' | '\\')) => self.push_all(&escape_of(c)),
                        Some(c) => self.character(c),
                        None => self.push_all(&rest[..rest.len() - after.len()]),
                    }
                    rest = after;
                }
                c => {
                    self.character(c);
                    rest = next;
                }
            }
        }
        rest
    }

    fn character(&mut self, c: char) {
        if (self.stays_escaped)(c) {
            self.push_all(&escape_of(c));
        } else {
            self.push(c);
        }
    }

    fn new_line(&mut self) {
        self.push('\n');
        for _ in 0..self.depth {
            if self.is_full {
                break;
            }
            self.push_all("  ");
        }
    }

    fn push_all(&mut self, text: &str) {
        text.chars().for_each(|c| self.push(c));
    }

    fn push(&mut self, c: char) {
        if self.room == 0 {
            self.is_full = true;
        } else {
            self.text.push(c);
            self.room -= 1;
        }
    }

    /// The next character and what follows it, while there is room.
    fn next<'t>(&self, rest: &'t str) -> Option<(char, &'t str)> {
        let mut chars = rest.chars();
        let c = chars.next().filter(|_| !self.is_full)?;
        Some((c, chars.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(laid_out(json), expected);
        #[cfg(feature = "backend")]
        assert_eq!(
            laid_out_as_python(json, usize::MAX),
            (expected.to_owned(), false)
        );
    }

    #[test]
    fn json_is_laid_out() {
        check("null", "null");
        check("[]", "[]");
        check(r#"{ "a": [ ] }"#, "{\n  \"a\": []\n}");
        check(
            r#"{"a":[1,{"b":"x,y:{"}],"c":{}}"#,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,y:{\"\n    }\n  ],\n  \"c\": {}\n}",
        );
        check(
            "123456789012345678901234567890.10",
            "123456789012345678901234567890.10",
        );
        check(r#""\ud55c\uae00 \ud83d\ude00""#, "\"한글 😀\"");
        check(r#""\ud800 \uDC00\ud800x""#, r#""\ud800 \uDC00\ud800x""#);
        check(r#""\u001b[31m\"\\\n\u000a""#, r#""\u001b[31m\"\\\n\n""#);
        check(r#""\u0022\u005c\/""#, r#""\"\\/""#);
    }

    #[test]
    fn a_terminal_gets_nothing_that_moves_or_hides_text() {
        assert_eq!(laid_out("\"a\u{9b}\u{7f}\""), r#""a\u009b\u007f""#);
        assert_eq!(laid_out(r#""\u202e""#), r#""\u202e""#);
    }

    #[cfg(feature = "backend")]
    #[test]
    fn python_escapes_control_characters_only() {
        let (text, _) = laid_out_as_python(r#"["\u0001\u007f\u202e"]"#, 100);
        assert_eq!(text, "[\n  \"\\u0001\u{7f}\u{202e}\"\n]");
    }

    #[cfg(feature = "backend")]
    #[test]
    fn characters_are_counted() {
        let cut = |limit| laid_out_as_python(r#"["\ud55c글"]"#, limit);
        assert_eq!(cut(9), ("[\n  \"한글\"\n".to_owned(), true));
        assert_eq!(cut(10), ("[\n  \"한글\"\n]".to_owned(), false));
    }

    #[test]
    fn the_meaning_stays() {
        for json in [
            r#"{"a":[1,2.5e3,true,null,"\u0000\t\/"],"\uac00":{"x":[[],{}]}}"#,
            r#"["\ud83d\ude00",{"a b":" "}]"#,
        ] {
            let before: serde_json::Value = serde_json::from_str(json).expect("JSON");
            let after: serde_json::Value = serde_json::from_str(&laid_out(json)).expect("JSON");
            assert_eq!(before, after);
        }
    }
}
