//! `aim-venv-sync restore GENERATION|TIME`: the environment is made what it was then.

use chrono::Utc;

use super::RestoreArgs;
use super::ground::Ground;
use crate::console::{Console, history, style, time};
use crate::error::{Error, Result};
use crate::rollback::{Rollback, Target};
use crate::store::{EnvMeta, Goal, Run, RunLog, RunRecord};
use crate::words::t;

/// Restores what was there at a moment.
pub(super) fn restore(
    ground: &Ground<'_>,
    args: &RestoreArgs,
    console: &mut Console,
) -> Result<()> {
    let rollback = Rollback {
        host: ground.host,
        project: &ground.project,
        config: &ground.config,
        command: "aim-venv-sync restore",
        how: &args.how,
    };
    rollback.run(console, &|log| {
        let meta = history::recorded(&ground.project.layout())?;
        target(ground, &args.moment, &meta, log)
    })
}

/// What was there at the moment that `text` names.
fn target(ground: &Ground<'_>, text: &str, meta: &EnvMeta, log: &RunLog) -> Result<Target> {
    let now = Utc::now();
    let moment = history::moment(text, log, now)?;
    let past = history::known_past(&moment, meta, log)?;
    if past.has_gap {
        return Err(Error::failed(t!("venv_sync.restore_gap")).hint(t!("logs.hint_list")));
    }
    let left = log.runs.iter().filter_map(Run::record);
    let left: Option<&RunRecord> = left
        .filter(|run| run.generation_after == past.generation)
        .find(|run| run.generation_before < run.generation_after);
    let name = format!("g{}", past.generation);
    let shown = style::paint(style::NAME, &name);
    let heading = match left {
        Some(run) => t!(
            "venv_sync.restore_heading",
            goal = shown,
            run = run.name(),
            ago = time::ago(run.started_at, now)
        ),
        None => t!("venv_sync.restore_heading_alone", goal = shown),
    };
    let mut later = log.runs.iter().filter_map(Run::record);
    Ok(Target {
        has_startup: later
            .any(|run| run.generation_after > past.generation && !run.changes.startup.is_empty()),
        nothing: t!("venv_sync.restore_nothing", goal = name).into_owned(),
        heading: heading.into_owned(),
        typed: ground.typed(&format!("restore {name}")),
        name,
        goal: Goal::Past(past),
    })
}
