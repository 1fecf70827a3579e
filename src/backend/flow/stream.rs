//! A flow told as it goes: the events of the stream call (compat, section 11).
//!
//! Each event is one `data:` line and an empty line, sent when it happens; nothing waits between two (D21). Events that
//! a slow page has not read yet share their memory with the results, so they are as bounded as the answer is.
//!
//! Who asks with `"events": "all"` is told more, which older clients need not know: `start` has `nodes` (each with
//! `id`, `title` and `kind`), a `node_start` comes when a node runs, a `node_waiting` when it has waited for a moment
//! (for its worker, say), and a `node_complete` for every node with code.

use std::fmt::Display;
use std::future::pending;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::graph::Graph;
use super::run::FlowExecution;
use super::runner::{Progress, Runner};
use super::structure::{Node, NodeKind};
use crate::json::{JsonWriter, Pieces};

/// Runs `run` to its end and sends the text of its events. When nobody receives them any more, the run is dropped, and
/// with it what is under way (D22).
pub async fn tell<R: Runner>(mut run: FlowExecution<R>, events: UnboundedSender<Bytes>) {
    let total = run.graph().nodes().filter(|node| node.is_main()).count();
    let tells_all = run.request().tells_all;
    let mut progress = tells_all.then(|| run.progress());
    send(&events, begun(run.graph(), total, tells_all));
    let mut done = 0;
    loop {
        let place = tokio::select! {
            biased;
            () = events.closed() => return,
            (place, progress) = next_of(&mut progress) => {
                send(&events, node_fares(run.graph().node(place), &progress));
                continue;
            }
            place = run.next() => place,
        };
        let Some(place) = place else { break };
        // A node that was quick may have begun and ended in one step.
        while let Some((place, progress)) = progress.as_mut().and_then(|told| told.try_recv().ok())
        {
            send(&events, node_fares(run.graph().node(place), &progress));
        }
        let node = run.graph().node(place);
        done += usize::from(node.is_main());
        let is_told = match node.kind {
            NodeKind::Result => true,
            NodeKind::Code => tells_all || node.is_main(),
            NodeKind::Start | NodeKind::TextInput => false,
        };
        if is_told && let Some(settled) = run.settled(place) {
            send(&events, node_done(node, done, total, &settled.text));
        }
    }
    send(&events, complete(&run));
}

/// How which place fares. Where nobody asked for that, this waits for ever.
async fn next_of(progress: &mut Option<UnboundedReceiver<(usize, Progress)>>) -> (usize, Progress) {
    let told = match progress {
        Some(progress) => progress.recv().await,
        None => None,
    };
    match told {
        Some(told) => told,
        None => pending().await,
    }
}

/// The event of a flow that did not run.
pub fn refused(error: &impl Display) -> Pieces {
    event("error", |writer| {
        writer.text(r#","error":"#).value(&error.to_string());
    })
}

fn begun(graph: &Graph, total: usize, tells_all: bool) -> Pieces {
    let fed: Vec<bool> = (0..graph.len())
        .map(|place| graph.incoming(place).len() > 0)
        .collect();
    let results = |is_fed: bool| {
        let results = graph
            .nodes()
            .zip(&fed)
            .filter(move |(_, fed)| **fed == is_fed);
        results
            .map(|(node, _)| node)
            .filter(|node| node.kind == NodeKind::Result)
    };
    event("start", |writer| {
        writer.text(r#","total_nodes":"#).value(&total);
        ids(writer, "execution_order", graph.nodes());
        ids(writer, "affected_nodes", graph.nodes_of_file());
        ids(writer, "input_result_nodes", results(false));
        ids(writer, "output_result_nodes", results(true));
        if tells_all {
            writer
                .text(r#","nodes":["#)
                .list(graph.nodes(), |writer, node| {
                    writer.text(r#"{"id":"#).value(&*node.id);
                    writer.text(r#","title":"#).value(&node.title);
                    writer.text(r#","kind":"#).value(&node.kind).text("}");
                });
            writer.text("]");
        }
        timestamp(writer);
    })
}

fn node_fares(node: &Node, progress: &Progress) -> Pieces {
    let name = match progress {
        Progress::Runs => "node_start",
        Progress::Waits(_) => "node_waiting",
    };
    event(name, |writer| {
        writer.text(r#","node_id":"#).value(&*node.id);
        writer.text(r#","node_title":"#).value(&node.title);
        if let Progress::Waits(waiting) = progress {
            writer.text(r#","waiting":"#).value(waiting);
        }
        timestamp(writer);
    })
}

fn node_done(node: &Node, index: usize, total: usize, result: &Pieces) -> Pieces {
    event("node_complete", |writer| {
        writer.text(r#","node_id":"#).value(&*node.id);
        writer.text(r#","node_title":"#).value(&node.title);
        writer.text(r#","node_index":"#).value(&index);
        writer.text(r#","total_nodes":"#).value(&total);
        writer.text(r#","result":"#).pieces(result);
        timestamp(writer);
    })
}

fn complete<R: Runner>(run: &FlowExecution<R>) -> Pieces {
    let outcome = run.outcome();
    event("complete", |writer| {
        writer.text(",");
        outcome.verdict(writer);
        writer.text(",");
        outcome.results(writer);
        timestamp(writer);
    })
}

/// An event's text; `write` adds its members, each after a comma.
fn event(name: &str, write: impl FnOnce(&mut JsonWriter)) -> Pieces {
    let mut writer = JsonWriter::default();
    writer.text(r#"data: {"type":"#).value(name);
    write(&mut writer);
    writer.text("}\n\n");
    writer.finish()
}

fn ids<'g>(writer: &mut JsonWriter, name: &str, nodes: impl Iterator<Item = &'g Node>) {
    writer.text(",").value(name).text(":[");
    writer.list(nodes, |writer, node| {
        writer.value(&*node.id);
    });
    writer.text("]");
}

/// Seconds since 1970, with their fraction.
fn timestamp(writer: &mut JsonWriter) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    writer.text(r#","timestamp":"#).value(&now.as_secs_f64());
}

/// Nobody there to read is seen by the loop, not here.
fn send(events: &UnboundedSender<Bytes>, text: Pieces) {
    for piece in text {
        let _ = events.send(piece);
    }
}
