//! A server is replaced while somebody works with it.

use std::time::Duration;

use serde_json::json;

use super::fake::{editor, known, raise, world};
use crate::sandbox::Sandbox;

#[test]
fn a_server_is_replaced_and_nothing_is_lost() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "child");
    editor.hello(&sandbox);
    let uri = editor.open(&sandbox, "a.py", "import x\n");
    editor.shows(&uri, "the first diagnostics", |shown| shown.len() == 1);
    let before = known(&mut editor);
    editor.tell(
        "textDocument/didChange",
        json!({"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": "import y\n"}]}),
    );
    let status = || {
        let status = sandbox.run("aim-lsp", ["status", "--json"]).ok().json();
        status[0].clone()
    };
    assert_eq!(status()["generation"], sandbox.generation());
    raise(&sandbox, "alpha");
    let generation = sandbox.generation();
    let words = format!("generation {generation}");
    editor.shows(&uri, "diagnostics of the new environment", |shown| {
        shown.iter().any(|one| one.contains(&words))
    });
    let after = known(&mut editor);
    assert_eq!(after["texts"][&uri], "import y\n");
    assert_eq!(after["generation"], generation);
    assert_ne!(after["pid"], before["pid"]);
    noted(&sandbox);
    assert_eq!(status()["how"], "replaced");
    sandbox
        .run("aim-lsp", ["status"])
        .ok()
        .says("unknown")
        .says("replaced");
    let emptied = editor.heard.iter().filter(|message| {
        message["method"] == "textDocument/publishDiagnostics"
            && message["params"]["diagnostics"] == json!([])
    });
    assert_eq!(emptied.count(), 0);
    let group = before["pid"].as_u64().expect("a process");
    gone(group);
    editor.goodbye();
    gone(after["pid"].as_u64().expect("a process"));
    assert_eq!(
        sandbox.run("aim-lsp", ["status", "--json"]).ok().json(),
        json!([])
    );
}

/// Waits until `aim-lsp status` shows the environment's generation: it is noted once the messages are on their way.
pub(super) fn noted(sandbox: &Sandbox) {
    let end = std::time::Instant::now() + super::editor::PATIENCE;
    loop {
        let status = sandbox.run("aim-lsp", ["status", "--json"]).ok().json();
        if status[0]["generation"] == sandbox.generation() {
            return;
        }
        assert!(std::time::Instant::now() < end, "{status}");
    }
}

/// Nothing of this process group is left.
pub(super) fn gone(group: u64) {
    let end = std::time::Instant::now() + super::editor::PATIENCE;
    loop {
        let left: Vec<String> = std::fs::read_dir("/proc")
            .expect("processes")
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok())
            .filter(|stat| {
                let mut rest = stat
                    .rsplit(')')
                    .next()
                    .unwrap_or_default()
                    .split_whitespace();
                let (state, its) = (rest.next(), rest.nth(1));
                state != Some("Z") && its.and_then(|its| its.parse().ok()) == Some(group)
            })
            .collect();
        if left.is_empty() {
            return;
        }
        assert!(std::time::Instant::now() < end, "{left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_server_that_crashes_is_back_with_all_it_knew() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "");
    editor.hello(&sandbox);
    let uri = editor.open(&sandbox, "a.py", "import x\n");
    let before = known(&mut editor);
    editor.tell("fake/crash", json!({}));
    let id = editor.ask("fake/echo", json!({"n": 1}));
    assert_eq!(editor.answer_to(id)["result"]["echo"]["n"], 1);
    let after = known(&mut editor);
    assert_eq!(after["texts"][&uri], "import x\n");
    assert_ne!(after["pid"], before["pid"]);
    assert!(
        !editor
            .heard
            .iter()
            .any(|message| message["method"] == "window/showMessage")
    );
    editor.goodbye();
}

#[test]
fn every_request_is_answered_once_while_servers_come_and_go() {
    let sandbox = world();
    let mut editor = editor(&sandbox, "");
    editor.hello(&sandbox);
    let uri = editor.open(&sandbox, "a.py", "0");
    let (mut asked, mut version) = (Vec::new(), 1);
    for swap in 0..5 {
        raise(&sandbox, &format!("pkg{swap}"));
        for _ in 0..200 {
            version += 1;
            editor.tell(
                "textDocument/didChange",
                json!({
                    "textDocument": {"uri": uri, "version": version},
                    "contentChanges": [{"text": version.to_string()}],
                }),
            );
            asked.push(editor.ask("fake/echo", json!({"n": version})));
            editor.listen(Duration::from_millis(1));
        }
    }
    for id in asked {
        let answer = editor.answer_to(id);
        assert!(answer["result"]["echo"]["n"].is_u64(), "{answer}");
    }
    let words = format!("generation {}", sandbox.generation());
    editor.shows(&uri, "diagnostics of the last environment", |shown| {
        shown.iter().any(|one| one.contains(&words))
    });
    assert_eq!(known(&mut editor)["texts"][&uri], version.to_string());
    editor.goodbye();
}

#[test]
fn whoever_shows_workers_shows_language_servers() {
    let sandbox = world();
    let _daemon = sandbox.daemon();
    let mut editor = editor(&sandbox, "");
    editor.hello(&sandbox);
    known(&mut editor);
    raise(&sandbox, "alpha");
    let end = std::time::Instant::now() + super::editor::PATIENCE;
    while known(&mut editor)["generation"] != sandbox.generation() {
        assert!(std::time::Instant::now() < end);
    }
    noted(&sandbox);
    for (program, name) in [("aim-venv-sync", "status"), ("aim-worker", "status")] {
        let status = sandbox.run(program, [name, "--json"]).ok().json();
        let server = &status["language_servers"][0];
        assert_eq!(
            (&server["server"], &server["how"]),
            (&json!("unknown"), &json!("replaced")),
            "{status}"
        );
        assert_eq!(server["generation"], sandbox.generation());
        sandbox
            .run(program, [name])
            .ok()
            .says("language server")
            .says("replaced");
    }
    editor.goodbye();
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status.get("language_servers"), None, "{status}");
}
