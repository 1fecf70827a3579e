//! `<venv>/.aim/snapshot.json`: what was installed at the last record, with the stamps by which an installation over
//! itself is seen. It can be made again, so it is written without waiting for the disk.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::env_meta::{EnvMeta, MetaState};
use crate::files::atomic;
use crate::files::make_folder;
use crate::files::read;
use crate::inventory::Snapshot;
use crate::project::Project;
use crate::store::record::Generation;

/// The file's content.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct SnapshotFile {
    schema: u32,
    /// The generation that it belongs to.
    pub(crate) generation: Generation,
    /// What was installed then.
    #[serde(rename = "distributions")]
    pub(crate) snapshot: Snapshot,
}

impl SnapshotFile {
    const SCHEMA: u32 = 1;

    /// The content of the file at `path`; nothing when it is missing, broken, or of a newer form.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let file: Self = serde_json::from_slice(&read::read(path).ok()?).ok()?;
        (file.schema == Self::SCHEMA).then_some(file)
    }

    /// Writes the file, making its folder where it is missing.
    pub(crate) fn write(
        path: &Path,
        generation: Generation,
        snapshot: &Snapshot,
    ) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let file = Self {
            schema: Self::SCHEMA,
            generation,
            snapshot: snapshot.clone(),
        };
        atomic::write_unsynced(path, &serde_json::to_vec(&file)?)
    }
}

/// What the history of a project says is there, read once.
#[derive(Debug, Clone)]
pub struct Recorded {
    snapshot: Option<Snapshot>,
    is_whole: bool,
}

impl Recorded {
    /// Reads it.
    pub fn read(project: &Project) -> Self {
        let file = SnapshotFile::read(&project.venv().layout().snapshot());
        let (meta, state) = EnvMeta::read(&project.layout());
        let is_whole = state == MetaState::Present
            && file
                .as_ref()
                .is_none_or(|file| file.generation <= meta.generation);
        let snapshot = match (state, file) {
            (MetaState::Present, Some(file)) if file.generation == meta.generation => {
                Some(file.snapshot)
            }
            (MetaState::Present, _) => Some(meta.snapshot()),
            (MetaState::Broken(_), Some(file)) => Some(file.snapshot),
            (MetaState::Broken(_), None) | (MetaState::Absent, _) => None,
        };
        Self { snapshot, is_whole }
    }

    /// What was installed when the history was last written: from the environment's `.aim/snapshot.json` if it belongs to
    /// the generation of `env_meta.json`, else names and versions from there. None when nothing is recorded.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Whether `now` is what is recorded, and `env_meta.json` is there with a generation that did not go back: then
    /// [`catch_up`](crate::store::catch_up()) would find nothing to enter.
    pub fn is_in_step(&self, now: &Snapshot) -> bool {
        let nothing = Snapshot::default();
        let known = self.snapshot().unwrap_or(&nothing);
        self.is_whole && known.diff_to(now).is_empty()
    }
}
