//! A server ends that was not to end.

use super::*;

#[test]
fn a_server_that_crashes_is_replaced_and_what_was_asked_is_answered() {
    let mut world = working();
    world.publishes(1, "file:///a.py", &["no x"]);
    world.asks(1, "textDocument/hover", json!({}));
    world.asks(2, "workspace/executeCommand", json!({}));
    world.to_client.clear();
    world.to_servers.clear();
    world.dies(1, "signal 11");
    let refused = world.client_heard();
    assert_eq!(
        (&refused["id"], refused["error"]["code"].as_i64()),
        (&json!(2), Some(-32603))
    );
    assert_eq!(
        world.told,
        [Told::Ended {
            words: "signal 11".to_owned(),
            in_a_row: 1
        }]
    );
    world.asks(3, "textDocument/hover", json!({}));
    world.says("textDocument/didChange", json!({
        "textDocument": {"uri": "file:///a.py", "version": 2}, "contentChanges": [{"text": "z"}],
    }));
    world.nobody_heard();
    world.later(Duration::ZERO);
    world.next_begins(2);
    assert_eq!(
        world.heard(2, "textDocument/didOpen")["params"]["textDocument"]["text"],
        "z"
    );
    assert_eq!(world.heard(2, "textDocument/hover")["id"], 1);
    assert_eq!(world.heard(2, "textDocument/hover")["id"], 3);
    world.nobody_heard();
}

#[test]
fn one_that_goes_on_crashing_is_waited_for_longer_each_time() {
    let mut world = working();
    world.asks(1, "textDocument/hover", json!({}));
    world.to_servers.clear();
    let mut number = 1;
    for (failures, wait) in [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 4),
        (5, 8),
        (6, 16),
        (7, 30),
        (8, 30),
    ] {
        world.dies(number, "boom");
        assert!(
            matches!(world.told.last(), Some(Told::Ended { in_a_row, .. }) if *in_a_row == failures)
        );
        let shown: Vec<Value> = world.to_client.drain(..).collect();
        let is_said = shown
            .iter()
            .any(|message| message["method"] == "window/showMessage");
        assert_eq!(is_said, failures == 3, "{failures}: {shown:?}");
        if wait > 0 {
            world.later(Duration::from_millis(wait * 1000 - 1));
            assert_eq!(world.started.last(), Some(&number), "{failures}");
        }
        world.later(Duration::from_millis(1));
        number += 1;
        assert_eq!(world.started.last(), Some(&number), "{failures}");
        world.to_servers.clear();
    }
    // Meanwhile nobody waits for ever.
    world.asks(2, "textDocument/hover", json!({}));
    let refused = world.client_heard();
    assert_eq!(
        (&refused["id"], refused["error"]["code"].as_i64()),
        (&json!(2), Some(-32603))
    );
    assert!(
        refused["error"]["message"]
            .as_str()
            .is_some_and(|words| words.contains("boom"))
    );
    // One that works again is asked again.
    world.answers(number, &json!("aim:initialize"), json!({}));
    world.to_servers.clear();
    world.asks(3, "textDocument/hover", json!({}));
    world.heard(number, "textDocument/hover");
    world.later(Duration::from_secs(61));
    world.dies(number, "once");
    assert!(matches!(
        world.told.last(),
        Some(Told::Ended { in_a_row: 1, .. })
    ));
}

#[test]
fn one_that_never_begins_is_said_by_the_answer_that_the_client_waits_for() {
    let mut world = World::new(Strategy::Unknown);
    world.asks(0, "initialize", json!({"capabilities": {}}));
    world.asks(1, "textDocument/hover", json!({}));
    world.dies(1, "exit 127: no such file");
    world.later(Duration::ZERO);
    world.heard(1, "initialize");
    world.heard(1, "textDocument/hover");
    assert_eq!(world.heard(2, "initialize")["id"], 0);
    world.dies(2, "exit 127: no such file");
    world.later(Duration::from_secs(1));
    world.dies(3, "exit 127: no such file");
    for id in [0, 1] {
        let refused = world.client_heard();
        assert_eq!(refused["id"], id);
        assert!(
            refused["error"]["message"]
                .as_str()
                .is_some_and(|words| words.contains("no such file"))
        );
    }
    assert_eq!(world.left, Some(false));
    world.later(Duration::from_secs(60));
    assert_eq!(world.started, [1, 2, 3]);
}

#[test]
fn one_that_never_answers_is_said_and_tried_again() {
    let mut world = World::new(Strategy::Unknown);
    world.asks(0, "initialize", json!({"capabilities": {}}));
    world.heard(1, "initialize");
    world.later(Duration::from_secs(29));
    assert_eq!(world.told, []);
    world.later(Duration::from_secs(2));
    assert_eq!(world.told[0], Told::Late);
    assert_eq!(world.started, [1, 2]);
    world.heard(2, "initialize");
    world.later(Duration::from_secs(31));
    world.later(Duration::from_secs(2));
    world.later(Duration::from_secs(31));
    let refused = world.client_heard();
    assert_eq!(refused["id"], 0);
    let words = refused["error"]["message"].as_str().expect("text");
    assert!(words.contains("does not answer"), "{words}");
    assert_eq!(world.left, Some(false));
}

#[test]
fn failures_of_long_ago_are_not_in_a_row() {
    let mut world = working();
    for round in 0..5 {
        world.later(Duration::from_secs(3_000));
        world.told.clear();
        world.to_servers.clear();
        world.changes(round + 1);
        let next = *world.started.last().expect("one");
        world.heard(next, "initialize");
        world.later(Duration::from_secs(31));
        let in_a_row = world.told.iter().find_map(|told| match told {
            Told::Ended { in_a_row, .. } => Some(*in_a_row),
            _ => None,
        });
        assert_eq!(in_a_row, Some(1), "{round}: {:?}", world.told);
        let next = *world.started.last().expect("one");
        world.next_begins(next);
    }
}

#[test]
fn a_new_server_that_does_not_get_ready_costs_nothing() {
    let mut world = working();
    world.changes(1);
    world.heard(2, "initialize");
    world.later(Duration::from_secs(31));
    assert_eq!(
        (world.told[0].clone(), world.ended.as_slice()),
        (Told::Late, &[2][..])
    );
    let request = world.heard(3, "initialize");
    world.asks(1, "textDocument/hover", json!({}));
    world.heard(1, "textDocument/hover");
    world.server(3, &json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": 1, "message": "no licence"}}));
    assert_eq!(
        world.told.last(),
        Some(&Told::Ended {
            words: "\"no licence\"".to_owned(),
            in_a_row: 2
        })
    );
    world.later(Duration::from_secs(1));
    world.next_begins(4);
    assert_eq!(
        world.synced(),
        [(1, Outcome::Replaced)],
        "what was wanted is not forgotten"
    );
}

#[test]
fn the_old_one_may_crash_while_another_is_made_ready() {
    let mut world = working();
    world.asks(1, "textDocument/hover", json!({}));
    world.to_servers.clear();
    world.changes(1);
    world.dies(1, "boom");
    world.next_begins(2);
    world.heard(2, "textDocument/didOpen");
    assert_eq!(world.heard(2, "textDocument/hover")["id"], 1);
    assert_eq!(world.started, [1, 2]);
    world.nobody_heard();
}

#[test]
fn a_server_that_is_gone_at_the_end_holds_nobody() {
    let mut world = working();
    world.asks(1, "shutdown", Value::Null);
    world.dies(1, "exit 0");
    assert_eq!(
        world.client_heard(),
        json!({"jsonrpc": "2.0", "id": 1, "result": null})
    );
    world.asks(2, "textDocument/hover", json!({}));
    assert_eq!(world.client_heard()["id"], 2);
    world.client(&json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(world.left, Some(true));
    assert_eq!(world.started, [1]);
}
