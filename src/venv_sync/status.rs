//! `aim-venv-sync status`: what is there, in a few lines.

use std::path::PathBuf;

use chrono::Utc;
use serde::Serialize;

use super::apply::Compared;
use super::daemon::{self, DaemonState};
use super::ground::Ground;
use super::{allow, apply, changes, init};
use crate::api::v1::LanguageServer;
use crate::console::{Console, language_server, style, time, turn, width};
use crate::error::{Exit, Result};
use crate::hook::{self, HookState};
use crate::inventory::{Change, Diff};
use crate::lsp::running_in;
use crate::project::{Orders, VenvError};
use crate::store::{
    EnvMeta, Generation, Holder, LastChange, OrdersStanding, RunLock, Standing, Tool,
};
use crate::terminal::printable;
use crate::words::t;

/// All that `status` shows; its JSON is this.
#[derive(Debug, Serialize)]
struct Status {
    project: PathBuf,
    environment: PathBuf,
    /// The folder that keeps the record.
    keeper: PathBuf,
    /// All projects whose environment it is.
    shared_by: Vec<PathBuf>,
    python: Option<String>,
    python_runs: bool,
    pip: Option<String>,
    distributions: usize,
    generation: Generation,
    updated_at: Option<String>,
    last_change: Option<LastChange>,
    recorded: bool,
    in_step: bool,
    difference: Option<Diff>,
    problem: Option<String>,
    /// Who changes the environment now.
    running: Option<Holder>,
    /// Who waits for that to end.
    waiting: Vec<Holder>,
    shim: Shim,
    daemon: DaemonState,
    /// Those that are kept in step with the environment.
    language_servers: Vec<LanguageServer>,
    /// What the project has run by the daemon.
    orders: Orders,
    /// Whether it is.
    orders_standing: OrdersStanding,
}

/// Whether pip leads to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Shim {
    /// The hook is in place.
    On,
    /// Switched off by a setting.
    Off,
    /// Some of it is not in place.
    Damaged,
    /// `init` was not done here, or `remove` was.
    Absent,
}

/// Shows what is there. Always exit 0: `sync --check` and `doctor` are for judging.
pub(super) fn status(ground: &Ground<'_>, console: &mut Console) -> Result<Exit> {
    let (status, meta) = gather(ground, console)?;
    if console.is_json() {
        console.json(&status)?;
    } else {
        print(ground, &status, &meta, console)?;
    }
    Ok(Exit::Done)
}

fn gather(ground: &Ground<'_>, console: &Console) -> Result<(Status, EnvMeta)> {
    let venv = ground.project.venv();
    let (meta, _) = EnvMeta::read(&ground.project.layout());
    let Compared {
        standing,
        recorded,
        now,
    } = apply::compare(ground)?;
    let status = Status {
        project: ground.project.root().to_path_buf(),
        environment: venv.root().to_path_buf(),
        keeper: ground.project.keeper().to_path_buf(),
        shared_by: ground.project.sharing(),
        python: venv.python_version(),
        python_runs: !matches!(venv.python(), Err(VenvError::PythonGone(_))),
        pip: init::pip_version(&now),
        distributions: now.len(),
        generation: recorded.generation(),
        updated_at: meta.updated_at.clone(),
        last_change: meta.last_change.clone(),
        recorded: !matches!(standing, Standing::Unrecorded(_)),
        in_step: standing.is_in_step(),
        difference: standing.diff().cloned(),
        problem: match standing {
            Standing::Unreadable(why, _) => Some(why),
            Standing::InStep | Standing::Differs(_) | Standing::Unrecorded(_) => None,
        },
        running: RunLock::holder(&venv.layout()),
        waiting: RunLock::waiting(&venv.layout()),
        shim: shim(ground)?,
        daemon: daemon::look(ground, console),
        language_servers: running_in(&ground.project),
        orders: ground.config.orders.clone(),
        orders_standing: orders_standing(ground),
    };
    Ok((status, meta))
}

/// How what the project has run stands to what was allowed.
pub(super) fn orders_standing(ground: &Ground<'_>) -> OrdersStanding {
    OrdersStanding::of(ground.host, ground.project.root(), &ground.config.orders)
}

/// That in words; none where there is nothing to run.
pub(super) fn orders_words(ground: &Ground<'_>, standing: OrdersStanding) -> Option<String> {
    let names = allow::names(&ground.config.orders);
    let command = ground.typed("allow");
    Some(
        match standing {
            OrdersStanding::Nothing => return None,
            OrdersStanding::Allowed => t!("venv_sync.status.orders_allowed", names = names),
            OrdersStanding::Changed => t!("venv_sync.status.orders_changed", command = command),
            OrdersStanding::NotAllowed => t!(
                "venv_sync.status.orders_not_allowed",
                names = names,
                command = command
            ),
            OrdersStanding::NotYours => t!("venv_sync.status.orders_not_yours", names = names),
        }
        .into_owned(),
    )
}

fn shim(ground: &Ground<'_>) -> Result<Shim> {
    let venv = ground.project.venv();
    if !hook::is_installed(venv)? {
        return Ok(Shim::Absent);
    }
    if !ground.config.enabled.value {
        return Ok(Shim::Off);
    }
    let Some(aim_pip) = hook::aim_pip_path(ground.host) else {
        return Ok(Shim::Damaged);
    };
    let findings = hook::inspect(venv, &aim_pip)?;
    let is_sound = findings.iter().all(|finding| match &finding.state {
        HookState::Ours | HookState::Launcher => true,
        // It works as long as it is there; only `doctor` minds which one it is.
        elsewhere @ HookState::Elsewhere(_) => elsewhere.leads_somewhere(),
        HookState::Foreign | HookState::Missing => false,
    });
    Ok(if is_sound { Shim::On } else { Shim::Damaged })
}

fn print(
    ground: &Ground<'_>,
    status: &Status,
    meta: &EnvMeta,
    console: &mut Console,
) -> Result<()> {
    let mut rows = vec![
        (
            t!("venv_sync.status.project"),
            status.project.display().to_string(),
        ),
        (t!("venv_sync.status.environment"), environment(status)),
        (
            t!("venv_sync.status.shared"),
            ground.shared().unwrap_or_default(),
        ),
        (t!("venv_sync.status.generation"), generation(status, meta)),
        (t!("venv_sync.status.record"), record(ground, status)),
        (t!("venv_sync.status.shim"), shim_words(ground, status.shim)),
        (t!("venv_sync.status.daemon"), status.daemon.words()),
        (
            t!("venv_sync.status.worker"),
            status.daemon.worker_words(status.generation.0),
        ),
    ];
    if let Some(words) = orders_words(ground, status.orders_standing) {
        let is_odd = status.orders_standing != OrdersStanding::Allowed;
        let style = if is_odd { style::ODD } else { style::GOOD };
        rows.push((t!("venv_sync.status.orders"), style::paint(style, words)));
    }
    let running = status
        .running
        .iter()
        .map(|run| (t!("venv_sync.status.running"), run));
    let waiting = status
        .waiting
        .iter()
        .map(|run| (t!("venv_sync.status.waiting"), run));
    rows.extend(
        running
            .chain(waiting)
            .map(|(label, run)| (label, turn::named(run))),
    );
    rows.extend(status.language_servers.iter().map(|server| {
        let line = language_server::line(server, Utc::now()).to_line();
        (t!("venv_sync.status.language_server"), line)
    }));
    let widest = rows.iter().map(|(label, _)| width::columns(label)).max();
    for (label, text) in rows {
        if text.is_empty() {
            continue;
        }
        let gap = widest.unwrap_or_default() - width::columns(&label) + 2;
        console.line(format!(
            "{}{}{text}",
            style::paint(style::HEADING, &label),
            " ".repeat(gap)
        ))?;
    }
    Ok(())
}

fn environment(status: &Status) -> String {
    let unknown = || t!("venv_sync.unknown").into_owned();
    let path = status
        .environment
        .strip_prefix(&status.project)
        .unwrap_or(&status.environment);
    // It may be the project's folder itself.
    let path = if path.as_os_str().is_empty() {
        &status.environment
    } else {
        path
    };
    let what = t!(
        "venv_sync.status.environment_is",
        path = path.display(),
        python = status.python.clone().unwrap_or_else(unknown),
        pip = status.pip.clone().map_or_else(
            || t!("venv_sync.status.no_pip"),
            |pip| format!("pip {pip}").into()
        ),
        count = changes::distributions(status.distributions)
    );
    if status.python_runs {
        what.into_owned()
    } else {
        let gone = t!("venv_sync.status.python_gone");
        format!("{what} {}", style::paint(style::BAD, gone))
    }
}

fn generation(status: &Status, meta: &EnvMeta) -> String {
    let (Some(when), Some(change)) = (meta.updated_at(), &status.last_change) else {
        return status.generation.to_string();
    };
    let tool = match change.source {
        Tool::Unknown => t!("venv_sync.status.someone").into_owned(),
        tool => tool.as_str().to_owned(),
    };
    t!(
        "venv_sync.status.generation_is",
        generation = status.generation,
        ago = time::ago(when, Utc::now()),
        tool = tool,
        what = brief(&change.changes)
    )
    .into_owned()
}

/// The first few changes on one line.
fn brief(diff: &Diff) -> String {
    const MOST: usize = 4;
    let sign = |sign: char, all: &[Change]| -> Vec<String> {
        all.iter()
            .map(|change| format!("{sign}{}", printable(&change.shown_name())))
            .collect()
    };
    let mut names = sign('+', &diff.added);
    names.extend(sign('-', &diff.removed));
    names.extend(sign('~', &diff.changed));
    let startup = diff.startup.iter();
    names.extend(
        startup.map(|file| format!("{}{}", changes::sign(file.change).1, printable(&file.name))),
    );
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    let text = names.join(" ");
    if more > 0 {
        t!("venv_sync.status.and_more", names = text, count = more).into_owned()
    } else {
        text
    }
}

fn record(ground: &Ground<'_>, status: &Status) -> String {
    let command = ground.typed("");
    match (&status.problem, &status.difference) {
        _ if !status.recorded => style::paint(
            style::ODD,
            t!("venv_sync.status.unrecorded", command = command),
        ),
        (Some(why), _) => style::paint(
            style::BAD,
            t!(
                "venv_sync.status.broken",
                why = printable(why),
                command = command
            ),
        ),
        (None, None) => style::paint(style::GOOD, t!("venv_sync.status.in_step")),
        (None, Some(diff)) => style::paint(
            style::ODD,
            t!(
                "venv_sync.status.differs",
                what = brief(diff),
                command = command
            ),
        ),
    }
}

fn shim_words(ground: &Ground<'_>, shim: Shim) -> String {
    match shim {
        Shim::On => style::paint(style::GOOD, t!("venv_sync.status.shim_on")),
        Shim::Off => style::paint(
            style::ODD,
            t!(
                "venv_sync.status.shim_off",
                origin = ground.config.enabled.origin,
                command = ground.typed("enable")
            ),
        ),
        Shim::Damaged => style::paint(
            style::BAD,
            t!("venv_sync.status.shim_damaged", command = ground.typed("")),
        ),
        Shim::Absent => style::paint(
            style::ODD,
            t!(
                "venv_sync.status.shim_absent",
                command = ground.typed("init")
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Distribution, Snapshot};

    #[test]
    fn many_changes_are_cut_short() {
        let now: Snapshot = ["a", "b", "c", "d", "e", "f"]
            .into_iter()
            .map(|name| Distribution::new(name, "1"))
            .collect();
        let diff = Snapshot::default().diff_to(&now);
        assert_eq!(brief(&diff), "+a +b +c +d and 2 more");
        assert_eq!(brief(&Diff::default()), "");
    }
}
