//! Running flows (compat, sections 10 and 11), as far as our own programs ask for it and read what they are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Waiting;
use crate::json::Json;

/// Body of `POST /api/project/execute-flow` and `…-stream`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct FlowRun {
    /// The project: its id, or its folder.
    pub project_id: String,
    /// Where to start; none: at the only start node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_node_id: Option<String>,
    /// Values of text-input and result nodes by their ids.
    #[cfg_attr(feature = "backend", schema(required = false, value_type = BTreeMap<String, serde_json::Value>))]
    pub node_values: BTreeMap<String, Json>,
    /// Nodes that may run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_workers: Option<u8>,
    /// Seconds that each node may run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_sec: Option<u16>,
    /// Whether a failure keeps other nodes from running.
    #[cfg_attr(feature = "backend", schema(required = false))]
    pub halt_on_error: bool,
    /// Which events the stream call tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<FlowEvents>,
}

/// Which events the stream call tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FlowEvents {
    /// Also those that AIM-Forge's clients do not know.
    All,
}

/// A node as the stream's first event names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FlowNode {
    /// Its id.
    pub id: String,
    /// Its title in the editor.
    pub title: String,
    /// `code`, `result`, `start` or `text-input`.
    pub kind: String,
}

/// How a node fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowStatus {
    /// It gave an output.
    Success,
    /// It failed.
    Error,
    /// It did not run because another failed.
    Skipped,
}

/// A node that is done with, but for its output.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FlowResult {
    /// How it fared.
    pub status: FlowStatus,
    /// Why it failed or did not run; the first line says it.
    #[serde(default)]
    pub error: Option<String>,
    /// How long it ran.
    #[serde(default)]
    pub execution_time_ms: u64,
    /// What it printed, and the traceback.
    #[serde(default)]
    pub logs: String,
    /// The node because of which it did not run.
    #[serde(default)]
    pub error_source: Option<String>,
}

impl FlowResult {
    /// Whether the node itself failed, as opposed to one that it needs.
    pub fn is_own_failure(&self) -> bool {
        self.status == FlowStatus::Error && self.error_source.is_none()
    }
}

/// A flow that is done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FlowDone {
    /// Whether no node failed.
    pub success: bool,
    /// Outputs of result nodes by their ids.
    #[serde(default)]
    pub result_nodes: BTreeMap<String, Json>,
    /// How all nodes fared; read for what result nodes show.
    #[serde(default)]
    execution_results: BTreeMap<String, Shown>,
}

/// What a result node shows.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct Shown {
    #[serde(default)]
    display_metadata: Option<Display>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Display {
    #[serde(default)]
    display: serde_json::Value,
    #[serde(default)]
    full_ref: Option<String>,
}

impl FlowDone {
    /// The text of an object that stayed in its worker, where the result node `id` has one.
    pub fn object_text(&self, id: &str) -> Option<&str> {
        let shown = self.execution_results.get(id)?.display_metadata.as_ref()?;
        shown.full_ref.as_ref()?;
        shown.display.as_str()
    }
}

/// An event of the stream call.
#[derive(Debug, Clone, PartialEq)]
pub enum FlowEvent {
    /// The flow has begun.
    Start(Vec<FlowNode>),
    /// What a node waits for that is to run, after a moment.
    NodeWaiting(String, Waiting),
    /// A node runs.
    NodeStart(String),
    /// A node is done with.
    NodeComplete(String, FlowResult),
    /// All are; the last event.
    Complete(FlowDone),
    /// The flow could not run; the last event.
    Error(String),
    /// Something that this version does not know.
    Other,
}

impl FlowEvent {
    /// Reads the JSON of an event.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &[u8]) -> serde_json::Result<Self> {
        // Two readings, since serde cannot keep raw JSON inside a tagged enum.
        #[derive(Deserialize)]
        struct Type {
            r#type: String,
        }
        #[derive(Deserialize)]
        struct Start {
            #[serde(default)]
            nodes: Vec<FlowNode>,
        }
        #[derive(Deserialize)]
        struct Node {
            node_id: String,
        }
        #[derive(Deserialize)]
        struct NodeWaiting {
            node_id: String,
            waiting: Waiting,
        }
        #[derive(Deserialize)]
        struct NodeComplete {
            node_id: String,
            result: FlowResult,
        }
        #[derive(Deserialize)]
        struct Failed {
            error: String,
        }
        let Type { r#type } = serde_json::from_slice(json)?;
        Ok(match r#type.as_str() {
            "start" => Self::Start(serde_json::from_slice::<Start>(json)?.nodes),
            "node_waiting" => {
                let NodeWaiting { node_id, waiting } = serde_json::from_slice(json)?;
                Self::NodeWaiting(node_id, waiting)
            }
            "node_start" => Self::NodeStart(serde_json::from_slice::<Node>(json)?.node_id),
            "node_complete" => {
                let NodeComplete { node_id, result } = serde_json::from_slice(json)?;
                Self::NodeComplete(node_id, result)
            }
            "complete" => Self::Complete(serde_json::from_slice(json)?),
            "error" => Self::Error(serde_json::from_slice::<Failed>(json)?.error),
            _ => Self::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::WaitFor;

    #[test]
    fn events_are_read() {
        let check = |json: &str, expected: FlowEvent| {
            assert_eq!(FlowEvent::parse(json.as_bytes()).expect(json), expected);
        };
        check(r#"{"type":"later","x":1}"#, FlowEvent::Other);
        check(
            r#"{"type":"error","error":"why"}"#,
            FlowEvent::Error("why".into()),
        );
        check(
            r#"{"type":"node_start","node_id":"1","node_title":"A"}"#,
            FlowEvent::NodeStart("1".into()),
        );
        check(
            r#"{"type":"node_waiting","node_id":"1","waiting":{"for":"worker"}}"#,
            FlowEvent::NodeWaiting(
                "1".into(),
                Waiting {
                    r#for: WaitFor::Worker,
                    ..Waiting::default()
                },
            ),
        );
        let result = FlowResult {
            status: FlowStatus::Skipped,
            error: Some("x".into()),
            execution_time_ms: 0,
            logs: String::new(),
            error_source: Some("2".into()),
        };
        check(
            r#"{"type":"node_complete","node_id":"1",
                "result":{"status":"skipped","output":null,"error":"x","error_source":"2"}}"#,
            FlowEvent::NodeComplete("1".into(), result),
        );
        let big = Json::parse("123456789012345678901234567890").expect("JSON");
        check(
            r#"{"type":"complete","success":true,"result_nodes":{"9":123456789012345678901234567890}}"#,
            FlowEvent::Complete(FlowDone {
                success: true,
                result_nodes: BTreeMap::from([("9".to_owned(), big)]),
                execution_results: BTreeMap::new(),
            }),
        );
        assert!(FlowEvent::parse(b"{}").is_err());
    }

    #[test]
    fn an_object_has_a_text() {
        let done: FlowDone = serde_json::from_str(
            r#"{"success":true,"execution_results":{"1":{"status":"success"},"2":{"display_metadata":
            {"display":"P","full_ref":"1_7","is_truncated":false}},
            "3":{"display_metadata":{"display":7,"full_ref":null}}}}"#,
        )
        .expect("JSON");
        let texts = ["1", "2", "3", "4"].map(|id| done.object_text(id));
        assert_eq!(texts, [None, Some("P"), None, None]);
    }
}
