//! Brings the history in order after a crash.

use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::env_meta::EnvMeta;
use super::error::StoreError;
use super::finished_run::Published;
use super::history;
use super::lock::{HistoryLock, RunLock};
use super::log_draft::{RunOutput, part_path};
use super::publish::publish;
use super::run_record::{Ending, RunRecord};
use super::state::State;
use super::unfinished::Unfinished;
use crate::inventory::Snapshot;
use crate::project::{Config, Project, ProjectLayout};

/// Enters the run that a crash left, as interrupted and with what it changed, into the history. Whoever holds the
/// run lock knows that such a run is over.
///
/// # Errors
/// [`StoreError`], as [`publish`]; the next call tries again.
pub fn recover(
    project: &Project,
    config: &Config,
    _held: &RunLock,
) -> Result<Option<Published>, StoreError> {
    let venv = project.venv().layout();
    let layout = project.layout();
    let Some(left) = Unfinished::read(&venv) else {
        // One that cannot be read tells nothing; the next comparison of the environment finds what changed.
        Unfinished::end(&venv);
        return Ok(None);
    };
    if left.may_be_alive() {
        return Ok(None);
    }
    let mut after = Snapshot::scan(project.venv());
    if let Some(record) = recorded(&layout, &left) {
        complete(project, &record, &mut after)?;
        Unfinished::end(&venv);
        return Ok(None);
    }
    let part = part_path(&layout, &left.run.id);
    let duration = duration(&left, &[&part, &venv.unfinished()]);
    remove_earlier_log(&layout, &left);
    let output = fs::read(&part).ok().map(|text| RunOutput {
        stdout: String::from_utf8_lossy(&text).into_owned(),
        stderr: String::new(),
        part: Some(part),
    });
    let run = left.run.finish(duration, Ending::Interrupted, output);
    let published = publish(project, config, run, &left.before, &after)?;
    Unfinished::end(&venv);
    Ok(Some(published))
}

/// The record of a run that came as far as that.
fn recorded(layout: &ProjectLayout, left: &Unfinished) -> Option<RunRecord> {
    let lines = history::read::<RunRecord>(&layout.runs()).ok()?;
    lines
        .into_iter()
        .rev()
        .filter_map(|line| line.record.ok())
        .find(|record| record.id == left.run.id)
}

/// Enters the change of a run that has its record but did not reach `env_meta.json`.
fn complete(project: &Project, record: &RunRecord, after: &mut Snapshot) -> Result<(), StoreError> {
    let layout = project.layout();
    let lock = HistoryLock::acquire(&layout)?;
    let (meta, _) = EnvMeta::read(&layout);
    if meta.generation < record.generation_after {
        let mut state = State::read(project, &lock);
        after.name_all(project.venv(), &Snapshot::default());
        state.enter(project, record, after, Utc::now())?;
    }
    let _ = fs::remove_file(part_path(&layout, &record.id));
    Ok(())
}

/// A crash between log and record leaves a log that no record points to: the run gets another one.
fn remove_earlier_log(layout: &ProjectLayout, left: &Unfinished) {
    let id = format!("-{}_", left.run.id);
    let logs = fs::read_dir(layout.logs())
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    for log in logs.filter(|log| log.file_name().to_string_lossy().contains(&id)) {
        let _ = fs::remove_file(log.path());
    }
}

/// How long the run lasted, as far as anyone saw: to the last write of one of `files`.
fn duration(left: &Unfinished, files: &[&Path]) -> Duration {
    let seen = files
        .iter()
        .filter_map(|path| fs::metadata(path).ok()?.modified().ok())
        .max();
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
    use crate::inventory::Snapshot;
    use crate::store::testing::{finished, install, project, started};
    use crate::store::{Generation, LogDraft, RunLog};

    fn left_by_a_crash(project: &Project, locked: bool) -> crate::store::StartedRun {
        let run = started("install");
        let before = Snapshot::scan(project.venv());
        let venv = project.venv().layout();
        Unfinished::begin(&venv, run.clone(), before, locked).expect("begun");
        run
    }

    fn recovered(project: &Project) -> Option<Published> {
        let lock = RunLock::try_acquire(&project.venv().layout(), "test").expect("free");
        recover(project, &Config::default(), &lock).expect("recovered")
    }

    #[test]
    fn a_killed_run_is_recorded_with_its_text_and_what_it_changed() {
        let (_dir, project) = project();
        let run = left_by_a_crash(&project, true);
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
        assert!(!part_path(&project.layout(), &run.id).exists());
    }

    #[test]
    fn a_run_that_came_to_its_record_is_completed() {
        let (_dir, project) = project();
        let run = left_by_a_crash(&project, true);
        let before = Snapshot::scan(project.venv());
        install(&project, "six", "1.16.0");
        let after = Snapshot::scan(project.venv());
        let finished = crate::store::FinishedRun {
            id: run.id,
            ..finished("install", "")
        };
        publish(&project, &Config::default(), finished, &before, &after).expect("published");
        std::fs::remove_file(project.layout().env_meta())
            .expect("as if the crash had come before it");
        assert!(recovered(&project).is_none());
        let (meta, _) = EnvMeta::read(&project.layout());
        assert_eq!(meta.generation(), Generation(1));
        assert_eq!(meta.last_change.expect("its change").run_id, run.id);
        assert_eq!(RunLog::read(&project.layout()).runs.len(), 1);
        assert!(Unfinished::read(&project.venv().layout()).is_none());
    }

    #[test]
    fn a_run_without_the_lock_that_is_still_alive_is_left_alone() {
        let (_dir, project) = project();
        let mut run = started("install");
        run.pid = std::os::unix::process::parent_id();
        let venv = project.venv().layout();
        Unfinished::begin(&venv, run, Snapshot::default(), false).expect("begun");
        assert!(recovered(&project).is_none());
        assert!(Unfinished::read(&venv).is_some());
    }

    #[test]
    fn an_unreadable_note_is_no_obstacle() {
        let (_dir, project) = project();
        let venv = project.venv().layout();
        drop(RunLock::try_acquire(&venv, "test").expect("free"));
        std::fs::write(venv.unfinished(), "{torn").expect("write");
        assert!(recovered(&project).is_none());
        assert!(!venv.unfinished().exists());
    }
}
