//! What the client shows of a server does not break when another takes its place.

use super::*;

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
