//! Where the members of a JSON object lie, found without reading what is in them.
//!
//! A message of an editor may be megabytes of text of which the proxy must know a name and a number. So strings and
//! nested values are jumped over; nothing is copied, nothing is checked that is not needed.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr2, memchr3};

/// The members of the object in `text`, in order. Ends early where the text is no object, or not one any more.
pub(super) struct Members<'a> {
    text: &'a [u8],
    at: usize,
    is_over: bool,
}

/// One member: its name, and where its value lies in the text.
pub(super) struct Member<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Range<usize>,
}

/// A member whose value has only begun, so that who knows enough need not look for its end.
pub(super) struct Begun<'a> {
    pub(super) name: Cow<'a, str>,
    value: usize,
}

impl<'a> Members<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        let at = blanks(text, 0);
        Self {
            text,
            at: at + 1,
            is_over: text.get(at) != Some(&b'{'),
        }
    }

    /// The next member's name.
    pub(super) fn begin(&mut self) -> Option<Begun<'a>> {
        if self.is_over {
            return None;
        }
        self.is_over = true;
        let mut at = blanks(self.text, self.at);
        if self.text.get(at) == Some(&b',') {
            at = blanks(self.text, at + 1);
        }
        let end = string(self.text, at)?;
        let colon = blanks(self.text, end);
        if self.text.get(colon) != Some(&b':') {
            return None;
        }
        let value = blanks(self.text, colon + 1);
        let name = unquoted(&self.text[at..end])?;
        self.is_over = false;
        Some(Begun { name, value })
    }

    /// Jumps over a value that has begun.
    pub(super) fn end(&mut self, begun: &Begun<'_>) -> Option<Range<usize>> {
        let end = value(self.text, begun.value);
        self.is_over = end.is_none();
        self.at = end?;
        Some(begun.value..self.at)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let begun = self.begin()?;
        let value = self.end(&begun)?;
        Some(Member {
            name: begun.name,
            value,
        })
    }
}

/// The text of a JSON string.
pub(super) fn unquoted(quoted: &[u8]) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice(quoted).ok().map(Cow::Owned)
}

fn blanks(text: &[u8], from: usize) -> usize {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| blank(byte)).count()
}

/// Where the string that begins at `from` ends.
fn string(text: &[u8], from: usize) -> Option<usize> {
    if text.get(from) != Some(&b'"') {
        return None;
    }
    let mut at = from + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Where the value that begins at `from` ends.
fn value(text: &[u8], from: usize) -> Option<usize> {
    match text.get(from)? {
        b'"' => string(text, from),
        b'{' => nested(text, from, b'{', b'}'),
        b'[' => nested(text, from, b'[', b']'),
        _ => {
            let is_end =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            let length = text[from..].iter().position(is_end)?;
            (length > 0).then_some(from + length)
        }
    }
}

/// The brackets of the other kind need not be counted: in JSON they lie within these or around them.
fn nested(text: &[u8], from: usize, open: u8, close: u8) -> Option<usize> {
    let (mut at, mut depth) = (from, 0_usize);
    loop {
        at += memchr3(b'"', open, close, text.get(at..)?)?;
        if text[at] == b'"' {
            at = string(text, at)?;
            continue;
        }
        depth = if text[at] == open {
            depth + 1
        } else {
            depth - 1
        };
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = Members::of(text.as_bytes())
            .map(|member| (member.name.into_owned(), &text[member.value]))
            .collect();
        let found: Vec<_> = found.iter().map(|(name, text)| (&**name, *text)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn members_are_found_where_they_lie() {
        check("{}", &[]);
        check(
            r#" { "a" : 1 , "b":[{"]":"}"}] } "#,
            &[("a", "1"), ("b", r#"[{"]":"}"}]"#)],
        );
        check(
            r#"{"a":"\"\\","b":{"c":"{"}}"#,
            &[("a", r#""\"\\""#), ("b", r#"{"c":"{"}"#)],
        );
        check(
            r#"{"text\u0044ocument\/x":null}"#,
            &[("textDocument/x", "null")],
        );
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in [
            "",
            " ",
            "[1]",
            "\"a\"",
            "1",
            "{",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{a:1}",
            "{\"a\" 1}",
        ] {
            check(text, &[]);
        }
        check(r#"{"a":1,"b":[1"#, &[("a", "1")]);
        check(r#"{"a":1,"b":"x\"#, &[("a", "1")]);
        check(r#"{"a":1,"b":"#, &[("a", "1")]);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_are_those_that_a_parser_finds(
            members in prop::collection::btree_map(any::<String>(), json(), 0..6),
        ) {
            let value = Value::Object(members.into_iter().collect());
            for text in [value.to_string(), serde_json::to_string_pretty(&value).expect("text")] {
                let found: serde_json::Map<_, _> = Members::of(text.as_bytes())
                    .map(|member| {
                        let value = serde_json::from_str(&text[member.value]).expect("a value");
                        (member.name.into_owned(), value)
                    })
                    .collect();
                prop_assert_eq!(&Value::Object(found), &value);
            }
        }

        #[test]
        fn nothing_makes_it_stumble(text in "[\\[\\]{}\",:\\\\ a1]{0,40}") {
            let _ = Members::of(text.as_bytes()).count();
        }
    }
}
