//! The folders below a folder, each reached from the one above it by its name alone, so that no link is followed on the
//! way.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path};

use super::folder::Folder;

/// Goes from folder to folder below one, and keeps open only the way to where it is: what comes in the order of paths
/// is reached without opening a folder twice.
#[derive(Debug)]
pub struct Walk {
    root: Folder,
    way: Vec<(OsString, Folder)>,
}

impl Walk {
    /// A walk that begins at `root`.
    pub fn from(root: Folder) -> Self {
        Self {
            root,
            way: Vec::new(),
        }
    }

    /// The folder `path`, which has names alone; the root for an empty one.
    ///
    /// # Errors
    /// As [`Folder::folder`], or that `path` has other parts.
    pub fn folder(&mut self, path: &Path) -> io::Result<&Folder> {
        self.reach(path, |above, name| above.folder(name))
    }

    /// The same, with all that is missing of it made.
    ///
    /// # Errors
    /// As [`Folder::make_folder`], or that `path` has other parts.
    pub fn make_folder(&mut self, path: &Path) -> io::Result<&Folder> {
        self.reach(path, |above, name| above.make_folder(name))
    }

    fn reach(
        &mut self,
        path: &Path,
        step: impl Fn(&Folder, &OsString) -> io::Result<Folder>,
    ) -> io::Result<&Folder> {
        let names: Vec<OsString> = path
            .components()
            .map(|part| match part {
                Component::Normal(name) => Ok(name.to_owned()),
                _ => Err(io::Error::from(io::ErrorKind::InvalidFilename)),
            })
            .collect::<io::Result<_>>()?;
        let shared = self.way.iter().zip(&names);
        let shared = shared.take_while(|((had, _), name)| had == *name).count();
        self.way.truncate(shared);
        for name in names.into_iter().skip(shared) {
            let above = self.way.last().map_or(&self.root, |(_, folder)| folder);
            let folder = step(above, &name)?;
            self.way.push((name, folder));
        }
        Ok(self.way.last().map_or(&self.root, |(_, folder)| folder))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_walk_follows_no_link_and_never_leads_up() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir_all(dir.path().join("in/a")).expect("folders");
        std::fs::create_dir_all(dir.path().join("out")).expect("folder");
        symlink("../../out", dir.path().join("in/a/link")).expect("link");
        let mut walk = Walk::from(Folder::open(&dir.path().join("in")).expect("open"));
        walk.make_folder("a/b/c".as_ref()).expect("made");
        walk.make_folder("a/d".as_ref()).expect("made");
        assert_eq!(
            walk.folder("".as_ref()).expect("root").path(),
            dir.path().join("in")
        );
        assert!(dir.path().join("in/a/b/c").is_dir() && dir.path().join("in/a/d").is_dir());
        for path in ["a/link", "a/link/x", "../out", "a/../..", "/tmp"] {
            assert!(walk.make_folder(path.as_ref()).is_err(), "{path}");
            assert!(walk.folder(path.as_ref()).is_err(), "{path}");
        }
        assert!(crate::files::testing::names(&dir.path().join("out")).is_empty());
    }
}
