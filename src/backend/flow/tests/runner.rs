//! Runners without workers, and short ways to write a flow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value as Any};
use tokio::sync::Semaphore;

use crate::backend::flow::{
    FlowExecution, FlowRequest, Graph, NodeCall, NodeDone, NodeError, Object, OnError, Output,
    Progress, Runner, Structure, Value,
};
use crate::json::JsonText;

/// What a test's node does: an output, or the line of its error.
pub(super) type Answer = Result<Any, String>;

/// An object that a test's runner keeps.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    id: String,
    pub(super) value: Any,
}

impl Object for Kept {
    fn id(&self) -> &str {
        &self.id
    }
}

type Script = dyn Fn(&NodeCall<Kept>, &Any) -> Answer + Send + Sync;

/// Answers by a function of the node's id and its input. Outputs `{"object": …}` are kept as objects.
pub(super) struct Scripted {
    answer: Box<Script>,
    /// Nodes in the order in which they began, each with how many others were under way.
    pub(super) begun: Mutex<Vec<(String, usize)>>,
    under_way: Mutex<usize>,
    /// One permit lets one node end.
    pub(super) ends: Option<Semaphore>,
    /// Nodes that were dropped before they ended.
    pub(super) cancelled: Mutex<Vec<String>>,
}

impl Scripted {
    pub(super) fn new(answer: impl Fn(&str, &Any) -> Answer + Send + Sync + 'static) -> Self {
        Self::of_calls(move |call, input| answer(&call.node, input))
    }

    pub(super) fn of_calls(
        answer: impl Fn(&NodeCall<Kept>, &Any) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            begun: Mutex::default(),
            under_way: Mutex::default(),
            ends: None,
            cancelled: Mutex::default(),
        }
    }

    /// As [`Self::new`], but no node ends before it is let.
    pub(super) fn held(answer: impl Fn(&str, &Any) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            ends: Some(Semaphore::new(0)),
            ..Self::new(answer)
        }
    }

    /// Ids of the nodes that began.
    pub(super) fn begun(&self) -> Vec<String> {
        self.begun
            .lock()
            .expect("unpoisoned")
            .iter()
            .map(|(id, _)| id.clone())
            .collect()
    }
}

impl Runner for Scripted {
    type Object = Kept;

    async fn run(&self, call: NodeCall<Kept>) -> NodeDone<Kept> {
        let node = call.node.to_string();
        {
            let mut under_way = self.under_way.lock().expect("unpoisoned");
            self.begun
                .lock()
                .expect("unpoisoned")
                .push((node.clone(), *under_way));
            *under_way += 1;
        }
        if let Some(listener) = &call.listener {
            listener.tell(Progress::Runs);
        }
        let mut guard = UnderWay {
            runner: self,
            node: Some(node),
        };
        if let Some(ends) = &self.ends {
            ends.acquire().await.expect("open").forget();
        } else {
            tokio::task::yield_now().await;
        }
        guard.node = None;
        let input = assembled(&call);
        let answer = match call.file {
            Some(_) => (self.answer)(&call, &input),
            None => Ok(input),
        };
        let output = |value: Any| {
            let Some(object) = value.get("object") else {
                return Output::plain(JsonText::trusted(value.to_string()));
            };
            let json = serde_json::json!({"type": "reference", "ref": call.keep, "preview": "P"});
            let (id, value) = (call.keep.clone(), object.clone());
            Output {
                json: JsonText::trusted(json.to_string()),
                object: Some(Kept { id, value }),
                is_whole: false,
            }
        };
        NodeDone {
            result: answer.map(output).map_err(|message| NodeError {
                traceback: Some(format!("Traceback\nRuntimeError: {message}")),
                message,
            }),
            time_ms: 1,
            printed: String::new(),
            warning: None,
        }
    }

    async fn display(&self, object: &Kept) -> Option<String> {
        Some(format!("shown {}", object.value))
    }

    async fn full_result(&self, _node: &str) -> Option<JsonText> {
        None
    }
}

struct UnderWay<'r> {
    runner: &'r Scripted,
    node: Option<String>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        *self.runner.under_way.lock().expect("unpoisoned") -= 1;
        if let Some(node) = self.node.take() {
            self.runner.cancelled.lock().expect("unpoisoned").push(node);
        }
    }
}

/// The input that a worker would put together (compat, section 10).
pub(super) fn assembled(call: &NodeCall<Kept>) -> Any {
    let parse =
        |json: &JsonText| serde_json::from_slice::<Any>(json.as_bytes()).expect("valid JSON");
    if call.edges.is_empty() {
        return call.input.as_ref().map(parse).unwrap_or_default();
    }
    let mut input = Map::new();
    for edge in &call.edges {
        let value = match &edge.value {
            Value::Json(json) => parse(json),
            Value::Object(object) => object.value.clone(),
        };
        let member = edge
            .handle
            .as_ref()
            .and_then(|name| value.get(&**name))
            .cloned();
        let value = member.unwrap_or(value);
        match &edge.into {
            Some(name) => input.insert(name.to_string(), value),
            None => return value,
        };
    }
    Any::Object(input)
}

/// A structure of nodes such as `s:start a b:result` and edges such as `s>a a.member>b.parameter`.
pub(super) fn structure(nodes: &str, edges: &str) -> Arc<Structure> {
    let node = |text: &str| {
        let (id, kind) = text.split_once(':').unwrap_or((text, "custom"));
        serde_json::json!({"id": id, "type": kind, "data": {"title": format!("T{id}")}})
    };
    let end = |text: &str| {
        let (id, handle) = text
            .split_once('.')
            .map_or((text, None), |(id, handle)| (id, Some(handle)));
        (id.to_owned(), handle.map(ToOwned::to_owned))
    };
    let edge = |text: &str| {
        let (source, target) = text.split_once('>').expect("an edge");
        let ((source, from), (target, into)) = (end(source), end(target));
        serde_json::json!({"source": source, "target": target, "sourceHandle": from, "targetHandle": into})
    };
    let nodes: Vec<_> = nodes.split_whitespace().map(node).collect();
    let edges: Vec<_> = edges.split_whitespace().map(edge).collect();
    let text = serde_json::json!({"nodes": nodes, "edges": edges}).to_string();
    Arc::new(Structure::parse(text.as_bytes()).expect("an object"))
}

/// A request with these values.
pub(super) fn request(max_workers: usize, values: &[(&str, &str)]) -> FlowRequest {
    let values = values
        .iter()
        .map(|(id, json)| ((*id).to_owned(), JsonText::trusted((*json).to_owned())));
    FlowRequest {
        project_id: "p".to_owned(),
        start_node_id: None,
        params: JsonText::trusted(r#"{"x":1}"#.to_owned()),
        node_values: values.collect::<HashMap<_, _>>(),
        max_workers,
        timeout: Duration::from_secs(30),
        halt_on_error: true,
        tells_all: false,
    }
}

/// A run that has not begun.
pub(super) fn run<R: Runner>(
    structure: Arc<Structure>,
    start: Option<&str>,
    request: FlowRequest,
    runner: &Arc<R>,
    on_error: OnError,
) -> FlowExecution<R> {
    let graph = Graph::new(structure, start).expect("a flow");
    FlowExecution::new(Arc::new(graph), Arc::new(request), runner.clone(), on_error)
}

/// The answer of the plain call.
pub(super) async fn answer<R: Runner>(run: FlowExecution<R>) -> Any {
    serde_json::from_slice(&run.answer().await.concat()).expect("valid JSON")
}
