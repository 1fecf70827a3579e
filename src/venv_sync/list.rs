//! `aim-venv-sync list` and `forget`: the environments that were set up on this machine.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::cli::ForgetArgs;
use super::{daemon, ground};
use crate::console::table::{Cell, Table};
use crate::console::{CommonArgs, Console, shell, style, time};
use crate::error::{Error, Exit, Explain, Result};
use crate::hook;
use crate::host::Host;
use crate::project::{Config, Project, Venv};
use crate::store::{EnvMeta, Environments, ListedEnvironment};
use crate::terminal::printable;
use crate::words::t;

/// One of them, as it is now.
#[derive(Debug, Serialize)]
struct Row {
    environment: PathBuf,
    /// Whose it is; none of one that is nobody's.
    project: Option<PathBuf>,
    python: Option<String>,
    generation: u64,
    /// When the generation was raised last.
    changed_at: Option<DateTime<Utc>>,
    since: DateTime<Utc>,
    /// Whether pip is led to us there.
    hook: bool,
    /// Whether the toolkit is switched on there.
    enabled: bool,
    /// Where that is said.
    enabled_by: String,
    /// The group that it belongs to.
    group: Option<String>,
}

/// Prints all of them, those that changed last first.
pub(super) fn list(host: &Host, console: &mut Console) -> Result<Exit> {
    let listed = listed(host)?
        .all()
        .context(t!("venv_sync.list.cannot_read"))?;
    let mut rows: Vec<Row> = listed
        .into_iter()
        .filter_map(|one| row(host, one))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.changed_at.unwrap_or(row.since)));
    if console.is_json() {
        console.json(&rows)?;
    } else if rows.is_empty() {
        console.note(t!("venv_sync.list.none"));
        console.hint(t!("console.hint_init"));
    } else {
        console.text(table(host, &rows).to_text(console.width()))?;
    }
    Ok(Exit::Done)
}

/// Takes one out of the list, and out of the daemon's. Nothing in the environment is changed.
pub(super) fn forget(
    host: &Host,
    common: &CommonArgs,
    args: &ForgetArgs,
    console: &mut Console,
) -> Result<Exit> {
    let listed = listed(host)?;
    let venv = match &args.path {
        Some(path) => of_path(&listed, &host.absolute(path))?,
        None => ground::project(host, common)?.venv().root().to_path_buf(),
    };
    let was_listed = listed
        .forget(&venv)
        .context(t!("venv_sync.list.cannot_write"))?;
    let was_known = daemon::forget(host, &venv);
    let shown = venv.display().to_string();
    if console.is_json() {
        console.json(&json!({
            "environment": venv,
            "forgotten": was_listed,
            "unregistered": was_known,
        }))?;
    } else if was_listed || was_known {
        console.line(t!("venv_sync.list.forgotten", path = printable(&shown)))?;
        if venv.exists() {
            let path = shell::path(&host.shown(&venv));
            console.note(t!("venv_sync.list.still_there", path = printable(&path)));
        }
    } else {
        console.line(t!("venv_sync.list.was_not", path = printable(&shown)))?;
    }
    Ok(Exit::Done)
}

pub(super) fn listed(host: &Host) -> Result<Environments> {
    Environments::of(host).ok_or_else(|| Error::failed(t!("venv_sync.list.no_home")))
}

/// The environment at `path`, or that of the project there; also one that is no more, as long as it is listed.
fn of_path(listed: &Environments, path: &Path) -> Result<PathBuf> {
    let resolved = path.canonicalize();
    let path = resolved.as_deref().unwrap_or(path);
    if let Some(project) = Project::at(path) {
        return Ok(project.venv().root().to_path_buf());
    }
    let all = listed.all().context(t!("venv_sync.list.cannot_read"))?;
    let mut places = all.into_iter().map(|one| one.environment);
    places
        .find(|place| place == path || place.parent() == Some(path))
        .ok_or_else(|| {
            let shown = path.display().to_string();
            Error::not_found(t!("venv_sync.list.unknown", path = printable(&shown)))
                .hint(t!("venv_sync.list.hint_list"))
        })
}

fn row(host: &Host, listed: ListedEnvironment) -> Option<Row> {
    // One that nobody can tell about just now is not shown as something that it may not be.
    let venv = Venv::open(&listed.environment).ok()?;
    let project = Project::of_venv(venv);
    let (meta, _) = EnvMeta::read(&project.layout());
    let Config { enabled, group, .. } = Config::load(host, Some(&project.layout()));
    Some(Row {
        project: (!project.is_nobodys()).then(|| project.root().to_path_buf()),
        python: project.venv().python_version(),
        generation: meta.generation().0,
        changed_at: meta.updated_at(),
        since: listed.since,
        hook: hook::is_installed(project.venv()).unwrap_or_default(),
        enabled: enabled.value,
        enabled_by: enabled.origin.to_string(),
        group: group.value.name().map(str::to_owned),
        environment: listed.environment,
    })
}

fn table(host: &Host, rows: &[Row]) -> Table {
    let headings = [
        t!("venv_sync.list.environment"),
        t!("venv_sync.list.python"),
        t!("venv_sync.list.generation"),
        t!("venv_sync.list.changed"),
    ];
    let now = Utc::now();
    let mut table = Table::new(headings).right([2]).gives_way([0]);
    for row in rows {
        let mut changed = Cell::from(match row.changed_at {
            Some(at) => time::ago(at, now),
            None => t!("venv_sync.list.never").into_owned(),
        });
        let off = match (row.hook, row.enabled) {
            (true, true) => None,
            (true, false) => Some(t!("venv_sync.list.off")),
            (false, _) => Some(t!("venv_sync.list.without_hook")),
        };
        if let Some(off) = off {
            changed = changed.and(style::ODD, format!(" ({off})"));
        }
        table.push([
            Cell::styled(style::NAME, host.shown(&row.environment)),
            Cell::from(row.python.as_deref().unwrap_or("?")),
            Cell::from(row.generation.to_string()),
            changed,
        ]);
    }
    table
}
