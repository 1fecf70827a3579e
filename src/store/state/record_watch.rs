//! A project's record, followed by somebody who asks no daemon: whoever changes the environment, its generation is
//! written into `env_meta.json`, by `aim-pip` or the daemon.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::env_meta::{EnvMeta, MetaState};
use crate::files::Stamp;
use crate::project::ProjectLayout;
use crate::store::record::Generation;
use crate::system::FolderWatch;

/// How often the file is looked at where the system does not tell of it.
const LOOK: Duration = Duration::from_millis(250);

/// Tells when the record has another generation.
#[derive(Debug)]
pub struct RecordWatch {
    layout: ProjectLayout,
    watch: Option<FolderWatch>,
    stamp: Option<Stamp>,
    generation: Generation,
}

impl RecordWatch {
    /// Follows the record of the project that is laid out so, from what it says now.
    pub fn begin(layout: ProjectLayout) -> (Self, EnvMeta) {
        let watch = FolderWatch::of(layout.keeper());
        let stamp = Stamp::of(&layout.env_meta());
        let (meta, _) = EnvMeta::read(&layout);
        let followed = Self {
            layout,
            watch,
            stamp,
            generation: meta.generation(),
        };
        (followed, meta)
    }

    /// Readable when it is worth looking.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(FolderWatch::descriptor)
    }

    /// When to look without being told, where the last look was at `last`.
    pub fn next_look(&self, last: Instant) -> Option<Instant> {
        self.watch.is_none().then(|| last + LOOK)
    }

    /// What the record says, if it has another generation than at the last look.
    pub fn look(&mut self) -> Option<EnvMeta> {
        if let Some(watch) = &self.watch {
            watch.settle();
        }
        let stamp = Stamp::of(&self.layout.env_meta());
        if stamp == self.stamp {
            return None;
        }
        let (meta, state) = EnvMeta::read(&self.layout);
        if state != MetaState::Present {
            // It is being put right by somebody; the next look tells.
            return None;
        }
        self.stamp = stamp;
        let is_new = meta.generation() != self.generation;
        self.generation = meta.generation();
        is_new.then_some(meta)
    }
}
