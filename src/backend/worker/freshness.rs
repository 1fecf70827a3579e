//! Which generation the environment is at, asked before every node.
//!
//! `env_meta.json` is the truth (design, section 2). It is always replaced, never edited, so a `stat` tells whether it is
//! still the file that was read; only then is it read again.

use std::os::unix::fs::MetadataExt;

use crate::project::ProjectLayout;
use crate::store::{EnvMeta, Generation, MetaState};

/// A project's generation, as cheap as a `stat` while nothing changes.
#[derive(Debug, Clone)]
pub(super) struct Freshness {
    layout: ProjectLayout,
    path: std::path::PathBuf,
    stamp: Option<Stamp>,
    known: Generation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    inode: u64,
    size: u64,
}

impl Freshness {
    pub(super) fn new(layout: ProjectLayout) -> Self {
        let path = layout.env_meta();
        Self {
            layout,
            path,
            stamp: None,
            known: Generation(0),
        }
    }

    /// The generation on disk: 0 for a project without `env_meta.json`, the last one known while the file cannot be read.
    pub(super) fn generation(&mut self) -> Generation {
        // Stamp first: a file that comes between the two is then read again, not missed.
        let stamp = self.stamp();
        if stamp != self.stamp {
            let (meta, state) = EnvMeta::read(&self.layout);
            match state {
                MetaState::Present | MetaState::Absent => self.known = meta.generation(),
                MetaState::Broken(why) => {
                    tracing::warn!(file = %self.path.display(), why, "env_meta.json cannot be read");
                }
            }
            self.stamp = stamp;
        }
        self.known
    }

    /// What the last [`Self::generation`] gave.
    pub(super) fn known(&self) -> Generation {
        self.known
    }

    fn stamp(&self) -> Option<Stamp> {
        let found = std::fs::metadata(&self.path).ok()?;
        Some(Stamp {
            modified: (found.mtime(), found.mtime_nsec()),
            inode: found.ino(),
            size: found.size(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_seen_and_a_broken_one_changes_nothing() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut freshness = Freshness::new(ProjectLayout::new(dir.path()));
        let write = |text: &str| {
            let new = dir.path().join("new");
            std::fs::write(&new, text).expect("write");
            std::fs::rename(&new, dir.path().join("env_meta.json")).expect("rename");
        };
        let meta =
            |number: u64| format!(r#"{{"updated_at":null,"packages":[],"generation":{number}}}"#);
        assert_eq!(freshness.generation(), Generation(0));
        write(&meta(4));
        assert_eq!(freshness.generation(), Generation(4));
        write("{");
        assert_eq!(freshness.generation(), Generation(4));
        write(&meta(5));
        assert_eq!(freshness.generation(), Generation(5));
        std::fs::remove_file(dir.path().join("env_meta.json")).expect("remove");
        assert_eq!(freshness.generation(), Generation(0));
    }
}
