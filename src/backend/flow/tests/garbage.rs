//! Requests and structures that nobody would write: an answer for each, and a valid one.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Any, json};

use super::runner::{Scripted, answer, run};
use crate::backend::flow::{FlowRequest, Graph, OnError, Structure};

/// Any JSON, with the names that matter among its keys.
fn any_json() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Null),
        any::<bool>().prop_map(Any::from),
        any::<i64>().prop_map(Any::from),
        any::<f64>().prop_map(Any::from),
        "\\PC{0,6}".prop_map(Any::from),
        prop::sample::select(vec!["a", "b", "start", "result", "custom", "textInput"])
            .prop_map(Any::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Any::from),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|members| Any::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "nodes",
        "edges",
        "id",
        "type",
        "data",
        "title",
        "file",
        "value",
        "componentType",
        "source",
        "target",
        "sourceHandle",
        "targetHandle",
        "project_id",
        "start_node_id",
        "params",
        "a",
        "node_values",
        "result_node_values",
        "max_workers",
        "timeout_sec",
        "halt_on_error",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

/// Text that is JSON, or was before something happened to it.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let damaged = (
        any_json(),
        any::<prop::sample::Index>(),
        any::<u8>(),
        any::<bool>(),
    );
    prop_oneof![
        any_json().prop_map(|json| json.to_string().into_bytes()),
        damaged.prop_map(|(json, place, byte, cuts)| {
            let mut text = json.to_string().into_bytes();
            let place = place.index(text.len());
            if cuts {
                text.truncate(place);
            } else {
                text[place] = byte;
            }
            text
        }),
        prop::collection::vec(any::<u8>(), 0..64),
    ]
}

/// A structure of few nodes, whose members may be anything.
fn any_structure() -> impl Strategy<Value = Any> {
    let id = || prop_oneof![6 => prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(Any::from), 1 => any_json()];
    let kind = || {
        let kinds = vec!["start", "custom", "result", "textInput"];
        prop_oneof![6 => prop::sample::select(kinds).prop_map(Any::from), 1 => any_json()]
    };
    let node = (id(), kind(), any_json())
        .prop_map(|(id, kind, data)| json!({"id": id, "type": kind, "data": data}));
    let edge = (id(), id(), any_json(), any_json()).prop_map(|(source, target, from, into)| {
        json!({"source": source, "target": target, "sourceHandle": from, "targetHandle": into})
    });
    let nodes = prop::collection::vec(prop_oneof![8 => node, 1 => any_json()], 0..6);
    let edges = prop::collection::vec(prop_oneof![8 => edge, 1 => any_json()], 0..8);
    (nodes, edges).prop_map(|(nodes, edges)| json!({"nodes": nodes, "edges": edges}))
}

/// Whether `text` is JSON; its numbers may be larger than any that Rust has.
fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

proptest! {
    #[test]
    fn a_request_is_read_or_every_error_names_its_place(text in any_text()) {
        match FlowRequest::parse(&text) {
            Ok(request) => {
                prop_assert!((1..=10).contains(&request.max_workers));
                prop_assert!((1..=300).contains(&request.timeout.as_secs()));
                prop_assert!(is_json(request.params.as_bytes()) && request.params.is_object());
                for value in request.node_values.values() {
                    prop_assert!(is_json(value.as_bytes()));
                }
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert_eq!(error["loc"][0].as_str(), Some("body"));
                    prop_assert!(error["type"].is_string() && error["msg"].is_string());
                }
            }
        }
    }

    #[test]
    fn a_structure_of_any_text_is_read_or_refused(text in any_text()) {
        if let Ok(structure) = Structure::parse(&text) {
            prop_assert!(is_json(&text));
            let _ = Graph::new(Arc::new(structure), None);
        }
    }

    #[test]
    fn any_structure_that_runs_gives_a_valid_answer(structure in any_structure(), values in any_json()) {
        let parsed = Structure::parse(structure.to_string().as_bytes()).expect("an object");
        let parsed = Arc::new(parsed);
        let body = json!({"project_id": "p", "node_values": {"a": values}}).to_string();
        let request = FlowRequest::parse(body.as_bytes()).expect("a request");
        if Graph::new(parsed.clone(), Some("a")).is_ok() {
            let runner = Arc::new(Scripted::new(|_, input| Ok(input.clone())));
            let flow = run(parsed, Some("a"), request, &runner, OnError::SkipDownstream);
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let answer = runtime.block_on(answer(flow));
            prop_assert_eq!(&answer["success"], true, "{}", answer);
            prop_assert!(answer["execution_results"]["a"].is_object());
        }
    }
}
