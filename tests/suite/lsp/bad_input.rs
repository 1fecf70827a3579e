//! What an editor or a server may do wrong.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use super::editor::{Editor, Profile, proxy};
use super::fake::{command, editor, known, raise, world};
use super::swaps::gone;
use crate::sandbox::{Ran, Sandbox};

#[test]
fn a_server_that_prints_text_is_understood_all_the_same() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "chatty");
    editor.hello(&sandbox);
    editor.open(&sandbox, "a.py", "1");
    assert_eq!(
        known(&mut editor)["texts"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1)
    );
    editor.goodbye();
}

#[test]
fn a_server_that_exits_at_once_is_told_of_by_the_answer() {
    let sandbox = world();
    for command in [
        command(&sandbox, "exits"),
        proxy(&sandbox, &["no-such-server"]),
    ] {
        let mut editor = Editor::spawn(command, Profile::Push);
        let id = editor.ask("initialize", json!({"capabilities": {}}));
        let answer = editor.answer_to(id);
        let words = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(
            words.contains("no licence") || words.contains("no-such-server"),
            "{answer}"
        );
        assert_eq!(editor.ended(), Some(1));
    }
}

#[test]
fn a_server_that_never_answers_is_ended_with_its_editor() {
    let sandbox = world();
    for words in ["deaf", "mute", "stays child"] {
        let mut editor = editor(&sandbox, words);
        if words.starts_with("stays") {
            editor.hello(&sandbox);
        } else {
            editor.ask("initialize", json!({"capabilities": {}}));
        }
        let server = child_of(editor.pid());
        editor.hang_up();
        assert_eq!(editor.ended(), Some(1), "{words}");
        gone(server);
    }
}

#[test]
fn a_signal_ends_both() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "child");
    editor.hello(&sandbox);
    let server = child_of(editor.pid());
    Ran::of(sandbox.command("kill").arg(editor.pid().to_string())).ok();
    assert_eq!(editor.ended(), Some(1));
    gone(server);
}

#[test]
fn an_editor_that_stops_within_a_message_leaves_nothing() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "");
    editor.hello(&sandbox);
    let server = child_of(editor.pid());
    editor.send_raw(b"Content-Length: 1000\r\n\r\n{\"half\":");
    editor.hang_up();
    assert_eq!(editor.ended(), Some(1));
    gone(server);
}

#[test]
fn messages_come_through_whatever_they_are_cut_into() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "");
    editor.hello(&sandbox);
    let params = json!({"text": "한국어 😀"});
    let body = json!({"jsonrpc": "2.0", "id": "x", "method": "fake/echo", "params": params});
    let body = body.to_string();
    let whole = format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    for piece in whole.chunks(3) {
        editor.send_raw(piece);
        std::thread::sleep(Duration::from_millis(1));
    }
    let found = editor.until("the answer", |editor| {
        editor
            .heard
            .iter()
            .find(|message| message["id"] == "x")
            .cloned()
    });
    assert_eq!(found["result"]["echo"]["text"], "한국어 😀");
    // Wrong lengths, and bytes that are no text: the next message is understood.
    for wrong in [
        &b"Content-Length: 5\r\n\r\nabcde"[..],
        b"Content-Length: -3\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"Content-Length: 99999999999\r\n\r\n",
        b"\xff\xfe\r\n",
    ] {
        editor.send_raw(wrong);
        known(&mut editor);
    }
    editor.goodbye();
}

#[test]
fn a_message_of_100_megabytes_comes_through() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "");
    editor.hello(&sandbox);
    let text = "x".repeat(100 << 20);
    let id = editor.ask("fake/echo", json!({ "text": text }));
    let answer = editor.answer_to(id);
    assert_eq!(
        answer["result"]["echo"]["text"].as_str().map(str::len),
        Some(text.len())
    );
    editor.goodbye();
}

/// An editor in a folder without an environment, and what the proxy says.
fn without_environment(sandbox: &Sandbox) -> (Editor, PathBuf) {
    let python = sandbox.python().path().display().to_string();
    let script = sandbox.write("fake_server.py", include_str!("fake_server.py"));
    let mut command = proxy(sandbox, &[&python, &script.display().to_string()]);
    let log = sandbox.root().join("log");
    command.stderr(std::fs::File::create(&log).expect("a file"));
    let mut editor = Editor::spawn(command, Profile::Push);
    editor.hello(sandbox);
    (editor, log)
}

#[test]
fn without_an_environment_the_server_is_left_as_it_is() {
    let sandbox = Sandbox::new();
    let (editor, log) = without_environment(&sandbox);
    editor.goodbye();
    let said = std::fs::read_to_string(log).expect("read");
    assert!(said.contains("no Python environment"), "{said}");
    sandbox.run("aim-lsp", ["--"]).exits(2);
    sandbox
        .run("aim-lsp", ["--project", "nowhere", "--", "cat"])
        .exits(4);
}

#[test]
fn an_environment_that_appears_is_found() {
    let sandbox = Sandbox::new();
    let (mut editor, log) = without_environment(&sandbox);
    let uri = editor.open(&sandbox, "a.py", "import x\n");
    editor.shows(&uri, "no generation", |all| all == [" generation 0"]);
    sandbox.run("aim-venv-sync", ["init"]).ok();
    editor.shows(&uri, "the first generation", |all| all == [" generation 1"]);
    raise(&sandbox, "alpha");
    editor.shows(&uri, "the next one", |all| all == [" generation 2"]);
    editor.goodbye();
    let said = std::fs::read_to_string(log).expect("read");
    assert!(said.contains("no Python environment"), "{said}");
    assert!(said.contains("follows"), "{said}");
}

#[test]
fn a_change_while_the_server_is_deaf_is_followed_at_last() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "");
    editor.hello(&sandbox);
    let begun = Instant::now();
    raise(&sandbox, "alpha");
    raise(&sandbox, "beta");
    let generation = sandbox.generation();
    while known(&mut editor)["generation"] != generation {
        assert!(begun.elapsed() < super::editor::PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    editor.goodbye();
}

/// The first process that `parent` has started.
fn child_of(parent: u32) -> u64 {
    let end = Instant::now() + super::editor::PATIENCE;
    loop {
        let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let first = list
            .ok()
            .and_then(|list| list.split_whitespace().next()?.parse().ok());
        if let Some(child) = first {
            return child;
        }
        assert!(Instant::now() < end, "it has started nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
}
