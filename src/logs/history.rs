//! `aim-logs history`: every version that a package has had here, and by which run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cli::HistoryArgs;
use crate::console::style::{FAINT, NAME, PLAIN};
use crate::console::table::{Cell, Table};
use crate::console::{Console, time};
use crate::console::{describe, history};
use crate::error::{Error, Result};
use crate::inventory::{Change, canonical, requirement_name};
use crate::project::ProjectLayout;
use crate::store::{Run, RunLog};
use crate::words::{nearest, t};

/// A change of a package, and the run that made it.
type Step<'a> = (&'a Run, &'a Change);

/// Prints the history of the package of `args`, newest first; without one, where each package has come to.
pub(super) fn history(
    console: &mut Console,
    layout: &ProjectLayout,
    args: &HistoryArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let log = history::whole(layout)?;
    history::warn(console, &log);
    let packages = packages(&log);
    let Some(typed) = &args.package else {
        return of_all(console, &packages, now);
    };
    let name = canonical(requirement_name(typed));
    let steps = packages.get(&name).ok_or_else(|| {
        let error = Error::not_found(t!("logs.no_such_package", name = name));
        match nearest(&name, packages.keys().map(String::as_str)) {
            Some(name) => error.hint(t!("logs.did_you_mean", name = name)),
            None => error.hint(t!("logs.hint_history")),
        }
    })?;
    of_one(console, &name, steps, now)
}

/// The changes of each package, newest first, by canonical name.
fn packages(log: &RunLog) -> BTreeMap<String, Vec<Step<'_>>> {
    let mut packages: BTreeMap<String, Vec<Step<'_>>> = BTreeMap::new();
    for run in &log.runs {
        for change in run.changes() {
            let steps = packages.entry(canonical(&change.name)).or_default();
            steps.push((run, change));
        }
    }
    packages
}

fn of_one(console: &mut Console, name: &str, steps: &[Step<'_>], now: DateTime<Utc>) -> Result<()> {
    if console.is_json() {
        let told = steps.iter().map(|(run, change)| {
            json!({
                "from": change.from,
                "to": change.to,
                "number": run.number(),
                "run_id": run.id(),
                "at": run.at().to_rfc3339(),
                "asked_for": describe::is_asked_for(run, name),
            })
        });
        return console.json(&told.collect::<Vec<_>>());
    }
    let mut table = Table::new([
        t!("logs.column.run"),
        t!("logs.column.when"),
        t!("logs.column.version"),
        t!("logs.column.why"),
    ])
    .right([0])
    .gives_way([3]);
    for (run, change) in steps {
        let what = describe::what(run, usize::MAX);
        let why = if describe::is_asked_for(run, name) {
            what
        } else {
            t!("logs.brought_by", what = what).into_owned()
        };
        table.push([
            number(run),
            time::ago(run.at(), now).into(),
            version(change),
            why.into(),
        ]);
    }
    console.text(table.to_text(console.width()))
}

fn of_all(
    console: &mut Console,
    packages: &BTreeMap<String, Vec<Step<'_>>>,
    now: DateTime<Utc>,
) -> Result<()> {
    if console.is_json() {
        let told = packages.iter().filter_map(|(name, steps)| {
            let (run, change) = steps.first()?;
            let versions = steps
                .iter()
                .rev()
                .filter_map(|(_, change)| change.to.as_deref());
            Some(json!({
                "name": name,
                "version": change.to,
                "versions": versions.collect::<Vec<_>>(),
                "number": run.number(),
                "run_id": run.id(),
                "at": run.at().to_rfc3339(),
            }))
        });
        return console.json(&told.collect::<Vec<_>>());
    }
    if packages.is_empty() {
        console.note(t!("logs.none_yet"));
        return Ok(());
    }
    let mut table = Table::new([
        t!("logs.column.package"),
        t!("logs.column.version"),
        t!("logs.column.run"),
        t!("logs.column.when"),
    ])
    .right([2])
    .gives_way([0, 1]);
    for (name, steps) in packages {
        if let Some((run, change)) = steps.first() {
            let when = time::ago(run.at(), now);
            table.push([name.into(), version(change), number(run), when.into()]);
        }
    }
    console.text(table.to_text(console.width()))
}

fn number(run: &Run) -> Cell {
    Cell::styled(
        NAME,
        run.number()
            .map(|number| number.to_string())
            .unwrap_or_default(),
    )
}

fn version(change: &Change) -> Cell {
    match &change.to {
        Some(version) => Cell::styled(PLAIN, version),
        None => Cell::styled(FAINT, t!("logs.removed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::store::made_runs::{at, run};
    use crate::words::{self, Language};

    fn log() -> RunLog {
        let change = |from: Option<&str>, to: Option<&str>| json!([{"name": "Urllib3", "from": from, "to": to}]);
        let nothing = json!([]);
        let of = |number: u8, packages: &str, field: &str, change| {
            let mut fields = json!({"number": number, "packages": [packages], "added": nothing});
            fields[field] = change;
            run(number, &fields)
        };
        RunLog {
            runs: vec![
                of(5, "urllib3", "removed", change(Some("2.0"), None)),
                of(
                    4,
                    "URLLIB3>=2",
                    "changed",
                    change(Some("1.26"), Some("2.0")),
                ),
                of(3, "requests", "added", change(None, Some("1.26"))),
            ],
            ..RunLog::default()
        }
    }

    fn shown(name: Option<&str>) -> Vec<String> {
        let (mut console, out, _) = testing::console(&CommonArgs::default());
        let log = log();
        let packages = packages(&log);
        let now = at("2026-03-01T12:10:00Z");
        match name {
            Some(name) => of_one(&mut console, name, &packages[name], now),
            None => of_all(&mut console, &packages, now),
        }
        .expect("shown");
        out.text().lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_version_with_its_run_and_why() {
        assert_eq!(
            shown(Some("urllib3")),
            [
                "RUN  WHEN       VERSION  WHY",
                " #5  5 min ago  removed  install urllib3",
                " #4  6 min ago  2.0      install urllib3>=2",
                " #3  7 min ago  1.26     brought in by install requests",
            ]
        );
        assert_eq!(
            shown(None),
            [
                "PACKAGE  VERSION  RUN  WHEN",
                "urllib3  removed   #5  5 min ago"
            ]
        );
        words::choose(Language::Korean);
        let korean = shown(Some("urllib3"));
        assert!(
            korean[3].ends_with("install requests에 딸려 옴"),
            "{korean:?}"
        );
    }
}
