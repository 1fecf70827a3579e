//! Flows on a project's workers: what the engine asks of a [`Runner`], done by a [`Job`].

use std::pin::pin;
use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::bring::{Brought, ask, bring, gone, is_gone, object};
use super::job::Job;
use super::kept::Kept;
use super::pool::Taken;
use super::waits::Waits;
use crate::api::v1::NodeOutput;
use crate::backend::flow::{
    Listener, NodeCall, NodeDone, NodeError, Object, Output, Progress, Runner, Value,
};
use crate::backend::worker::protocol::{Edge, KeepAs, Request, Store, WorkerReply};
use crate::backend::worker::task::{Order, Turn, shutting_down};
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
        if let Some(object) = first.filter(|object| object.task().has_ended()) {
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
        let reply = ask(object, |r#ref| Request::Display { r#ref }).await;
        let reply = reply.into_json();
        let reply: Said<'_> = reply.read().ok()?;
        serde_json::from_str(reply.output?.get()).ok()
    }

    async fn full_result(&self, node: &str) -> Option<JsonText> {
        let object = self.pool().newest(node)?;
        let reply = ask(&object, |r#ref| Request::FullResult { r#ref }).await;
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
        let is_first = call.edges.is_empty();
        let turn = Turn::default();
        let input = || call.input.clone().unwrap_or_else(JsonText::null);
        let order = Order {
            request: Request::ExecNode {
                file: call.file.as_deref().map(str::to_owned),
                project_root: self.pool().project_root(),
                edges: Some(edges(call, &brought)),
                input: is_first.then(input),
                keep: Some(KeepAs {
                    r#ref: call.keep.clone(),
                    unless_json: false,
                }),
                show: None,
                anyway: false,
            },
            file: call.file.as_deref().unwrap_or_default().to_owned(),
            limit: Some(call.timeout.as_secs_f64()),
            wants_now: true,
            turn: turn.clone(),
            on: first.map(Kept::pid),
        };
        let (output, printed) = mpsc::channel::<NodeOutput>(QUEUE);
        let work = async { tokio::join!(taken.task.run(order, output), collect(printed)) };
        let (reply, printed) = match &call.listener {
            Some(listener) => {
                let waits = Waits::new(taken.task.status.clone(), turn.clone());
                told(work, &turn, waits, listener).await
            }
            None => work.await,
        };
        let reply = reply?;
        Some(match first {
            Some(object) if is_gone(&reply.envelope()) => failed(gone(object), begun),
            _ => done(reply, call.keep.clone(), taken, printed, begun).await,
        })
    }
}

/// Does the `work` of a node, and tells what it waits for before its `turn`.
async fn told<T>(
    work: impl Future<Output = T>,
    turn: &Turn,
    mut waits: Waits,
    listener: &Listener,
) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            () = turn.comes() => break,
            done = &mut work => return done,
            waiting = waits.next() => listener.tell(Progress::Waits(waiting)),
        }
    }
    listener.tell(Progress::Runs);
    work.await
}

/// What comes on the node's edges; an object by its name where the node runs.
fn edges(call: &NodeCall<Kept>, brought: &Brought) -> Vec<Edge> {
    let here = |object: &Kept| brought.get(object.id()).unwrap_or(object).id().to_owned();
    let given = call.edges.iter().map(|edge| {
        let (value, r#ref) = match &edge.value {
            Value::Json(json) => (Some(json.clone()), None),
            Value::Object(object) => (None, Some(here(object))),
        };
        Edge {
            value,
            r#ref,
            handle: edge.handle.as_deref().map(str::to_owned),
            into: edge.into.as_deref().map(str::to_owned),
        }
    });
    given.collect()
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
    /// Whether the output is the value as JSON, though it was kept too.
    #[serde(default)]
    whole: bool,
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
    reply: WorkerReply,
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
        taken.task.objects.said(pid, store);
    }
    let time_ms = said.time_ms.unwrap_or_else(|| passed(begun));
    let result = if said.ok {
        let object = worker
            .filter(|_| said.kept)
            .map(|pid| Kept::new(keep, pid, taken.task.clone()));
        let small = || said.output.map_or_else(JsonText::null, JsonText::of);
        match reply.into_large_output().await {
            Ok(large) => Ok(Output {
                json: large.map_or_else(small, JsonText::trusted),
                is_whole: object.is_none() || said.whole,
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
        warning: None,
    }
}

fn failed(error: NodeError, begun: Instant) -> NodeDone<Kept> {
    NodeDone {
        result: Err(error),
        time_ms: passed(begun),
        printed: String::new(),
        warning: None,
    }
}

fn passed(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
