//! Beside a Python that runs pip in its own process (`runpy`, `pip.main`): the same story, told from outside.
//!
//! `shims/_aim_pip_hook/inside.py` starts this process as `aim-pip --aim-beside=PID PREFIX ARGS…`, with PID its own,
//! before it has a command of pip's do its work, and holds two pipes to it. From the one it reads `go` when it has its
//! turn.
//! Into the other it writes pip's status when pip has returned; when that pipe ends without one, the process is gone,
//! and the run is entered as interrupted.
//!
//! **Invariant:** when this process ends without `go`, pip runs unrecorded; it is never kept from running.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::call::PipCall;
use super::story::{RememberedCall, Story};
use crate::host::Host;
use crate::store::Ending;

/// Tells the story of `call`, which the process `pid` makes inside itself.
pub(super) fn main(pid: u32, call: &PipCall, host: &Host) -> ExitCode {
    let Some(remembered) = RememberedCall::of(call, host) else {
        return ExitCode::SUCCESS;
    };
    let story = Story::begin(remembered, pid);
    let begun = Instant::now();
    if outlive_signals().and_then(|()| go()).is_err() {
        story.give_up(); // the other one is gone before its turn came
        return ExitCode::FAILURE;
    }
    let ending = hear();
    story.end(ending, begun.elapsed(), None);
    ExitCode::SUCCESS
}

/// From here on the end of the other process is what ends this one: a Ctrl-C at the terminal is for pip.
fn outlive_signals() -> io::Result<()> {
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::default())?;
    }
    Ok(())
}

fn go() -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(b"go\n")?;
    stdout.flush()
}

/// Waits for pip's end: to the end of the line, since a process that was forked meanwhile may hold the pipe open.
fn hear() -> Ending {
    let mut text = String::new();
    // Unreadable means the same as nothing.
    let _ = io::stdin().read_line(&mut text);
    ending(&text)
}

fn ending(text: &str) -> Ending {
    let status = text.strip_suffix('\n').and_then(|line| line.parse().ok());
    // What the system would make of the number (exit(3)).
    status.map_or(Ending::Interrupted, |status: i64| {
        Ending::Exited(i32::from(status.to_le_bytes()[0]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_line_is_a_status() {
        assert_eq!(ending("0\n"), Ending::Exited(0));
        assert_eq!(ending("2\n"), Ending::Exited(2));
        assert_eq!(ending("-1\n"), Ending::Exited(255));
        for torn in ["", "0", "x\n", "1\n1\n"] {
            assert_eq!(ending(torn), Ending::Interrupted, "{torn:?}");
        }
    }
}
