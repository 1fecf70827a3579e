//! `<venv>/.aim/snapshot.json`: what was installed at the last record.

use super::env_meta::EnvMeta;
use crate::inventory::Snapshot;
use crate::project::Project;

/// What was installed when the history of `project` was last written: from the environment's `.aim/snapshot.json` if it
/// belongs to the generation of `env_meta.json`, else names and versions from there. None when nothing is recorded.
pub fn last_recorded(project: &Project) -> Option<Snapshot> {
    let (meta, _) = EnvMeta::read(&project.layout());
    Some(meta.snapshot())
}
