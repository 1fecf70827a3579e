//! Which folders tell of a change in an environment, and whether the system tells of changes in them.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::files::momentary::there;
use crate::host::Host;
use crate::project::Venv;
use crate::system::remote_file_system;

/// The folders to watch, each with its device and inode: an environment that was made again has other ones.
///
/// Not only site-packages: the folders above it tell when it goes and when it comes back. Each is watched by itself,
/// never what is below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places(BTreeMap<PathBuf, Identity>);

/// Device and inode.
type Identity = (u64, u64);

impl Places {
    /// Those of `venv`, as it is now, for an interpreter that `host`'s person starts.
    ///
    /// # Errors
    /// What the system says of a folder, but that it is missing: not to watch it would be to miss what changes there.
    pub(super) fn of(venv: &Venv, host: &Host) -> io::Result<Self> {
        let root = venv.root();
        let mut places = Self::default();
        // A link that is turned elsewhere shows in its own folder alone.
        if root.is_symlink() || !root.is_dir() {
            places.add_nearest(root);
        }
        places.add(root);
        if let Some(folder) = venv.conda_meta() {
            places.add(&folder);
        }
        for lib in venv.layout().libs() {
            if lib.is_symlink() {
                continue;
            }
            places.add(&lib);
            for python in there(std::fs::read_dir(&lib))?.into_iter().flatten() {
                let python = python?;
                if python.file_name().to_string_lossy().starts_with("py") {
                    places.add(&python.path());
                }
            }
        }
        for place in venv.package_places(host)? {
            places.add(&place.path);
        }
        Ok(places)
    }

    /// The folders.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// The folders that `others` does not have, or has another one of at the same path.
    pub(super) fn missing_from<'a>(&'a self, others: &'a Self) -> impl Iterator<Item = &'a Path> {
        let missing = |path: &PathBuf, identity| others.0.get(path) != Some(identity);
        self.0
            .iter()
            .filter(move |(path, identity)| missing(path, identity))
            .map(|(path, _)| path.as_path())
    }

    /// The file system of the first place whose changes the system may not tell us, because another machine can make
    /// them.
    pub(super) fn remote(&self) -> Option<&'static str> {
        self.0.keys().find_map(|path| remote_file_system(path))
    }

    fn add(&mut self, path: &Path) {
        if let Ok(found) = path.metadata()
            && found.is_dir()
        {
            self.0
                .insert(path.to_path_buf(), (found.dev(), found.ino()));
        }
    }

    /// The nearest folder above `path` that is there.
    fn add_nearest(&mut self, path: &Path) {
        if let Some(above) = path.ancestors().skip(1).find(|above| above.is_dir()) {
            self.add(above);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(venv: &Venv) -> io::Result<Places> {
        Places::of(venv, &Host::default())
    }

    fn names(places: &Places, root: &Path) -> Vec<String> {
        places
            .paths()
            .map(|path| {
                let below = path.strip_prefix(root).expect("below the project");
                below.display().to_string()
            })
            .collect()
    }

    #[test]
    fn the_way_down_to_every_site_packages() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        let made = |place: &str| std::fs::create_dir_all(root.join(place)).expect("folders");
        made(".venv/lib/python3.12/site-packages");
        std::fs::write(root.join(".venv/pyvenv.cfg"), "").expect("write");
        let venv = Venv::open(root.join(".venv")).expect("an environment");
        let way = [
            ".venv",
            ".venv/lib",
            ".venv/lib/python3.12",
            ".venv/lib/python3.12/site-packages",
        ];
        std::os::unix::fs::symlink("lib", root.join(".venv/lib64")).expect("link");
        let first = places(&venv).expect("readable");
        assert_eq!(names(&first, &root), way);
        std::fs::remove_file(root.join(".venv/lib64")).expect("removed");
        made(".venv/lib64/python3.12/site-packages");
        made(".venv/conda-meta");
        let both = places(&venv).expect("readable");
        assert_eq!(both.paths().count(), way.len() + 4);
        std::fs::remove_dir_all(root.join(".venv")).expect("removed");
        assert_eq!(names(&places(&venv).expect("readable"), &root), [""]);
        made(".venv");
        assert_eq!(names(&places(&venv).expect("readable"), &root), [".venv"]);
    }

    #[test]
    fn another_folder_at_the_same_path_is_another_place() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let venv = dir.path().join("venv");
        std::fs::create_dir(&venv).expect("folder");
        std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
        let before = places(&Venv::open(&venv).expect("an environment")).expect("readable");
        assert_eq!(before.missing_from(&before).count(), 0);
        // Moved away and not removed, so that the next folder does not get its inode.
        std::fs::rename(&venv, dir.path().join("old")).expect("renamed");
        std::fs::create_dir(&venv).expect("folder");
        std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
        let after = places(&Venv::open(&venv).expect("an environment")).expect("readable");
        assert_eq!(after.missing_from(&before).collect::<Vec<_>>(), [venv]);
    }

    #[test]
    fn folders_of_this_machine_are_watched() {
        assert_eq!(remote_file_system(Path::new("/nowhere/at/all")), None);
        assert_eq!(remote_file_system(Path::new("/proc")), None);
    }
}
