//! How characters stand in a JSON string.

use std::borrow::Cow;

use crate::terminal::is_deceptive;

/// `c` as an escape, the shortest that JSON has for it.
pub(super) fn escape_of(c: char) -> Cow<'static, str> {
    Cow::Borrowed(match c {
        '"' => r#"\""#,
        '\\' => r"\\",
        '\n' => r"\n",
        '\r' => r"\r",
        '\t' => r"\t",
        '\u{8}' => r"\b",
        '\u{c}' => r"\f",
        c => {
            let mut units = [0; 2];
            let escapes = c.encode_utf16(&mut units).iter();
            return escapes.map(|unit| format!("\\u{unit:04x}")).collect();
        }
    })
}

/// JSON text with everything as an escape that a terminal would obey. The meaning stays (RFC 8259, section 7): such
/// characters stand in strings alone.
pub(crate) fn safe_on_terminal(json: &str) -> Cow<'_, str> {
    let is_obeyed = |c: char| is_deceptive(c) || c == '\x7f';
    if !json.contains(is_obeyed) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_obeyed(c) {
            safe.push_str(&escape_of(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The character of the escape that `text` begins with, and what follows the escape. A lone surrogate is no character.
pub(crate) fn unescape(text: &str) -> (Option<char>, &str) {
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

/// Adds `text`, a piece of UTF-8, as it stands inside a JSON string.
#[cfg(feature = "backend")]
pub(crate) fn escape(text: &[u8], into: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = first_special(rest) {
        into.extend_from_slice(&rest[..at]);
        into.extend_from_slice(escape_of(char::from(rest[at])).as_bytes());
        rest = &rest[at + 1..];
    }
    into.extend_from_slice(rest);
}

/// Where the first byte is that a JSON string does not have as it is. Whole blocks are looked at first, without a way
/// out in the middle, which processors do many bytes at a time.
#[cfg(feature = "backend")]
pub(crate) fn first_special(text: &[u8]) -> Option<usize> {
    let is_special = |byte: &u8| *byte < 0x20 || matches!(*byte, b'"' | b'\\');
    let mut start = 0;
    for block in text.chunks(64) {
        if block
            .iter()
            .fold(false, |found, byte| found | is_special(byte))
        {
            return block.iter().position(is_special).map(|at| start + at);
        }
        start += block.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_and_what_follows_it() {
        #[track_caller]
        fn check(text: &str, c: Option<char>, rest: &str) {
            assert_eq!(unescape(text), (c, rest), "{text}");
        }
        check(r"\nx", Some('\n'), "x");
        check(r"\/x", Some('/'), "x");
        check(r"\ud55c글", Some('한'), "글");
        check(r"\ud83d\ude00!", Some('😀'), "!");
        check(r"\ud83dx", None, "x");
        check(r"\ude00\ud83d", None, r"\ud83d");
        check(r"\ud83d\u0041", None, r"\u0041");
        check(r"\", None, "");
    }

    #[test]
    fn every_character_comes_back() {
        for c in ('\0'..='\u{ff}').chain(['한', '\u{2028}', '😀']) {
            assert_eq!(unescape(&escape_of(c)), (Some(c), ""), "{c:?}");
        }
    }

    #[test]
    fn a_terminal_gets_the_same_json_without_what_it_would_obey() {
        let value = serde_json::json!({"a": "\u{202e}x\u{9b}\u{e0041}\x7f", "나": "다"});
        let text = value.to_string();
        let shown = safe_on_terminal(&text);
        assert!(
            !shown.contains(|c: char| is_deceptive(c) || c == '\x7f'),
            "{shown}"
        );
        let read: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(read, value);
        assert_eq!(safe_on_terminal("{\"나\": 1}"), "{\"나\": 1}");
    }

    #[cfg(feature = "backend")]
    #[test]
    fn escaped_text_is_what_serde_reads() {
        let text = "가\"\\\n\u{1}\t\r\u{7f}b".repeat(40);
        let mut json = vec![b'"'];
        escape(text.as_bytes(), &mut json);
        json.push(b'"');
        assert_eq!(
            serde_json::from_slice::<String>(&json).expect("JSON"),
            *text
        );
    }
}
