//! The state of a project's history, read and written by whoever holds its lock.

use std::io;

use chrono::{DateTime, Utc};

use super::env_meta::{self, EnvMeta, LastAction, LastChange, MetaState};
use super::snapshot_file::SnapshotFile;
use crate::inventory::Snapshot;
use crate::project::Project;
use crate::store::error::StoreError;
use crate::store::history_lock::HistoryLock;
use crate::store::record::{Generation, RunNumber, RunRecord};
use crate::store::record::{history, time};

/// What the files know.
pub(crate) struct ProjectState {
    meta: EnvMeta,
    is_sound: bool,
    recorded: Option<SnapshotFile>,
    /// The generation of `env_meta.json`, where it can be believed.
    pub(crate) entered: Generation,
    /// The highest generation that any file knows: it never goes back, whatever was lost.
    pub(crate) generation: Generation,
    /// The highest number of a run that any file knows.
    pub(crate) last_number: RunNumber,
}

impl ProjectState {
    /// Reads the state; whoever has `lock` can rely on it.
    ///
    /// # Errors
    /// What is of the moment, and what is forbidden: to go on without knowing would set a generation back.
    pub(crate) fn read(project: &Project, lock: &HistoryLock) -> Result<Self, StoreError> {
        Self::read_files(project, lock).map_err(StoreError::unread(project.layout().env_meta()))
    }

    fn read_files(project: &Project, lock: &HistoryLock) -> io::Result<Self> {
        let (meta, state) = EnvMeta::known_in(lock.project())?;
        let recorded = SnapshotFile::of(&project.venv().layout())?;
        let snapshot = recorded.as_ref().map(|file| file.generation);
        let last = history::last(lock.logs())?;
        let known = last.generation.max(snapshot.unwrap_or_default());
        let run_number = meta.run_number.filter(|number| number.is_believable());
        let claimed = match state {
            MetaState::Broken(_) => env_meta::salvaged_generation(lock.project())?,
            // AIM-Forge wrote it anew: what was recorded last is what it stands for.
            MetaState::Present if meta.is_unnumbered() => snapshot.unwrap_or_default(),
            MetaState::Present | MetaState::Absent => meta.generation,
        };
        // A number that no run explains came with somebody's file: to count on from it would spoil the project for
        // good.
        let entered = if claimed.is_believable_beside(known) {
            claimed
        } else {
            Generation::default()
        };
        if let MetaState::Broken(_) = state {
            // Where it cannot be moved away, writing will fail as well, and say why.
            let _ = env_meta::set_aside(lock.project());
        }
        Ok(Self {
            meta,
            is_sound: state == MetaState::Present,
            recorded,
            entered,
            generation: known.max(entered),
            last_number: last.number.max(run_number.unwrap_or_default()),
        })
    }

    /// What was installed when the history was last written, where that is known in full.
    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        self.recorded.as_ref().map(|file| &file.snapshot)
    }

    /// Both snapshots with METADATA's own names, read from disk only where they are new.
    pub(crate) fn named(
        &self,
        project: &Project,
        before: &Snapshot,
        after: &Snapshot,
    ) -> (Snapshot, Snapshot) {
        let nothing = Snapshot::default();
        let known = self
            .recorded
            .as_ref()
            .map_or(&nothing, |file| &file.snapshot);
        let (mut before, mut after) = (before.clone(), after.clone());
        before.name_all(project.venv(), known);
        after.name_all(project.venv(), &before);
        (before, after)
    }

    /// Enters `record`, which left `after`, into `env_meta.json` and the recorded snapshot.
    pub(crate) fn enter(
        &mut self,
        project: &Project,
        record: &RunRecord,
        after: &Snapshot,
        at: DateTime<Utc>,
        lock: &HistoryLock,
    ) -> Result<(), StoreError> {
        let raised = record.generation_after > record.generation_before;
        let meta = &mut self.meta;
        if raised {
            let others = meta
                .last_change
                .take()
                .map(|change| change.others)
                .unwrap_or_default();
            meta.last_change = Some(LastChange {
                generation: record.generation_after,
                run_id: record.id,
                number: record.number,
                source: record.tool.source(),
                changes: record.changes.clone(),
                others,
            });
        }
        if raised || !self.is_sound {
            meta.set_packages(after, at);
        }
        let others = meta
            .last_action
            .take()
            .map(|action| action.others)
            .unwrap_or_default();
        meta.last_action = Some(LastAction {
            action: record.action.clone(),
            packages: record.packages.clone(),
            success: record.ending().is_success(),
            log_path: record.log_path.clone(),
            timestamp: time::text(at),
            others,
        });
        meta.schema = meta.schema.max(EnvMeta::SCHEMA);
        meta.generation = self.generation.max(record.generation_after);
        meta.run_number = record.number.max(Some(self.last_number));
        meta.python = project.venv().python_version().or(meta.python.take());
        meta.write(lock.project())
            .map_err(|error| StoreError::at(&project.layout().env_meta(), error))?;

        if raised || !self.is_sound {
            let mut after = after.clone();
            after.weigh(project.venv());
            // Without it, names and versions are compared with those in env_meta.json.
            let _ = SnapshotFile::write(&project.venv().layout(), meta.generation, &after);
        }
        Ok(())
    }
}
