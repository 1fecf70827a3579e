//! What flows into a node (compat, section 10).
//!
//! Inputs of code are put together by the worker, which has the objects; those of result nodes here, unless an object
//! is among them.
//!
//! **Invariant:** a source's output is never changed by what takes it: everything put together is new (D6).

use std::sync::Arc;

use super::runner::{EdgeValue, Output, Value};
use super::structure::{Edge, NodeId};
use crate::json::JsonText;

/// An edge whose source gave an output.
pub(super) struct Incoming<'r, O> {
    pub(super) source: &'r NodeId,
    pub(super) edge: &'r Edge,
    pub(super) output: &'r Output<O>,
}

/// A result node's value.
pub(super) enum Shown<O> {
    /// This.
    Is(Output<O>),
    /// What a worker makes of these.
    Ask(Vec<EdgeValue<O>>),
}

/// The edges of a node that has code.
pub(super) fn of_code<O: Clone>(incoming: &[Incoming<'_, O>]) -> Vec<EdgeValue<O>> {
    incoming
        .iter()
        .map(|one| one.value(Some(one.key())))
        .collect()
}

/// A text input's value, and whether there is one. An object that a page stored is unwrapped.
pub(super) fn of_text_input(stored: Option<&JsonText>) -> (JsonText, bool) {
    let value = stored.map(|stored| {
        let inner = ["value", "raw_value", "display"]
            .iter()
            .find_map(|name| stored.member(name));
        inner.unwrap_or_else(|| stored.clone())
    });
    match value {
        Some(value) if !matches!(value.as_bytes(), b"null" | b"\"\"") => (value, true),
        _ => (JsonText::string(""), false),
    }
}

/// A result node's value from what flows into it, else from what is `stored` for it.
pub(super) fn of_result<O: Clone>(
    incoming: &[Incoming<'_, O>],
    stored: Option<&JsonText>,
) -> Shown<O> {
    let has_object = incoming.iter().any(|one| one.output.object.is_some());
    let has_reference = incoming.iter().any(|one| one.output.referred().is_some());
    let json = match incoming {
        [] => stored.cloned().unwrap_or_else(|| JsonText::string("")),
        [one] if has_reference && one.is_plain() => return Shown::Is(one.output.clone()),
        [one] if has_object && !one.is_plain() => {
            return Shown::Ask(vec![one.value(one.edge.target_handle.clone())]);
        }
        _ if has_reference => return Shown::Ask(of_code(incoming)),
        [one] if one.is_plain() => {
            let json = unwrapped(one.json());
            if json == one.output.json {
                return Shown::Is(one.output.clone());
            }
            json
        }
        _ => unwrapped(joined(incoming)),
    };
    Shown::Is(Output::plain(json))
}

impl<O: Clone> Incoming<'_, O> {
    /// Whether it names neither a member nor a parameter.
    fn is_plain(&self) -> bool {
        self.edge.source_handle.is_none() && self.edge.target_handle.is_none()
    }

    /// The parameter that it becomes.
    fn key(&self) -> Arc<str> {
        let named = self.edge.target_handle.clone();
        named.unwrap_or_else(|| format!("input_{}", self.source).into())
    }

    fn value(&self, into: Option<Arc<str>>) -> EdgeValue<O> {
        let value = match &self.output.object {
            Some(object) => Value::Object(object.clone()),
            None => Value::Json(self.output.json.clone()),
        };
        let handle = self.edge.source_handle.clone();
        EdgeValue {
            value,
            handle,
            into,
        }
    }

    /// Its value, the member taken out where it is there.
    fn json(&self) -> JsonText {
        let json = &self.output.json;
        let member = self
            .edge
            .source_handle
            .as_ref()
            .and_then(|name| json.member(name));
        member.unwrap_or_else(|| json.clone())
    }
}

/// Edges into one value: the first unnamed one is the value itself; what follows is added to its members under names,
/// or stands beside it if it has none. A falsy value gives way, as it always has.
fn joined<O: Clone>(incoming: &[Incoming<'_, O>]) -> JsonText {
    let mut whole: Option<(Arc<str>, JsonText)> = None;
    let mut named: Vec<(Arc<str>, JsonText)> = Vec::new();
    for one in incoming {
        let value = one.json();
        let is_free = named.is_empty() && whole.as_ref().is_none_or(|(_, whole)| whole.is_falsy());
        if one.edge.target_handle.is_none() && is_free {
            whole = Some((one.key(), value));
        } else {
            named.push((one.key(), value));
        }
    }
    let (key, whole) = match whole {
        Some((_, whole)) if named.is_empty() => return whole,
        Some((key, whole)) if !whole.is_falsy() => (key, whole),
        _ => return object_of(named),
    };
    match whole.members() {
        Some(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name.into(), value));
            object_of(members.chain(named))
        }
        None => object_of([(key, whole)].into_iter().chain(named)),
    }
}

/// An object of `members`; the last of a name wins, at the first's place.
pub fn object_of(members: impl IntoIterator<Item = (Arc<str>, JsonText)>) -> JsonText {
    let mut places = std::collections::HashMap::new();
    let mut kept: Vec<(Arc<str>, JsonText)> = Vec::new();
    for (name, value) in members {
        let place = *places.entry(name.clone()).or_insert(kept.len());
        if place < kept.len() {
            kept[place].1 = value;
        } else {
            kept.push((name, value));
        }
    }
    let mut text = Vec::new();
    text.push(b'{');
    for (place, (name, value)) in kept.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(JsonText::string(name).as_bytes());
        text.push(b':');
        text.extend_from_slice(value.as_bytes());
    }
    text.push(b'}');
    JsonText::trusted(text)
}

/// The member of an object that has one, if its name begins with `input_`; anything else as it is.
fn unwrapped(value: JsonText) -> JsonText {
    let begins_so = value
        .as_bytes()
        .trim_ascii_start()
        .strip_prefix(b"{")
        .is_some_and(|inside| inside.trim_ascii_start().starts_with(b"\"input_"));
    // Only an object that begins so can be meant; no other is read.
    match begins_so.then(|| value.members()).flatten().as_deref() {
        Some([(_, only)]) => only.clone(),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A result node's value from edges, each `output`, `output@member`, `output>parameter`, in this order; sources are
    /// `1`, `2`, ….
    #[track_caller]
    fn check(edges: &[&str], expected: &str) {
        let parts: Vec<_> = edges
            .iter()
            .enumerate()
            .map(|(place, text)| {
                let (text, target) = text
                    .split_once('>')
                    .map_or((*text, None), |(a, b)| (a, Some(b)));
                let (text, source) = text
                    .split_once('@')
                    .map_or((text, None), |(a, b)| (a, Some(b)));
                let edge = Edge {
                    source: place,
                    target: edges.len(),
                    source_handle: source.map(Arc::from),
                    target_handle: target.map(Arc::from),
                };
                let output = Output::<()>::plain(JsonText::trusted(text.to_owned()));
                (NodeId::from((place + 1).to_string()), edge, output)
            })
            .collect();
        let incoming: Vec<_> = parts
            .iter()
            .map(|(source, edge, output)| Incoming {
                source,
                edge,
                output,
            })
            .collect();
        let Shown::Is(found) = of_result(&incoming, Some(&JsonText::trusted("\"stored\""))) else {
            panic!("there is no object");
        };
        assert_eq!(
            found.json,
            JsonText::trusted(expected.to_owned()),
            "{edges:?}"
        );
    }

    #[test]
    fn a_result_node_shows_what_flows_into_it() {
        check(&[], "\"stored\"");
        check(&["30.0"], "30.0");
        check(&[r#"{"a + b":30.0}@a + b"#], "30.0");
        check(&[r#"{"a":1}@b"#], r#"{"a":1}"#);
        check(&["5>foo"], r#"{"foo":5}"#);
        check(&["5>input_9"], "5");
        check(&[r#"{"input_7":[1]}"#], "[1]");
        check(&[r#"{"input_7":[1],"b":2}"#], r#"{"input_7":[1],"b":2}"#);
        check(&["null"], "null");
    }

    #[test]
    fn several_edges_never_fail_and_never_lose_a_value() {
        check(&[r#"{"a":1}"#, "2"], r#"{"a":1,"input_2":2}"#);
        check(&["1", "2"], r#"{"input_1":1,"input_2":2}"#);
        check(
            &["[1]", "2", "3"],
            r#"{"input_1":[1],"input_2":2,"input_3":3}"#,
        );
        check(&["null", "2"], "2");
        check(&["null", "{}", "3"], "3");
        check(&["1>a", "2>a"], r#"{"a":2}"#);
        check(&["1>a", "2"], r#"{"a":1,"input_2":2}"#);
        check(&["2", "1>a"], r#"{"input_1":2,"a":1}"#);
        check(&[r#"{"a":0,"b":1}"#, "2>a"], r#"{"a":2,"b":1}"#);
        check(
            &[r#"{"\ud800":0}"#, "2"],
            r#"{"input_1":{"\ud800":0},"input_2":2}"#,
        );
    }

    #[test]
    fn a_text_input_keeps_its_values_type() {
        let check = |stored: Option<&str>, expected: &str, is_stored| {
            let stored = stored.map(|text| JsonText::trusted(text.to_owned()));
            let found = of_text_input(stored.as_ref());
            assert_eq!(
                found,
                (JsonText::trusted(expected.to_owned()), is_stored),
                "{stored:?}"
            );
        };
        check(None, "\"\"", false);
        check(Some("null"), "\"\"", false);
        check(Some("\"\""), "\"\"", false);
        check(Some("0"), "0", true);
        check(Some("\"a\""), "\"a\"", true);
        check(Some(r#"{"value":7,"display":"x"}"#), "7", true);
        check(Some(r#"{"display":"x","raw_value":[1]}"#), "[1]", true);
        check(Some(r#"{"value":null}"#), "\"\"", false);
        check(Some(r#"{"other":1}"#), r#"{"other":1}"#, true);
    }
}
