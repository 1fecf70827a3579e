//! What the environment is like at this moment, asked before every node.
//!
//! `env_meta.json` is the truth (design, section 2). It is always replaced, never edited, so a `stat` tells whether it
//! is still the file that was read; only then is it read again. An environment that was deleted and made again, or
//! whose interpreter was upgraded, is another one at any generation. So is one that was seen to change where that could
//! not be recorded.
//!
//! **Invariant:** nothing here depends on what time it is; things are compared for being the same.

use std::path::PathBuf;
use std::sync::Arc;

use super::unrecorded::Unrecorded;
use crate::backend::events::RunName;
use crate::files::Stamp;
use crate::files::momentary::is_momentary;
use crate::project::{ProjectLayout, Venv};
use crate::store::{EnvMeta, Generation, MetaState};

/// An environment as it is at one moment: what a worker was started on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct View {
    pub(crate) generation: Generation,
    pub(crate) interpreter: Interpreter,
    /// How many changes were seen that could not be recorded.
    pub(crate) unrecorded: u64,
}

/// What tells one interpreter of an environment from another: the file that `bin/python` leads to, and `pyvenv.cfg`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interpreter {
    python: Option<Stamp>,
    settings: Option<Stamp>,
}

/// A project's view, as cheap as three `stat`s while nothing changes.
#[derive(Debug, Clone)]
pub struct Freshness {
    layout: ProjectLayout,
    path: PathBuf,
    places: [PathBuf; 2],
    stamp: Option<Stamp>,
    unrecorded: Arc<Unrecorded>,
    known: View,
    changed: Vec<String>,
    run: Option<RunName>,
}

impl Interpreter {
    /// The interpreter of `venv` now: two `stat`s.
    pub(crate) fn of(venv: &Venv) -> Self {
        Self::at(&Self::places(venv))
    }

    fn places(venv: &Venv) -> [PathBuf; 2] {
        [venv.python_path(), venv.pyvenv_cfg()]
    }

    fn at([python, settings]: &[PathBuf; 2]) -> Self {
        let stamp = |path| Stamp::of(path).map(Stamp::without_change_time);
        Self {
            python: stamp(python),
            settings: stamp(settings),
        }
    }
}

impl Freshness {
    /// For a project with the environment `venv`; looks at nothing yet.
    pub fn new(layout: ProjectLayout, venv: &Venv) -> Self {
        Self::with(layout, venv, Arc::default())
    }

    /// As [`Self::new`], where changes may be seen that cannot be recorded.
    pub(crate) fn with(layout: ProjectLayout, venv: &Venv, unrecorded: Arc<Unrecorded>) -> Self {
        let path = layout.env_meta();
        Self {
            layout,
            path,
            places: Interpreter::places(venv),
            stamp: None,
            unrecorded,
            known: View::default(),
            changed: Vec::new(),
            run: None,
        }
    }

    /// The environment now. Its generation is 0 for a project without `env_meta.json`, the last one known while the
    /// file cannot be read.
    pub fn look(&mut self) -> View {
        // Stamp first: a file that comes between the two is then read again, not missed.
        let stamp = Stamp::of(&self.path);
        if stamp != self.stamp {
            let file = self.path.display();
            self.stamp = stamp;
            match EnvMeta::known(&self.layout) {
                // AIM-Forge wrote it anew, without a generation: that changes nothing.
                Ok((meta, MetaState::Present)) if meta.is_unnumbered() => {}
                Ok((meta, MetaState::Present | MetaState::Absent)) => {
                    self.known.generation = meta.generation();
                    let newest = meta.last_change.as_ref();
                    self.changed = newest
                        .map(|newest| newest.changes.affected())
                        .unwrap_or_default();
                    self.run = newest.map(RunName::of);
                }
                Ok((_, MetaState::Broken(why))) => {
                    tracing::warn!(%file, why, "env_meta.json cannot be read");
                }
                Err(error) => {
                    if is_momentary(&error) {
                        // Tried again at the next look, though the file may be the same then.
                        self.stamp = None;
                    }
                    tracing::warn!(%file, %error, "env_meta.json cannot be read now");
                }
            }
        }
        self.known.interpreter = Interpreter::at(&self.places);
        self.known.unrecorded = self.unrecorded.count();
        self.known
    }

    /// What the last [`Self::look`] gave.
    pub(crate) fn known(&self) -> View {
        self.known
    }

    /// The newest run that changed something.
    pub(crate) fn run(&self) -> Option<&RunName> {
        self.run.as_ref()
    }

    /// The distributions, and startup files, that the newest run changed.
    pub(crate) fn changed(&self) -> &[String] {
        &self.changed
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn fresh(root: &Path) -> Freshness {
        let venv = root.join(".venv");
        std::fs::create_dir_all(venv.join("bin")).expect("folders");
        std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
        std::fs::write(venv.join("bin/python"), "").expect("write");
        let venv = Venv::open(&venv).expect("an environment");
        Freshness::new(ProjectLayout::new(root), &venv)
    }

    #[test]
    fn an_environment_made_again_is_another_one() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut freshness = fresh(dir.path());
        let before = freshness.look();
        assert_eq!(freshness.look(), before);
        std::fs::rename(dir.path().join(".venv"), dir.path().join("old")).expect("rename");
        assert_ne!(freshness.look(), before);
        assert_ne!(fresh(dir.path()).look(), before);
    }

    #[test]
    fn a_replaced_file_is_seen_and_a_broken_one_changes_nothing() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut freshness = fresh(dir.path());
        let write = |text: &str| {
            let new = dir.path().join("new");
            std::fs::write(&new, text).expect("write");
            std::fs::rename(&new, dir.path().join("env_meta.json")).expect("rename");
        };
        let meta =
            |number: u64| format!(r#"{{"updated_at":null,"packages":[],"generation":{number}}}"#);
        assert_eq!(freshness.look().generation, Generation(0));
        write(&meta(4));
        assert_eq!(freshness.look().generation, Generation(4));
        write("{");
        assert_eq!(freshness.look().generation, Generation(4));
        write(&meta(5));
        assert_eq!(freshness.look().generation, Generation(5));
        std::fs::remove_file(dir.path().join("env_meta.json")).expect("remove");
        assert_eq!(freshness.look().generation, Generation(0));
    }
}
