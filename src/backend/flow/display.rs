//! What a page shows of a result: at most 30 000 characters, as AIM-Forge's `display_metadata` has it (compat, section 10).
//!
//! Only as much of a value is read as is shown.

use crate::json::JsonText;

/// Characters shown.
const LIMIT: usize = 30_000;

/// Bytes of JSON text that are enough for [`LIMIT`] characters: a character outside the BMP is two escapes of six bytes.
const ENOUGH: usize = 16 * LIMIT;

/// Stands at the end of what was cut.
const CUT: &str = "...";

/// What is shown of `value`: a string cut; an object or a list as indented JSON, cut; anything else as it is.
pub(super) fn display(value: &JsonText) -> JsonText {
    if !value.is_string() && !value.is_nested() {
        return value.clone();
    }
    let text = value.as_bytes().trim_ascii();
    let head = String::from_utf8_lossy(&text[..text.len().min(ENOUGH)]);
    if value.is_string() {
        return match cut_string(&head) {
            Some(head) => JsonText::trusted(format!("{head}{CUT}\"").into_bytes()),
            None => value.clone(),
        };
    }
    let mut shown = Indented::default();
    shown.write(&head);
    if head.len() < text.len() {
        shown.is_full = true;
    }
    if shown.is_full {
        shown.text.push_str(CUT);
    }
    JsonText::string(&shown.text)
}

/// Whether what is shown was cut, by the rule that pages know: it is a string that ends in three dots.
pub(super) fn is_cut(shown: &JsonText) -> bool {
    shown.as_bytes().ends_with(b"...\"")
}

/// The first [`LIMIT`] characters of the JSON string `text`, opening quote included; `None` when it has no more.
fn cut_string(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('"')?;
    for _ in 0..LIMIT {
        rest = match rest.chars().next()? {
            '"' => return None,
            '\\' => unescape(rest).1,
            c => &rest[c.len_utf8()..],
        };
    }
    (!rest.starts_with('"')).then(|| &text[..text.len() - rest.len()])
}

/// The character of the escape at the beginning of `text` (`None`: a lone surrogate) and what follows it.
fn unescape(text: &str) -> (Option<char>, &str) {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(text) else {
        let c = match text.as_bytes().get(1) {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(&c) if c.is_ascii() => char::from(c),
            _ => return (None, ""),
        };
        return (Some(c), &text[2..]);
    };
    if let Some(second) = unit(&text[6..])
        && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
        && pair.len_utf16() == 2
    {
        return (Some(pair), &text[12..]);
    }
    (char::from_u32(first.into()), &text[6..])
}

/// JSON as Python's `json.dumps(value, indent=2, ensure_ascii=False)` writes it, up to [`LIMIT`] characters.
#[derive(Default)]
struct Indented {
    text: String,
    chars: usize,
    depth: usize,
    is_full: bool,
}

impl Indented {
    fn write(&mut self, mut rest: &str) {
        while let Some(c) = rest.chars().next()
            && !self.is_full
        {
            let next = &rest[c.len_utf8()..];
            rest = match c {
                '"' => {
                    self.push('"');
                    self.string(next)
                }
                '{' | '[' => {
                    self.push(c);
                    self.open(next)
                }
                '}' | ']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.new_line();
                    self.push(c);
                    next
                }
                ',' => {
                    self.push(',');
                    self.new_line();
                    next
                }
                ':' => {
                    self.push(':');
                    self.push(' ');
                    next
                }
                c if c.is_ascii_whitespace() => next,
                c => {
                    self.push(c);
                    next
                }
            };
        }
    }

    /// After an opening bracket: what is empty stays on its line.
    fn open<'t>(&mut self, next: &'t str) -> &'t str {
        let inside = next.trim_ascii_start();
        if let Some(after) = inside.strip_prefix(['}', ']']) {
            self.push(char::from(inside.as_bytes()[0]));
            return after;
        }
        self.depth += 1;
        self.new_line();
        inside
    }

    /// A string's characters and its closing quote; escapes that need none become characters.
    fn string<'t>(&mut self, mut rest: &'t str) -> &'t str {
        while let Some(c) = rest.chars().next()
            && !self.is_full
        {
            let next = &rest[c.len_utf8()..];
            match c {
                '"' => {
                    self.push('"');
                    return next;
                }
                '\\' => {
                    let (c, after) = unescape(rest);
                    match c {
                        Some(c @ ('"' | '\\')) => self.push_all(&format!("\\{c}")),
                        Some('\n') => self.push_all("\\n"),
                        Some('\r') => self.push_all("\\r"),
                        Some('\t') => self.push_all("\\t"),
                        Some('\u{8}') => self.push_all("\\b"),
                        Some('\u{c}') => self.push_all("\\f"),
                        Some(c) if c < ' ' => self.push_all(&format!("\\u{:04x}", u32::from(c))),
                        Some(c) => self.push(c),
                        // Text has no lone surrogates: it stays the escape that it was.
                        None => self.push_all(&rest[..rest.len() - after.len()]),
                    }
                    rest = after;
                }
                c => {
                    self.push(c);
                    rest = next;
                }
            }
        }
        rest
    }

    fn new_line(&mut self) {
        self.push('\n');
        for _ in 0..self.depth * 2 {
            if self.is_full {
                break;
            }
            self.push(' ');
        }
    }

    fn push_all(&mut self, text: &str) {
        text.chars().for_each(|c| self.push(c));
    }

    fn push(&mut self, c: char) {
        if self.chars < LIMIT {
            self.text.push(c);
            self.chars += 1;
        } else {
            self.is_full = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `value`'s display, as the text of a string.
    fn shown(value: &str) -> String {
        let shown = display(&JsonText::trusted(value.to_owned()));
        serde_json::from_slice(shown.as_bytes()).expect("a string")
    }

    #[track_caller]
    fn check(value: &str, expected: &str) {
        assert_eq!(shown(value), expected);
    }

    #[test]
    fn nested_values_are_indented_as_python_does() {
        check("[]", "[]");
        check(r#"{ "a": [ ] }"#, "{\n  \"a\": []\n}");
        check(
            r#"{"a": [1, {"b": null}], "c": "x:y,[z]"}"#,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": \"x:y,[z]\"\n}",
        );
        check(r#"["\ud55c\uae00 \ud83d\ude00"]"#, "[\n  \"한글 😀\"\n]");
        check(
            r#"["\n\u0001\u007f\"\\\/\u000a"]"#,
            "[\n  \"\\n\\u0001\u{7f}\\\"\\\\/\\n\"\n]",
        );
        check(r#"["\ud800x"]"#, "[\n  \"\\ud800x\"\n]");
    }

    #[test]
    fn long_values_are_cut_by_characters() {
        let cut = |value: &str| {
            let value = JsonText::trusted(value.to_owned());
            let shown = display(&value);
            let text: String = serde_json::from_slice(shown.as_bytes()).expect("a string");
            (text.chars().count(), is_cut(&shown))
        };
        assert_eq!(cut(&format!("\"{}\"", "한".repeat(LIMIT))), (LIMIT, false));
        assert_eq!(
            cut(&format!("\"{}\"", "한".repeat(LIMIT + 1))),
            (LIMIT + 3, true)
        );
        let pairs = "\\ud83d\\ude00".repeat(LIMIT);
        assert_eq!(cut(&format!("\"{pairs}\"")), (LIMIT, false));
        assert_eq!(cut(&format!("\"{pairs}\\n\"")), (LIMIT + 3, true));
        let list = format!("[{}1]", "1, ".repeat(LIMIT));
        assert_eq!(cut(&list), (LIMIT + 3, true));
        let huge = format!("[\"{}\"]", "x".repeat(2 * ENOUGH));
        assert_eq!(cut(&huge), (LIMIT + 3, true));
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(cut(&deep), (LIMIT + 3, true));
    }

    #[test]
    fn other_values_stay() {
        for value in ["null", "true", "-1.5e300", "\"short\"", "\"\\ud800\""] {
            let value = JsonText::trusted(value.to_owned());
            assert_eq!(display(&value), value);
        }
    }
}
