//! `aim-backend status`: whether a daemon runs, and what it does.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::api::v1::{Faults, Health, ProjectInfo, Version, WorkerState};
use crate::api::{Client, if_offered};
use crate::console::table::{Cell, pairs};
use crate::console::{Console, time};
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::project::socket;
use crate::terminal::printable;
use crate::words::t;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Status {
    running: bool,
    socket: String,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    health: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    version: Option<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<Vec<ProjectInfo>>,
}

/// `aim-backend status`.
pub(super) fn run(host: &Host, console: &mut Console) -> Result<Exit> {
    let mut status = Status {
        running: false,
        socket: socket(host).display().to_string(),
        health: None,
        version: None,
        projects: None,
    };
    let client = match Client::connect(host) {
        Err(error) if error.exit() == Exit::NoDaemon && console.is_json() => {
            console.json(&status)?;
            return Ok(Exit::NoDaemon);
        }
        client => client?,
    };
    let (health, projects) = (client.health()?, if_offered(client.projects())?);
    if console.is_json() {
        status.running = true;
        status.health = Some(health);
        status.version = Some(client.version().clone());
        status.projects = projects;
        console.json(&status)?;
    } else {
        for line in lines(
            &status.socket,
            &health,
            client.version(),
            projects.as_deref(),
            Utc::now(),
        ) {
            console.line(line)?;
        }
    }
    Ok(Exit::Done)
}

/// How many projects are known, and how many of them have a worker.
fn counts(projects: &[ProjectInfo]) -> Cow<'static, str> {
    let workers = projects
        .iter()
        .filter_map(|project| project.worker.as_ref())
        .filter(|worker| matches!(worker.state, WorkerState::Idle | WorkerState::Busy))
        .count();
    t!(
        "backend.status.counts",
        projects = projects.len(),
        workers = workers
    )
}

fn lost_lines(count: u64) -> Option<String> {
    (count > 0).then(|| t!("backend.status.log_lost", n = count).into_owned())
}

fn faults(faults: &Faults) -> Option<String> {
    let last = faults.last.as_ref()?;
    let (part, why) = (printable(&last.part), printable(&last.why));
    Some(
        t!(
            "backend.status.faults_are",
            n = faults.count,
            part = part,
            why = why
        )
        .into_owned(),
    )
}

/// What people read: a name and a value a line.
fn lines(
    socket: &str,
    health: &Health,
    version: &Version,
    projects: Option<&[ProjectInfo]>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let known = projects.map_or_else(|| t!("backend.status.not_offered"), counts);
    let root = health.projects_root.as_ref();
    let rows = [
        (t!("backend.status.socket"), Some(socket.to_owned())),
        (
            t!("backend.status.process"),
            health.pid.map(|pid| pid.to_string()),
        ),
        (t!("backend.status.version"), version.version.clone()),
        (
            t!("backend.status.since"),
            health.started_at.map(|began| time::ago(began, now)),
        ),
        (
            t!("backend.status.root"),
            root.map(|root| root.display().to_string()),
        ),
        (t!("backend.status.projects"), Some(known.into_owned())),
        (t!("backend.status.log"), lost_lines(health.log_lines_lost)),
        (t!("backend.status.faults"), faults(&health.faults)),
    ];
    pairs(&rows.map(|(label, value)| (label, value.into_iter().map(Cell::from).collect())))
}
