//! Supervised commands in a person's words.

use std::borrow::Cow;

use anstyle::Style;
use chrono::{DateTime, Utc};

use super::found::{Found, NotRunning};
use crate::console::style::{BAD, FAINT, GOOD, NAME, ODD, PLAIN};
use crate::console::table::{Cell, Table};
use crate::console::{Console, time};
use crate::error::{Error, Exit, Result};
use crate::supervise::{On, Supervised};
use crate::words::t;

/// Where no daemon answers, what is supervised is told all the same; `error` where nothing is.
///
/// # Errors
/// `error`.
pub(in crate::worker_cli) fn without_daemon(
    console: &mut Console,
    found: &[Found],
    error: Error,
) -> Result<()> {
    if found.iter().all(Found::is_empty) || console.is_json() || error.exit() != Exit::NoDaemon {
        return Err(error);
    }
    let text = table(found).to_text(console.width());
    console.text(text)?;
    console.aside(error);
    Ok(())
}

/// A row each.
pub(in crate::worker_cli) fn table(found: &[Found]) -> Table {
    let mut table = Table::new([
        t!("worker_cli.column.supervised"),
        t!("worker_cli.column.state"),
        t!("worker_cli.column.pid"),
        t!("worker_cli.column.generation"),
        t!("worker_cli.column.folder"),
    ])
    .right([2, 3])
    .gives_way([4]);
    for found in found {
        let mut push = |name: &str, (style, state), numbers: [String; 2]| {
            let [pid, generation] = numbers;
            table.push([
                Cell::styled(NAME, name),
                Cell::styled(style, state),
                pid.into(),
                generation.into(),
                found.project.to_string_lossy().into(),
            ]);
        };
        for one in &found.running {
            let pid = one.command_pid.unwrap_or(one.pid);
            let numbers = [pid.to_string(), one.generation.to_string()];
            push(&one.name, state(one), numbers);
        }
        for one in &found.not_running {
            push(&one.name, state_of_none(one), Default::default());
        }
    }
    table
}

/// The state in a word or two, and its style.
fn state(one: &Supervised) -> (Style, Cow<'static, str>) {
    let error = || one.error.as_deref().unwrap_or("?");
    if one.after_change && one.error.is_none() {
        return match one.command_pid {
            Some(_) => (GOOD, t!("worker_cli.supervise.state_runs")),
            None => (GOOD, t!("worker_cli.supervise.state_ready")),
        };
    }
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

/// That of one that does not run.
fn state_of_none(one: &NotRunning) -> (Style, Cow<'static, str>) {
    let name = &one.name;
    if one.stopped {
        (ODD, t!("worker_cli.supervise.state_stopped", name = name))
    } else {
        (BAD, t!("worker_cli.supervise.state_none", name = name))
    }
}

/// One that does not run, in a line: its name and its state.
pub(in crate::worker_cli) fn line_of_none(one: &NotRunning) -> Cell {
    let (style, state) = state_of_none(one);
    Cell::styled(NAME, &one.name)
        .and(PLAIN, ": ")
        .and(style, state)
}

/// One, in a line: its name, its state, since when.
pub(in crate::worker_cli) fn line(one: &Supervised, now: DateTime<Utc>) -> Cell {
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
