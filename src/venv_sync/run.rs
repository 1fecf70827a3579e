//! `aim-venv-sync run` and `shell --at`: a command, or the person's shell, in the environment of today or of an earlier
//! generation.
//!
//! This process becomes that program: whoever waits for it, its terminal and its signals meet nobody in between.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use super::cli::{AtArgs, RunArgs};
use super::ground::Ground;
use crate::console::{Console, view};
use crate::error::{Error, Exit, Explain as _, Result};
use crate::exec;
use crate::project::{Venv, VenvLayout};
use crate::shells::{self, Start};
use crate::store::{View, places};
use crate::terminal::printable;
use crate::words::t;

/// Becomes the command.
pub(super) fn run(ground: &Ground<'_>, args: &RunArgs, console: &mut Console) -> Result<Exit> {
    let view = of_time(ground, &args.of, console)?;
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Error::usage(t!("venv_sync.run.no_command")));
    };
    let venv = view.as_ref().map_or(ground.project.venv(), View::venv);
    let mut command = command(ground, venv, program);
    command.args(rest);
    if let Some(view) = &view {
        command.env("VIRTUAL_ENV_PROMPT", view.label());
    }
    become_it(command, view.as_ref())
}

/// Becomes the person's shell in a view.
pub(super) fn shell(ground: &Ground<'_>, args: &AtArgs, console: &mut Console) -> Result<Exit> {
    let Some(view) = of_time(ground, args, console)? else {
        return Err(Error::usage(t!("venv_sync.run.no_command")));
    };
    let files = written(ground).context(t!("venv_sync.run.cannot_start"))?;
    let start = Start::of(ground.host, view.venv().root(), &files);
    let mut command = command(ground, view.venv(), start.program.as_os_str());
    command.args(start.args).envs(start.variables);
    command.env("_AIM_LABEL", view.label());
    console.aside(t!("venv_sync.run.leave", label = printable(&view.label())));
    become_it(command, Some(&view))
}

/// The view of the time that is named, if one is.
fn of_time(ground: &Ground<'_>, args: &AtArgs, console: &mut Console) -> Result<Option<View>> {
    let view = |at: &String| view::view(console, &ground.project, at, args.incomplete);
    args.at.as_ref().map(view).transpose()
}

/// `program` in the environment `venv`.
#[expect(
    clippy::disallowed_methods,
    reason = "the program that this process becomes"
)]
fn command(ground: &Ground<'_>, venv: &Venv, program: impl Into<OsString>) -> Command {
    let mut command = Command::new(program.into());
    command.env_clear().envs(venv.variables_of(ground.host));
    command
}

/// The folder of our own files for shells; what is missing there or of another version is written first.
fn written(ground: &Ground<'_>) -> io::Result<PathBuf> {
    let layout = ground.project.venv().layout();
    let folder = places::made_aim(&layout)?.make_folder(VenvLayout::SHELL)?;
    for (name, source) in shells::FILES {
        folder.write_unless_same(name, source.as_bytes())?;
    }
    Ok(folder.path().to_path_buf())
}

/// Runs `command` in the place of this process; returns only if that fails.
fn become_it(mut command: Command, view: Option<&View>) -> Result<Exit> {
    view.map_or(Ok(()), View::hand_on)?;
    let error = exec::replace(&mut command);
    let program = printable(&command.get_program().to_string_lossy());
    Err(match error.kind() {
        io::ErrorKind::NotFound => Error::new(
            Exit::NoCommand,
            t!("venv_sync.run.not_found", program = program),
        ),
        _ => Error::from(error)
            .context(t!("venv_sync.cannot_run", what = program))
            .with_exit(Exit::CannotRun),
    })
}
