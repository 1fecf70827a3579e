//! What is told of a node and of a whole flow: result objects and the answer of the plain call (compat, section 10).

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::display::is_cut;
use super::graph::Graph;
use super::runner::{NodeDone, Object, Output};
use super::structure::NodeKind;
use crate::json::JsonText;
use crate::json::{JsonWriter, Pieces};

/// Bytes kept of what a node printed, and of its error's text.
const KEPT: usize = 64 << 10;

/// How a node fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeStatus {
    /// It gave an output.
    Success,
    /// It failed.
    Error,
    /// It did not run because another failed.
    Skipped,
}

/// A node that is done with.
#[derive(Debug, Clone)]
pub struct Settled<O> {
    /// How it fared.
    pub status: NodeStatus,
    /// Its output, if it succeeded.
    pub output: Option<Output<O>>,
    /// How long it ran.
    pub time_ms: u64,
    /// Its result object as JSON.
    pub text: Pieces,
}

impl<O: Object> Settled<O> {
    /// A node that succeeded. `shown` is what a page shows of a result node.
    pub(super) fn success(
        output: Output<O>,
        time_ms: u64,
        logs: &str,
        shown: Option<&JsonText>,
    ) -> Self {
        let mut writer = JsonWriter::default();
        writer
            .text(r#"{"status":"success","output":"#)
            .json(&output.json);
        writer
            .text(r#","error":null,"execution_time_ms":"#)
            .value(&time_ms);
        writer.text(r#","logs":"#).value(logs);
        if let Some(shown) = shown {
            let reference = output.referred().map(Object::id);
            writer
                .text(r#","display_metadata":{"display":"#)
                .json(shown);
            writer.text(r#","full_ref":"#).value(&reference);
            writer
                .text(r#","is_truncated":"#)
                .value(&is_cut(shown))
                .text("}");
        }
        writer.text("}");
        Self {
            status: NodeStatus::Success,
            output: Some(output),
            time_ms,
            text: writer.finish(),
        }
    }

    /// A node that a runner ran.
    pub(super) fn ran(done: NodeDone<O>) -> Self {
        let mut logs = done.warning.unwrap_or_default();
        logs.push_str(tail(&done.printed));
        let error = match done.result {
            Ok(output) => return Self::success(output, done.time_ms, &logs, None),
            Err(error) => error,
        };
        let mut said = error.message;
        if let Some(traceback) = &error.traceback {
            said = format!("{said}\n{}", tail(traceback));
            if !logs.is_empty() && !logs.ends_with('\n') {
                logs.push('\n');
            }
            logs.push_str(tail(traceback));
        }
        Self::failed(NodeStatus::Error, &said, done.time_ms, &logs, None)
    }

    /// A node that did not run, because the node `source` failed.
    pub(super) fn not_run(status: NodeStatus, error: &str, source: &str) -> Self {
        Self::failed(status, error, 0, "", Some(source))
    }

    fn failed(
        status: NodeStatus,
        error: &str,
        time_ms: u64,
        logs: &str,
        source: Option<&str>,
    ) -> Self {
        let mut writer = JsonWriter::default();
        writer.text(r#"{"status":"#).value(&status);
        writer.text(r#","output":null,"error":"#).value(head(error));
        writer.text(r#","execution_time_ms":"#).value(&time_ms);
        writer.text(r#","logs":"#).value(logs);
        if let Some(source) = source {
            writer
                .text(r#","skipped_reason":"upstream_error","error_source":"#)
                .value(source);
        }
        writer.text("}");
        Self {
            status,
            output: None,
            time_ms,
            text: writer.finish(),
        }
    }
}

/// A flow that is done with.
pub(super) struct FlowOutcome<'r, O> {
    pub(super) graph: &'r Graph,
    /// By place; a flow that was left early lacks some.
    pub(super) settled: &'r [Option<Settled<O>>],
    pub(super) project_id: &'r str,
    pub(super) started_at: DateTime<Utc>,
}

impl<O> FlowOutcome<'_, O> {
    /// The answer of the plain call.
    pub(super) fn answer(&self) -> Pieces {
        let mut writer = JsonWriter::default();
        writer.text("{");
        self.verdict(&mut writer);
        writer.text(",");
        self.results(&mut writer);
        writer.text("}");
        writer.finish()
    }

    /// `success`, false when a node failed, and `run_id`, which tells the time in UTC (D11).
    pub(super) fn verdict(&self, writer: &mut JsonWriter) {
        let has_failed = self
            .settled
            .iter()
            .flatten()
            .any(|node| node.status != NodeStatus::Success);
        let began = self.started_at.format("%Y-%m-%dT%H:%M:%SZ");
        writer.text(r#""success":"#).value(&!has_failed);
        writer
            .text(r#","run_id":"#)
            .value(&format!("{began}-{}", self.project_id));
    }

    /// The members that the plain answer and the stream's last event share.
    pub(super) fn results(&self, writer: &mut JsonWriter) {
        let nodes = || {
            self.graph
                .nodes()
                .zip(self.settled)
                .filter_map(|(node, settled)| settled.as_ref().map(|settled| (node, settled)))
        };
        writer
            .text(r#""execution_results":{"#)
            .list(nodes(), |writer, (node, settled)| {
                writer.value(&*node.id).text(":").pieces(&settled.text);
            });
        let shown = nodes().filter(|(node, _)| node.kind == NodeKind::Result);
        let shown = shown.filter_map(|(node, settled)| Some((node, settled.output.as_ref()?)));
        writer
            .text(r#"},"result_nodes":{"#)
            .list(shown, |writer, (node, output)| {
                writer.value(&*node.id).text(":").json(&output.json);
            });
        writer
            .text(r#"},"execution_order":["#)
            .list(self.graph.nodes(), |writer, node| {
                writer.value(&*node.id);
            });
        let successes = nodes().filter(|(_, settled)| settled.status == NodeStatus::Success);
        let total: u64 = successes.map(|(_, settled)| settled.time_ms).sum();
        writer.text(r#"],"total_execution_time_ms":"#).value(&total);
    }
}

/// What is shown of an object: its display, or when it is gone the preview that its reference has.
pub(super) fn shown_object(display: Option<&str>, reference: &JsonText) -> JsonText {
    match display {
        Some(text) => JsonText::string(text),
        None => reference.member("preview").unwrap_or_else(JsonText::null),
    }
}

/// The last [`KEPT`] bytes of `text`.
fn tail(text: &str) -> &str {
    let mut from = text.len().saturating_sub(KEPT);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// The first [`KEPT`] bytes of `text`.
fn head(text: &str) -> &str {
    let mut to = text.len().min(KEPT);
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    &text[..to]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::flow::runner::NodeError;

    #[derive(Clone)]
    struct Kept;

    impl Object for Kept {
        fn id(&self) -> &'static str {
            "7_1"
        }
    }

    #[track_caller]
    fn check(settled: &Settled<Kept>, expected: &serde_json::Value) {
        let found: serde_json::Value =
            serde_json::from_slice(&settled.text.concat()).expect("valid JSON");
        assert_eq!(&found, expected);
    }

    fn ran(result: Result<&str, (&str, Option<&str>)>, printed: &str) -> Settled<Kept> {
        Settled::ran(NodeDone {
            result: result
                .map(|json| Output::plain(JsonText::trusted(json.to_owned())))
                .map_err(|(message, traceback)| NodeError {
                    message: message.to_owned(),
                    traceback: traceback.map(ToOwned::to_owned),
                }),
            time_ms: 5,
            printed: printed.to_owned(),
            warning: None,
        })
    }

    #[test]
    fn a_result_has_the_members_that_clients_know() {
        check(
            &ran(Ok("[1]"), "hello\n"),
            &serde_json::json!({
                "status": "success", "output": [1], "error": null, "execution_time_ms": 5, "logs": "hello\n",
            }),
        );
        check(
            &ran(Err(("boom", Some("Traceback\nX: boom"))), "before"),
            &serde_json::json!({"status": "error", "output": null, "error": "boom\nTraceback\nX: boom",
                "execution_time_ms": 5, "logs": "before\nTraceback\nX: boom"}),
        );
        check(
            &ran(Err(("worker-exit", None)), ""),
            &serde_json::json!({
                "status": "error", "output": null, "error": "worker-exit", "execution_time_ms": 5, "logs": "",
            }),
        );
        check(
            &Settled::not_run(NodeStatus::Skipped, "why", "3"),
            &serde_json::json!({"status": "skipped", "output": null, "error": "why", "execution_time_ms": 0, "logs": "",
                "skipped_reason": "upstream_error", "error_source": "3"}),
        );
    }

    #[test]
    fn a_shown_object_names_its_reference() {
        let reference = JsonText::trusted(r#"{"type":"reference","preview":"P"}"#.to_owned());
        let output = Output {
            json: reference.clone(),
            object: Some(Kept),
            is_whole: false,
        };
        let settled = Settled::success(
            output,
            0,
            "x",
            Some(&shown_object(Some("all..."), &reference)),
        );
        check(
            &settled,
            &serde_json::json!({"status": "success", "output": {"type": "reference", "preview": "P"}, "error": null,
                "execution_time_ms": 0, "logs": "x",
                "display_metadata": {"display": "all...", "full_ref": "7_1", "is_truncated": true}}),
        );
        assert_eq!(shown_object(None, &reference), JsonText::string("P"));
    }

    #[test]
    fn what_a_node_says_is_bounded() {
        let much = "한".repeat(KEPT);
        let text = ran(Err((&much, Some(&much))), &much).text;
        assert!(text.len() < 4 * KEPT, "{}", text.len());
    }
}
