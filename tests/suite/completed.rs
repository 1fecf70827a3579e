//! What Tab completes in bash, zsh and fish on a terminal: the words of the grammar, and what only a project knows.

use std::time::{Duration, Instant};

use crate::moves::terminal;
use crate::sandbox::{Ran, Sandbox};
use crate::shells::{Terminal, shells};

#[test]
fn tab_knows_runs_packages_projects_and_settings() {
    for shell in shells() {
        let sandbox = Sandbox::ready();
        sandbox.wheel("tidings", "1.0");
        sandbox.pip(["install", "-q", "tidings"]).ok();
        let registry = sandbox.root().join("state/aim-toolkit");
        std::fs::create_dir_all(&registry).expect("a folder");
        let registered = format!(
            "{{\"schema\": 1, \"projects\": [{{\"id\": \"orchard\", \"path\": {:?}}}]}}",
            sandbox.project()
        );
        std::fs::write(registry.join("projects.json"), registered).expect("written");
        let (name, file, text) = shell;
        let loads = match name {
            "zsh" => format!("autoload -U compinit && compinit -u\n{text}"),
            _ => text.to_owned(),
        };
        let mut terminal = Terminal::of(&sandbox, (name, file, &loads));
        terminal.prompt(0);
        for (typed, completed) in [
            ("aim-logs sho", "aim-logs show"),
            ("aim-logs show la", "aim-logs show last"),
            (
                "aim-logs list --package tid",
                "aim-logs list --package tidings",
            ),
            (
                "aim-worker status --project orch",
                "aim-worker status --project orchard",
            ),
            (
                "aim-venv-sync config --explain retention.r",
                "aim-venv-sync config --explain retention.runs",
            ),
            ("aim-lsp print-config neo", "aim-lsp print-config neovim"),
        ] {
            terminal.completes(typed, completed);
        }
    }
}

/// What fish is offered in the place of the last word of `line`, with what it means.
fn offered<const N: usize>(sandbox: &Sandbox, line: [&str; N]) -> String {
    let mut command = sandbox.command(line[0]);
    command.arg("--").args(line).env("AIM_COMPLETE", "fish");
    Ran::of(&mut command).ok().stdout()
}

#[test]
fn a_run_is_offered_by_its_number_with_what_it_was() {
    let sandbox = Sandbox::ready();
    sandbox.pip(["install", "--no-index", "nowhere"]).exits(1);
    let answer = offered(&sandbox, ["aim-logs", "show", ""]);
    for offered in [
        "last\tthe newest run\n",
        "last-failed\tthe newest run that failed\n",
        "2\tinstall nowhere, just now, failed",
        "1\tinit, just now, ok\n",
    ] {
        assert!(answer.contains(offered), "{answer}");
    }
}

#[test]
fn nodes_of_a_flow_are_offered_with_their_titles() {
    let sandbox = Sandbox::ready();
    let nodes = r#"{"nodes": [
        {"id": "7", "type": "custom", "data": {"title": "Add", "file": "add.py"}},
        {"id": "s", "type": "start", "data": {"title": "Begin"}},
        {"id": "text", "type": "textInput", "data": {"value": "hello"}},
        {"id": "r", "type": "result", "data": {"title": "Sum"}}
    ], "edges": []}"#;
    sandbox.write("structure.json", nodes);
    let offered = |option| offered(&sandbox, ["aim-worker", "flow", option, ""]);
    assert_eq!(offered("--start"), "s\tBegin\n7\tAdd\ntext\nr\tSum\n");
    assert_eq!(offered("--value"), "text=\t\"hello\"\nr=\tSum\n");
}

#[test]
fn the_ids_of_terminals_are_offered_by_the_daemon() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let mut page = terminal(&sandbox, "", true, Duration::from_secs(60));
    let ready = page.read().expect("ready").into_text().expect("text");
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    let session = ready["session"].as_str().expect("a session");
    // As much of it as tells it from others. Who asks a daemon that is busy gets the options alone, and asks again.
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = offered(&sandbox, ["aim-backend", "terminals", "end", ""]);
        let (first, about) = answer.split_once('\t').expect("an offer");
        if session.ends_with(first) {
            assert!(about.starts_with("demo, "), "{answer}");
            break;
        }
        assert!(Instant::now() < until, "{session}: {answer}");
    }
}
