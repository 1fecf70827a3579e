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
        // The folder may have been made anew: what watches the old one hears nothing any more.
        let is_at = |watch: &FolderWatch| watch.is_at(self.layout.keeper());
        if !self.watch.as_ref().is_some_and(is_at) {
            self.watch = FolderWatch::of(self.layout.keeper());
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

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    #[test]
    fn a_folder_that_is_made_anew_is_followed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().join("p");
        let layout = ProjectLayout::new(&root);
        let record = |generation: u64| {
            let text = format!(r#"{{"schema": 1, "generation": {generation}, "packages": []}}"#);
            std::fs::write(layout.env_meta(), text).expect("written");
        };
        std::fs::create_dir(&root).expect("folder");
        record(1);
        let (mut watch, meta) = RecordWatch::begin(layout.clone());
        assert_eq!(meta.generation().0, 1);
        let is_told = |watch: &RecordWatch| {
            let Some(descriptor) = watch.descriptor() else {
                return true;
            };
            let mut asked = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
            let soon = Timespec {
                tv_sec: 2,
                tv_nsec: 0,
            };
            poll(&mut asked, Some(&soon)).expect("waited") > 0
        };
        for generation in [2, 3, 4] {
            std::fs::remove_dir_all(&root).expect("removed");
            assert!(is_told(&watch));
            assert!(watch.look().is_none());
            std::fs::create_dir(&root).expect("folder");
            assert!(is_told(&watch) || watch.next_look(Instant::now()).is_some());
            assert!(watch.look().is_none());
            record(generation);
            assert!(is_told(&watch));
            let meta = watch.look().expect("a new generation");
            assert_eq!(meta.generation().0, generation);
        }
    }
}
