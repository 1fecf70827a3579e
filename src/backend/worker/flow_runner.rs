//! Flows on one worker: the nodes of a flow run by a project's [`Job`], one after the other.
//!
//! Inputs are put together here, and outputs are plain JSON. No object is ever kept, so `Object` has no values.

use std::convert::Infallible;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::job::Job;
use crate::api::v1::{Json, NodeOutput, NodeRun};
use crate::backend::flow::{
    self, JsonText, NodeCall, NodeDone, NodeError, Object, Output, Runner, Value,
};

/// Pieces of output that wait to be put together.
const QUEUE: usize = 16;

/// Bytes of what a node printed from which the older half is dropped.
const PRINTED: usize = 256 << 10;

impl Object for Infallible {
    fn id(&self) -> &str {
        match *self {}
    }
}

impl Runner for Job {
    type Object = Infallible;

    async fn run(&self, call: NodeCall<Infallible>) -> NodeDone<Infallible> {
        let begun = Instant::now();
        let (output, mut printed) = mpsc::channel::<NodeOutput>(QUEUE);
        let run = NodeRun {
            input: input(&call),
            file: call.file.map(|file| file.to_string()).unwrap_or_default(),
            timeout_s: Some(call.timeout.as_secs_f64()),
        };
        let collect = async {
            let mut text = String::new();
            while let Some(piece) = printed.recv().await {
                text.push_str(&piece.text);
                if text.len() > PRINTED {
                    let half = text.len() / 2;
                    let from = (half..half + 4).find(|&at| text.is_char_boundary(at));
                    text.drain(..from.unwrap_or_default());
                }
            }
            text
        };
        let (reply, printed) = tokio::join!(Job::run(self, run, output), collect);
        done(&reply, printed, begun)
    }

    async fn display(&self, object: &Infallible) -> Option<String> {
        match *object {}
    }

    async fn full_result(&self, _node: &str) -> Option<JsonText> {
        None
    }
}

/// The input that the edges make (compat, section 10).
fn input(call: &NodeCall<Infallible>) -> Json {
    let text = if call.edges.is_empty() {
        call.input.clone().unwrap_or_else(JsonText::null)
    } else {
        flow::object_of(call.edges.iter().map(|edge| {
            let value = match &edge.value {
                Value::Json(value) => value,
                Value::Object(object) => match *object {},
            };
            let member = edge.handle.as_ref().and_then(|name| value.member(name));
            let name = edge.into.clone().unwrap_or_default();
            (name, member.unwrap_or_else(|| value.clone()))
        }))
    };
    let text = String::from_utf8_lossy(text.as_bytes()).into_owned();
    Json::parse(text).unwrap_or_default()
}

fn done(reply: &Json, printed: String, begun: Instant) -> NodeDone<Infallible> {
    #[derive(Deserialize)]
    struct Reply<'r> {
        #[serde(default)]
        ok: bool,
        #[serde(borrow, default)]
        output: Option<&'r RawValue>,
        #[serde(default)]
        time_ms: Option<u64>,
        #[serde(default)]
        error: Option<String>,
        #[serde(default)]
        traceback: Option<String>,
    }
    let passed = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (result, time_ms) = match reply.read::<Reply<'_>>() {
        Ok(reply) if reply.ok => {
            let json = reply.output.map_or_else(JsonText::null, JsonText::of);
            (Ok(Output { json, object: None }), reply.time_ms)
        }
        Ok(reply) => {
            let message = reply.error.unwrap_or_default();
            let traceback = reply.traceback.filter(|traceback| !traceback.is_empty());
            (Err(NodeError { message, traceback }), reply.time_ms)
        }
        Err(error) => {
            let message = format!("the worker's reply cannot be read: {error}");
            (
                Err(NodeError {
                    message,
                    traceback: None,
                }),
                None,
            )
        }
    };
    NodeDone {
        result,
        time_ms: time_ms.unwrap_or(passed),
        printed,
    }
}
