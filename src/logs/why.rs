//! `aim-logs why PACKAGE`: who requires it today, and which run brought it.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cli::WhyArgs;
use crate::console::describe;
use crate::console::style::FAINT;
use crate::console::table::{Cell, pairs};
use crate::console::{Console, time};
use crate::error::{Error, Explain as _, Result};
use crate::host::Host;
use crate::inventory::{Distribution, Requirements, Snapshot, canonical, requirement_name};
use crate::project::Project;
use crate::store::{Run, RunLog};
use crate::words::{nearest, t};

/// Prints why the package of `args` is there.
pub(super) fn why(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &WhyArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let venv = project.venv();
    let cannot = || t!("logs.cannot_look", path = venv.root().display());
    let installed = Snapshot::scan_named(venv, host).context(cannot())?;
    let name = canonical(requirement_name(&args.package));
    let log = RunLog::read(&project.layout());
    let Some(found) = installed.find(&name) else {
        return Err(missing(&name, &installed, &log, now));
    };
    let version = found.version.clone();
    let requirements = Requirements::read(venv, &installed).context(cannot())?;
    let requirers = requirements.of(&name);
    // The run that brought it, not the last that changed its version.
    let brought = log.runs.iter().find(|run| {
        run.changes()
            .any(|change| change.from.is_none() && canonical(&change.name) == name)
    });
    let is_asked_for = brought.is_some_and(|run| describe::is_asked_for(run, &name));
    if console.is_json() {
        return console.json(&json!({
            "name": name,
            "version": version,
            "required_by": requirers,
            "number": brought.and_then(Run::number),
            "run_id": brought.map(Run::id),
            "at": brought.map(|run| run.at().to_rfc3339()),
            "asked_for": brought.map(|_| is_asked_for),
        }));
    }
    console.line(format!("{name} {version}"))?;
    let mut who: Vec<Cell> = requirers
        .iter()
        .map(|one| Cell::from(format!("{} {} ({})", one.name, one.version, one.needs)))
        .collect();
    if who.is_empty() {
        who.push(Cell::styled(FAINT, t!("logs.nobody")));
    }
    let rows = [
        (t!("logs.label.required_by"), who),
        (
            t!("logs.label.brought_by"),
            vec![brought_by(brought, is_asked_for, now).into()],
        ),
    ];
    for line in pairs(&rows) {
        console.line(line)?;
    }
    Ok(())
}

fn brought_by(run: Option<&Run>, is_asked_for: bool, now: DateTime<Utc>) -> String {
    let Some(run) = run else {
        return t!("logs.not_in_history").into_owned();
    };
    let what = describe::what(run, usize::MAX);
    let ago = time::ago(run.at(), now);
    let words = format!("{}, {ago}: {what}", run.name());
    if is_asked_for {
        words
    } else {
        t!("logs.unasked", what = words).into_owned()
    }
}

/// That it is not installed: since when, if it was, or what may have been meant.
fn missing(name: &str, installed: &Snapshot, log: &RunLog, now: DateTime<Utc>) -> Error {
    let error = Error::not_found(t!("logs.not_installed", name = name));
    let removed = log.runs.iter().find(|run| {
        run.changes()
            .any(|change| change.to.is_none() && canonical(&change.name) == name)
    });
    if let Some(run) = removed {
        let (ago, what) = (time::ago(run.at(), now), describe::what(run, usize::MAX));
        return error.hint(t!(
            "logs.removed_in",
            run = run.name(),
            ago = ago,
            what = what
        ));
    }
    let names: Vec<String> = installed
        .shown()
        .map(Distribution::canonical_name)
        .collect();
    match nearest(name, names.iter().map(String::as_str)) {
        Some(name) => error.hint(t!("logs.did_you_mean", name = name)),
        None => error,
    }
}
