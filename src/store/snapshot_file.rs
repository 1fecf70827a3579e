//! `<venv>/.aim/snapshot.json`: what was installed at the last record, with the stamps by which an installation over
//! itself is seen. It can be made again, so it is written without waiting for the disk.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic;
use super::env_meta::{EnvMeta, MetaState};
use super::run_id::Generation;
use crate::inventory::Snapshot;
use crate::project::Project;

/// The file's content.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SnapshotFile {
    schema: u32,
    /// The generation that it belongs to.
    pub(super) generation: Generation,
    /// What was installed then.
    #[serde(rename = "distributions")]
    pub(super) snapshot: Snapshot,
}

impl SnapshotFile {
    const SCHEMA: u32 = 1;

    /// The content of the file at `path`; nothing when it is missing, broken, or of a newer form.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let file: Self = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        (file.schema == Self::SCHEMA).then_some(file)
    }

    /// Writes the file, making its folder where it is missing.
    pub(super) fn write(
        path: &Path,
        generation: Generation,
        snapshot: &Snapshot,
    ) -> io::Result<()> {
        if let Some(folder) = path.parent()
            && let Err(error) = std::fs::create_dir(folder)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        let file = Self {
            schema: Self::SCHEMA,
            generation,
            snapshot: snapshot.clone(),
        };
        atomic::write_unsynced(path, &serde_json::to_vec(&file)?)
    }
}

/// What was installed when the history of `project` was last written: from the environment's `.aim/snapshot.json` if it
/// belongs to the generation of `env_meta.json`, else names and versions from there. None when nothing is recorded.
pub fn last_recorded(project: &Project) -> Option<Snapshot> {
    let file = SnapshotFile::read(&project.venv().layout().snapshot());
    let (meta, state) = EnvMeta::read(&project.layout());
    match (state, file) {
        (MetaState::Present, Some(file)) if file.generation == meta.generation => {
            Some(file.snapshot)
        }
        (MetaState::Present, _) => Some(meta.snapshot()),
        (MetaState::Broken(_), Some(file)) => Some(file.snapshot),
        (MetaState::Broken(_), None) | (MetaState::Absent, _) => None,
    }
}
