//! The files that come when an environment goes back.

use std::collections::BTreeMap;

use super::shelf::KeptFile;

/// A file that comes.
pub(super) struct Coming {
    /// The entry of the archive that has it.
    pub(super) entry: String,
    pub(super) file: KeptFile,
    /// When its distribution was installed: time and size of its RECORD.
    pub(super) since: Option<(i64, u64)>,
}

/// Those that come, by path.
#[derive(Default)]
pub(super) struct ComingFiles(BTreeMap<String, Coming>);

impl ComingFiles {
    /// Of two distributions that have one file, the one that was installed later wrote it.
    pub(super) fn add(&mut self, coming: Coming) {
        let had = self.0.get(&coming.file.path);
        if had.is_none_or(|had| had.since <= coming.since) {
            self.0.insert(coming.file.path.clone(), coming);
        }
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Coming)> {
        self.0.iter()
    }
}
