//! The body of the two calls that run a flow, and what is said of a bad one (compat, section 10).
//!
//! AIM-Forge's clients know the list of field errors that `FastAPI` gives with status 422: `type`, `loc`, `msg`,
//! `input`, and `ctx` for a bound. It is given in that shape, all bad fields at once.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::json::JsonText;

/// What to run, with which values.
#[derive(Debug, Clone)]
pub struct FlowRequest {
    /// The project.
    pub project_id: String,
    /// Where to start; `None`: at the only start node.
    pub start_node_id: Option<String>,
    /// The start node's input when no edge brings one: an object.
    pub params: JsonText,
    /// Values of text-input and result nodes by their ids.
    pub node_values: HashMap<String, JsonText>,
    /// Nodes that may run at once, 1 to 10.
    pub max_workers: usize,
    /// How long each node may run, 1 to 300 s.
    pub timeout: Duration,
    /// Whether a failure keeps what depends on it from running.
    pub halt_on_error: bool,
    /// Whether the stream call tells more than AIM-Forge's clients know: `"events": "all"`.
    pub tells_all: bool,
}

/// The body's members as text; those of the wrong type are told apart afterwards. `null` is as good as absent.
#[derive(Deserialize)]
struct Body<'t> {
    #[serde(borrow, default)]
    project_id: Option<&'t RawValue>,
    #[serde(borrow, default)]
    start_node_id: Option<&'t RawValue>,
    #[serde(borrow, default)]
    params: Option<&'t RawValue>,
    #[serde(borrow, default)]
    node_values: Option<&'t RawValue>,
    #[serde(borrow, default)]
    result_node_values: Option<&'t RawValue>,
    #[serde(borrow, default)]
    max_workers: Option<&'t RawValue>,
    #[serde(borrow, default)]
    timeout_sec: Option<&'t RawValue>,
    #[serde(borrow, default)]
    halt_on_error: Option<&'t RawValue>,
    #[serde(borrow, default)]
    events: Option<&'t RawValue>,
}

impl FlowRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// The list for `detail` of a 422 answer.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<Value>> {
        let whole: &RawValue = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
        if !whole.get().starts_with('{') {
            let msg = "Input should be a valid dictionary or object to extract fields from";
            return Err(vec![
                json!({"type": "model_attributes_type", "loc": ["body"],
                "msg": msg, "input": shown(whole)}),
            ]);
        }
        let members: Body<'_> =
            serde_json::from_str(whole.get()).map_err(|error| not_json(&error))?;
        let mut fields = Fields::default();
        let mut node_values = fields.values("result_node_values", members.result_node_values);
        node_values.extend(fields.values("node_values", members.node_values));
        let request = Self {
            project_id: fields.required_text("project_id", members.project_id, whole),
            start_node_id: fields.text("start_node_id", members.start_node_id),
            params: fields
                .object("params", members.params)
                .unwrap_or_else(JsonText::empty_object),
            node_values,
            max_workers: fields
                .number("max_workers", members.max_workers, 1..=10)
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or(4),
            timeout: fields
                .number("timeout_sec", members.timeout_sec, 1..=300)
                .and_then(|seconds| u64::try_from(seconds).ok())
                .map_or(Duration::from_secs(30), Duration::from_secs),
            halt_on_error: fields
                .truth("halt_on_error", members.halt_on_error)
                .unwrap_or(true),
            tells_all: fields.only("events", members.events, "all"),
        };
        if fields.errors.is_empty() {
            Ok(request)
        } else {
            Err(fields.errors)
        }
    }
}

/// Reads fields and collects what is wrong with them. Types are taken as loosely as pydantic does.
#[derive(Default)]
struct Fields {
    errors: Vec<Value>,
}

impl Fields {
    fn text(&mut self, name: &str, raw: Option<&RawValue>) -> Option<String> {
        let raw = raw?;
        let text = serde_json::from_str(raw.get()).ok();
        if text.is_none() {
            self.bad(
                "string_type",
                name,
                "Input should be a valid string",
                raw,
                None,
            );
        }
        text
    }

    /// Whether a member that knows one value only is there.
    fn only(&mut self, name: &str, raw: Option<&RawValue>, known: &str) -> bool {
        let Some(raw) = raw else { return false };
        let is_known = serde_json::from_str(raw.get()).is_ok_and(|text: String| text == known);
        if !is_known {
            let expected = json!({"expected": format!("'{known}'")});
            let msg = format!("Input should be '{known}'");
            self.bad("literal_error", name, &msg, raw, Some(&expected));
        }
        is_known
    }

    fn required_text(&mut self, name: &str, raw: Option<&RawValue>, body: &RawValue) -> String {
        if raw.is_none() {
            self.bad("missing", name, "Field required", body, None);
        }
        self.text(name, raw).unwrap_or_default()
    }

    fn object(&mut self, name: &str, raw: Option<&RawValue>) -> Option<JsonText> {
        let raw = raw?;
        let json = JsonText::of(raw);
        if json.is_object() {
            return Some(json);
        }
        self.bad(
            "dict_type",
            name,
            "Input should be a valid dictionary",
            raw,
            None,
        );
        None
    }

    fn values(&mut self, name: &str, raw: Option<&RawValue>) -> HashMap<String, JsonText> {
        let values = self.object(name, raw).and_then(|object| object.members());
        values.unwrap_or_default().into_iter().collect()
    }

    fn number(
        &mut self,
        name: &str,
        raw: Option<&RawValue>,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let raw = raw?;
        let (kind, msg) = match serde_json::from_str(raw.get()) {
            Ok(Value::Number(number)) => match number.as_f64() {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "saturates, then out of range"
                )]
                Some(number) if number.fract() == 0.0 => {
                    return self.within(name, raw, number as i64, range);
                }
                _ => (
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                ),
            },
            Ok(Value::String(text)) => match text.trim().parse() {
                Ok(number) => return self.within(name, raw, number, range),
                Err(_) => (
                    "int_parsing",
                    "Input should be a valid integer, unable to parse string as an integer",
                ),
            },
            _ => ("int_type", "Input should be a valid integer"),
        };
        self.bad(kind, name, msg, raw, None);
        None
    }

    fn within(
        &mut self,
        name: &str,
        raw: &RawValue,
        number: i64,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let (least, most) = range.into_inner();
        if number < least {
            let msg = format!("Input should be greater than or equal to {least}");
            let bound = json!({"ge": least});
            self.bad("greater_than_equal", name, &msg, raw, Some(&bound));
        } else if number > most {
            let msg = format!("Input should be less than or equal to {most}");
            let bound = json!({"le": most});
            self.bad("less_than_equal", name, &msg, raw, Some(&bound));
        } else {
            return Some(number);
        }
        None
    }

    fn truth(&mut self, name: &str, raw: Option<&RawValue>) -> Option<bool> {
        let raw = raw?;
        let text = raw.get().trim_matches('"').to_ascii_lowercase();
        match text.as_str() {
            "true" | "1" | "yes" | "y" | "on" | "t" | "1.0" => return Some(true),
            "false" | "0" | "no" | "n" | "off" | "f" | "0.0" => return Some(false),
            _ => {}
        }
        let (kind, msg) = match raw.get().as_bytes().first() {
            Some(b'"' | b'-' | b'0'..=b'9') => (
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
            ),
            _ => ("bool_type", "Input should be a valid boolean"),
        };
        self.bad(kind, name, msg, raw, None);
        None
    }

    fn bad(&mut self, kind: &str, name: &str, msg: &str, input: &RawValue, ctx: Option<&Value>) {
        let mut error =
            json!({"type": kind, "loc": ["body", name], "msg": msg, "input": shown(input)});
        if let Some(ctx) = ctx {
            error["ctx"] = ctx.clone();
        }
        self.errors.push(error);
    }
}

fn not_json(error: &serde_json::Error) -> Vec<Value> {
    vec![
        json!({"type": "json_invalid", "loc": ["body", error.column()],
        "msg": "JSON decode error", "input": {}, "ctx": {"error": error.to_string()}}),
    ]
}

/// What was given, for the answer; not more of it than a person reads.
fn shown(raw: &RawValue) -> Value {
    const READABLE: usize = 10_000;
    if raw.get().len() > READABLE {
        return Value::String("...".to_owned());
    }
    serde_json::from_str(raw.get()).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a field, in a line.
    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let said: Vec<String> = match FlowRequest::parse(body.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors
                .iter()
                .map(|error| {
                    let place = error["loc"].as_array().and_then(|loc| loc.last()).cloned();
                    let ctx = error
                        .get("ctx")
                        .map(|ctx| format!(" {ctx}"))
                        .unwrap_or_default();
                    format!("{} {}{ctx}", place.unwrap_or_default(), error["type"])
                })
                .collect(),
        };
        assert_eq!(said, expected, "{body}");
    }

    #[test]
    fn absent_fields_have_the_known_values() {
        let request = FlowRequest::parse(
            br#"{"project_id":"p","future":1,"start_node_id":null,"max_workers":null}"#,
        );
        let request = request.expect("a request");
        assert_eq!(request.start_node_id, None);
        assert_eq!((request.max_workers, request.halt_on_error), (4, true));
        assert_eq!(request.timeout, Duration::from_secs(30));
        assert_eq!(request.params.as_bytes(), b"{}");
        assert!(!request.tells_all);
        let all = FlowRequest::parse(br#"{"project_id":"p","events":"all"}"#);
        assert!(all.expect("a request").tells_all);
    }

    #[test]
    fn the_newer_name_of_the_values_wins() {
        let request = FlowRequest::parse(
            br#"{"project_id":"p","node_values":{"1":"new","2":[ 1 ]},"result_node_values":{"1":"old","3":3},
                "max_workers":"2","timeout_sec":60.0,"halt_on_error":"no"}"#,
        )
        .expect("a request");
        let value =
            |id: &str| String::from_utf8_lossy(request.node_values[id].as_bytes()).into_owned();
        assert_eq!(
            (value("1"), value("2"), value("3")),
            ("\"new\"".into(), "[1]".into(), "3".into())
        );
        assert_eq!((request.max_workers, request.halt_on_error), (2, false));
        assert_eq!(request.timeout, Duration::from_secs(60));
    }

    #[test]
    fn every_bad_field_is_named() {
        check("{}", &[r#""project_id" "missing""#]);
        check(r#"{"project_id":null}"#, &[r#""project_id" "missing""#]);
        check(r#"{"project_id":3}"#, &[r#""project_id" "string_type""#]);
        check(
            r#"{"project_id":"\ud800"}"#,
            &[r#""project_id" "string_type""#],
        );
        check(
            r#"{"project_id":"p","max_workers":11,"timeout_sec":0}"#,
            &[
                r#""max_workers" "less_than_equal" {"le":10}"#,
                r#""timeout_sec" "greater_than_equal" {"ge":1}"#,
            ],
        );
        check(
            r#"{"project_id":"p","max_workers":1.5}"#,
            &[r#""max_workers" "int_from_float""#],
        );
        check(
            r#"{"project_id":"p","max_workers":"x"}"#,
            &[r#""max_workers" "int_parsing""#],
        );
        check(
            r#"{"project_id":"p","max_workers":[]}"#,
            &[r#""max_workers" "int_type""#],
        );
        check(
            r#"{"project_id":"p","max_workers":1e300}"#,
            &[r#""max_workers" "less_than_equal" {"le":10}"#],
        );
        check(
            r#"{"project_id":"p","halt_on_error":"maybe"}"#,
            &[r#""halt_on_error" "bool_parsing""#],
        );
        check(
            r#"{"project_id":"p","halt_on_error":[]}"#,
            &[r#""halt_on_error" "bool_type""#],
        );
        check(
            r#"{"project_id":"p","params":[],"node_values":3}"#,
            &[r#""node_values" "dict_type""#, r#""params" "dict_type""#],
        );
        check(
            r#"{"project_id":"p","events":"some"}"#,
            &[r#""events" "literal_error" {"expected":"'all'"}"#],
        );
        check("[]", &[r#""body" "model_attributes_type""#]);
    }

    #[test]
    fn what_is_no_json_is_said_so() {
        for body in [
            "",
            "{\"project_id\":",
            "NaN",
            "{\"project_id\":\"p\",\"params\":{\"a\":NaN}}",
        ] {
            let errors = FlowRequest::parse(body.as_bytes()).expect_err(body);
            assert_eq!(errors[0]["type"], "json_invalid", "{body}");
        }
    }
}
