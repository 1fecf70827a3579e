//! What Tab completes in bash, zsh and fish on a terminal: the words of the grammar, and what only a project knows.

use std::time::{Duration, Instant};

use crate::sandbox::{Sandbox, skipped};
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

/// A person waits for each Tab, so it is bounded; the bound is far above what it takes on a machine of its own.
#[test]
fn an_answer_comes_while_the_key_goes_up() {
    let sandbox = Sandbox::ready();
    let took = (0..5).map(|_| {
        let begun = Instant::now();
        let mut command = sandbox.command("aim-logs");
        let asked = command.args(["--", "aim-logs", "show", ""]);
        let answer = asked.env("AIM_COMPLETE", "fish").output().expect("run");
        let said = String::from_utf8_lossy(&answer.stdout);
        let id = sandbox.last_record()["id"].as_str().expect("an id")[..8].to_owned();
        assert!(said.starts_with("last\t"), "{said}");
        assert!(said.contains(&format!("\n{id}")), "{said}");
        begun.elapsed()
    });
    let quickest = took.min().expect("five of them");
    if cfg!(debug_assertions) && quickest > Duration::from_millis(30) {
        skipped("the bound is that of a release build on a machine of its own");
        return;
    }
    assert!(quickest < Duration::from_millis(30), "{quickest:?}");
}
