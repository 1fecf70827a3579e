//! `aim-venv-sync run` and `shell --at`: a command, or the person's shell, in the environment of today or of an earlier
//! generation.
//!
//! This process becomes that program: whoever waits for it, its terminal and its signals meet nobody in between.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::cli::{AtArgs, RunArgs};
use super::ground::Ground;
use crate::console::{Console, view};
use crate::error::{Error, Exit, Explain as _, Result};
use crate::exec;
use crate::hook;
use crate::project::{VenvLayout, put_first_on_python_path};
use crate::shells::{self, Start};
use crate::store::{View, places};
use crate::terminal::printable;
use crate::words::t;

/// What knows the history.
const PROGRAM: &str = "aim-logs";
const MODULE: &str = include_str!("../../shims/_aim_cause.py");
/// Python imports a module of that name before anything of the command's.
const MODULE_NAME: &str = "sitecustomize.py";

/// Becomes the command.
pub(super) fn run(ground: &Ground<'_>, args: &RunArgs, console: &mut Console) -> Result<Exit> {
    let view = of_time(ground, &args.of, console)?;
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Error::usage(t!("venv_sync.run.no_command")));
    };
    let venv = view.as_ref().map_or(ground.project.venv(), View::venv);
    let mut variables = venv.variables_of(ground.host);
    match &view {
        Some(view) => variables.push(("VIRTUAL_ENV_PROMPT".into(), view.label().into())),
        None => {
            if let Some(folder) = asks_for_causes(ground) {
                put_first_on_python_path(&mut variables, &folder);
            }
        }
    }
    let mut command = command(program, variables);
    command.args(rest);
    become_it(command, view.as_ref())
}

/// Becomes the person's shell in a view.
pub(super) fn shell(ground: &Ground<'_>, args: &AtArgs, console: &mut Console) -> Result<Exit> {
    let Some(view) = of_time(ground, args, console)? else {
        return Err(Error::usage(t!("venv_sync.run.no_command")));
    };
    let files = written(ground).context(t!("venv_sync.run.cannot_start"))?;
    let start = Start::of(ground.host, view.venv().root(), &files);
    let variables = view.venv().variables_of(ground.host);
    let mut command = command(start.program.as_os_str(), variables);
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

/// The folder of what has a Python that ends by a failed import ask `aim-logs` what that comes of; none where there is
/// no history to look into.
fn asks_for_causes(ground: &Ground<'_>) -> Option<PathBuf> {
    let venv = ground.project.venv();
    let is_on = ground.config.enabled.value && hook::is_installed(venv).unwrap_or_default();
    let program = ground.host.beside(PROGRAM).filter(|_| is_on)?;
    let module = [
        ("@PROGRAM@", &*program),
        ("@PROJECT@", ground.project.root()),
    ]
    .into_iter()
    .try_fold(MODULE.to_owned(), |module, (mark, path)| {
        // A text of JSON is one of Python.
        let path = serde_json::to_string(path.to_str()?).ok()?;
        Some(module.replace(&format!("\"{mark}\""), &path))
    })?;
    let folder = places::made_aim(&venv.layout()).and_then(|aim| aim.make_folder(VenvLayout::RUN));
    let folder = folder.ok()?;
    folder
        .write_unless_same(MODULE_NAME, module.as_bytes())
        .ok()?;
    // Who reads PYTHONPATH would take it for two.
    let is_one = !folder.path().as_os_str().as_bytes().contains(&b':');
    is_one.then(|| folder.path().to_path_buf())
}

/// `program`, which gets `variables` and no others.
#[expect(
    clippy::disallowed_methods,
    reason = "the program that this process becomes"
)]
fn command(program: impl Into<OsString>, variables: Vec<(OsString, OsString)>) -> Command {
    let mut command = Command::new(program.into());
    command.env_clear().envs(variables);
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
