//! A server is replaced, and the client does not notice.

use super::*;

#[test]
fn a_new_server_is_told_all_and_has_the_place() {
    let mut world = working();
    world.says(
        "workspace/didChangeConfiguration",
        json!({"settings": {"a": 1}}),
    );
    world.heard(1, "workspace/didChangeConfiguration");
    world.says("textDocument/didChange", json!({
        "textDocument": {"uri": "file:///a.py", "version": 2},
        "contentChanges": [
            {"range": {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 8}}, "text": "y"},
        ],
    }));
    world.heard(1, "textDocument/didChange");
    world.changes(7);
    let request = world.next_begins(2);
    assert_eq!(request["params"]["capabilities"], json!({}));
    assert_eq!(
        world.heard(2, "workspace/didChangeConfiguration")["params"]["settings"],
        json!({"a": 1})
    );
    let opened = world.heard(2, "textDocument/didOpen");
    assert_eq!(opened["params"]["textDocument"]["text"], "import y\n");
    assert_eq!(opened["params"]["textDocument"]["version"], 2);
    world.heard(1, "shutdown");
    assert_eq!(world.ended, [1]);
    assert_eq!(world.synced(), [(7, Outcome::Replaced)]);
    world.asks(5, "textDocument/hover", json!({}));
    assert_eq!(world.heard(2, "textDocument/hover")["id"], 5);
    world.nobody_heard();
}

#[test]
fn what_is_asked_is_answered_once_whoever_answers() {
    let mut world = working();
    world.asks(1, "textDocument/hover", json!({"n": 1}));
    world.asks("two", "textDocument/definition", json!({"n": 2}));
    world.to_servers.clear();
    world.changes(1);
    world.heard(2, "initialize");
    // The old server still answers what it can.
    world.answers(1, &json!(1), json!("old"));
    assert_eq!(world.client_heard()["result"], "old");
    world.answers(2, &json!("aim:initialize"), json!({}));
    world.heard(2, "initialized");
    world.heard(2, "textDocument/didOpen");
    assert_eq!(world.heard(2, "textDocument/definition")["id"], "two");
    world.answers(1, &json!("two"), json!("late"));
    assert!(
        world.to_client.is_empty(),
        "the old one is not heard any more"
    );
    world.answers(2, &json!("two"), json!("new"));
    assert_eq!(world.client_heard()["result"], "new");
    world.answers(2, &json!("two"), json!("twice"));
    assert!(world.to_client.is_empty());
}

#[test]
fn cancelling_works_at_any_time() {
    let mut world = working();
    world.asks(1, "textDocument/references", json!({}));
    world.asks(2, "textDocument/references", json!({}));
    world.to_servers.clear();
    world.says("$/cancelRequest", json!({"id": 1}));
    world.heard(1, "$/cancelRequest");
    world.changes(1);
    world.next_begins(2);
    world.heard(2, "textDocument/didOpen");
    // The old one had not answered to it: nobody need be asked again.
    let refused = world.client_heard();
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(1), &json!(-32800))
    );
    assert_eq!(world.heard(2, "textDocument/references")["id"], 2);
    world.heard(1, "shutdown");
    world.says("$/cancelRequest", json!({"id": 2}));
    world.heard(2, "$/cancelRequest");
    world.says("$/cancelRequest", json!({"id": 99}));
    world.nobody_heard();
}

#[test]
fn what_does_something_is_not_done_twice() {
    let mut world = working();
    world.asks(1, "workspace/executeCommand", json!({"command": "fix"}));
    world.to_servers.clear();
    world.changes(1);
    world.next_begins(2);
    world.heard(2, "textDocument/didOpen");
    world.nobody_heard();
    world.answers(1, &json!(1), json!("done"));
    assert_eq!(world.client_heard()["result"], "done");
    world.heard(1, "shutdown");
    assert_eq!(world.synced(), [(1, Outcome::Replaced)]);
    // One that never ends is answered for.
    world.asks(2, "workspace/executeCommand", json!({"command": "fix"}));
    world.heard(2, "workspace/executeCommand");
    world.changes(2);
    world.next_begins(3);
    world.heard(3, "textDocument/didOpen");
    world.later(Duration::from_secs(11));
    let refused = world.client_heard();
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(2), &json!(-32801))
    );
    world.heard(2, "shutdown");
    world.nobody_heard();
}

#[test]
fn ids_of_servers_are_told_apart() {
    let mut world = working();
    world.server_asks(1, 1, "workspace/configuration", json!({}));
    assert_eq!(world.client_heard()["id"], 1);
    world.changes(1);
    world.next_begins(2);
    world.heard(2, "textDocument/didOpen");
    world.heard(1, "shutdown");
    world.server_asks(2, 1, "workspace/configuration", json!({}));
    let asked = world.client_heard();
    assert_eq!(asked["id"], "aim2:1");
    world.client(&json!({"jsonrpc": "2.0", "id": 1, "result": "for the first"}));
    world.nobody_heard();
    world.client(&json!({"jsonrpc": "2.0", "id": "aim2:1", "result": "for the second"}));
    let (number, answer) = world.to_servers.pop_front().expect("an answer");
    assert_eq!(
        (number, &answer["id"], &answer["result"]),
        (2, &json!(1), &json!("for the second"))
    );
}

#[test]
fn what_is_edited_meanwhile_both_hear() {
    let mut world = working();
    world.publishes(1, "file:///a.py", &["no x"]);
    world.client_heard();
    world.changes(1);
    let edit = json!({"textDocument": {"uri": "file:///a.py", "version": 3}, "contentChanges": [{"text": "b"}]});
    // Before it is told, it is told of it with the rest.
    world.says("textDocument/didChange", edit.clone());
    world.heard(2, "initialize");
    world.heard(1, "textDocument/didChange");
    world.answers(2, &json!("aim:initialize"), json!({}));
    world.heard(2, "initialized");
    assert_eq!(
        world.heard(2, "textDocument/didOpen")["params"]["textDocument"]["text"],
        "b"
    );
    world.says("textDocument/didChange", edit);
    world.heard(2, "textDocument/didChange");
    world.heard(1, "textDocument/didChange");
    world.says(
        "textDocument/didSave",
        json!({"textDocument": {"uri": "file:///a.py"}}),
    );
    world.heard(2, "textDocument/didSave");
    world.heard(1, "textDocument/didSave");
}

#[test]
fn a_burst_of_changes_is_one_swap() {
    let mut world = working();
    world.changes(1);
    world.heard(2, "initialize");
    world.changes(2);
    assert_eq!(world.ended, [2]);
    world.later(Duration::from_millis(100));
    world.changes(3);
    world.later(Duration::from_millis(150));
    assert_eq!(world.started, [1, 2], "it is not still yet");
    world.later(Duration::from_millis(100));
    world.next_begins(3);
    world.heard(3, "textDocument/didOpen");
    world.heard(1, "shutdown");
    assert_eq!(world.synced(), [(3, Outcome::Replaced)]);
    assert_eq!(world.started, [1, 2, 3]);
    world.later(Duration::from_secs(60));
    world.nobody_heard();
}

#[test]
fn leaving_while_another_is_made_ready_leaves_none() {
    let mut world = working();
    world.changes(1);
    world.asks(9, "shutdown", Value::Null);
    assert_eq!(world.ended, [2]);
    world.heard(2, "initialize");
    world.heard(1, "shutdown");
    world.changes(2);
    world.answers(1, &json!(9), Value::Null);
    world.client_heard();
    world.client(&json!({"jsonrpc": "2.0", "method": "exit"}));
    world.heard(1, "exit");
    assert_eq!(
        (world.left, world.ended.as_slice()),
        (Some(true), &[2, 1][..])
    );
    assert_eq!(world.started, [1, 2]);
    let mut world = working();
    world.session.client_gone();
    world.perform();
    assert_eq!(
        (world.left, world.ended.as_slice()),
        (Some(false), &[1][..])
    );
}

#[test]
fn what_nobody_understands_goes_through() {
    let mut world = working();
    for odd in [
        json!([{"id": 1, "method": "x"}]),
        json!({"id": 3}),
        json!({}),
    ] {
        world.client(&odd);
        assert_eq!(world.to_servers.pop_front(), Some((1, odd.clone())));
        world.server(1, &odd);
        assert_eq!(world.to_client.pop_front(), Some(odd));
    }
    world.server_says(1, "$/new", json!([1]));
    assert_eq!(world.client_heard()["method"], "$/new");
}

#[test]
fn a_change_before_the_client_is_ready_is_followed_when_it_is() {
    let mut world = World::new(Strategy::Unknown);
    world.asks(0, "initialize", json!({"capabilities": {}}));
    world.heard(1, "initialize");
    world.changes(1);
    world.changes(2);
    world.answers(1, &json!(0), json!({"capabilities": {}}));
    world.client_heard();
    world.nobody_heard();
    world.says("initialized", json!({}));
    world.heard(1, "initialized");
    world.next_begins(2);
    assert_eq!(world.synced(), [(2, Outcome::Replaced)]);
}
