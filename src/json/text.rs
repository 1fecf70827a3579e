//! JSON as text that nobody parses unless somebody must look inside.
//!
//! A node's output may be 100 MB. It goes from the worker to the next node and into the answer as the bytes it came in;
//! a clone costs a reference count. The few looks inside (a member, whether it is falsy) scan and copy nothing.
//!
//! **Invariant:** a [`JsonText`] is valid JSON in UTF-8 without line breaks, so that it can stand in a line of a
//! stream.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON value as its text; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(Bytes);

impl JsonText {
    /// The text of a value that its writer vouches for: valid JSON in UTF-8, on one line.
    ///
    /// It is not looked at, so memory that a worker shares can be passed on as it is (`Bytes::from_owner`).
    pub fn trusted(text: impl Into<Bytes>) -> Self {
        Self(text.into())
    }

    /// A value that came with a request, its insignificant spaces and line breaks taken out.
    pub fn of(raw: &RawValue) -> Self {
        let text = raw.get().trim_ascii();
        if !text.starts_with(['{', '[']) {
            return Self(Bytes::copy_from_slice(text.as_bytes()));
        }
        let mut compact = Vec::with_capacity(text.len());
        let (mut in_string, mut is_escaped) = (false, false);
        for &byte in text.as_bytes() {
            if in_string || !byte.is_ascii_whitespace() {
                compact.push(byte);
            }
            in_string ^= byte == b'"' && !is_escaped;
            is_escaped = in_string && byte == b'\\' && !is_escaped;
        }
        Self(compact.into())
    }

    /// `null`.
    pub fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// `{}`.
    pub fn empty_object() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    /// A string.
    ///
    /// # Panics
    /// Never: every string can be written.
    pub fn string(text: &str) -> Self {
        Self(serde_json::to_vec(text).expect("a string is JSON").into())
    }

    /// Its text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its text, to be kept by another without a copy.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.first() == b'{'
    }

    /// Whether it is a string.
    pub fn is_string(&self) -> bool {
        self.first() == b'"'
    }

    /// Whether it is an object or a list.
    pub fn is_nested(&self) -> bool {
        matches!(self.first(), b'{' | b'[')
    }

    /// Whether Python takes it as false: `null`, `false`, zero, and everything empty.
    pub fn is_falsy(&self) -> bool {
        match self.as_bytes().trim_ascii() {
            b"null" | b"false" | b"\"\"" | b"[]" | b"{}" => true,
            number => {
                number.len() < 32
                    && std::str::from_utf8(number)
                        .ok()
                        .and_then(|number| number.parse::<f64>().ok())
                        == Some(0.0)
            }
        }
    }

    /// The member `name` of an object; `None` for anything that has none.
    pub fn member(&self, name: &str) -> Option<Self> {
        if !self.is_object() {
            return None;
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.0);
        let raw = reader.deserialize_map(Member(name)).ok()??;
        Some(self.part(raw))
    }

    /// An object's members in order; `None` for anything else.
    pub fn members(&self) -> Option<Vec<(String, Self)>> {
        if !self.is_object() {
            return None;
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.0);
        let members = reader.deserialize_map(Members).ok()?;
        let members = members.into_iter();
        Some(members.map(|(name, raw)| (name, self.part(raw))).collect())
    }

    /// A piece of this text, sharing its memory.
    fn part(&self, raw: &RawValue) -> Self {
        Self(self.0.slice_ref(raw.get().as_bytes()))
    }

    fn first(&self) -> u8 {
        self.as_bytes()
            .trim_ascii_start()
            .first()
            .copied()
            .unwrap_or(b' ')
    }
}

impl From<super::Json> for JsonText {
    /// The same text.
    fn from(json: super::Json) -> Self {
        Self(String::from(json).into())
    }
}

impl Serialize for JsonText {
    /// The same text: whoever writes JSON does not look into it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = String::from_utf8_lossy(self.as_bytes()).into_owned();
        // SAFETY: a `JsonText` is valid JSON by its invariant.
        #[expect(
            unsafe_code,
            reason = "parsing 100 MB again would cost more than the node that takes them"
        )]
        let raw = unsafe { RawValue::from_string_unchecked(text) };
        raw.serialize(serializer)
    }
}

impl fmt::Debug for JsonText {
    /// The beginning is enough to know it by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(200)];
        write!(f, "JsonText({})", String::from_utf8_lossy(shown))
    }
}

/// Finds one member and skips the others; as in Python, the last of a name wins.
struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(NameIs(self.0))? {
            if is_it {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Compares a member's name where it stands.
#[derive(Clone, Copy)]
struct NameIs<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for NameIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for NameIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> JsonText {
        JsonText::of(serde_json::from_str(text).expect("valid JSON"))
    }

    #[track_caller]
    fn check(object: &str, name: &str, expected: Option<&str>) {
        let expected = expected.map(|text| JsonText::trusted(text.to_owned()));
        assert_eq!(of(object).member(name), expected);
    }

    #[test]
    fn a_member_is_found_where_it_stands() {
        check(r#"{"a":1,"b":[2]}"#, "b", Some("[2]"));
        check(r#"{"a":1,"a":2}"#, "a", Some("2"));
        check(r#"{"\ud55c":1}"#, "한", Some("1"));
        check(r#"{"a":{"b":1}}"#, "b", None);
        check(r#"["a"]"#, "a", None);
        check("3", "a", None);
        // Not a string for Rust, so the object goes through whole.
        check(r#"{"\ud800":1,"a":2}"#, "a", None);
    }

    #[test]
    fn a_value_of_a_request_fits_in_a_line() {
        let compact = |text, expected: &str| assert_eq!(of(text).as_bytes(), expected.as_bytes());
        compact("{\n \"a b\" : [ 1,\r\n2 ] }", r#"{"a b":[1,2]}"#);
        compact(r#"[ "\\", "\" \\\" " ]"#, r#"["\\","\" \\\" "]"#);
        compact("  12.50 ", "12.50");
        compact("\" a \"", "\" a \"");
    }

    #[test]
    fn falsy_is_what_python_takes_as_false() {
        for text in [
            "null", "false", "0", "-0", "0.0", "0e7", "\"\"", "[]", "{ }",
        ] {
            assert!(of(text).is_falsy(), "{text}");
        }
        for text in ["true", "1", "0.1", "\"0\"", "[0]", "{\"\":0}"] {
            assert!(!of(text).is_falsy(), "{text}");
        }
    }
}
