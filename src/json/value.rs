//! JSON that nobody on the way looks into.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON that is passed on as it was written: big numbers keep their digits, nothing is copied into a tree.
///
/// **Invariant:** on one line, so that it can stand in `NDJSON` and in the worker's protocol.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// `text` as JSON.
    ///
    /// # Errors
    /// When it is not one JSON value.
    pub fn parse(text: impl Into<String>) -> serde_json::Result<Self> {
        RawValue::from_string(text.into()).map(Self::on_one_line)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value, for who wants to look inside.
    ///
    /// # Errors
    /// When it does not have the shape of a `T`.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
    }

    /// In JSON, line ends stand between tokens only (RFC 8259, section 7), where a space means the same.
    fn on_one_line(raw: Box<RawValue>) -> Self {
        let text = raw.get();
        if !text.contains(['\n', '\r']) {
            return Self(raw);
        }
        let text = text.replace(['\n', '\r'], " ");
        Self(
            RawValue::from_string(text).expect("white space for white space leaves JSON as it was"),
        )
    }
}

impl Default for Json {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl From<Json> for String {
    fn from(json: Json) -> Self {
        Box::<str>::from(json.0).into()
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self(serde_json::value::to_raw_value(value).expect("a JSON value is JSON"))
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

/// The same text.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::on_one_line)
    }
}
