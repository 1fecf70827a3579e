//! The shells that people use, each on a terminal.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use rexpect::session::{PtySession, spawn_command};

use crate::sandbox::{Sandbox, skipped};

/// The shells that are there, each with the file that it reads and what the person put there.
pub(crate) fn shells() -> Vec<(&'static str, &'static str, &'static str)> {
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

/// `program`, which finds the default action for every signal: whoever runs the tests by `nohup … &` has some of them
/// ignored, and no program that finds a signal ignored hears of it.
pub(crate) fn with_usual_signals(sandbox: &Sandbox, program: impl AsRef<OsStr>) -> Command {
    const CODE: &str = "import os, signal, sys\nfor number in range(1, 32):\n    \
        if number not in (signal.SIGKILL, signal.SIGSTOP): signal.signal(number, signal.SIG_DFL)\n\
        os.execvp(sys.argv[1], sys.argv[1:])";
    let mut command = sandbox.command(sandbox.python().path());
    command.args(["-I", "-c", CODE]).arg(program);
    command
}

/// A shell on a terminal.
pub(crate) struct Terminal(PtySession);

impl Terminal {
    /// The shell with what its file says.
    pub(crate) fn of(sandbox: &Sandbox, (shell, file, text): (&str, &str, &str)) -> Self {
        let file = sandbox.root().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        std::fs::write(file, text).expect("written");
        let mut command = with_usual_signals(sandbox, shell);
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
    pub(crate) fn types(&mut self, line: &str, status: u8) -> String {
        self.0.send_line(line).expect("typed");
        self.prompt(status)
    }

    /// Types `line`, and waits until what it runs says `words`.
    pub(crate) fn types_without_prompt(&mut self, line: &str, words: &str) {
        self.0.send_line(line).expect("typed");
        self.0.exp_string(words).expect("said");
    }

    /// Presses a key, and gives what is shown until the next prompt, which shows the status `status`.
    pub(crate) fn presses(&mut self, key: char, status: u8) -> String {
        self.0.send(&key.to_string()).expect("typed");
        self.0.flush().expect("typed");
        self.prompt(status)
    }

    /// What is shown until the next prompt.
    pub(crate) fn prompt(&mut self, status: u8) -> String {
        self.0
            .exp_string(&format!("P:{status} "))
            .expect("a prompt")
    }

    /// Types `line` and Tab, and has the shell print what stands there then, which is `completed`.
    pub(crate) fn completes(&mut self, line: &str, completed: &str) {
        const TO_BEGIN: char = '\x01';
        const TO_END: char = '\x05';
        let keys = format!("{line}\t{TO_BEGIN}echo @{TO_END}@");
        self.0.send_line(&keys).expect("typed");
        let shown = self.prompt(0);
        // zsh takes the blank behind a word back.
        let is_so = ["", " "].map(|blank| shown.contains(&format!("@{completed}{blank}@\r\n")));
        assert!(is_so.contains(&true), "{line}: {shown:?}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A shell on a terminal does not end by the signal that it would be sent.
        let _ = self.0.send_line("exit");
        let _ = self.0.exp_eof();
    }
}
