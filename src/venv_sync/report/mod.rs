//! `aim-venv-sync report`: how it went in a project, or in all of them group by group, so that two can be compared.
//!
//! Start reading at [`report_all`]. `places` says which projects there are, `tally` counts. Runs are in each project's
//! history, restarts and waits of workers in the person's own folder.
//!
//! **Invariant:** nothing is written, and a project that vanishes meanwhile is named, no error.

mod places;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use self::places::Places;
use self::tally::Tally;
use super::cli::{ReportArgs, ReportBy};
use super::ground::Ground;
use crate::console::table::{Cell, Table};
use crate::console::{Console, few, style, time};
use crate::error::{Error, Exit, Explain as _, Result};
use crate::host::Host;
use crate::project::{Config, Project, UserLayout};
use crate::store::{RunLog, WorkerRecord, WorkerRecords};
use crate::terminal::printable;
use crate::words::t;

/// Causes, and names, that are told of many.
const MOST: usize = 5;

/// What a report says.
#[derive(Debug, Default)]
struct Report {
    since: Option<DateTime<Utc>>,
    rows: BTreeMap<String, Tally>,
    gone: Vec<PathBuf>,
    /// Projects whose history cannot be read, and why.
    unread: Vec<(PathBuf, String)>,
}

/// Of one project.
pub(super) fn report(
    ground: &Ground<'_>,
    args: &ReportArgs,
    console: &mut Console,
) -> Result<Exit> {
    let mut report = Report {
        since: since(args)?,
        ..Report::default()
    };
    let workers = workers(ground.host)?;
    let name = ground.host.shown(ground.project.root());
    report.take(name, &ground.project, &workers);
    report.print(t!("venv_sync.report.project").as_ref(), console)
}

/// Of all projects of this person.
pub(super) fn report_all(host: &Host, args: &ReportArgs, console: &mut Console) -> Result<Exit> {
    let mut report = Report {
        since: since(args)?,
        ..Report::default()
    };
    let places = Places::all(host).context(t!("venv_sync.report.cannot_read"))?;
    let workers = workers(host)?;
    for project in &places.there {
        // The last look before it is read: it may have gone since.
        if !project.venv().root().exists() {
            report.gone.push(project.root().to_path_buf());
            continue;
        }
        let name = match args.by {
            ReportBy::Project => host.shown(project.root()),
            ReportBy::Group => {
                let group = Config::load(host, Some(&project.layout())).group.value;
                let none = || t!("venv_sync.report.no_group").into_owned();
                group.name().map_or_else(none, str::to_owned)
            }
        };
        report.take(name, project, &workers);
    }
    report.gone.extend(places.gone);
    if report.rows.is_empty() && !console.is_json() {
        console.note(t!("venv_sync.list.none"));
        console.hint(t!("console.hint_init"));
    }
    let heading = match args.by {
        ReportBy::Group => t!("venv_sync.report.group"),
        ReportBy::Project => t!("venv_sync.report.project"),
    };
    report.print(&heading, console)
}

fn since(args: &ReportArgs) -> Result<Option<DateTime<Utc>>> {
    let Some(text) = &args.since else {
        return Ok(None);
    };
    let wrong = || Error::usage(t!("logs.bad_since", text = text)).hint(t!("logs.hint_since"));
    time::moment(text, Utc::now()).ok_or_else(wrong).map(Some)
}

/// What became of the workers of each project.
type Workers = HashMap<PathBuf, Vec<WorkerRecord>>;

fn workers(host: &Host) -> Result<Workers> {
    let mut workers = Workers::new();
    if let Some(user) = UserLayout::of(host) {
        let all = WorkerRecords::of(&user).all();
        for record in all.context(t!("venv_sync.report.cannot_read"))? {
            let of_project = workers.entry(record.project.clone()).or_default();
            of_project.push(record);
        }
    }
    Ok(workers)
}

impl Report {
    fn take(&mut self, row: String, project: &Project, workers: &Workers) {
        let tally = self.rows.entry(row).or_default();
        tally.projects += 1;
        let is_meant = |at: DateTime<Utc>| self.since.is_none_or(|since| at >= since);
        match RunLog::records(&project.layout()) {
            Ok(records) => {
                let records = records.iter();
                records
                    .filter(|record| is_meant(record.started_at) && !record.is_first_look())
                    .for_each(|record| tally.add_run(record));
            }
            Err(error) => {
                let root = project.root().to_path_buf();
                self.unread.push((root, error.to_string()));
            }
        }
        let sharing = project.sharing().into_iter();
        sharing
            .filter_map(|root| workers.get(&root))
            .flatten()
            .filter(|record| is_meant(record.at))
            .for_each(|record| tally.add_worker(record));
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.rows.values() {
            total.add(tally);
        }
        total
    }

    fn print(&self, heading: &str, console: &mut Console) -> Result<Exit> {
        if console.is_json() {
            console.json(&self.as_json())?;
            return Ok(Exit::Done);
        }
        if !self.rows.is_empty() {
            console.text(self.counts(heading).to_text(console.width()))?;
            console.text(format!(
                "\n{}",
                self.medians(heading).to_text(console.width())
            ))?;
        }
        let total = self.total();
        let causes = total.causes();
        if !causes.is_empty() {
            console.line(format!(
                "\n{}",
                style::paint(style::HEADING, t!("venv_sync.report.why"))
            ))?;
            for line in few(&causes, MOST, |cause| {
                format!("{} × {}", cause.count, printable(cause.why))
            }) {
                console.line(line)?;
            }
        }
        let shown = |path: &PathBuf| printable(&path.to_string_lossy());
        if !self.gone.is_empty() {
            let names = few(&self.gone, MOST, shown).join(", ");
            console.note(t!(
                "venv_sync.report.gone",
                n = self.gone.len(),
                names = names
            ));
        }
        for (root, why) in &self.unread {
            console.warn(format!("{}: {why}", shown(root)));
        }
        Ok(Exit::Done)
    }

    /// The rows, and all of them together where there are several.
    fn shown(&self) -> Vec<(String, Tally)> {
        let rows = self.rows.iter();
        let mut rows: Vec<_> = rows
            .map(|(name, tally)| (printable(name), tally.clone()))
            .collect();
        if rows.len() > 1 {
            rows.push((t!("venv_sync.report.total").into_owned(), self.total()));
        }
        rows
    }

    fn counts(&self, heading: &str) -> Table {
        let headings = [
            heading.to_owned(),
            t!("venv_sync.report.runs").into_owned(),
            t!("venv_sync.report.failed").into_owned(),
            t!("venv_sync.report.changes").into_owned(),
            t!("venv_sync.report.restarts").into_owned(),
            t!("venv_sync.report.waited").into_owned(),
        ];
        let mut table = Table::new(headings).right(1..=5).gives_way([0]);
        for (name, tally) in self.shown() {
            table.push([
                Cell::styled(style::NAME, name),
                number(tally.runs),
                bad(tally.failed),
                number(tally.changes),
                restarts(tally.restarts, tally.failed_restarts()),
                length(Some(tally.waited()).filter(|waited| !waited.is_zero())),
            ]);
        }
        table
    }

    fn medians(&self, heading: &str) -> Table {
        let headings = [
            heading.to_owned(),
            t!("venv_sync.report.projects").into_owned(),
            t!("venv_sync.report.pip").into_owned(),
            t!("venv_sync.report.restart").into_owned(),
            t!("venv_sync.report.wait").into_owned(),
        ];
        let mut table = Table::new(headings).right(1..=4).gives_way([0]);
        for (name, tally) in self.shown() {
            table.push([
                Cell::styled(style::NAME, name),
                number(tally.projects),
                length(tally.pip.median()),
                length(tally.restart.median()),
                length(tally.worker_wait.median()),
            ]);
        }
        table
    }

    fn as_json(&self) -> Value {
        let rows = self.rows.iter().map(|(name, tally)| {
            let mut row = tally.as_json();
            row["name"] = name.as_str().into();
            row
        });
        let unread = self.unread.iter();
        let unread = unread.map(|(project, why)| json!({"project": project, "why": why}));
        json!({
            "since": self.since.map(|since| since.to_rfc3339()),
            "rows": rows.collect::<Vec<_>>(),
            "total": self.total().as_json(),
            "gone": self.gone,
            "unread": unread.collect::<Vec<_>>(),
        })
    }
}

fn number(count: usize) -> Cell {
    Cell::from(count.to_string())
}

/// Restarts, and how many of them failed.
fn restarts(count: usize, failed: usize) -> Cell {
    let cell = number(count);
    if failed == 0 {
        return cell;
    }
    let failed = t!("venv_sync.report.restarts_failed", n = failed);
    cell.and(style::BAD, format!(", {failed}"))
}

fn bad(count: usize) -> Cell {
    let shade = if count > 0 { style::BAD } else { style::PLAIN };
    Cell::styled(shade, count.to_string())
}

fn length(of: Option<Duration>) -> Cell {
    let text = of.map(time::duration);
    Cell::from(text.as_deref().unwrap_or("-"))
}
