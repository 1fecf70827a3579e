//! What a shell says above its prompt, in bash, zsh and fish on a terminal.

use std::process::{Command, Stdio};

use rexpect::session::{PtySession, spawn_command};

use crate::sandbox::{Sandbox, skipped};

/// The shells that are there, each with the file that it reads and what the person put there.
fn shells() -> Vec<(&'static str, &'static str, &'static str)> {
    let all = [
        (
            "bash",
            "home/.bashrc",
            "set -u\nPS1='P:$? '\neval \"$(aim-venv-sync shell bash)\"\n",
        ),
        (
            "zsh",
            "home/.zshrc",
            "setopt PROMPT_SUBST\nPS1='P:$? '\neval \"$(aim-venv-sync shell zsh)\"\n",
        ),
        (
            "fish",
            "config/fish/config.fish",
            "set fish_greeting\naim-venv-sync shell fish | source\nfunction fish_prompt\necho P:$status' '\nend\n",
        ),
    ];
    let (there, missing): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(shell, ..)| Command::new(shell).arg("--version").output().is_ok());
    for (shell, ..) in missing {
        skipped(&format!("{shell} is not here"));
    }
    there
}

struct Terminal(PtySession);

impl Terminal {
    fn of(sandbox: &Sandbox, (shell, file, text): (&str, &str, &str)) -> Self {
        let file = sandbox.root().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        std::fs::write(file, text).expect("written");
        let mut command = sandbox.command(shell);
        command
            .arg("-i")
            .stdin(Stdio::inherit()) // the terminal that it is given
            .env("TERM", "xterm")
            .env("VIRTUAL_ENV", sandbox.venv())
            .env(
                "PATH",
                format!("{}/bin:{}", sandbox.venv().display(), sandbox.path()),
            );
        Self(spawn_command(command, Some(30_000)).expect("started"))
    }

    /// Types `line`, and gives what is shown until the next prompt, which shows the status `status`.
    fn types(&mut self, line: &str, status: u8) -> String {
        self.0.send_line(line).expect("typed");
        self.prompt(status)
    }

    fn prompt(&mut self, status: u8) -> String {
        self.0
            .exp_string(&format!("P:{status} "))
            .expect("a prompt")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A shell on a terminal does not end by the signal that it would be sent.
        let _ = self.0.send_line("exit");
        let _ = self.0.exp_eof();
    }
}

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

#[test]
fn what_nobody_asked_for_is_said_with_who_did_it() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("base", "1.0");
    sandbox.wheel("base", "2.0");
    sandbox.pip(["install", "base==2.0"]).ok();
    let before = sandbox.generation().to_string();
    // As a resolver does it on the way to what was asked for.
    sandbox.pip(["install", "base==1.0"]).ok();
    let runs = sandbox.project().join(".pip-logs/runs.jsonl");
    let text = std::fs::read_to_string(&runs).expect("records");
    std::fs::write(&runs, text.replace("\"base==1.0\"", "\"top\"")).expect("written");
    let mut command = sandbox.command("aim-venv-sync");
    command
        .args(["prompt", &before])
        .env("VIRTUAL_ENV", sandbox.venv());
    let told = command.output().expect("run");
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(said.contains("base 2.0 → 1.0 (by top)"), "{said}");
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
    let say = |language: &str| {
        let mut command = sandbox.command("aim-venv-sync");
        command
            .args(["prompt", &before.to_string()])
            .env("VIRTUAL_ENV", sandbox.venv())
            .env("LANG", language);
        let told = command.output().expect("run");
        String::from_utf8_lossy(&told.stderr).into_owned()
    };
    let now = sandbox.generation();
    for (language, expected) in [
        ("C.UTF-8", format!("worker on generation {now}")),
        ("ko_KR.UTF-8", format!("워커가 {now}세대에 있음")),
    ] {
        let said = say(language);
        assert!(said.contains(&expected), "{said}");
    }
}
