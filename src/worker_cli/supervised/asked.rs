//! What somebody asks for of one supervised command: to be restarted, to end, to run again.

use std::time::{Duration, Instant};

use serde_json::json;

use super::found::of;
use crate::api::Client;
use crate::console::{self, Console, time};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::project::Project;
use crate::supervise::{self, Supervised, ask_for_restart, supervised_in};
use crate::terminal::printable;
use crate::words::{nearest, t};
use crate::worker_cli::nearest::hinted;

/// How often a supervisor is looked at that was asked for something.
const LOOK: Duration = Duration::from_millis(20);
/// How long the daemon may take to have run what somebody has stopped: it looks once a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// The supervisor of the command `name`.
fn living(project: &Project, name: &str) -> Option<Supervised> {
    let mut all = supervised_in(project).into_iter();
    all.find(|one| one.name == name)
}

/// Has the supervisor of the command that is called `name` restart it, and waits until that is done.
///
/// # Errors
/// `Exit::NotFound` where there is none of that name, `Exit::Failed` where the next one did not start.
pub(in crate::worker_cli) fn restart(
    console: &mut Console,
    host: &Host,
    project: &Project,
    name: &str,
) -> Result<()> {
    let Some(before) = living(project, name) else {
        return Err(none_of_name(host, project, name));
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
        match living(project, name) {
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
        let name = printable(name);
        return Err(Error::failed(if before.after_change {
            t!("worker_cli.supervise.has_failed", name = name, why = why)
        } else {
            t!(
                "worker_cli.supervise.came_to_nothing",
                name = name,
                why = why
            )
        }));
    }
    if console.is_json() {
        return console.json(&after);
    }
    let (name, took) = (printable(name), time::duration(began.elapsed()));
    console.note(if before.after_change {
        t!("worker_cli.supervise.has_run", name = name, took = took)
    } else {
        t!("worker_cli.supervise.restarted", name = name, took = took)
    });
    Ok(())
}

/// Ends the command that is called `name`, and waits until it has ended. What a project has run by the daemon is not
/// begun again before [`start`].
///
/// # Errors
/// `Exit::NotFound` where there is none of that name.
pub(in crate::worker_cli) fn stop(
    console: &mut Console,
    host: &Host,
    project: &Project,
    name: &str,
) -> Result<()> {
    let running = living(project, name);
    let is_order = match &running {
        Some(one) => one.is_ordered_by(project.root()),
        None => of(host, project).not_running(name).is_some(),
    };
    if running.is_none() && !is_order {
        return Err(none_of_name(host, project, name));
    }
    if is_order {
        supervise::stop(project, name)?;
    }
    let asked = name.to_owned();
    let line = console.waiting(move |time| {
        Some(
            t!(
                "worker_cli.supervise.waiting_end",
                name = asked,
                time = time
            )
            .into_owned(),
        )
    });
    let line = line.until_interrupted();
    if let Some(one) = &running {
        // The daemon asks what it has run to end, and once: many programs let go of everything at the second time.
        if !is_order || Client::connect(host, Some(project)).is_err() {
            one.end()?;
        }
        while living(project, name).is_some_and(|now| now.pid == one.pid) {
            std::thread::sleep(LOOK);
        }
    }
    drop(line);
    if console.is_json() {
        return console.json(&json!({ "name": name, "stopped": true }));
    }
    console.note(t!("worker_cli.supervise.stopped", name = printable(name)));
    if is_order {
        console.hint(t!("worker_cli.supervise.hint_start", name = name));
    }
    Ok(())
}

/// Lets the command `name` run again, which somebody has stopped and the project has run by the daemon.
///
/// # Errors
/// `Exit::NotFound` where the project has no such command run, `Exit::Failed` where it does not run soon, and those of
/// [`console::needed_daemon`].
pub(in crate::worker_cli) fn start(
    console: &mut Console,
    host: &Host,
    project: &Project,
    name: &str,
) -> Result<()> {
    let is_there = living(project, name).is_some() || of(host, project).not_running(name).is_some();
    if !is_there {
        return Err(none_of_name(host, project, name));
    }
    console::needed_daemon(host, console, Some(project))?;
    supervise::start(project, name)?;
    let began = Instant::now();
    let found = loop {
        match living(project, name) {
            None if began.elapsed() < PATIENCE => std::thread::sleep(LOOK),
            found => break found,
        }
    };
    let Some(found) = found else {
        let error = Error::failed(t!(
            "worker_cli.supervise.does_not_run",
            name = printable(name)
        ));
        return Err(error.hint(t!("worker_cli.supervise.hint_logs", name = name)));
    };
    if console.is_json() {
        return console.json(&found);
    }
    let pid = found.command_pid.unwrap_or(found.pid);
    console.note(t!(
        "worker_cli.supervise.started",
        name = printable(name),
        pid = pid
    ));
    Ok(())
}

/// That there is no supervised command `name`, and which there are.
pub(in crate::worker_cli) fn none_of_name(host: &Host, project: &Project, name: &str) -> Error {
    let all = of(host, project);
    if let Some(one) = all.not_running(name) {
        let error = Error::not_found(t!(
            "worker_cli.supervise.not_running",
            name = printable(name)
        ));
        return error.hint(if one.stopped {
            t!("worker_cli.supervise.hint_start", name = name)
        } else {
            t!("worker_cli.supervise.hint_logs", name = name)
        });
    }
    let error = Error::not_found(t!("worker_cli.supervise.none", name = printable(name)));
    let names = all.names();
    match nearest(name, names.iter().copied()) {
        Some(meant) => hinted(error, Some(meant)),
        None if names.is_empty() => error.hint(t!("worker_cli.supervise.hint_none")),
        None => {
            let names: Vec<_> = names.into_iter().map(printable).collect();
            error.hint(t!(
                "worker_cli.supervise.hint_names",
                names = names.join(", ")
            ))
        }
    }
}
