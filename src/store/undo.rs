//! Takes back what a run did, as a run of its own.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use super::archive::{Plan, Swap};
use super::error::StoreError;
use super::lock::RunLock;
use super::publish::publish;
use super::record::{Ending, Published, RunId, RunRecord, StartedRun};
use super::run_log::RunLog;
use super::unfinished::Unfinished;
use crate::host::Host;
use crate::inventory::Snapshot;
use crate::project::{Config, Project, Venv};

/// The action of a run that takes another one back; what takes that back has another.
pub const UNDO: &str = "undo";

/// What became of a run that took another one back.
#[derive(Debug)]
pub struct TakenBack {
    /// The run itself.
    pub published: Published,
    /// What is installed now.
    pub now: Snapshot,
    /// The paths at which it was impossible.
    pub failed: Vec<String>,
}

/// Does what `plan` says of the environment as it was found `before`, as the run `started`. A crash on the way leaves
/// word of it, and [`recover`](super::recover()) does the rest.
///
/// # Errors
/// [`StoreError`]
pub fn take_back(
    (project, config, host): (&Project, &Config, &Host),
    _held: &RunLock,
    started: StartedRun,
    plan: &Plan,
    before: &Snapshot,
) -> Result<TakenBack, StoreError> {
    let venv = project.venv();
    let layout = venv.layout();
    let in_journal = |error| StoreError::at(&layout.undo(), error);
    let (id, since) = (started.id, Instant::now());
    Unfinished::begin(&layout, started.clone(), (before.clone(), None), true)?;
    let swap = Swap::begin(&layout, id, plan).map_err(|error| {
        Unfinished::end(&layout, &id);
        in_journal(error)
    })?;
    let failed = swap.carry_out(venv).map_err(in_journal)?;
    let now = Snapshot::scan(venv, host).map_err(StoreError::unscanned(venv))?;
    let ending = (Ending::Exited(0), since.elapsed());
    Unfinished::ended(&layout, &id, ending, Some(now.clone()))?;
    Swap::end(&layout).map_err(in_journal)?;
    let run = started.finish(ending.1, ending.0, None);
    let published = publish(project, config, run, before, &now)?;
    Unfinished::end(&layout, &id);
    Ok(TakenBack {
        published,
        now,
        failed,
    })
}

/// Does the rest of what a crash cut short in `venv`. To be called by who holds the run lock.
///
/// # Errors
/// [`StoreError`]; the next call tries again.
pub(super) fn finish(venv: &Venv) -> Result<(), StoreError> {
    let layout = venv.layout();
    let finish = || -> io::Result<()> {
        let Some(swap) = Swap::left(&layout)? else {
            return Ok(());
        };
        swap.carry_out(venv)?;
        // Where there is no word of the run, what changed is found by the next comparison.
        let ending = (Ending::Exited(0), Duration::ZERO);
        let _ = Unfinished::ended(&layout, &swap.run, ending, None);
        Swap::end(&layout)
    };
    finish().map_err(|error| StoreError::at(&layout.undo(), error))
}

impl RunLog {
    /// The runs that were taken back, each with the run that did so, which was not taken back in turn.
    pub fn taken_back(&self) -> HashMap<RunId, &RunRecord> {
        let mut taken_back = HashMap::new();
        for record in self.runs.iter().filter_map(|run| run.record()) {
            if let Some(undone) = undone_by(record)
                && !taken_back.contains_key(&record.id)
            {
                taken_back.entry(undone).or_insert(record);
            }
        }
        taken_back
    }

    /// The last run that changed something and took nothing back, and that is not taken back. What was there when
    /// somebody first looked is no change.
    pub fn last_to_undo(&self) -> Option<&RunRecord> {
        self.last(|record| {
            let has_changed = record.changes.changes().next().is_some();
            record.undoes.is_none() && has_changed && !record.is_first_look()
        })
    }

    /// The last undo that is not taken back.
    pub fn last_to_redo(&self) -> Option<&RunRecord> {
        self.last(|record| undone_by(record).is_some() && record.action == UNDO)
    }

    fn last(&self, is_meant: impl Fn(&RunRecord) -> bool) -> Option<&RunRecord> {
        let taken_back = self.taken_back();
        let mut newest_first = self.runs.iter().filter_map(|run| run.record());
        newest_first.find(|record| is_meant(record) && !taken_back.contains_key(&record.id))
    }
}

/// What the run `record` took back. One that a crash ended before anything was written down has touched nothing; every
/// other one is done to its end by whoever comes next.
fn undone_by(record: &RunRecord) -> Option<RunId> {
    let is_done = record.ending() == Ending::Exited(0);
    record.undoes.filter(|_| is_done)
}

#[cfg(test)]
pub(super) mod tests;
