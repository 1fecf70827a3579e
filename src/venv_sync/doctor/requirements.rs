//! Whether what is installed has what it needs, and since which run it has not.

use chrono::Utc;

use super::check::Check;
use crate::console::{changes, shell, time};
use crate::inventory::{Broken, Requirements, Snapshot, canonical};
use crate::store::{Run, RunLog};
use crate::terminal::printable;
use crate::venv_sync::Ground;
use crate::words::t;

const NAME: &str = "requirements";

/// More lines than this say nothing more to a person.
const MOST: usize = 5;

/// One line where all is well or many are broken; else a line each.
pub(super) fn checks(ground: &Ground<'_>) -> Vec<Check> {
    let venv = ground.project.venv();
    let found = Snapshot::scan(venv, ground.host).and_then(|mut now| {
        now.name_all(venv, &Snapshot::default());
        Ok((Requirements::read(venv, &now)?.broken(&now), now.len()))
    });
    let Ok((broken, installed)) = found else {
        return Vec::new(); // why is told where pip is looked for
    };
    if broken.is_empty() {
        let words = t!("venv_sync.doctor.requirements_hold", count = installed);
        return vec![Check::good(NAME, words)];
    }
    let runs = RunLog::read(&ground.project.layout()).runs;
    let mut checks: Vec<Check> = broken
        .iter()
        .take(MOST)
        .map(|one| {
            let pip = format!("pip install {}", shell::word(&printable(&one.needs)));
            Check::odd(NAME, words(one, &runs), pip)
        })
        .collect();
    if broken.len() > MOST {
        let words = t!(
            "venv_sync.doctor.requirements_more",
            n = broken.len() - MOST
        );
        checks.push(Check::odd(NAME, words, "python -m pip check".to_owned()));
    }
    checks
}

fn words(one: &Broken, runs: &[Run]) -> String {
    let what = changes::broken(one);
    match since(one, runs) {
        Some(run) => {
            let ago = time::ago(run.at(), Utc::now());
            t!(
                "venv_sync.doctor.requirement_since",
                what = what,
                run = run.name(),
                ago = ago
            )
            .into_owned()
        }
        None => what,
    }
}

/// The last run that changed either of the two.
fn since<'r>(one: &Broken, runs: &'r [Run]) -> Option<&'r Run> {
    let owner = canonical(&one.name);
    runs.iter().find(|run| {
        run.changes().any(|change| {
            let name = canonical(&change.name);
            name == one.needed || name == owner
        })
    })
}
