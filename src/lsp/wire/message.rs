//! One message of JSON-RPC 2.0, looked at no further than its kind needs.

use std::ops::Range;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::members::{Members, unquoted};

/// The bytes of a message, without its header. Who keeps one shares it with who sends it.
pub type Body = Rc<Vec<u8>>;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Somebody waits for an answer.
    Request,
    /// Nobody does.
    Notification,
    /// An answer, or an error in its place.
    Response,
    /// None of these; it is passed on as it is.
    Other,
}

/// What the beginning of a message says.
#[derive(Debug, Clone)]
pub struct Head {
    kind: Kind,
    method: Option<String>,
    id: Option<Range<usize>>,
}

impl Head {
    /// Looks at `body` until its kind, id and method are known.
    pub fn of(body: &[u8]) -> Self {
        let (mut id, mut method, mut is_answer) = (None, None, false);
        let mut members = Members::of(body);
        while let Some(begun) = members.begin() {
            let is_known = match &*begun.name {
                "result" | "error" => {
                    is_answer = true;
                    id.is_some()
                }
                "params" => id.is_some() && method.is_some(),
                _ => false,
            };
            if is_known {
                break;
            }
            let Some(value) = members.end(&begun) else {
                break;
            };
            match &*begun.name {
                "id" => id = Some(value),
                "method" => method = unquoted(&body[value]).map(String::from),
                _ => {}
            }
        }
        // An answer to what nobody could read has the id null (JSON-RPC, section 5), and is nobody's.
        let kind = match (&method, &id) {
            (Some(_), Some(_)) => Kind::Request,
            (Some(_), None) => Kind::Notification,
            (None, Some(_)) if is_answer => Kind::Response,
            _ => Kind::Other,
        };
        Self { kind, method, id }
    }

    /// The method; empty for an answer.
    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or_default()
    }

    /// The id as JSON, as it stands in `body`: `7`, `"a"`; empty where there is none.
    pub fn id<'b>(&self, body: &'b [u8]) -> &'b str {
        let id = self.id.clone().map(|place| &body[place]);
        id.and_then(|id| std::str::from_utf8(id).ok())
            .unwrap_or_default()
    }
}

/// A message and what its beginning says.
#[derive(Debug, Clone)]
pub struct Message {
    body: Body,
    head: Head,
}

impl Message {
    /// The message whose bytes are `body`.
    pub fn of(body: Vec<u8>) -> Self {
        Self {
            head: Head::of(&body),
            body: Rc::new(body),
        }
    }

    /// A message of our own.
    pub fn new(value: &Value) -> Self {
        Self::of(value.to_string().into_bytes())
    }

    /// A notification of our own.
    pub fn notification(method: &str, params: &Value) -> Self {
        Self::new(&serde_json::json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    /// A request of our own. Without `params` it has none, as `shutdown` must.
    pub fn request(id: &str, method: &str, params: Option<&Value>) -> Self {
        let mut request = serde_json::json!({"jsonrpc": "2.0", "id": id, "method": method});
        if let Some(params) = params {
            request["params"] = params.clone();
        }
        Self::new(&request)
    }

    /// The answer `result` to the request whose id, as JSON, is `id`.
    pub fn answer(id: &str, result: &Value) -> Self {
        Self::of(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#).into_bytes())
    }

    /// The error that stands for an answer to `id`.
    pub fn refusal(id: &str, code: i32, message: &str) -> Self {
        let error = serde_json::json!({"code": code, "message": message});
        Self::of(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into_bytes())
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.head.kind
    }

    /// Its method; empty for an answer.
    pub fn method(&self) -> &str {
        self.head.method()
    }

    /// Its id as JSON: `7`, `"a"`; empty where it has none.
    pub fn id(&self) -> &str {
        self.head.id(&self.body)
    }

    /// Its bytes.
    #[cfg(test)]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Its bytes, to be sent.
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Whether it is an error in the place of an answer.
    pub fn is_error(&self) -> bool {
        self.head.kind == Kind::Response && self.place(&["error"]).is_some()
    }

    /// The text of what lies at `path` (names of members, from the outside in), as JSON.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        std::str::from_utf8(&self.body[self.place(path)?]).ok()
    }

    /// What lies at `path`, read as a `T`; none where it is not there or is no `T`.
    pub fn read<T: DeserializeOwned>(&self, path: &[&str]) -> Option<T> {
        serde_json::from_slice(&self.body[self.place(path)?]).ok()
    }

    /// The same message with `id` (JSON) for its own.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Self {
        match &self.head.id {
            Some(place) => self.with_text(place.clone(), id),
            None => self.clone(),
        }
    }

    /// The same message with the value at `path` replaced by `value` (JSON), if there is one.
    #[must_use]
    pub fn with(&self, path: &[&str], value: &str) -> Self {
        match self.place(path) {
            Some(place) => self.with_text(place, value),
            None => self.clone(),
        }
    }

    fn with_text(&self, place: Range<usize>, text: &str) -> Self {
        let mut body = Vec::with_capacity(self.body.len() - place.len() + text.len());
        body.extend_from_slice(&self.body[..place.start]);
        body.extend_from_slice(text.as_bytes());
        body.extend_from_slice(&self.body[place.end..]);
        Self::of(body)
    }

    fn place(&self, path: &[&str]) -> Option<Range<usize>> {
        let mut place = 0..self.body.len();
        for name in path {
            let mut members = Members::of(&self.body[place.clone()]);
            let value = members.find(|member| member.name == *name)?.value;
            place = place.start + value.start..place.start + value.end;
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Message {
        Message::of(text.as_bytes().to_vec())
    }

    #[test]
    fn a_kind_is_known_whatever_the_order() {
        for (text, kind, id, method) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[}"#,
                Kind::Request,
                "1",
                "a",
            ),
            (
                r#"{"params":{"id":7,"method":"x"},"method":"a","id":"b"}"#,
                Kind::Request,
                r#""b""#,
                "a",
            ),
            (
                r#"{"method":"a\/b","params":{}}"#,
                Kind::Notification,
                "",
                "a/b",
            ),
            (r#"{"params":{},"method":"a"}"#, Kind::Notification, "", "a"),
            (r#"{"id":1,"result":[[[}"#, Kind::Response, "1", ""),
            (r#"{"result":{"id":2},"id":1}"#, Kind::Response, "1", ""),
            (r#"{"error":{},"id":null}"#, Kind::Response, "null", ""),
            (r#"{"id":1}"#, Kind::Other, "1", ""),
            (r#"[{"id":1,"method":"a"}]"#, Kind::Other, "", ""),
            ("nothing", Kind::Other, "", ""),
            ("", Kind::Other, "", ""),
        ] {
            let message = of(text);
            assert_eq!(
                (message.kind(), message.id(), message.method()),
                (kind, id, method),
                "{text}"
            );
        }
    }

    #[test]
    fn one_value_is_put_in_the_place_of_another() {
        let message = of(r#"{"id":1,"method":"m","params":{"token":"t","value":{"kind":"end"}}}"#);
        assert_eq!(message.text(&["params", "value", "kind"]), Some(r#""end""#));
        assert_eq!(
            message.read::<String>(&["params", "token"]).as_deref(),
            Some("t")
        );
        assert_eq!(message.text(&["params", "none"]), None);
        let other = message.with_id(r#""x""#).with(&["params", "token"], "[1]");
        let expected = r#"{"id":"x","method":"m","params":{"token":[1],"value":{"kind":"end"}}}"#;
        assert_eq!(other.body().as_slice(), expected.as_bytes());
        assert_eq!(other.id(), r#""x""#);
        assert_eq!(message.with(&["nothing"], "1").body(), message.body());
    }

    #[test]
    fn what_is_no_utf8_is_passed_on() {
        let body = b"{\"method\":\"a\",\"params\":{\"text\":\"\xff\xfe\"}}".to_vec();
        let message = Message::of(body.clone());
        assert_eq!(
            (message.kind(), message.method()),
            (Kind::Notification, "a")
        );
        assert_eq!(**message.body(), body);
        assert_eq!(message.text(&["params"]), None);
    }

    #[test]
    fn answers_and_refusals_are_json() {
        let answer: Value =
            serde_json::from_slice(Message::answer("\"a\"", &Value::Null).body()).expect("JSON");
        assert_eq!(
            answer,
            serde_json::json!({"jsonrpc": "2.0", "id": "a", "result": null})
        );
        let refusal = Message::refusal("3", -32800, "no \"more\"");
        assert!(refusal.is_error());
        assert_eq!(refusal.read::<i32>(&["error", "code"]), Some(-32800));
    }
}
