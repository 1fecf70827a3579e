//! `aim-backend status`: whether a daemon runs, and what it does.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::api::v1::{Faults, Health, ProjectInfo, Version, WorkerState};
use crate::api::{self, Client, Place, if_offered};
use crate::console::table::{Cell, pairs};
use crate::console::{Console, connect, time};
use crate::env_vars;
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::project::{Project, Registry, socket};
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
    /// Other daemons of this person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
}

/// A daemon beside the one that the commands here call.
#[derive(Debug, Serialize)]
struct Other {
    socket: String,
    #[serde(flatten)]
    health: Health,
}

/// `aim-backend status`: of the daemon that the commands here call, and which others there are.
pub(super) fn run(host: &Host, console: &mut Console) -> Result<Exit> {
    let project = here(host);
    let mut status = Status {
        running: false,
        socket: socket(host).display().to_string(),
        health: None,
        version: None,
        projects: None,
        others: Vec::new(),
    };
    let client = match connect(console, host, project.as_ref()) {
        Err(error) if error.exit() == Exit::NoDaemon && console.is_json() => {
            console.json(&status)?;
            return Ok(Exit::NoDaemon);
        }
        client => client?,
    };
    status.socket = client.socket().display().to_string();
    let (health, projects) = (client.health()?, if_offered(client.projects())?);
    status.others = others(host, &client);
    if console.is_json() {
        status.running = true;
        status.health = Some(health);
        status.version = Some(client.version().clone());
        status.projects = projects;
        console.json(&status)?;
    } else {
        let projects = projects.as_deref();
        for line in lines(&status, &health, client.version(), projects, Utc::now()) {
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

/// The daemons that answer beside the one of `client`: at the usual places, and where the notes in the environments of
/// registered projects say. A failure to look finds fewer of them.
fn others(host: &Host, client: &Client) -> Vec<Other> {
    let registry = Registry::of(host);
    let registered = registry.projects().iter();
    let registered = registered.filter_map(|known| Project::at(&known.path));
    let mut places: Vec<Place> = api::places(host, here(host).as_ref());
    for project in registered {
        places.extend(api::places(host, Some(&project)));
    }
    let mut seen = BTreeSet::from([client.socket().to_path_buf()]);
    places.retain(|place| seen.insert(place.socket().to_path_buf()));
    let answers = places.into_iter().filter_map(|place| {
        let socket = place.socket().display().to_string();
        let health = Client::at_place(place).ok()?.health().ok()?;
        Some(Other { socket, health })
    });
    answers.collect()
}

/// The project whose daemon is meant, that of the working folder: none where a socket is named, which means that one.
pub(super) fn here(host: &Host) -> Option<Project> {
    let is_chosen = host.path_var(env_vars::SOCKET).is_some();
    Project::of_host(host).filter(|_| !is_chosen)
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
    status: &Status,
    health: &Health,
    version: &Version,
    projects: Option<&[ProjectInfo]>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let known = projects.map_or_else(|| t!("backend.status.not_offered"), counts);
    let root = health.projects_root.as_ref();
    let program = health.program.as_deref().filter(|_| !health.is_ours());
    let mut rows = vec![
        (t!("backend.status.socket"), Some(status.socket.clone())),
        (t!("backend.status.program"), program.map(printable)),
        (
            t!("backend.status.process"),
            health.pid.map(|pid| pid.to_string()),
        ),
        (t!("backend.status.version"), version.version.clone()),
        (
            t!("backend.status.since"),
            health.started_at.map(|began| time::ago(began, now)),
        ),
        (t!("backend.status.page"), health.page.clone()),
        (
            t!("backend.status.root"),
            root.map(|root| root.display().to_string()),
        ),
        (t!("backend.status.projects"), Some(known.into_owned())),
        (t!("backend.status.log"), lost_lines(health.log_lines_lost)),
        (t!("backend.status.faults"), faults(&health.faults)),
    ];
    for other in &status.others {
        let pid = other
            .health
            .pid
            .map_or_else(|| "?".to_owned(), |pid| pid.to_string());
        let words = t!("backend.status.other_is", pid = pid, path = other.socket);
        rows.push((t!("backend.status.other"), Some(words.into_owned())));
    }
    let rows = rows.into_iter();
    let rows: Vec<_> = rows
        .filter_map(|(label, value)| Some((label, vec![Cell::from(value?)])))
        .collect();
    pairs(&rows)
}
