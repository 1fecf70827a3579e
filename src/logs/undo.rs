//! `aim-logs undo [RUN]` and `redo`: what a run did is taken back.

use chrono::Utc;

use super::cli::UndoArgs;
use crate::console::{Console, describe, history, style, time};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::project::{Config, Project};
use crate::rollback::{How, Rollback, Target};
use crate::store::{Goal, Run, RunLog, RunRecord};
use crate::terminal::printable;
use crate::words::t;

/// The command that takes a run back.
const UNDO: &str = "aim-logs undo";
/// How much of a path is shown, at most.
const LONGEST_PATH: usize = 40;

/// Takes a run back.
pub(super) fn undo(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &UndoArgs,
) -> Result<()> {
    take_back(console, (host, project), (UNDO, &args.how), &|log| {
        let Some(wanted) = &args.run else {
            return log.last_to_undo().cloned().ok_or_else(|| {
                Error::not_found(t!("logs.undo.none")).hint(t!("logs.undo.hint_which"))
            });
        };
        let run = log
            .find(wanted)
            .map_err(|error| history::not_found(&error))?;
        let record = run.record().cloned();
        record.ok_or_else(|| Error::not_found(t!("logs.undo.no_record", run = run.id())))
    })
}

/// Takes the last undo back.
pub(super) fn redo(console: &mut Console, host: &Host, project: &Project, how: &How) -> Result<()> {
    take_back(console, (host, project), ("aim-logs redo", how), &|log| {
        let last = log.last_to_redo().cloned();
        last.ok_or_else(|| Error::not_found(t!("logs.undo.none_undone")))
    })
}

fn take_back(
    console: &mut Console,
    (host, project): (&Host, &Project),
    (command, how): (&'static str, &How),
    meant: &dyn Fn(&RunLog) -> Result<RunRecord>,
) -> Result<()> {
    let config = Config::load(host, Some(&project.layout()));
    let rollback = Rollback {
        host,
        project,
        config: &config,
        command,
        how,
    };
    rollback.run(console, &|log| target(command, log, meant(log)?))
}

fn target(command: &str, log: &RunLog, run: RunRecord) -> Result<Target> {
    // A run is taken back once; what took it back can be taken back in turn.
    if let Some(by) = log.taken_back().get(&run.id) {
        let words = t!("logs.undo.already", run = run.name(), by = by.name());
        let hint = t!("logs.undo.hint_undo_that", by = typed_name(by));
        return Err(Error::failed(words).hint(hint));
    }
    let what = describe::what(&Run::Recorded(Box::new(run.clone())), LONGEST_PATH);
    let heading = t!(
        "logs.undo.heading",
        run = style::paint(style::NAME, run.name()),
        what = printable(&what),
        ago = time::ago(run.started_at, Utc::now())
    );
    Ok(Target {
        typed: match command {
            UNDO => format!("{UNDO} {}", typed_name(&run)),
            _ => command.to_owned(),
        },
        name: run.name(),
        heading: heading.into_owned(),
        nothing: t!("logs.undo.nothing", run = run.name()).into_owned(),
        has_startup: !run.changes.startup.is_empty(),
        goal: Goal::Before(Box::new(run)),
    })
}

fn typed_name(run: &RunRecord) -> String {
    run.name().trim_start_matches('#').to_owned()
}
