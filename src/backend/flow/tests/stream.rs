//! The events of the stream call.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value as Any, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::runner::{Scripted, request, run, structure};
use crate::backend::flow::{FlowError, FlowRequest, OnError, refused, tell};

/// The events that stand in `text`; that each is one line and an empty one is checked.
fn events(text: &str) -> Vec<Any> {
    let events = text
        .strip_suffix("\n\n")
        .expect("an empty line at the end")
        .split("\n\n");
    events
        .map(|event| {
            assert!(!event.contains('\n'), "{event}");
            let json = event.strip_prefix("data: ").expect("a data line");
            serde_json::from_str(json).expect("valid JSON")
        })
        .collect()
}

async fn read(mut from: UnboundedReceiver<Bytes>) -> Vec<Any> {
    let mut text = Vec::new();
    while let Some(piece) = from.recv().await {
        text.extend_from_slice(&piece);
    }
    events(std::str::from_utf8(&text).expect("UTF-8"))
}

/// The events of a flow; its node `f` fails.
async fn told(nodes: &str, edges: &str, on_error: OnError) -> Vec<Any> {
    told_to(nodes, edges, on_error, false).await
}

async fn told_to(nodes: &str, edges: &str, on_error: OnError, tells_all: bool) -> Vec<Any> {
    let runner = Arc::new(Scripted::new(|node, _| {
        if node == "f" {
            Err("boom".to_owned())
        } else {
            Ok(json!("x".repeat(100_000)))
        }
    }));
    let run = run(
        structure(nodes, edges),
        Some("s"),
        FlowRequest {
            tells_all,
            ..request(1, &[("t", "\"v\"")])
        },
        &runner,
        on_error,
    );
    let (events, from) = unbounded_channel();
    let (read, ()) = tokio::join!(read(from), tell(run, events));
    read
}

/// Type, node, place of all, status.
fn lines(events: &[Any]) -> Vec<String> {
    let line = |event: &Any| {
        let kind = event["type"].as_str().expect("text");
        let text = |value: &Any| value.to_string().replace('"', "");
        if kind == "node_start" {
            return format!("{} begins", text(&event["node_id"]));
        }
        if kind != "node_complete" {
            return kind.to_owned();
        }
        let (id, status) = (text(&event["node_id"]), text(&event["result"]["status"]));
        format!(
            "{id} {}/{} {status}",
            event["node_index"], event["total_nodes"]
        )
    };
    events.iter().map(line).collect()
}

#[tokio::test]
async fn events_come_in_order_and_end_with_all_results() {
    let nodes = "s:start t:textInput r:result a b q:result";
    let events = told(nodes, "s>a t>a a>r a>b q>b", OnError::Stop).await;
    assert_eq!(
        lines(&events),
        [
            "start",
            "q 0/2 success",
            "a 1/2 success",
            "r 1/2 success",
            "b 2/2 success",
            "complete"
        ]
    );
    let start = &events[0];
    assert_eq!(start["total_nodes"], 2);
    assert_eq!(
        start["execution_order"],
        json!(["s", "t", "a", "r", "q", "b"])
    );
    assert_eq!(
        start["affected_nodes"],
        json!(["s", "t", "r", "a", "b", "q"])
    );
    assert_eq!(start["input_result_nodes"], json!(["q"]));
    assert_eq!(start["output_result_nodes"], json!(["r"]));
    assert!(start["timestamp"].as_f64().is_some_and(|time| time > 1.7e9));
    assert_eq!(events[2]["node_title"], "Ta");
    let complete = &events[5];
    assert_eq!(complete["execution_results"]["a"], events[2]["result"]);
    assert_eq!(
        complete["result_nodes"]["r"].as_str().map(str::len),
        Some(100_000)
    );
    assert_eq!(
        (&complete["success"], &complete["total_execution_time_ms"]),
        (&json!(true), &json!(2))
    );
}

#[tokio::test]
async fn who_asks_for_all_events_is_told_of_beginnings() {
    let events = told_to("s:start a b r:result", "s>a a>b b>r", OnError::Stop, true).await;
    assert_eq!(
        lines(&events),
        [
            "start",
            "a begins",
            "a 1/2 success",
            "b begins",
            "b 2/2 success",
            "r 2/2 success",
            "complete"
        ]
    );
    let node = |id: &str, kind: &str| json!({"id": id, "title": format!("T{id}"), "kind": kind});
    let nodes = json!([
        node("s", "start"),
        node("a", "code"),
        node("b", "code"),
        node("r", "result")
    ]);
    assert_eq!(events[0]["nodes"], nodes);
    let few = told("s:start a", "s>a", OnError::Stop).await;
    assert!(few[0].get("nodes").is_none(), "{few:?}");
}

#[tokio::test]
async fn a_failure_stops_the_stream_or_does_not_as_asked() {
    let (nodes, edges) = ("s:start f g h r:result", "s>f f>g s>h f>r");
    assert_eq!(
        lines(&told(nodes, edges, OnError::Stop).await),
        [
            "start",
            "f 1/3 error",
            "g 2/3 skipped",
            "h 3/3 skipped",
            "r 3/3 error",
            "complete"
        ]
    );
    assert_eq!(
        lines(&told(nodes, edges, OnError::GoOn).await),
        [
            "start",
            "f 1/3 error",
            "r 1/3 success",
            "g 2/3 success",
            "h 3/3 success",
            "complete"
        ]
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_cancels_the_flow() {
    let runner = Arc::new(Scripted::held(|_, _| Ok(json!(1))));
    let run = run(
        structure("a b", "a>b"),
        Some("a"),
        request(1, &[]),
        &runner,
        OnError::GoOn,
    );
    let (events, mut from) = unbounded_channel();
    let telling = tokio::spawn(tell(run, events));
    assert!(from.recv().await.is_some());
    drop(from);
    telling.await.expect("no panic");
    assert_eq!(
        *runner.cancelled.lock().expect("unpoisoned"),
        runner.begun()
    );
    assert!(!runner.begun().contains(&"b".to_owned()));
}

#[test]
fn a_flow_that_cannot_begin_is_one_event() {
    let text = refused(&FlowError::StartNotFound("x\ny".to_owned())).concat();
    let events = events(std::str::from_utf8(&text).expect("UTF-8"));
    assert_eq!(
        events,
        [json!({"type": "error", "error": "Start node x\ny not found"})]
    );
}
