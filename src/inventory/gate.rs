//! The cheapest question: may something have been installed or removed since?

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::project::Venv;

/// The state of an environment's site-packages folders, and of conda's where it has one. Every installer makes or removes
/// an entry there, which moves the folder's modification time; so a gate that has not moved means that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    folders: Vec<(PathBuf, Option<State>)>,
}

/// Device, inode, and modification time in nanoseconds.
type State = (u64, u64, i64, i64);

impl Gate {
    /// The gate of `venv` as it is now.
    pub fn of(venv: &Venv) -> Self {
        Self::at(venv.site_packages().into_iter().chain(venv.conda_meta()))
    }

    /// The same with `bin`: what pip or another tool installs, scripts included, moves it.
    pub fn with_scripts(venv: &Venv) -> Self {
        let folders = venv.site_packages().into_iter().chain(venv.conda_meta());
        Self::at(folders.chain([venv.bin()]))
    }

    fn at(folders: impl Iterator<Item = PathBuf>) -> Self {
        Self {
            folders: folders
                .map(|path| {
                    let now = state(&path);
                    (path, now)
                })
                .collect(),
        }
    }

    /// Whether something may have changed since: one `stat` a folder. An environment without any folder is always
    /// taken as changed.
    pub fn has_moved(&self) -> bool {
        self.folders.is_empty() || self.folders.iter().any(|(path, then)| state(path) != *then)
    }

    /// Whether `other` is of the same folders, moved or not; not of folders that were made again at the same paths.
    pub fn is_same_place_as(&self, other: &Self) -> bool {
        let identity = |(path, state): &(PathBuf, Option<State>)| {
            (path.clone(), state.map(|(dev, ino, ..)| (dev, ino)))
        };
        let ours = self.folders.iter().map(identity);
        ours.eq(other.folders.iter().map(identity))
    }
}

fn state(path: &PathBuf) -> Option<State> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec()))
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
