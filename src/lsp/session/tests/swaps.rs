//! A server is replaced, and the client does not notice.

use super::*;

fn working() -> World {
    World::working(Strategy::Unknown, &json!({}))
}

/// The second server has the place; all that is said at that moment is heard.
fn swapped() -> World {
    let mut world = working();
    world.changes(1);
    world.next_begins(2);
    world.to_servers.clear();
    world.to_client.clear();
    world
}

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
fn a_server_that_nobody_sees_yet_asks_for_settings_only() {
    let mut world = working();
    world.publishes(1, "file:///a.py", &["no x"]);
    world.client_heard();
    world.changes(1);
    world.next_begins(2);
    world.heard(2, "textDocument/didOpen");
    world.server_asks(2, 1, "workspace/configuration", json!({}));
    assert_eq!(world.client_heard()["id"], "aim2:1");
    world.client(&json!({"jsonrpc": "2.0", "id": "aim2:1", "result": []}));
    assert_eq!(world.to_servers.pop_front().expect("an answer").1["id"], 1);
    for (id, method) in [
        (2, "workspace/diagnostic/refresh"),
        (3, "window/workDoneProgress/create"),
        (4, "client/registerCapability"),
    ] {
        let params =
            json!({"token": "t", "registrations": [{"id": "r", "method": "textDocument/x"}]});
        world.server_asks(2, id, method, params);
        let (number, answer) = world.to_servers.pop_front().expect("an answer");
        assert_eq!(
            (number, answer),
            (2, json!({"jsonrpc": "2.0", "id": id, "result": null}))
        );
    }
    world.server_says(
        2,
        "$/progress",
        json!({"token": "t", "value": {"kind": "begin", "title": "x"}}),
    );
    world.nobody_heard();
    world.publishes(2, "file:///a.py", &[]);
    let registered = world.client_heard();
    assert_eq!(registered["method"], "client/registerCapability");
    assert_eq!(registered["params"]["registrations"][0]["id"], "aim2:r");
    assert_eq!(world.client_heard()["params"]["diagnostics"], json!([]));
    world.heard(1, "shutdown");
    // Of work that the client never heard the beginning of, it hears nothing.
    world.server_says(
        2,
        "$/progress",
        json!({"token": "t", "value": {"kind": "report"}}),
    );
    world.server_says(
        2,
        "$/progress",
        json!({"token": "t", "value": {"kind": "end"}}),
    );
    world.nobody_heard();
}

#[test]
fn what_a_server_registered_and_told_of_ends_with_it() {
    let mut world = working();
    let registrations = json!({"registrations": [
        {"id": "a", "method": "workspace/didChangeWatchedFiles"}, {"id": "b", "method": "textDocument/rename"},
    ]});
    world.server_asks(1, 1, "client/registerCapability", registrations.clone());
    assert_eq!(
        world.client_heard()["params"],
        registrations,
        "the first one's as they are"
    );
    let gone = json!({"unregisterations": [{"id": "b", "method": "textDocument/rename"}]});
    world.server_asks(1, 2, "client/unregisterCapability", gone);
    world.server_asks(
        1,
        3,
        "window/workDoneProgress/create",
        json!({"token": "t"}),
    );
    world.server_says(
        1,
        "$/progress",
        json!({"token": "t", "value": {"kind": "begin", "title": "x"}}),
    );
    world.to_client.clear();
    world.changes(1);
    world.next_begins(2);
    let ended = world.client_heard();
    assert_eq!(ended["method"], "client/unregisterCapability");
    assert_eq!(
        ended["params"],
        json!({"unregisterations": [{"id": "a", "method": "workspace/didChangeWatchedFiles"}]})
    );
    world.client(&json!({"jsonrpc": "2.0", "id": ended["id"], "result": null}));
    let progress = world.client_heard();
    assert_eq!(
        progress["params"],
        json!({"token": "t", "value": {"kind": "end"}})
    );
    world.to_servers.clear();
    world.server_asks(2, 1, "window/workDoneProgress/create", json!({"token": 7}));
    assert_eq!(world.client_heard()["params"]["token"], "aim2:7");
    world.server_says(
        2,
        "$/progress",
        json!({"token": 7, "value": {"kind": "begin", "title": "x"}}),
    );
    assert_eq!(world.client_heard()["params"]["token"], "aim2:7");
    world.says("window/workDoneProgress/cancel", json!({"token": "aim2:7"}));
    assert_eq!(
        world.heard(2, "window/workDoneProgress/cancel")["params"]["token"],
        7
    );
    world.nobody_heard();
}

#[test]
fn diagnostics_are_never_emptied_in_between() {
    let mut world = working();
    world.publishes(1, "file:///a.py", &["no x"]);
    world.publishes(1, "file:///b.py", &["no y"]);
    world.to_client.clear();
    world.changes(1);
    world.next_begins(2);
    world.heard(2, "textDocument/didOpen");
    world.nobody_heard();
    world.publishes(1, "file:///a.py", &["no x", "still"]);
    assert_eq!(
        world.client_heard()["params"]["diagnostics"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    world.publishes(2, "file:///a.py", &["another"]);
    assert_eq!(
        world.client_heard()["params"]["diagnostics"][0]["message"],
        "another"
    );
    world.heard(1, "shutdown");
    world.publishes(1, "file:///a.py", &[]);
    world.nobody_heard();
    // Of a file that the new one says nothing of, the old words go after a time.
    world.later(Duration::from_secs(9));
    world.nobody_heard();
    world.later(Duration::from_secs(2));
    assert_eq!(
        world.client_heard()["params"],
        json!({"uri": "file:///b.py", "diagnostics": []})
    );
    world.later(Duration::from_secs(20));
    world.nobody_heard();
}

#[test]
fn a_server_that_says_nothing_of_a_file_has_the_place_after_a_time() {
    let mut world = working();
    world.publishes(1, "file:///a.py", &["no x"]);
    world.client_heard();
    world.changes(1);
    world.next_begins(2);
    world.to_servers.clear();
    world.later(Duration::from_secs(11));
    world.heard(1, "shutdown");
    assert_eq!(world.synced(), [(1, Outcome::Replaced)]);
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
fn an_old_result_is_no_base_for_a_new_servers_answer() {
    let mut world = swapped();
    let pull = json!({"textDocument": {"uri": "file:///a.py"}, "previousResultId": "1"});
    world.asks(3, "textDocument/diagnostic", pull.clone());
    assert_eq!(
        world.heard(2, "textDocument/diagnostic")["params"].get("previousResultId"),
        None
    );
    world.answers(
        2,
        &json!(3),
        json!({"kind": "full", "resultId": "1", "items": []}),
    );
    world.client_heard();
    world.asks(4, "textDocument/diagnostic", pull);
    assert_eq!(
        world.heard(2, "textDocument/diagnostic")["params"]["previousResultId"],
        "1"
    );
    world.asks(
        5,
        "textDocument/semanticTokens/full/delta",
        json!({"textDocument": {"uri": "u"}, "previousResultId": "9"}),
    );
    let asked = world.heard(2, "textDocument/semanticTokens/full");
    assert_eq!(asked["params"], json!({"textDocument": {"uri": "u"}}));
}

#[test]
fn a_client_shows_anew_what_it_can() {
    let can = json!({"workspace": {
        "diagnostics": {"refreshSupport": true}, "semanticTokens": {"refreshSupport": true},
        "codeLens": {"refreshSupport": false},
    }});
    let mut world = World::working(Strategy::Unknown, &can);
    world.changes(1);
    world.next_begins(2);
    let mut asked = Vec::new();
    while let Some(message) = world.to_client.pop_front() {
        world.client(&json!({"jsonrpc": "2.0", "id": message["id"], "result": null}));
        asked.push(message["method"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(
        asked,
        [
            "workspace/diagnostic/refresh",
            "workspace/semanticTokens/refresh"
        ]
    );
    world.heard(2, "textDocument/didOpen");
    world.heard(1, "shutdown");
    world.nobody_heard();
}

#[test]
fn what_came_in_parts_is_not_begun_again() {
    let mut world = working();
    world.asks(
        1,
        "textDocument/references",
        json!({"partialResultToken": "p", "workDoneToken": "w"}),
    );
    world.asks(
        2,
        "textDocument/references",
        json!({"partialResultToken": "q", "workDoneToken": "v"}),
    );
    world.to_servers.clear();
    world.server_says(1, "$/progress", json!({"token": "p", "value": [1]}));
    world.server_says(
        1,
        "$/progress",
        json!({"token": "v", "value": {"kind": "begin", "title": ""}}),
    );
    world.to_client.clear();
    world.changes(1);
    world.next_begins(2);
    let refused = world.client_heard();
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(1), &json!(-32801))
    );
    world.heard(2, "textDocument/didOpen");
    assert_eq!(world.heard(2, "textDocument/references")["id"], 2);
    world.server_says(
        2,
        "$/progress",
        json!({"token": "v", "value": {"kind": "begin", "title": ""}}),
    );
    assert!(world.to_client.is_empty(), "it has begun already");
    world.server_says(
        2,
        "$/progress",
        json!({"token": "v", "value": {"kind": "end"}}),
    );
    assert_eq!(world.client_heard()["params"]["value"]["kind"], "end");
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
