//! Brings the history in order after a crash.

use std::io;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use super::error::StoreError;
use super::history_lock::HistoryLock;
use super::lock::RunLock;
use super::overlap::{Company, publish_own};
use super::places;
use super::record::Published;
use super::record::history;
use super::record::{Ending, RunRecord};
use super::record::{PartFile, RunOutput};
use super::retention;
use super::retention::Limits;
use super::state::ProjectState;
use super::undo;
use super::unfinished::Unfinished;
use crate::files::Folder;
use crate::files::momentary::found;
use crate::host::Host;
use crate::inventory::Snapshot;
use crate::project::{Config, Project};
use crate::secrets;

/// Enters the runs that a crash left into the history, with what they changed: as interrupted, or as they ended where
/// only entering them had failed. Whoever holds the run lock knows that such a run is over. Gives the last one.
///
/// # Errors
/// [`StoreError`], as [`publish`](crate::store::publish()); the next call tries again.
pub fn recover(
    project: &Project,
    host: &Host,
    config: &Config,
    _held: &RunLock,
) -> Result<Option<Published>, StoreError> {
    let venv = project.venv().layout();
    undo::finish(project.venv())?;
    Unfinished::forget_unreadable(&venv);
    let over: Vec<Unfinished> = Unfinished::all(&venv)?
        .into_iter()
        .filter(|left| !left.may_be_alive())
        .collect();
    let may_overlap = over.len() > 1 && over.iter().any(|left| !left.locked);
    let mut last = None;
    for (index, left) in over.iter().enumerate() {
        // Where it could not say, what it changed is what was there when the next one began.
        let next = over.get(index + 1).map(|next| &next.before);
        let after = match left.after.as_ref().or(next) {
            Some(after) => after.clone(),
            None => Snapshot::scan(project.venv(), host)
                .map_err(StoreError::unscanned(project.venv()))?,
        };
        let company = Company {
            others: Vec::new(),
            is_at_work: left.is_shared || may_overlap,
        };
        last = enter(project, config, left, &after, &company)?.or(last);
    }
    if !over.is_empty() {
        // Files that the crash left half-written go, too.
        let _ = retention::after_crash(project, Limits::of(config));
    }
    Ok(last)
}

/// Enters one run that left the environment as `after`; nothing when it is in the history already.
fn enter(
    project: &Project,
    config: &Config,
    left: &Unfinished,
    after: &Snapshot,
    company: &Company,
) -> Result<Option<Published>, StoreError> {
    let venv = project.venv().layout();
    let layout = project.layout();
    let logs = places::made_logs(&layout).map_err(|error| StoreError::at(&layout.logs(), error))?;
    let in_logs = |error| StoreError::at(&layout.logs(), error);
    if let Some(record) = recorded(&logs, left).map_err(in_logs)? {
        let lock = HistoryLock::acquire(&layout)?;
        let mut state = ProjectState::read(project, &lock)?;
        let (_, after) = state.named(project, &left.before, after);
        complete(project, &mut state, &record, &after, &lock)?;
        PartFile::of(&record.id, logs).remove();
        Unfinished::end(&venv, &left.run.id);
        return Ok(None);
    }
    remove_earlier_log(&logs, left);
    let part = PartFile::of(&left.run.id, logs);
    let (ending, duration) = left.ending().unwrap_or_else(|| {
        let seen = duration(left, [part.modified(), left.modified(&venv)]);
        (Ending::Interrupted, seen)
    });
    let text = found(part.read()).map_err(in_logs)?;
    let output = text.map(|text| RunOutput {
        // An earlier version wrote them as they came.
        stdout: secrets::hide(&String::from_utf8_lossy(&text)).into_owned(),
        stderr: String::new(),
        part: Some(part),
    });
    let mut run = left.run.clone();
    run.argv = secrets::words(&run.argv);
    run.packages = secrets::words(&run.packages);
    let run = run.finish(duration, ending, output);
    let found = (&left.before, left.since);
    let published = publish_own(project, config, run, found, after, company)?;
    Unfinished::end(&venv, &left.run.id);
    Ok(Some(published))
}

/// The record of a run that came as far as that.
///
/// # Errors
/// What is of the moment: the run would be recorded twice.
fn recorded(logs: &Folder, left: &Unfinished) -> io::Result<Option<RunRecord>> {
    let records = found(history::read::<RunRecord>(logs))?;
    let lines = records.into_iter().flat_map(|records| records.lines);
    Ok(lines
        .rev()
        .filter_map(|line| line.record.ok())
        .find(|record| record.id == left.run.id))
}

/// Enters the change of a run that has its record and left `after`, unless it reached `env_meta.json`. Says whether it
/// did not.
fn complete(
    project: &Project,
    state: &mut ProjectState,
    record: &RunRecord,
    after: &Snapshot,
    lock: &HistoryLock,
) -> Result<bool, StoreError> {
    let is_missing = state.entered < record.generation_after;
    if is_missing {
        // A later run that has its record, too, is not counted: it is completed after this one.
        state.generation = record.generation_after;
        state.enter(project, record, after, Utc::now(), lock)?;
    }
    Ok(is_missing)
}

/// Completes the last run in the history where it came as far as its record and what it says is what differs between
/// `before` and `now`: a power cut, or a full disk, kept it from `env_meta.json`. Entered again, it would be there
/// twice.
///
/// # Errors
/// [`StoreError`], as [`publish`](crate::store::publish()).
pub fn complete_last(
    project: &Project,
    before: &Snapshot,
    now: &Snapshot,
) -> Result<Option<Published>, StoreError> {
    let layout = project.layout();
    let lock = HistoryLock::acquire(&layout)?;
    let mut state = ProjectState::read(project, &lock)?;
    if state.generation <= state.entered {
        return Ok(None);
    }
    let records = history::read::<RunRecord>(lock.logs())
        .map_err(|error| StoreError::at(&layout.runs(), error))?;
    let mut newest_first = records.lines.into_iter().rev();
    let Some(record) = newest_first.find_map(|line| line.record.ok()) else {
        return Ok(None);
    };
    let (before, after) = state.named(project, before, now);
    if before.diff_to(&after) != record.changes
        || !complete(project, &mut state, &record, &after, &lock)?
    {
        return Ok(None);
    }
    Ok(Some(Published {
        generation: record.generation_after,
        raised: true,
        record,
        log_problem: None,
    }))
}

/// A crash between log and record leaves a log that no record points to: the run gets another one.
fn remove_earlier_log(logs: &Folder, left: &Unfinished) {
    let id = format!("-{}_", left.run.id);
    for name in logs.names().unwrap_or_default() {
        if name.to_string_lossy().contains(&id) {
            let _ = logs.remove(name);
        }
    }
}

/// How long the run lasted, as far as anyone saw: to the last of the times at which a file of it was `written`.
fn duration(left: &Unfinished, written: [Option<SystemTime>; 2]) -> Duration {
    let seen = written.into_iter().flatten().max();
    seen.and_then(|seen| {
        (DateTime::<Utc>::from(seen) - left.run.started_at)
            .to_std()
            .ok()
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::names;
    use crate::inventory::Snapshot;
    use crate::store::testing::{finished, install, project, started};
    use crate::store::{EnvMeta, Generation, LogDraft, RunId, RunLog, StartedRun};

    fn left_by_a_crash(project: &Project, id: RunId) -> StartedRun {
        let run = StartedRun {
            id,
            ..started("install")
        };
        let before = Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        let venv = project.venv().layout();
        Unfinished::begin(&venv, run.clone(), (before, None), true).expect("begun");
        run
    }

    fn recovered(project: &Project) -> Option<Published> {
        let lock = RunLock::try_acquire(&project.venv().layout(), "test").expect("free");
        recover(project, &Host::default(), &Config::default(), &lock).expect("recovered")
    }

    #[test]
    fn a_killed_run_is_recorded_with_its_text_and_what_it_changed() {
        let (_dir, project) = project();
        let run = left_by_a_crash(&project, RunId::new());
        let mut draft = LogDraft::begin(&project.layout(), &run.id);
        draft.stdout(b"Collecting six\nInstalling");
        drop(draft);
        install(&project, "six", "1.16.0");
        let published = recovered(&project).expect("a run was left");
        assert_eq!(published.record.ending(), Ending::Interrupted);
        assert_eq!(published.record.changes.added.len(), 1);
        assert_eq!(published.generation, Generation(1));
        let log = RunLog::read(&project.layout());
        let text = RunLog::log(&project.layout(), &log.runs[0]).expect("a log");
        assert_eq!(text.stdout, "Collecting six\nInstalling");
        assert!(recovered(&project).is_none(), "once is enough");
        assert_eq!(
            names(&project.layout().logs())
                .iter()
                .filter(|name| PartFile::run_of(name).is_some())
                .count(),
            0
        );
    }

    #[test]
    fn a_run_that_came_to_its_record_is_completed() {
        let (_dir, project) = project();
        let run = left_by_a_crash(&project, RunId::new());
        let before = Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        install(&project, "six", "1.16.0");
        let after = Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        let mut finished = finished("install", "");
        finished.started.id = run.id;
        crate::store::publish(&project, &Config::default(), finished, &before, &after)
            .expect("published");
        std::fs::remove_file(project.layout().env_meta())
            .expect("as if the crash had come before it");
        assert!(recovered(&project).is_none());
        let (meta, _) = EnvMeta::read(&project.layout());
        assert_eq!(meta.generation(), Generation(1));
        let change = meta.last_change.expect("its change");
        assert_eq!(change.run_id, run.id);
        assert_eq!(change.number.map(|number| number.0), Some(1));
        assert_eq!(meta.run_number, change.number);
        assert_eq!(RunLog::read(&project.layout()).runs.len(), 1);
        assert!(
            Unfinished::last(&project.venv().layout())
                .expect("read")
                .is_none()
        );
    }

    #[test]
    fn a_run_without_the_lock_that_is_still_alive_is_left_alone() {
        let (_dir, project) = project();
        let mut run = started("install");
        run.pid = std::os::unix::process::parent_id();
        let venv = project.venv().layout();
        Unfinished::begin(&venv, run, (Snapshot::default(), None), false).expect("begun");
        assert!(recovered(&project).is_none());
        assert!(Unfinished::last(&venv).expect("read").is_some());
    }

    #[test]
    fn an_unreadable_note_is_no_obstacle() {
        let (_dir, project) = project();
        let venv = project.venv().layout();
        drop(RunLock::try_acquire(&venv, "test").expect("free"));
        std::fs::create_dir(venv.unfinished()).expect("folder");
        let note = venv.unfinished().join("x.json");
        std::fs::write(&note, "{torn").expect("write");
        assert!(recovered(&project).is_none());
        assert!(!note.exists());
    }

    #[test]
    fn runs_that_went_on_together_are_entered_one_by_one() {
        let (_dir, project) = project();
        // An id begins with the time: as if the clock had been set back between the two.
        let (earlier, later) = (started("install").id, started("install").id);
        let first = left_by_a_crash(&project, later);
        install(&project, "six", "1.16.0");
        let second = left_by_a_crash(&project, earlier);
        install(&project, "attrs", "25.1.0");
        assert_eq!(
            recovered(&project).expect("runs were left").record.id,
            second.id
        );
        let log = RunLog::read(&project.layout());
        let entered: Vec<_> = log.runs.iter().filter_map(|run| run.record()).collect();
        assert_eq!(entered.len(), 2);
        for (run, name) in [(first, "six"), (second, "attrs")] {
            let record = entered.iter().find(|record| record.id == run.id);
            let record = record.expect("entered");
            assert_eq!(record.ending(), Ending::Interrupted);
            assert_eq!(record.changes.added.len(), 1);
            assert_eq!(record.changes.added[0].name, name);
        }
        assert!(
            Unfinished::all(&project.venv().layout())
                .expect("read")
                .is_empty()
        );
    }

    #[test]
    fn a_run_whose_entering_failed_keeps_its_status() {
        let (_dir, project) = project();
        let venv = project.venv().layout();
        for (locked, ending) in [(true, Ending::Exited(3)), (false, Ending::Signaled(15))] {
            let mut run = started("install");
            run.pid = std::os::unix::process::parent_id(); // alive, but the run is over all the same
            Unfinished::begin(
                &venv,
                run.clone(),
                (
                    Snapshot::scan(project.venv(), &Host::default()).expect("readable"),
                    None,
                ),
                locked,
            )
            .expect("begun");
            let took = Duration::from_millis(1234);
            Unfinished::ended(&venv, &run.id, (ending, took), None).expect("noted");
            let record = recovered(&project).expect("entered").record;
            assert_eq!((record.id, record.ending()), (run.id, ending));
            assert_eq!((record.duration_ms, record.interrupted), (1234, false));
        }
    }

    #[test]
    fn what_came_before_and_after_a_run_is_no_part_of_it() {
        let (_dir, project) = project();
        let venv = project.venv().layout();
        let scan = || Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        let nothing = Snapshot::default();
        crate::store::publish(
            &project,
            &Config::default(),
            finished("init", ""),
            &nothing,
            &nothing,
        )
        .expect("published");
        install(&project, "earlier", "1.0");
        let run = started("install");
        let found = (scan(), Some(Generation(0)));
        Unfinished::begin(&venv, run.clone(), found, true).expect("begun");
        install(&project, "own", "1.0");
        let ending = (Ending::Exited(0), Duration::ZERO);
        Unfinished::ended(&venv, &run.id, ending, Some(scan())).expect("noted");
        install(&project, "later", "1.0");
        let recovered = recovered(&project).expect("a run was left");
        let log = RunLog::read(&project.layout());
        let entered = log.runs.iter().filter_map(|run| run.record());
        let entered: Vec<_> = entered
            .flat_map(|record| {
                let names = record.changes.added.iter();
                names.map(|change| (record.action.as_str(), change.name.as_str()))
            })
            .collect();
        // The newest first.
        assert_eq!(entered, [("install", "own"), ("sync", "earlier")]);
        assert_eq!(recovered.record.id, run.id);
        let recorded = crate::store::Recorded::read(&project).expect("read");
        let standing = recorded.standing(&scan());
        assert_eq!(standing.diff().expect("open").added[0].name, "later");
    }
}
