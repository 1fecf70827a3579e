//! The pip that a call was meant for, as a command that runs it past the hook.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::call::{Entry, PipCall};
use crate::env_vars;
use crate::error::{Error, Exit, Result};
use crate::hook;
use crate::project::Venv;
use crate::words::t;

/// The guard's value. It is the same for every run, since build scripts see it and builds are cached by what they see.
const GUARDED: &str = "1";

/// The command that runs the pip of `call` as if we were not there.
pub(super) fn of(call: &PipCall) -> Result<Command> {
    let mut command = match call.entry() {
        Entry::Hook { python, words, .. } => repeated(python, words),
        Entry::Inside | Entry::Name => by_module(call.venv(), call.args())?,
    };
    // Never taken away again: whatever pip starts inherits it, and start-up runs the hook's line twice.
    command.env(env_vars::GUARD, GUARDED);
    Ok(command)
}

/// `program` with everything that this process was given, for `exec` to start or to become.
#[expect(clippy::disallowed_methods, reason = "every call of pip begins here")]
fn program(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

fn repeated(python: &Path, words: &[OsString]) -> Command {
    let mut command = program(python);
    if let Some((name, rest)) = words.split_first() {
        command.arg0(name).args(rest);
    }
    command
}

/// The command that runs pip where `launcher` was called: the script that is there now, else by its module.
pub(super) fn in_place_of_launcher(
    venv: &Venv,
    launcher: &Path,
    args: &[OsString],
) -> Result<Command> {
    if launcher.exists() && hook::environment_of_launcher(launcher).is_none() {
        let mut command = program(launcher);
        command.args(args);
        return Ok(command);
    }
    by_module(venv, args)
}

fn by_module(venv: &Venv, args: &[OsString]) -> Result<Command> {
    // Where nobody can tell, pip is there.
    if !hook::has_pip(venv).unwrap_or(true) {
        let python = venv.python_path();
        return Err(Error::new(Exit::NoCommand, t!("shim.no_pip"))
            .hint(format!("{} -m ensurepip --default-pip", python.display())));
    }
    let python = venv
        .python()
        .map_err(|error| Error::new(Exit::CannotRun, error).hint(t!("shim.make_again")))?;
    let mut command = program(python);
    command.args(["-m", "pip"]).args(args);
    Ok(command)
}
