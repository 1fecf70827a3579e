//! `<venv>/.aim/snapshot.json`: what was installed at the last record, with the stamps by which an installation over
//! itself is seen. It can be made again, so it is written without waiting for the disk.

use std::borrow::Cow;
use std::io;

use serde::{Deserialize, Serialize};

use super::env_meta::{EnvMeta, MetaState};
use crate::files::Folder;
use crate::files::momentary::found;
use crate::inventory::{Distribution, Snapshot, StartupFiles};
use crate::project::{Project, Venv, VenvLayout};
use crate::store::error::StoreError;
use crate::store::lock::RunLock;
use crate::store::places;
use crate::store::record::{Generation, history};

/// The file's content.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotFile {
    /// The generation that it belongs to.
    pub(crate) generation: Generation,
    /// What was installed then.
    pub(crate) snapshot: Snapshot,
}

/// As it is read; what earlier toolkits wrote has no `startup`.
#[derive(Deserialize)]
struct Read {
    schema: u32,
    generation: Generation,
    distributions: Vec<Distribution>,
    #[serde(default)]
    startup: Option<StartupFiles>,
}

/// As it is written.
#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    generation: Generation,
    #[serde(flatten)]
    snapshot: &'a Snapshot,
}

impl SnapshotFile {
    const SCHEMA: u32 = 1;

    /// The content of the file in `aim`; nothing when it is missing, broken, or of a newer form.
    ///
    /// # Errors
    /// What is of the moment.
    pub(crate) fn read(aim: &Folder) -> io::Result<Option<Self>> {
        let bytes = found(aim.read(VenvLayout::SNAPSHOT, LONGEST))?;
        let file = bytes.and_then(|bytes| serde_json::from_slice::<Read>(&bytes).ok());
        let is_known = |file: &Read| file.schema == Self::SCHEMA && file.generation.is_believable();
        Ok(file.filter(is_known).map(|file| Self {
            generation: file.generation,
            snapshot: Snapshot::of_parts(file.distributions, file.startup),
        }))
    }

    /// The content of the file of the environment in `layout`.
    ///
    /// # Errors
    /// What is of the moment.
    pub(crate) fn of(layout: &VenvLayout) -> io::Result<Option<Self>> {
        match found(places::aim(layout))? {
            Some(aim) => Self::read(&aim),
            None => Ok(None),
        }
    }

    /// Writes the file, making its folder where it is missing.
    pub(crate) fn write(
        layout: &VenvLayout,
        generation: Generation,
        snapshot: &Snapshot,
    ) -> io::Result<()> {
        let file = Written {
            schema: Self::SCHEMA,
            generation,
            snapshot,
        };
        let bytes = serde_json::to_vec(&file)?;
        places::made_aim(layout)?.write_unsynced(VenvLayout::SNAPSHOT, &bytes)
    }
}

/// Longer than the file of any plausible environment: 20,000 distributions. It is read before each run.
const LONGEST: u64 = 8 << 20;

/// What the history of a project says is there, read once.
#[derive(Debug, Clone)]
pub struct Recorded {
    venv: Venv,
    generation: Generation,
    snapshot: Option<Snapshot>,
    is_whole: bool,
}

impl Recorded {
    /// Reads it.
    ///
    /// # Errors
    /// What is of the moment: then nobody knows what is recorded.
    pub fn read(project: &Project) -> Result<Self, StoreError> {
        let read = || Self::read_files(project);
        read().map_err(|error| StoreError::at(&project.layout().env_meta(), error))
    }

    fn read_files(project: &Project) -> io::Result<Self> {
        let file = SnapshotFile::of(&project.venv().layout())?;
        let (meta, state) = EnvMeta::known(&project.layout())?;
        let known = file
            .as_ref()
            .map(|file| file.generation)
            .unwrap_or_default();
        // The records are asked only where the generation has nothing else for it.
        let mut is_explained = meta.generation.is_believable_beside(known);
        if !is_explained && let Some(logs) = found(places::logs(&project.layout()))? {
            let last = history::last_generation(&logs)?;
            is_explained = meta.generation.is_believable_beside(last);
        }
        let is_whole = state == MetaState::Present && known <= meta.generation && is_explained;
        let snapshot = match (state, file) {
            (MetaState::Present, Some(file)) if file.generation == meta.generation => {
                Some(file.snapshot)
            }
            (MetaState::Present, _) => Some(meta.snapshot()),
            (MetaState::Broken(_), Some(file)) => Some(file.snapshot),
            (MetaState::Broken(_), None) | (MetaState::Absent, _) => None,
        };
        Ok(Self {
            venv: project.venv().clone(),
            generation: meta.generation,
            snapshot,
            is_whole,
        })
    }

    /// What was installed when the history was last written: from the environment's `.aim/snapshot.json` if it belongs
    /// to the generation of `env_meta.json`, else names and versions from there. None when nothing is recorded.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// The generation of `env_meta.json`.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether `env_meta.json` is there, with a generation that did not go back and that the runs explain.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// `now`, looked into as far as that is needed to compare it with what is recorded: a copy of what was recorded is
    /// the same then.
    ///
    /// # Errors
    /// When something cannot be read that is there.
    pub fn settled<'s>(&self, now: &'s Snapshot) -> Result<Cow<'s, Snapshot>, StoreError> {
        match &self.snapshot {
            Some(recorded) if now.has_to_settle(recorded) => {
                let mut now = now.clone();
                now.settle(&self.venv, recorded)
                    .map_err(StoreError::unscanned(&self.venv))?;
                Ok(Cow::Owned(now))
            }
            _ => Ok(Cow::Borrowed(now)),
        }
    }

    /// Whether `now` is what is recorded, and `env_meta.json` is there with a generation that did not go back: then
    /// [`catch_up`](crate::store::catch_up()) would find nothing to enter. What cannot be compared is not in step.
    pub fn is_in_step(&self, now: &Snapshot) -> bool {
        let nothing = Snapshot::default();
        let known = self.snapshot().unwrap_or(&nothing);
        let is_same = |now: Cow<'_, Snapshot>| known.diff_to(&now).is_empty();
        self.is_whole && self.settled(now).is_ok_and(is_same)
    }

    /// Whether [`Recorded::refresh`] would write.
    pub fn can_be_refreshed(&self, now: &Snapshot) -> bool {
        self.snapshot
            .as_ref()
            .is_some_and(|recorded| recorded.is_better_known_as(now))
    }

    /// Writes down what `now`, which is in step, tells of its files, where the next comparison would have to look into
    /// them once more: after a copy, say, as `git update-index --refresh` does it. A failure costs that comparison some
    /// time.
    pub fn refresh(&self, now: &Snapshot, _held: &RunLock) {
        let Some(recorded) = &self.snapshot else {
            return;
        };
        if recorded.is_better_known_as(now) {
            let mut now = now.clone();
            now.name_all(&self.venv, recorded);
            now.weigh(&self.venv);
            let _ = SnapshotFile::write(&self.venv.layout(), self.generation, &now);
        }
    }
}
