//! What is told of nodes: values on their way, objects, failures.

use std::sync::Arc;

use serde_json::{Value as Any, json};

use super::runner::{Scripted, answer, request, run, structure};
use crate::backend::flow::OnError;

/// The answer of a flow whose nodes give what `answer` says.
async fn told(
    nodes: &str,
    edges: &str,
    values: &[(&str, &str)],
    on_error: OnError,
    script: impl Fn(&str, &Any) -> Result<Any, String> + Send + Sync + 'static,
) -> Any {
    let runner = Arc::new(Scripted::new(script));
    answer(run(
        structure(nodes, edges),
        Some("s"),
        request(2, values),
        &runner,
        on_error,
    ))
    .await
}

fn fails_at(id: &'static str) -> impl Fn(&str, &Any) -> Result<Any, String> + Send + Sync {
    move |node, input| {
        if node == id {
            Err("boom".to_owned())
        } else {
            Ok(json!({"of": node, "got": input}))
        }
    }
}

#[tokio::test]
async fn values_reach_their_parameters() {
    let answer = told(
        "s:start t:textInput a b r:result",
        "s>a.start t>a.text a.of>b a>b.whole b.got>r",
        &[("t", "7")],
        OnError::SkipDownstream,
        fails_at("none"),
    )
    .await;
    let results = &answer["execution_results"];
    assert_eq!(
        results["a"]["output"]["got"],
        json!({"start": null, "text": 7})
    );
    assert_eq!(
        results["b"]["output"]["got"],
        json!({"input_a": "a", "whole": {"of": "a", "got": {"start": null, "text": 7}}})
    );
    assert_eq!(answer["result_nodes"]["r"], results["b"]["output"]["got"]);
    assert_eq!(results["s"]["logs"], "Start node - flow initiated");
    assert_eq!(results["t"]["logs"], "Text Input node - using stored value");
    assert_eq!(results["r"]["logs"], "Result node - passing through data");
    assert_eq!(results["r"]["display_metadata"]["full_ref"], Any::Null);
    assert_eq!(answer["execution_order"], json!(["s", "t", "a", "b", "r"]));
    assert_eq!(answer["total_execution_time_ms"], 2);
}

#[tokio::test]
async fn the_run_id_tells_utc() {
    let answer = told("s:start", "", &[], OnError::GoOn, fails_at("none")).await;
    let id = answer["run_id"].as_str().expect("text");
    let time = id.strip_suffix("-p").expect("the project");
    let time = chrono::DateTime::parse_from_rfc3339(time)
        .expect("a time")
        .to_utc();
    assert!((chrono::Utc::now() - time).num_seconds().abs() < 60, "{id}");
}

#[tokio::test]
async fn parameters_are_the_input_of_a_start_node_that_has_none() {
    let runner = Arc::new(Scripted::new(|_, input| Ok(input.clone())));
    let flow = structure("a b c", "a>b.a c>b.c");
    let a = answer(run(
        flow.clone(),
        Some("a"),
        request(1, &[]),
        &runner,
        OnError::GoOn,
    ))
    .await;
    assert_eq!(a["execution_results"]["a"]["output"], json!({"x": 1}));
    assert_eq!(a["execution_results"]["c"]["output"], json!({}));
    let b = answer(run(
        flow,
        Some("b"),
        request(1, &[]),
        &runner,
        OnError::GoOn,
    ))
    .await;
    assert_eq!(
        b["execution_results"]["b"]["output"],
        json!({"a": {}, "c": {}})
    );
}

#[tokio::test]
async fn everything_downstream_of_a_failure_is_skipped() {
    let answer = told(
        "s:start a b c r:result d",
        "s>a a>b b>c c>r s>d",
        &[],
        OnError::SkipDownstream,
        fails_at("a"),
    )
    .await;
    let results = &answer["execution_results"];
    assert_eq!(results["a"]["status"], "error");
    assert_eq!(results["a"]["error"], "boom\nTraceback\nRuntimeError: boom");
    assert_eq!(results["a"]["logs"], "Traceback\nRuntimeError: boom");
    for id in ["b", "c", "r"] {
        assert_eq!(results[id]["status"], "skipped", "{id}");
        assert_eq!(
            results[id]["error"], "Skipped due to error in dependency a",
            "{id}"
        );
    }
    assert_eq!(results["d"]["status"], "success");
    assert_eq!(answer["success"], false);
    assert_eq!(answer["result_nodes"], json!({}));
}

#[tokio::test]
async fn without_halting_the_input_is_missing_and_the_flow_goes_on() {
    let answer = told(
        "s:start a b r:result",
        "s>a a>b s>b.start a>r",
        &[("r", "\"stored\"")],
        OnError::GoOn,
        fails_at("a"),
    )
    .await;
    assert_eq!(
        answer["execution_results"]["b"]["output"]["got"],
        json!({"start": null})
    );
    assert_eq!(answer["result_nodes"]["r"], "stored");
    assert_eq!(answer["success"], false);
}

#[tokio::test]
async fn objects_stay_where_they_are() {
    let script = |node: &str, input: &Any| match node {
        "a" => Ok(json!({"object": {"name": "Kim", "age": 7}})),
        _ => Ok(input.clone()),
    };
    let answer = told(
        "s:start a b r:result m:result k:result",
        "s>a a.name>b.name a>r a.age>m a>k.all b>k.b",
        &[],
        OnError::SkipDownstream,
        script,
    )
    .await;
    let results = &answer["execution_results"];
    assert_eq!(results["a"]["output"]["type"], "reference");
    assert_eq!(results["b"]["output"], json!({"name": "Kim"}));
    assert_eq!(results["r"]["output"], results["a"]["output"]);
    let shown = &results["r"]["display_metadata"];
    assert_eq!(shown["display"], r#"shown {"name":"Kim","age":7}"#);
    assert_eq!(shown["full_ref"], results["a"]["output"]["ref"]);
    assert_eq!(shown["is_truncated"], false);
    assert_eq!(results["m"]["output"], 7);
    assert_eq!(results["m"]["display_metadata"]["display"], 7);
    assert_eq!(
        results["k"]["output"],
        json!({"all": {"name": "Kim", "age": 7}, "b": {"name": "Kim"}})
    );
}

#[tokio::test]
async fn no_two_objects_have_one_id() {
    let runner = Arc::new(Scripted::new(|_, _| Ok(json!({"object": 1}))));
    let mut ids = std::collections::HashSet::new();
    for _ in 0..20 {
        let flow = run(
            structure("a", ""),
            Some("a"),
            request(1, &[]),
            &runner,
            OnError::GoOn,
        );
        let answer = answer(flow).await;
        let id = answer["execution_results"]["a"]["output"]["ref"]
            .as_str()
            .map(ToOwned::to_owned);
        assert!(ids.insert(id.expect("a reference")));
    }
}
