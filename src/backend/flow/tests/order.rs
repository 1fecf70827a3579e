//! What runs when: sources first, side by side, no successor of a failure, nothing after a drop.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Any, json};

use super::runner::{Scripted, answer, request, run, structure};
use crate::backend::flow::{NodeStatus, OnError};

/// Polls `future` once; that it cannot end yet is checked.
async fn poll_once(future: impl Future) {
    tokio::select! {
        biased;
        _ = future => panic!("nothing may end yet"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn as_many_nodes_run_at_once_as_are_asked_for() {
    for (workers, expected) in [(1, 1), (3, 3), (10, 6)] {
        let runner = Arc::new(Scripted::held(|_, _| Ok(json!(1))));
        let flow = structure(
            "s:start a b c d e f r:result",
            "s>a s>b s>c s>d s>e s>f s>r",
        );
        let mut run = run(flow, None, request(workers, &[]), &runner, OnError::GoOn);
        // The start and the result node need no worker and wait for none.
        assert_eq!((run.next().await, run.next().await), (Some(0), Some(7)));
        poll_once(run.next()).await;
        assert_eq!(runner.begun(), ["a", "b", "c", "d", "e", "f"][..expected]);
        runner.ends.as_ref().expect("held").add_permits(6);
        while run.next().await.is_some() {}
        let most = runner
            .begun
            .lock()
            .expect("unpoisoned")
            .iter()
            .map(|(_, others)| others + 1)
            .max();
        assert_eq!(most, Some(expected));
    }
}

#[tokio::test]
async fn dropping_a_run_cancels_what_is_under_way_and_begins_nothing() {
    let runner = Arc::new(Scripted::held(|_, _| Ok(json!(1))));
    let mut run = run(
        structure("a b c", "a>c b>c"),
        Some("a"),
        request(2, &[]),
        &runner,
        OnError::GoOn,
    );
    poll_once(run.next()).await;
    drop(run);
    assert_eq!(runner.begun(), ["a", "b"]);
    assert_eq!(*runner.cancelled.lock().expect("unpoisoned"), ["a", "b"]);
}

#[tokio::test]
async fn a_stop_lets_running_nodes_end_and_skips_the_rest() {
    let runner = Arc::new(Scripted::new(|node, _| {
        if node == "a" {
            Err("boom".to_owned())
        } else {
            Ok(json!(1))
        }
    }));
    let flow = structure("a b c d r:result q:result", "a>c b>d a>r d>q b>c");
    let answer = answer(run(
        flow,
        Some("a"),
        request(2, &[]),
        &runner,
        OnError::Stop,
    ))
    .await;
    let results = &answer["execution_results"];
    let status = |id: &str| results[id]["status"].as_str().expect("text").to_owned();
    assert_eq!(
        ["a", "b", "c", "d", "r", "q"].map(status),
        ["error", "success", "skipped", "skipped", "error", "skipped"]
    );
    for id in ["c", "d", "r", "q"] {
        assert_eq!(
            results[id]["error"], "Execution stopped due to error in node: Ta",
            "{id}"
        );
        assert_eq!(results[id]["skipped_reason"], "upstream_error");
        assert_eq!(results[id]["error_source"], "a");
    }
    assert_eq!(runner.begun(), ["a", "b"]);
}

/// A graph without cycles: for each node, its sources among those before it, and whether it fails.
fn flows() -> impl Strategy<Value = Vec<(Vec<usize>, bool)>> {
    let node = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(node, 1..25).prop_map(|nodes| {
        let sources = |(place, (sources, fails)): (usize, (Vec<prop::sample::Index>, bool))| {
            let sources = sources
                .iter()
                .filter(|_| place > 0)
                .map(|index| index.index(place));
            (sources.collect(), fails)
        };
        nodes.into_iter().enumerate().map(sources).collect()
    })
}

proptest! {
    #[test]
    fn any_flow_keeps_the_rules(
        nodes in flows(),
        workers in 1_usize..5,
        on_error in prop::sample::select(vec![OnError::GoOn, OnError::SkipDownstream, OnError::Stop]),
    ) {
        // Written last to first, so that the file's order is not already right.
        let ids: Vec<_> = (0..nodes.len()).rev().map(|place| format!("n{place}")).collect();
        let edges: Vec<_> = nodes.iter().enumerate()
            .flat_map(|(place, (sources, _))| sources.iter().map(move |source| format!("n{source}>n{place}")))
            .collect();
        let failing: HashSet<_> = nodes.iter().enumerate()
            .filter(|(_, (_, fails))| *fails).map(|(place, _)| format!("n{place}")).collect();
        let fails = failing.clone();
        let runner = Arc::new(Scripted::new(move |node, _: &Any| {
            if fails.contains(node) { Err("boom".to_owned()) } else { Ok(json!(1)) }
        }));
        let structure = structure(&ids.join(" "), &edges.join(" "));
        let mut run = run(structure, Some("n0"), request(workers, &[]), &runner, on_error);
        let mut settled = Vec::new();
        let all = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        all.block_on(async { while let Some(place) = run.next().await { settled.push(place); } });

        // Each node of the flow is settled once, and runs once at most.
        prop_assert_eq!(settled.iter().collect::<HashSet<_>>().len(), run.graph().len());
        prop_assert_eq!(settled.len(), run.graph().len());
        let begun = runner.begun();
        prop_assert_eq!(begun.iter().collect::<HashSet<_>>().len(), begun.len());

        let placed = run.graph().nodes().enumerate();
        let place_of: HashMap<_, _> = placed.map(|(place, node)| (node.id.to_string(), place)).collect();
        let begun: HashSet<_> = begun.into_iter().collect();
        let when: HashMap<_, _> = settled.iter().enumerate().map(|(when, place)| (*place, when)).collect();
        for (id, &place) in &place_of {
            let number: usize = id[1..].parse().expect("a number");
            let has_failed_source = {
                let mut open = nodes[number].0.clone();
                let mut seen = HashSet::new();
                let mut found = false;
                while let Some(source) = open.pop() {
                    if seen.insert(source) {
                        let id = format!("n{source}");
                        found |= failing.contains(&id) && begun.contains(&id);
                        open.extend(&nodes[source].0);
                    }
                }
                found
            };
            for source in &nodes[number].0 {
                let source = place_of[&format!("n{source}")];
                prop_assert!(source < place, "a source has the earlier place");
                if begun.contains(id) {
                    prop_assert!(when[&source] < when[&place], "a source settles first");
                }
            }
            let status = run.settled(place).map(|settled| settled.status);
            let expected = match (begun.contains(id), failing.contains(id)) {
                (true, false) => NodeStatus::Success,
                (true, true) => NodeStatus::Error,
                (false, _) => NodeStatus::Skipped,
            };
            prop_assert_eq!(status, Some(expected));
            match on_error {
                OnError::GoOn => prop_assert!(begun.contains(id)),
                OnError::SkipDownstream => prop_assert_eq!(begun.contains(id), !has_failed_source),
                OnError::Stop => prop_assert!(!(begun.contains(id) && has_failed_source)),
            }
        }
    }
}
