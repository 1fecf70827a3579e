//! The console examples of the READMEs, of docs/guide.md, docs/nodes.md, docs/rollout.md and docs/supervise.md, run
//! as a person would type them, and what docs/ci.md and docs/docker.md have machines run.
//!
//! In a `console` block, `$ command` is typed and what follows is what must be seen: `...` stands for any lines, `[..]`
//! for any text in a line, `? 1` for the exit status (0 where it is not said), and spaces are as wide as they like.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::place::wait_until;
use crate::sandbox::{Daemon, Ran, Sandbox, skipped};

#[test]
fn the_english_examples_are_true() {
    check("README.md");
}

#[test]
fn the_korean_examples_are_true() {
    check("README.ko.md");
}

#[test]
fn the_examples_of_nodes_are_true() {
    check("docs/nodes.md");
}

#[test]
fn the_examples_of_the_guide_are_true() {
    check("docs/guide.md");
}

#[test]
fn what_ci_and_images_are_told_to_run_works() {
    for (file, kind, least) in [
        ("docs/ci.md", "yaml", 5),
        ("docs/docker.md", "dockerfile", 1),
    ] {
        for block in blocks(&readme(file), kind) {
            let commands = machines(&block);
            assert!(commands.len() >= least, "{file}: {commands:?}");
            let sandbox = Sandbox::new();
            sandbox.wheel("requests", "2.32.3");
            sandbox.write("requirements.txt", "requests==2.32.3\n");
            let passes = "import unittest\nclass Passes(unittest.TestCase):\n    def test(self): import requests\n";
            sandbox.write("test_app.py", passes);
            for command in commands {
                if command.contains("aim-logs export") {
                    skipped(&format!(
                        "{command}: it asks an index for sums (tests/suite/export.rs has one)"
                    ));
                    continue;
                }
                Ran::of(sandbox.command("/bin/sh").args(["-e", "-c", &command])).ok();
            }
        }
    }
}

/// The commands that a CI service or an image is told to run, but for those that install the toolkit itself.
fn machines(block: &str) -> Vec<String> {
    let lines = block.lines().map(str::trim);
    let commands = lines.filter_map(|line| match line.strip_prefix("RUN ") {
        Some(command) => {
            Some(command.trim_start_matches("--mount=type=cache,target=/root/.cache/pip "))
        }
        None => line
            .strip_prefix("- ")
            .map(|step| step.strip_prefix("run: ").unwrap_or(step))
            .filter(|step| !step.contains(": ")),
    });
    commands
        .filter(|command| !command.contains("install aim-toolkit"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn settings_of_editors_and_devcontainers_can_be_read() {
    for file in ["docs/docker.md", "docs/vscode.md"] {
        let found = blocks(&readme(file), "json");
        assert!(!found.is_empty(), "{file}");
        for block in found {
            serde_json::from_str::<serde_json::Value>(&block).expect(file);
        }
    }
}

#[test]
fn the_examples_of_a_rollout_are_true() {
    for program in ["curl", "jq"] {
        if which::which(program).is_err() {
            return skipped(&format!("no {program} on PATH"));
        }
    }
    let sandbox = Sandbox::ready();
    sandbox.wheel("requests", "2.32.3");
    sandbox.write("node.py", "def main():\n    return 1\n");
    for name in ["a-service", "b-service", "tool"] {
        let folder = sandbox.root().join("home/work").join(name);
        sandbox.python().copy_venv(&folder.join(".venv"));
    }
    // Its log is where that of a daemon is which a command has started.
    let state = sandbox.root().join("home/.local/state/aim-toolkit");
    std::fs::create_dir_all(&state).expect("folders");
    let serve = "exec aim-backend serve 2> \"$HOME/.local/state/aim-toolkit/backend.log\"";
    let _daemon = Daemon::start(sandbox.command("/bin/sh").args(["-c", serve]));
    sandbox.run("aim-worker", ["run", "node.py"]).ok();
    run("docs/rollout.md", &sandbox);
}

#[test]
fn the_examples_of_supervised_commands_are_true() {
    let file = "docs/supervise.md";
    let text = readme(file);
    let sandbox = Sandbox::ready();
    for (name, says) in [
        (
            "uvicorn",
            "INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)",
        ),
        ("celery", "celery"),
    ] {
        let script = format!("#!/bin/sh\necho '{says}'\nexec sleep 600\n");
        let program = sandbox.bin(name);
        std::fs::write(&program, script).expect("written");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("mode");
    }
    // Any free port: another program may have the one of the example.
    let orders = blocks(&text, "toml")
        .concat()
        .replace("listen = 8000", "listen = \"127.0.0.1:0\"");
    sandbox.write(".aim.toml", &orders);
    let _daemon = sandbox.daemon();
    let (by_hand, mut steps): (Vec<_>, Vec<_>) = steps(&text)
        .into_iter()
        .partition(|step| step.command.starts_with("aim-worker supervise "));
    for step in by_hand {
        skipped(&format!(
            "{}: tests/suite/supervise has a server",
            step.command
        ));
    }
    for step in &mut steps {
        // Nobody is asked here, and numbers and folders are others.
        step.command = step
            .command
            .replace("aim-venv-sync allow", "aim-venv-sync allow --yes");
        step.expected.retain(|line| !line.starts_with("Let "));
        // Beside the other commands of the file, and begun again meanwhile.
        if ["aim-worker list", "aim-worker logs web"].contains(&&*step.command) {
            let lines = std::mem::take(&mut step.expected);
            let any = || "...".to_owned();
            step.expected = lines.into_iter().flat_map(|line| [any(), line]).collect();
            step.expected.push(any());
        }
        for line in &mut step.expected {
            for text in ["14431 12 ~/shop", "0.2 s", "14502"] {
                *line = line.replace(text, "[..]");
            }
            *line = line.replace("--listen=8000", "--listen=127.0.0.1:0");
        }
    }
    steps.sort_by_key(|step| !step.command.contains(" allow "));
    let is_up = || {
        sandbox
            .run("aim-worker", ["list"])
            .stdout()
            .matches("  running")
            .count()
            == 2
    };
    let first = steps.remove(0);
    run_steps(file, &sandbox, vec![first]);
    wait_until("they run", is_up);
    run_steps(file, &sandbox, steps);
}

#[test]
fn both_show_the_same_commands() {
    let commands = |file: &str| {
        let typed = steps(&readme(file)).into_iter().map(|step| step.command);
        typed
            .map(|command| command.replace("AIM_LANG=ko ", ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(commands("README.md"), commands("README.ko.md"));
}

/// One command of an example, and what is to be seen.
struct Step {
    command: String,
    expected: Vec<String>,
    status: i32,
}

fn check(file: &str) {
    let text = readme(file);
    let sandbox = Sandbox::new().with_venv();
    sandbox.wheel("requests", "2.32.3");
    let files = files(&text);
    assert!(!files.is_empty(), "no file was found in {file}");
    for (name, content) in files {
        sandbox.write(&name, &content);
    }
    let _daemon = sandbox.daemon();
    run(file, &sandbox);
}

/// Types the commands of `file`, and compares what is seen.
fn run(file: &str, sandbox: &Sandbox) {
    let steps = steps(&readme(file));
    assert!(
        steps.len() > 2,
        "the reader of examples found next to nothing"
    );
    run_steps(file, sandbox, steps);
}

fn run_steps(file: &str, sandbox: &Sandbox, steps: Vec<Step>) {
    for step in steps {
        let path = format!(
            "{}:{}",
            sandbox.venv().join("bin").display(),
            sandbox.path()
        );
        let mut shell = sandbox.command("/bin/sh");
        let ran = Ran::of(shell.args(["-c", &step.command]).env("PATH", path)).exits(step.status);
        let seen = ran.stdout() + &ran.stderr();
        let seen: Vec<String> = seen.lines().map(folded).collect();
        assert!(
            matches(&step.expected, &seen),
            "{file}: $ {}\n--- expected\n{}\n--- seen\n{}",
            step.command,
            step.expected.join("\n"),
            seen.join("\n")
        );
    }
}

fn readme(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).expect("a README")
}

/// The contents of the fenced blocks of one kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let start = format!("```{kind}\n");
    let found = text.match_indices(&start);
    found
        .map(|(at, _)| {
            let block = &text[at + start.len()..];
            block[..block.find("```").expect("a block ends")].to_owned()
        })
        .collect()
}

/// The files that are shown: a block after a line that ends with the file's name, as in "This is `a.py`:".
fn files(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for kind in ["python", "json"] {
        let start = format!("```{kind}\n");
        for (at, _) in text.match_indices(&start) {
            let block = &text[at + start.len()..];
            let block = &block[..block.find("```").expect("a block ends")];
            let line = text[..at].trim_end().lines().last().unwrap_or_default();
            let name = line.split('`').rev().nth(1).expect("a name before a block");
            found.push((name.to_owned(), block.to_owned()));
        }
    }
    found
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in blocks(text, "console").concat().lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command: command.to_owned(),
                expected: Vec::new(),
                status: 0,
            });
            continue;
        }
        let step = steps.last_mut().expect("an example begins with a command");
        match line.strip_prefix("? ") {
            Some(status) => step.status = status.parse().expect("an exit status"),
            // On a slow machine it is some seconds ago.
            None => step
                .expected
                .push(folded(line).replace(" just now ", " [..] ")),
        }
    }
    steps
}

/// A line with each run of white space as one space.
fn folded(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn matches(expected: &[String], seen: &[String]) -> bool {
    match expected.split_first() {
        None => seen.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=seen.len()).any(|skipped| matches(rest, &seen[skipped..]))
        }
        Some((first, rest)) => seen
            .split_first()
            .is_some_and(|(line, others)| line_matches(first, line) && matches(rest, others)),
    }
}

fn line_matches(expected: &str, line: &str) -> bool {
    let Some((before, after)) = expected.split_once("[..]") else {
        return expected == line;
    };
    line.strip_prefix(before).is_some_and(|rest| {
        let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        ends.into_iter().any(|at| line_matches(after, &rest[at..]))
    })
}
