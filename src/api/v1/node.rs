//! Running one node.

use serde::{Deserialize, Deserializer, Serialize};

use super::{WaitFor, Waiting};
use crate::json::Json;

/// Body of `POST …/nodes/run`. The reply is [`NDJSON`](super::NDJSON), a [`NodeEvent`] a line, [`NodeEvent::Reply`] the
/// last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct NodeRun {
    /// The node's file, in the project's folder.
    pub file: String,
    /// Its input.
    #[serde(default)]
    #[cfg_attr(feature = "backend", schema(value_type = serde_json::Value))]
    pub input: Json,
    /// How long it may run, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<f64>,
    /// What becomes of it when its caller goes away.
    #[serde(default)]
    pub on_disconnect: OnDisconnect,
    /// Whether the answer tells what the node waits for, where it does not run at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tells_waiting: bool,
    /// That the reply is for a person, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<Shows>,
}

/// What a person wants to see. Of an output that JSON has no form for, the reply has `text` (with `is_cut` where that
/// was too long), or `figure`, the file that it was saved as; where the node's file has several functions, it has `ran`
/// and `also`. Asked for or not, such an output is a reference, as in flows, and `needs_person` says that a node failed
/// since it asked something at a keyboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Shows {
    /// Lines that are wanted of a table; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<u32>,
}

/// What becomes of a node whose caller goes away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OnDisconnect {
    /// It runs to its end; its output is in the worker's log.
    #[default]
    GoOn,
    /// It is taken from the queue or, when it runs, interrupted, and killed after the grace time.
    Cancel,
}

/// A stream that a node wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What a node printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct NodeOutput {
    /// Where to.
    pub stream: Stream,
    /// What; any number of lines, or a part of one.
    pub text: String,
}

/// One line of the reply to `nodes/run`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum NodeEvent {
    /// The node printed.
    Output(NodeOutput),
    /// What the node waits for is another thing now; only for a [`NodeRun::tells_waiting`], after a moment.
    Waiting(Waiting),
    /// The node ended; the last line.
    Reply {
        /// The worker's reply object (compat, section 8), as the worker wrote it.
        #[cfg_attr(feature = "backend", schema(value_type = serde_json::Value))]
        reply: Json,
    },
}

impl<'de> Deserialize<'de> for NodeEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, since serde cannot keep raw JSON inside a tagged enum.
        #[derive(Deserialize)]
        struct Line {
            r#type: String,
            stream: Option<Stream>,
            text: Option<String>,
            reply: Option<Json>,
            r#for: Option<WaitFor>,
            file: Option<String>,
            #[serde(default)]
            changed: Vec<String>,
        }
        let missing = serde::de::Error::missing_field;
        let line = Line::deserialize(deserializer)?;
        match line.r#type.as_str() {
            "output" => Ok(Self::Output(NodeOutput {
                stream: line.stream.ok_or_else(|| missing("stream"))?,
                text: line.text.ok_or_else(|| missing("text"))?,
            })),
            "waiting" => Ok(Self::Waiting(Waiting {
                r#for: line.r#for.ok_or_else(|| missing("for"))?,
                file: line.file,
                changed: line.changed,
            })),
            "reply" => Ok(Self::Reply {
                reply: line.reply.ok_or_else(|| missing("reply"))?,
            }),
            other => Err(serde::de::Error::unknown_variant(
                other,
                &["output", "waiting", "reply"],
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_event(line: &str, expected: Result<NodeEvent, &str>) {
        match (serde_json::from_str::<NodeEvent>(line), expected) {
            (Ok(event), Ok(expected)) => {
                assert_eq!(event, expected);
                assert_eq!(serde_json::to_string(&event).expect("JSON"), line);
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{error}");
            }
            (read, expected) => panic!("{line}: {read:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn node_events_go_there_and_back() {
        check_event(
            r#"{"type":"output","stream":"stderr","text":"가\n"}"#,
            Ok(NodeEvent::Output(NodeOutput {
                stream: Stream::Stderr,
                text: "가\n".into(),
            })),
        );
        check_event(
            r#"{"type":"reply","reply":{"id":"1","ok":true,"output":123456789012345678901234567890}}"#,
            Ok(NodeEvent::Reply {
                reply: Json::parse(
                    r#"{"id":"1","ok":true,"output":123456789012345678901234567890}"#,
                )
                .expect("JSON"),
            }),
        );
        check_event(
            r#"{"type":"waiting","for":"worker","changed":["numpy"]}"#,
            Ok(NodeEvent::Waiting(Waiting {
                r#for: WaitFor::Worker,
                file: None,
                changed: vec!["numpy".into()],
            })),
        );
        check_event(r#"{"type":"reply"}"#, Err("reply"));
        check_event(r#"{"type":"output","text":"x"}"#, Err("stream"));
        check_event(r#"{"type":"else"}"#, Err("unknown variant"));
    }

    #[test]
    fn input_keeps_its_digits_and_loses_its_lines() {
        let node: NodeRun = serde_json::from_str(
            "{\"file\":\"a.py\",\"input\":{\r\n \"n\": 1.0000000000000000001,\n\"t\":\"\\n\"}}",
        )
        .expect("a node");
        assert_eq!(
            node.input.as_str(),
            r#"{   "n": 1.0000000000000000001, "t":"\n"}"#
        );
        let bare: NodeRun = serde_json::from_str(r#"{"file":"a.py"}"#).expect("a node");
        assert_eq!(bare.input.as_str(), "null");
    }
}
