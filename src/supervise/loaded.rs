//! What a supervised command has loaded: a folder for each process of it, `<venv>/.aim/supervised/web.loaded/0/`, with
//! the list and what makes every Python write to it (`shims/_aim_loaded.py`).
//!
//! **Invariant:** a list that may lack something is none.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use crate::files::Folder;

const MODULE: &str = include_str!("../../shims/_aim_loaded.py");
/// Python imports a module of that name before anything of the command's.
const MODULE_NAME: &str = "sitecustomize.py";
/// The list, as the module knows it.
const LIST: &str = "loaded";
/// Longer than what any program loads: its names fill some ten KiB.
const LONGEST: u64 = 16 << 20;

/// The names of the modules that one process of a command, and those that it started, have looked for. It goes with
/// this value.
#[derive(Debug)]
pub(super) struct LoadedList {
    above: Folder,
    name: String,
    folder: Folder,
}

impl LoadedList {
    /// A new one, called `name`, in the folder `above`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn begin(above: Folder, name: String) -> io::Result<Self> {
        above.remove_all(&name)?;
        let folder = above.make_folder(&name)?;
        let list = Self {
            above,
            name,
            folder,
        };
        list.folder.create_new(LIST)?;
        list.folder.write_unsynced(MODULE_NAME, MODULE.as_bytes())?;
        Ok(list)
    }

    /// The folder that is to be first on the `PYTHONPATH` of the command.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The names; none where nobody can tell them: no Python was started that reads `PYTHONPATH`, say.
    pub(super) fn names(&self) -> Option<HashSet<String>> {
        let text = self.folder.read(LIST, LONGEST).ok()?;
        let text = String::from_utf8_lossy(&text);
        let names: HashSet<String> = text.lines().map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    }
}

impl Drop for LoadedList {
    fn drop(&mut self) {
        let _ = self.above.remove_all(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_empty_too_long_or_gone_tells_nothing() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let above = || Folder::open(dir.path()).expect("open");
        let list = LoadedList::begin(above(), "0".to_owned()).expect("begun");
        let file = list.folder().join(LIST);
        let names = |bytes: &[u8]| {
            std::fs::write(&file, bytes).expect("write");
            let mut names: Vec<String> = list.names()?.into_iter().collect();
            names.sort();
            Some(names)
        };
        assert_eq!(names(b""), None);
        let some = ["a", "a.b", "모듈", "\u{fffd}"].map(str::to_owned);
        let text = ["a\na.b\na\n모듈\n".as_bytes(), b"\xff\n"].concat();
        assert_eq!(names(&text), Some(some.to_vec()));
        assert_eq!(names(&vec![b'\n'; 17 << 20]), None);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(list.names(), None);
        // What a killed supervisor left is in nobody's way.
        let again = LoadedList::begin(above(), "0".to_owned()).expect("begun");
        drop(again);
        assert!(!dir.path().join("0").exists());
    }
}
