//! What a shell says above its prompt, in bash, zsh and fish on a terminal.

use crate::sandbox::{Ran, Sandbox};
use crate::shells::{Terminal, shells};

#[test]
fn each_shell_says_once_what_has_changed() {
    for shell in shells() {
        let sandbox = Sandbox::ready();
        for (name, version) in [("tidings", "1.0"), ("tidings", "2.0")] {
            sandbox.wheel(name, version);
        }
        let mut terminal = Terminal::of(&sandbox, shell);
        let shown = terminal.prompt(0);
        assert!(shown.contains("packages are managed here now"), "{shown}");
        let shown = terminal.types("pip install -q tidings==1.0", 0);
        assert!(shown.contains("aim: +tidings 1.0 "), "{shell:?}: {shown}");
        assert!(shown.contains("aim-logs show last"), "{shown}");
        // Nothing is said twice, and the person's prompt has the status that it would have.
        let shown = terminal.types("sh -c 'exit 7'", 7);
        assert!(!shown.contains("aim:"), "{shown}");
        let shown = terminal.types("pip install -q tidings==2.0", 0);
        // The terminal is read byte by byte, so the arrow is none.
        assert!(shown.contains("aim: tidings 1.0 "), "{shown}");
        assert!(shown.contains(" 2.0 "), "{shown}");
        let shown = terminal.types("pip uninstall -q -y tidings", 0);
        assert!(shown.contains("-tidings 2.0"), "{shown}");
        // Another shell is not told again how things are done here.
        let mut other = Terminal::of(&sandbox, shell);
        let shown = other.prompt(0);
        assert!(!shown.contains("aim:"), "{shown}");
    }
}

#[test]
fn an_environment_that_went_is_told_of_once() {
    for shell in shells() {
        let sandbox = Sandbox::ready();
        let mut terminal = Terminal::of(&sandbox, shell);
        terminal.prompt(0);
        let shown = terminal.types("mv .venv elsewhere", 0);
        assert!(shown.contains("no environment any more"), "{shown}");
        let shown = terminal.types("true", 0);
        assert!(!shown.contains("aim:"), "{shown}");
        terminal.types("mv elsewhere .venv", 0);
        sandbox.wheel("tidings", "1.0");
        let shown = terminal.types("pip install -q tidings", 0);
        assert!(shown.contains("+tidings 1.0"), "{shown}");
    }
}

#[test]
fn guidance_can_be_switched_off_and_is_silent_elsewhere() {
    let sandbox = Sandbox::ready();
    sandbox.write(".aim.toml", "guide = false\n");
    for shell in shells() {
        let mut terminal = Terminal::of(&sandbox, shell);
        let shown = terminal.prompt(0);
        assert!(!shown.contains("aim:"), "{shown}");
        sandbox.wheel("tidings", "1.0");
        let shown = terminal.types("pip install -q --force-reinstall tidings", 0);
        assert!(!shown.contains("aim:"), "{shown}");
    }
    // Without an environment of ours there is nothing to say.
    sandbox.run("aim-venv-sync", ["prompt"]).ok().says("");
    let mut command = sandbox.command("aim-venv-sync");
    let outside = sandbox.root().join("home");
    command.arg("prompt").env("VIRTUAL_ENV", &outside);
    let told = command.output().expect("run");
    assert!(told.stdout.is_empty() && told.status.success(), "{told:?}");
}

/// What is said above a prompt of what came after the generation `before`.
fn said(sandbox: &Sandbox, before: u64, language: &str) -> String {
    let mut command = sandbox.command("aim-venv-sync");
    command
        .args(["prompt", &before.to_string()])
        .env("VIRTUAL_ENV", sandbox.venv())
        .env("LANG", language);
    Ran::of(&mut command).stderr()
}

#[test]
fn what_nobody_asked_for_is_said_with_who_did_it() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("base", "1.0");
    sandbox.wheel("base", "2.0");
    sandbox.pip(["install", "base==2.0"]).ok();
    let before = sandbox.generation();
    // As a resolver does it on the way to what was asked for.
    sandbox.pip(["install", "base==1.0"]).ok();
    let runs = sandbox.project().join(".pip-logs/runs.jsonl");
    let text = std::fs::read_to_string(&runs).expect("records");
    std::fs::write(&runs, text.replace("\"base==1.0\"", "\"top\"")).expect("written");
    let said = said(&sandbox, before, "C.UTF-8");
    assert!(said.contains("base 2.0 → 1.0 (by top)"), "{said}");
    assert!(said.trim_end().ends_with(" · aim-logs undo 3"), "{said}");
}

#[test]
fn new_commands_are_named() {
    let sandbox = Sandbox::ready();
    let before = sandbox.generation();
    let files = [
        ("tidings/__init__.py", "def main(): print('news')\n"),
        (
            "tidings-1.0.dist-info/entry_points.txt",
            "[console_scripts]\ntidings = tidings:main\n",
        ),
        ("tidings-1.0.data/scripts/tidings-raw", "#!python\n"),
    ];
    sandbox.wheel_of("tidings", "1.0", &files);
    sandbox.wheel("silent", "1.0");
    sandbox.pip(["install", "tidings", "silent"]).ok();
    let said = said(&sandbox, before, "C.UTF-8");
    let expected = "+silent 1.0, +tidings 1.0 · new commands: tidings, tidings-raw · ";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn the_worker_is_part_of_what_is_said() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("n.py", "def main():\n    return 1\n");
    sandbox.run("aim-worker", ["run", "n.py"]).ok();
    sandbox.wheel("tidings", "1.0");
    let before = sandbox.generation();
    sandbox.pip(["install", "tidings"]).ok();
    sandbox.run("aim-venv-sync", ["sync", "--wait"]).ok();
    let now = sandbox.generation();
    for (language, expected) in [
        ("C.UTF-8", format!("worker on generation {now}")),
        ("ko_KR.UTF-8", format!("워커가 {now}세대에 있음")),
    ] {
        let said = said(&sandbox, before, language);
        assert!(said.contains(&expected), "{said}");
    }
}
