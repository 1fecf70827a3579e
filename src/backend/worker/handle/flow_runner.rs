//! Flows on a project's workers: what the engine asks of a [`Runner`], done by a [`Job`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::job::Job;
use super::kept::Kept;
use super::pool::Taken;
use crate::api::v1::NodeOutput;
use crate::backend::flow::{
    EdgeValue, NodeCall, NodeDone, NodeError, Object, Output, Runner, Value,
};
use crate::backend::worker::protocol::reply::Reply;
use crate::backend::worker::protocol::request::{Failure, Request, Store};
use crate::backend::worker::task::ask::{Control, Order, shutting_down};
use crate::json::Json;
use crate::json::JsonText;

/// Pieces of output that wait to be put together.
const QUEUE: usize = 16;

/// Bytes of what a node printed from which the older half is dropped.
const PRINTED: usize = 256 << 10;

impl Runner for Job {
    type Object = Kept;

    async fn run(&self, call: NodeCall<Kept>) -> NodeDone<Kept> {
        let begun = Instant::now();
        let first = call.edges.iter().find_map(object);
        if let Some(object) = first.filter(|object| object.lane().has_ended()) {
            return failed(gone(object), begun);
        }
        let done = loop {
            let taken = match first {
                Some(object) => self.pool().with(object),
                None => self.pool().free().await,
            };
            match (self.run_on(&taken, &call, begun).await, first) {
                (Some(done), _) => break done,
                // The worker of branches that was taken had ended at that moment: then another.
                (None, None) if !self.has_ended() => {}
                (None, Some(object)) => break failed(gone(object), begun),
                (None, None) => {
                    let keep = call.keep.clone();
                    break done(shutting_down(), keep, &taken, String::new(), begun).await;
                }
            }
        };
        let object = done
            .result
            .as_ref()
            .ok()
            .map(|output| output.object.as_ref());
        if let (Some(object), Some(_)) = (object, &call.file) {
            self.pool().keep(&call.node, object);
        }
        done
    }

    async fn display(&self, object: &Kept) -> Option<String> {
        let reply = ask(object, "display").await;
        let reply = reply.into_json();
        let reply: Said<'_> = reply.read().ok()?;
        serde_json::from_str(reply.output?.get()).ok()
    }

    async fn full_result(&self, node: &str) -> Option<JsonText> {
        let object = self.pool().newest(node)?;
        let reply = ask(&object, "full_result").await;
        let envelope = reply.envelope();
        if let Some(large) = reply.into_large_output().await.ok()? {
            return Some(JsonText::trusted(large));
        }
        let said: Said<'_> = envelope.read().ok()?;
        said.output.map(JsonText::of)
    }
}

impl Job {
    /// Runs a node on the worker that was taken; none if that had ended before.
    async fn run_on(
        &self,
        taken: &Taken,
        call: &NodeCall<Kept>,
        begun: Instant,
    ) -> Option<NodeDone<Kept>> {
        let first = call.edges.iter().find_map(object);
        // Held until the node is done: what was brought for it.
        let brought = match bring(call, taken).await {
            Ok(brought) => brought,
            Err(error) => return Some(failed(error, begun)),
        };
        let given = given(call, &brought);
        let project = self.pool().project();
        let order = Order {
            request: Request::flow_node(project, call.file.as_deref(), &given, &call.keep),
            file: call.file.as_deref().unwrap_or_default().to_owned(),
            limit: Some(call.timeout.as_secs_f64()),
            wants_now: true,
            on: first.map(Kept::pid),
        };
        let (output, printed) = mpsc::channel::<NodeOutput>(QUEUE);
        let (reply, printed) = tokio::join!(taken.lane.run(order, output), collect(printed));
        let reply = reply?;
        Some(match first {
            Some(object) if is_gone(&reply.envelope()) => failed(gone(object), begun),
            _ => done(reply, call.keep.clone(), taken, printed, begun).await,
        })
    }
}

async fn ask(object: &Kept, op: &str) -> Reply {
    let request = Request::object(op, object.id());
    object.lane().ask_about(request, object.pid()).await
}

fn object(edge: &EdgeValue<Kept>) -> Option<&Kept> {
    match &edge.value {
        Value::Object(object) => Some(object),
        Value::Json(_) => None,
    }
}

/// By their names, objects as they are called where they were brought.
type Brought = HashMap<String, Kept>;

/// Where a worker has put an object.
#[derive(Deserialize)]
struct Exported<'a> {
    fd: u32,
    #[serde(borrow)]
    layout: &'a RawValue,
}

/// Brings the objects that are in other workers to the one that was taken.
async fn bring(call: &NodeCall<Kept>, taken: &Taken) -> Result<Brought, NodeError> {
    let mut brought = Brought::new();
    let objects = call.edges.iter().filter_map(object);
    let Some(home) = objects.clone().next().map(Kept::pid) else {
        return Ok(brought);
    };
    for object in objects.filter(|object| object.pid() != home) {
        if brought.contains_key(object.id()) {
            continue;
        }
        if object.lane().has_ended() {
            return Err(gone(object));
        }
        let reply = ask(object, "export").await.into_json();
        let Ok(exported) = reply.read::<Exported<'_>>() else {
            return Err(if is_gone(&reply) {
                gone(object)
            } else {
                error_of(&reply)
            });
        };
        let path = format!("/proc/{}/fd/{}", object.pid(), exported.fd);
        // A name of its own: another node may be given the same object there, and let go of it earlier.
        let name = format!("{} for {}", object.id(), call.keep);
        let request = Request::import(&name, &path, exported.layout);
        let imported = taken.lane.ask_about(request, home).await.into_json();
        let close = Control::Close {
            pid: object.pid(),
            descriptor: exported.fd,
        };
        let _ = object.lane().ask.send(close).await;
        if !imported.read::<Failure>().is_ok_and(|reply| reply.ok) {
            let at_home = call.edges.iter().find_map(self::object);
            return Err(match at_home.filter(|_| is_gone(&imported)) {
                Some(object) => gone(object),
                None => error_of(&imported),
            });
        }
        let there = Kept::new(name, home, taken.lane.clone());
        brought.insert(object.id().to_owned(), there);
    }
    Ok(brought)
}

/// Whether a reply says that the worker that had an object has ended.
fn is_gone(reply: &Json) -> bool {
    #[derive(Deserialize)]
    struct Coded<'r> {
        #[serde(borrow, default)]
        code: Option<Cow<'r, str>>,
    }
    reply
        .read::<Coded<'_>>()
        .is_ok_and(|reply| reply.code.as_deref() == Some("object-gone"))
}

/// What is said of an object that went with its worker: which node has to run again.
fn gone(object: &Kept) -> NodeError {
    // An object's name is its node's, `_`, and a number (compat, section 10).
    let id = object.id();
    let node = id.rsplit_once('_').map_or(id, |(node, _)| node);
    NodeError {
        message: format!(
            "The object that node {node} gave is gone: worker {}, which had it, has ended (the environment changed, or it \
             was restarted or stopped). Run node {node} again",
            object.pid()
        ),
        traceback: None,
    }
}

fn error_of(reply: &Json) -> NodeError {
    let failure: Failure = reply.read().unwrap_or_default();
    NodeError {
        message: failure.error,
        traceback: Some(failure.traceback).filter(|text| !text.is_empty()),
    }
}

/// The members of the request that give the node its input.
fn given(call: &NodeCall<Kept>, brought: &Brought) -> String {
    if call.edges.is_empty() {
        let input = call.input.as_ref().map_or(Cow::Borrowed("null"), text);
        return format!("\"edges\":[],\"input\":{input}");
    }
    let mut given = String::from("\"edges\":[");
    for (number, edge) in call.edges.iter().enumerate() {
        given.push_str(if number == 0 { "{" } else { ",{" });
        // Writing to a string never fails.
        let _ = match &edge.value {
            Value::Json(json) => write!(given, "\"value\":{}", text(json)),
            Value::Object(object) => {
                let here = brought.get(object.id()).unwrap_or(object);
                write!(given, "\"ref\":{}", quoted(Some(here.id())))
            }
        };
        let (handle, into) = (quoted(edge.handle.as_deref()), quoted(edge.into.as_deref()));
        let _ = write!(given, ",\"handle\":{handle},\"into\":{into}}}");
    }
    given.push(']');
    given
}

fn text(json: &JsonText) -> Cow<'_, str> {
    String::from_utf8_lossy(json.as_bytes())
}

fn quoted(text: Option<&str>) -> String {
    serde_json::to_string(&text).unwrap_or_default()
}

async fn collect(mut printed: mpsc::Receiver<NodeOutput>) -> String {
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
}

/// The members of a reply that are read here.
#[derive(Deserialize)]
struct Said<'r> {
    #[serde(default)]
    ok: bool,
    #[serde(borrow, default)]
    output: Option<&'r RawValue>,
    #[serde(default)]
    kept: bool,
    #[serde(default)]
    store: Option<Store>,
    #[serde(default)]
    time_ms: Option<u64>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    traceback: Option<String>,
}

async fn done(
    reply: Reply,
    keep: String,
    taken: &Taken,
    printed: String,
    begun: Instant,
) -> NodeDone<Kept> {
    let worker = reply.worker();
    let envelope = reply.envelope();
    let said = match envelope.read::<Said<'_>>() {
        Ok(said) => said,
        Err(error) => {
            let message = format!("the worker's reply cannot be read: {error}");
            let traceback = None;
            return failed(NodeError { message, traceback }, begun);
        }
    };
    if let (Some(pid), Some(store)) = (worker, said.store) {
        taken.lane.objects.said(pid, store);
    }
    let time_ms = said.time_ms.unwrap_or_else(|| passed(begun));
    let result = if said.ok {
        let object = worker
            .filter(|_| said.kept)
            .map(|pid| Kept::new(keep, pid, taken.lane.clone()));
        let small = || said.output.map_or_else(JsonText::null, JsonText::of);
        match reply.into_large_output().await {
            Ok(large) => Ok(Output {
                json: large.map_or_else(small, JsonText::trusted),
                object,
            }),
            Err(error) => Err(NodeError {
                message: format!("the node's output was lost on its way: {error}"),
                traceback: None,
            }),
        }
    } else {
        Err(NodeError {
            message: said.error.unwrap_or_default(),
            traceback: said.traceback.filter(|text| !text.is_empty()),
        })
    };
    NodeDone {
        result,
        time_ms,
        printed,
    }
}

fn failed(error: NodeError, begun: Instant) -> NodeDone<Kept> {
    NodeDone {
        result: Err(error),
        time_ms: passed(begun),
        printed: String::new(),
    }
}

fn passed(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
