//! The cheapest question: may something have been installed or removed since?

use std::path::PathBuf;

use crate::files::Stamp;
use crate::project::Venv;

/// The state of an environment's site-packages folders, and of conda's where it has one. Every installer makes or
/// removes an entry there, which moves the folder's modification time; so a gate that has not moved means that nothing
/// changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    folders: Vec<(PathBuf, Option<Stamp>)>,
}

impl Gate {
    /// The gate of `venv` as it is now.
    pub fn of(venv: &Venv) -> Self {
        // Where nobody can tell which folders there are, there is none to rely on.
        let Ok(sites) = venv.all_site_packages() else {
            return Self {
                folders: Vec::new(),
            };
        };
        let folders = sites.into_iter().chain(venv.conda_meta());
        Self {
            folders: folders
                .map(|path| {
                    let now = Stamp::of(&path);
                    (path, now)
                })
                .collect(),
        }
    }

    /// Whether something may have changed since: one `stat` a folder. An environment without any folder that can
    /// be told is always taken as changed.
    pub fn has_moved(&self) -> bool {
        self.folders.is_empty()
            || self
                .folders
                .iter()
                .any(|(path, then)| Stamp::of(path) != *then)
    }

    /// Whether `other` is of the same folders, moved or not; not of folders that were made again at the same paths.
    pub fn is_same_place_as(&self, other: &Self) -> bool {
        let is_same = |here: &Option<Stamp>, there: &Option<Stamp>| match (here, there) {
            (Some(here), Some(there)) => here.is_same_file(there),
            (here, there) => here.is_none() && there.is_none(),
        };
        let mut both = self.folders.iter().zip(&other.folders);
        self.folders.len() == other.folders.len()
            && both.all(|(ours, theirs)| ours.0 == theirs.0 && is_same(&ours.1, &theirs.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_made_or_removed_moves_the_gate() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let site = dir.path().join("lib/python3.12/site-packages");
        std::fs::create_dir_all(&site).expect("folders");
        std::fs::write(dir.path().join("pyvenv.cfg"), "").expect("write");
        let venv = Venv::open(dir.path()).expect("an environment");
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let folder = std::fs::File::open(&site).expect("open");
        folder.set_modified(long_ago).expect("set the time");
        let gate = Gate::of(&venv);
        assert!(!gate.has_moved());
        std::fs::create_dir(site.join("six-1.16.0.dist-info")).expect("folder");
        assert!(gate.has_moved());
        assert!(gate.is_same_place_as(&Gate::of(&venv)));
        std::fs::remove_dir_all(&site).expect("remove");
        assert!(gate.has_moved());
        assert!(!gate.is_same_place_as(&Gate::of(&venv)));
        assert!(
            Gate::of(&venv).has_moved(),
            "nothing to watch is taken as changed"
        );
    }
}
