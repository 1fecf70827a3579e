//! JSON laid out for reading, without going through values: numbers keep their digits, and texts that no value can
//! hold (lone surrogates) come through.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// `json`, which must be valid, with one element a line, and `\u` escapes of visible characters as the characters.
pub(crate) fn laid_out(json: &str) -> String {
    let mut writer = Writer {
        text: String::with_capacity(json.len() + json.len() / 4),
        depth: 0,
    };
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '[' => {
                let close = if c == '{' { '}' } else { ']' };
                writer.text.push(c);
                skip_space(&mut chars);
                if chars.next_if_eq(&close).is_some() {
                    writer.text.push(close);
                } else {
                    writer.depth += 1;
                    writer.new_line();
                }
            }
            '}' | ']' => {
                writer.depth = writer.depth.saturating_sub(1);
                writer.new_line();
                writer.text.push(c);
            }
            ',' => {
                writer.text.push(c);
                writer.new_line();
            }
            ':' => writer.text.push_str(": "),
            '"' => writer.string(&mut chars),
            ' ' | '\t' | '\n' | '\r' => {}
            c => writer.text.push(c),
        }
    }
    writer.text
}

struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn new_line(&mut self) {
        self.text.push('\n');
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
    }

    /// The rest of a string, its opening quote being read.
    fn string(&mut self, chars: &mut Peekable<Chars<'_>>) {
        self.text.push('"');
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => match chars.next() {
                    Some('u') => self.unicode_escape(chars),
                    Some(escaped) => {
                        self.text.push('\\');
                        self.text.push(escaped);
                    }
                    None => break,
                },
                c if is_visible(c) => self.text.push(c),
                c => self.escape(c),
            }
        }
        self.text.push('"');
    }

    /// A `\u` escape, its `\u` being read; two that make up one character are taken together.
    fn unicode_escape(&mut self, chars: &mut Peekable<Chars<'_>>) {
        let first = hex(chars);
        let code = u32::from_str_radix(&first, 16).unwrap_or(0);
        if let Some(c) = char::from_u32(code) {
            if is_visible(c) && !matches!(c, '"' | '\\') {
                return self.text.push(c);
            }
        } else if let Some((low, second)) = low_surrogate(chars) {
            let code = 0x1_0000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
            match char::from_u32(code) {
                Some(c) if is_high(&first) && is_visible(c) => self.text.push(c),
                _ => self.text.extend(["\\u", &first, "\\u", &second]),
            }
            return;
        }
        self.text.push_str("\\u");
        self.text.push_str(&first);
    }

    fn escape(&mut self, c: char) {
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            let _ = write!(self.text, "\\u{unit:04x}");
        }
    }
}

fn skip_space(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(char::is_ascii_whitespace).is_some() {}
}

fn hex(chars: &mut impl Iterator<Item = char>) -> String {
    chars.take(4).collect()
}

fn is_high(digits: &str) -> bool {
    u32::from_str_radix(digits, 16).is_ok_and(|code| (0xd800..0xdc00).contains(&code))
}

/// The `\uDC00` to `\uDFFF` that comes next, taken; nothing is taken when something else comes.
fn low_surrogate(chars: &mut Peekable<Chars<'_>>) -> Option<(u32, String)> {
    let mut ahead = chars.clone();
    if ahead.next() != Some('\\') || ahead.next() != Some('u') {
        return None;
    }
    let digits = hex(&mut ahead);
    let code = u32::from_str_radix(&digits, 16).ok()?;
    if !(0xdc00..0xe000).contains(&code) {
        return None;
    }
    *chars = ahead;
    Some((code, digits))
}

/// Whether `c` neither moves the cursor nor hides or turns what stands around it.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out() {
        fn check(json: &str, expected: &str) {
            assert_eq!(laid_out(json), expected);
        }
        check("null", "null");
        check("[]", "[]");
        check("{ }", "{}");
        check(
            r#"{"a":[1,{"b":"x,y:{"}],"c":{}}"#,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,y:{\"\n    }\n  ],\n  \"c\": {}\n}",
        );
        check(
            "123456789012345678901234567890.10",
            "123456789012345678901234567890.10",
        );
        check(r#""\ud55c\uae00""#, "\"한글\"");
        check(r#""\ud83d\ude00""#, "\"😀\"");
        check(r#""\ud800 \udc00\ud800x""#, r#""\ud800 \udc00\ud800x""#);
        check(r#""\u001b[31m\u202e\"\\\n""#, r#""\u001b[31m\u202e\"\\\n""#);
        check("\"a\u{9b}\"", r#""a\u009b""#);
        check(r#""\u0022\u005c""#, r#""\u0022\u005c""#);
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
