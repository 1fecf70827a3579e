//! Supervised commands, as they are listed and restarted: what their supervisors wrote down in the environments.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anstyle::Style;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::nearest::hinted;
use crate::api::v1::ProjectInfo;
use crate::console::candidate::Value;
use crate::console::completion::project as project_of_line;
use crate::console::style::{BAD, FAINT, GOOD, NAME, ODD, PLAIN};
use crate::console::table::{Cell, Table};
use crate::console::{Console, shell, time};
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::project::Project;
use crate::store::Environments;
use crate::supervise::{On, Supervised, ask_for_restart, supervised_in};
use crate::terminal::printable;
use crate::words::{nearest, t};

/// How often a supervisor is looked at that was asked for something.
const LOOK: Duration = Duration::from_millis(20);

/// A supervised command, and the project that it is of.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) project: PathBuf,
    pub(super) command: Supervised,
}

/// A project with its supervised commands; as JSON, they are one of its members.
#[derive(Serialize)]
pub(super) struct Listed {
    #[serde(flatten)]
    project: ProjectInfo,
    supervised: Vec<Supervised>,
}

/// Those of one project.
pub(super) fn of(project: &Project) -> Vec<Found> {
    let found = |command| Found {
        project: project.root().to_path_buf(),
        command,
    };
    supervised_in(project).into_iter().map(found).collect()
}

/// Those of every environment that was set up, and of `here`.
pub(super) fn everywhere(host: &Host, here: Option<&Project>) -> Vec<Found> {
    let listed = Environments::of(host);
    let projects = listed
        .iter()
        .filter_map(|all| all.projects().ok())
        .flatten();
    let mut all: Vec<Found> = projects.flat_map(|project| of(&project)).collect();
    for found in here.map(of).unwrap_or_default() {
        if all
            .iter()
            .all(|other| other.command.pid != found.command.pid)
        {
            all.push(found);
        }
    }
    all
}

/// `projects`, each with its own.
pub(super) fn beside(projects: Vec<ProjectInfo>, supervised: &[Found]) -> Vec<Listed> {
    let listed = |project: ProjectInfo| Listed {
        supervised: supervised
            .iter()
            .filter(|found| found.project == project.path)
            .map(|found| found.command.clone())
            .collect(),
        project,
    };
    projects.into_iter().map(listed).collect()
}

/// Where no daemon answers, what is supervised is told all the same; `error` where nothing is.
///
/// # Errors
/// `error`.
pub(super) fn without_daemon(
    console: &mut Console,
    supervised: &[Found],
    error: Error,
) -> Result<()> {
    if supervised.is_empty() || console.is_json() || error.exit() != Exit::NoDaemon {
        return Err(error);
    }
    let text = table(supervised).to_text(console.width());
    console.text(text)?;
    console.aside(error);
    Ok(())
}

/// A row each.
pub(super) fn table(supervised: &[Found]) -> Table {
    let mut table = Table::new([
        t!("worker_cli.column.supervised"),
        t!("worker_cli.column.state"),
        t!("worker_cli.column.pid"),
        t!("worker_cli.column.generation"),
        t!("worker_cli.column.folder"),
    ])
    .right([2, 3])
    .gives_way([4]);
    for Found { project, command } in supervised {
        let pid = command.command_pid.unwrap_or(command.pid);
        let (style, state) = state(command);
        table.push([
            Cell::styled(NAME, &command.name),
            Cell::styled(style, state),
            pid.to_string().into(),
            command.generation.to_string().into(),
            project.to_string_lossy().into(),
        ]);
    }
    table
}

/// The state in a word or two, and its style.
fn state(one: &Supervised) -> (Style, Cow<'static, str>) {
    let error = || one.error.as_deref().unwrap_or("?");
    if one.command_pid.is_none() {
        return (BAD, t!("worker_cli.supervise.state_waits", why = error()));
    }
    if one.error.is_some() {
        return (BAD, t!("worker_cli.supervise.state_old", why = error()));
    }
    if one.generation < one.env_generation && one.on == On::Manual {
        return (
            ODD,
            t!("worker_cli.supervise.state_manual", name = one.name),
        );
    }
    (GOOD, t!("worker_cli.supervise.state_runs"))
}

/// One, in a line: its name, its state, since when.
pub(super) fn line(one: &Supervised, now: DateTime<Utc>) -> Cell {
    let (style, state) = state(one);
    let rest = t!(
        "worker_cli.supervise.line",
        pid = one.command_pid.unwrap_or(one.pid),
        generation = one.generation,
        since = time::ago(one.since, now)
    );
    Cell::styled(NAME, &one.name)
        .and(PLAIN, ": ")
        .and(style, state)
        .and(FAINT, format!(" ({rest})"))
}

/// Has the supervisor of the command that is called `name` restart it, and waits until that is done.
///
/// # Errors
/// `Exit::NotFound` where there is none of that name, `Exit::Failed` where the next one did not start.
pub(super) fn restart(console: &mut Console, project: &Project, name: &str) -> Result<()> {
    let all = supervised_in(project);
    let find = |all: &[Supervised]| all.iter().find(|one| one.name == name).cloned();
    let Some(before) = find(&all) else {
        return Err(none_of_name(project, name));
    };
    let began = Instant::now();
    let asked = name.to_owned();
    let line = console.waiting(move |time| {
        Some(t!("worker_cli.supervise.waiting", name = asked, time = time).into_owned())
    });
    let line = line.until_interrupted();
    ask_for_restart(project, &before)?;
    let after = loop {
        std::thread::sleep(LOOK);
        match find(&supervised_in(project)) {
            Some(now) if now.pid == before.pid && now.attempts == before.attempts => {}
            other => break other.filter(|now| now.pid == before.pid),
        }
    };
    drop(line);
    let after = after.ok_or_else(|| {
        Error::failed(t!("worker_cli.supervise.has_ended", name = printable(name)))
    })?;
    if after.restarts == before.restarts {
        let why = printable(after.error.as_deref().unwrap_or("?"));
        return Err(Error::failed(t!(
            "worker_cli.supervise.came_to_nothing",
            name = printable(name),
            why = why
        )));
    }
    if console.is_json() {
        return console.json(&after);
    }
    console.note(t!(
        "worker_cli.supervise.restarted",
        name = printable(name),
        took = time::duration(began.elapsed())
    ));
    Ok(())
}

/// That there is no supervised command `name`, and which there are.
pub(super) fn none_of_name(project: &Project, name: &str) -> Error {
    let all = supervised_in(project);
    let error = Error::not_found(t!("worker_cli.supervise.none", name = printable(name)));
    let names = all.iter().map(|one| one.name.as_str());
    match nearest(name, names.clone()) {
        Some(meant) => hinted(error, Some(meant)),
        None if all.is_empty() => error.hint(t!("worker_cli.supervise.hint_none")),
        None => {
            let names: Vec<_> = names.map(printable).collect();
            error.hint(t!(
                "worker_cli.supervise.hint_names",
                names = names.join(", ")
            ))
        }
    }
}

/// What can be typed for a supervised command.
pub(super) fn supervised() -> Vec<Value> {
    let all = project_of_line().map(|project| supervised_in(&project));
    let value = |one: Supervised| (one.name, shell::command(&one.command));
    all.unwrap_or_default().into_iter().map(value).collect()
}
