//! What a project's history says is installed, and how what is installed stands to it.
//!
//! The one judgement that the commands, the shim and the daemon go by: one and the same state never gets two answers.

use std::borrow::Cow;
use std::io;

use super::env_meta::{EnvMeta, MetaState};
use super::snapshot_file::SnapshotFile;
use crate::files::momentary::found;
use crate::inventory::{Diff, Snapshot};
use crate::project::{Project, Venv};
use crate::store::error::StoreError;
use crate::store::history_lock::HistoryLock;
use crate::store::lock::RunLock;
use crate::store::places;
use crate::store::record::{Generation, history};

/// What the history of a project says is there, read once.
#[derive(Debug, Clone)]
pub struct Recorded {
    venv: Venv,
    state: MetaState,
    generation: Generation,
    snapshot: Option<Snapshot>,
    /// `env_meta.json` has a generation that did not go back and that the runs explain, or none at all.
    is_whole: bool,
    /// Another program wrote `env_meta.json` and left our members out.
    is_unnumbered: bool,
}

/// How what is installed stands to what is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is what is recorded.
    InStep,
    /// It differs, or the recorded generation went back.
    Differs(Diff),
    /// Nothing is recorded: all that is there is new.
    Unrecorded(Diff),
    /// `env_meta.json` is there and cannot be understood: why, and what differs from the last record that is known.
    Unreadable(String, Diff),
}

impl Standing {
    /// Whether nothing has to be done.
    pub fn is_in_step(&self) -> bool {
        *self == Self::InStep
    }

    /// What a sync would enter.
    pub fn diff(&self) -> Option<&Diff> {
        match self {
            Self::InStep => None,
            Self::Differs(diff) | Self::Unrecorded(diff) | Self::Unreadable(_, diff) => Some(diff),
        }
    }
}

impl Recorded {
    /// Reads it.
    ///
    /// # Errors
    /// What is of the moment, and what is forbidden: then nobody knows what is recorded.
    pub fn read(project: &Project) -> Result<Self, StoreError> {
        Self::read_files(project).map_err(StoreError::unread(project.layout().env_meta()))
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
            let last = history::last(&logs)?.generation;
            is_explained = meta.generation.is_believable_beside(last);
        }
        let is_unnumbered = state == MetaState::Present && meta.is_unnumbered();
        let is_whole = is_unnumbered || (known <= meta.generation && is_explained);
        let is_of_snapshot = is_unnumbered || meta.generation == known;
        let generation = match state {
            MetaState::Present if !is_unnumbered => meta.generation,
            MetaState::Present | MetaState::Absent | MetaState::Broken(_) => known,
        };
        let snapshot = match (&state, file) {
            (MetaState::Present, Some(file)) if is_of_snapshot => Some(file.snapshot),
            (MetaState::Present, _) => Some(meta.snapshot()),
            (MetaState::Broken(_), Some(file)) => Some(file.snapshot),
            (MetaState::Broken(_), None) | (MetaState::Absent, _) => None,
        };
        Ok(Self {
            venv: project.venv().clone(),
            state,
            generation,
            snapshot,
            is_whole,
            is_unnumbered: is_unnumbered && known > Generation::default(),
        })
    }

    /// What was installed when the history was last written: from the environment's `.aim/snapshot.json` if it belongs
    /// to the generation of `env_meta.json`, else names and versions from there. None when nothing is recorded.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// The generation of `env_meta.json`; the last one that was recorded, where that file does not tell any.
    pub fn generation(&self) -> Generation {
        self.generation
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

    /// How `now`, which is [settled](Self::settled), stands to what is recorded.
    ///
    /// A file that AIM-Forge wrote, with its three members alone, is unchanged as far as it knows (design, section 4):
    /// its generation is not 0, but the last one that was recorded.
    pub fn standing(&self, now: &Snapshot) -> Standing {
        let nothing = Snapshot::default();
        let diff = self.snapshot.as_ref().unwrap_or(&nothing).diff_to(now);
        match &self.state {
            MetaState::Present if diff.is_empty() && self.is_whole => Standing::InStep,
            MetaState::Present => Standing::Differs(diff),
            MetaState::Absent => Standing::Unrecorded(diff),
            MetaState::Broken(why) => Standing::Unreadable(why.clone(), diff),
        }
    }

    /// Whether [`Recorded::refresh`] would write.
    pub fn can_be_refreshed(&self, now: &Snapshot) -> bool {
        self.is_unnumbered
            || self
                .snapshot
                .as_ref()
                .is_some_and(|recorded| recorded.is_better_known_as(now))
    }

    /// Writes down what `now`, which is in step, tells of its files, where the next comparison would have to look into
    /// them once more: after a copy, say, as `git update-index --refresh` does it. Puts our members back into an
    /// `env_meta.json` that lost them. A failure costs the next comparison some time.
    pub fn refresh(&self, project: &Project, now: &Snapshot, _held: &RunLock) {
        if self.is_unnumbered
            && let Ok(history) = HistoryLock::acquire(&project.layout())
            && let Ok((mut meta, MetaState::Present)) = EnvMeta::known_in(history.project())
            && meta.is_unnumbered()
        {
            meta.number(self.generation, now, self.venv.python_version());
            let _ = meta.write(history.project());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::project;

    fn standing(text: Option<&str>, now: &Snapshot) -> Standing {
        let (_dir, project) = project();
        if let Some(text) = text {
            std::fs::write(project.layout().env_meta(), text).expect("write");
        }
        Recorded::read(&project).expect("read").standing(now)
    }

    #[test]
    fn one_judgement_for_all() {
        use crate::store::testing::snapshot;
        let (six, none) = (snapshot(&[("six", "1.16.0")]), snapshot(&[]));
        let forges = r#"{"updated_at":null,"packages":[{"name":"six","version":"1.16.0"}],"last_action":null}"#;
        assert_eq!(standing(Some(forges), &six), Standing::InStep);
        let Standing::Differs(diff) = standing(Some(forges), &none) else {
            panic!("six is gone");
        };
        assert_eq!(diff.removed.len(), 1);
        let Standing::Unrecorded(diff) = standing(None, &six) else {
            panic!("there is no record");
        };
        assert_eq!(diff.added.len(), 1);
        for broken in ["<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n", "", "{"] {
            assert!(
                matches!(standing(Some(broken), &six), Standing::Unreadable(..)),
                "{broken}"
            );
        }
    }
}
