//! The links of a view.
//!
//! A folder of packages that one entry alone has is one link, one that several share is a folder with links in it, and
//! so on downwards. Elsewhere all folders are real, since programs put files there (`share/jupyter`).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::super::shelf::{FILES, Shelf};
use super::script;
use crate::files::{Folder, Walk};
use crate::project::VenvLayout;

/// What is read of a file to see whether it is a script.
const BEGINNING: u64 = 1024;
/// Longer than any script.
const LONGEST: u64 = 64 << 20;

/// A view while its links are made.
pub(super) struct Laying<'a> {
    pub(super) shelf: &'a Shelf,
    /// The folder of the archive.
    pub(super) archive: &'a Path,
    /// The entries that come together, those that were installed later behind the others.
    pub(super) entries: &'a [String],
    /// The folders of packages, from the environment's.
    pub(super) sites: &'a [PathBuf],
    /// The names of the environment, as scripts may have them, and that of the view.
    pub(super) from: &'a [PathBuf],
    pub(super) to: &'a Path,
    pub(super) view: Walk,
    /// Another view: a further name of a link that it has is made sooner than a link.
    pub(super) other: Option<Walk>,
}

impl Laying<'_> {
    /// Makes them all.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn lay(&mut self) -> io::Result<()> {
        let all: Vec<usize> = (0..self.entries.len()).collect();
        self.folder(Path::new(""), &all)
    }

    /// Makes the folder at `path` of what those entries have there.
    fn folder(&mut self, path: &Path, entries: &[usize]) -> io::Result<()> {
        self.view.make_folder(path)?;
        let mut names: BTreeMap<OsString, Vec<(usize, bool)>> = BTreeMap::new();
        for entry in entries {
            let kept = self.kept(*entry, path)?;
            for name in kept.names()? {
                let is_folder = kept.found(&name)?.is_folder;
                names.entry(name).or_default().push((*entry, is_folder));
            }
        }
        let is_site = self.sites.iter().any(|site| path.starts_with(site));
        for (name, having) in names {
            let folders = having.iter().filter(|(_, is_folder)| *is_folder);
            let folders: Vec<usize> = folders.map(|(entry, _)| *entry).collect();
            // The last one that was installed wrote it.
            let Some((last, _)) = having.last() else {
                continue;
            };
            let is_shared = having.len() > 1;
            if !folders.is_empty() && (is_shared || !is_site) {
                self.folder(&path.join(name), &folders)?;
            } else if is_site {
                self.link(path, &name, *last)?;
            } else {
                self.file(path, &name, *last)?;
            }
        }
        Ok(())
    }

    /// Links `name` in `path` to what `entry` has there.
    fn link(&mut self, path: &Path, name: &OsStr, entry: usize) -> io::Result<()> {
        let entry = &self.entries[entry];
        let target = self.archive.join(entry).join(FILES).join(path).join(name);
        let to = self.view.folder(path)?;
        let other = self.other.as_mut();
        let there = other.and_then(|other| other.folder(path).ok());
        let has_same = |there: &&Folder| there.read_link(name).is_ok_and(|leads| leads == target);
        match there.filter(has_same) {
            Some(there) if there.link(name, to, name).is_ok() => Ok(()),
            _ => to.make_link(name, target),
        }
    }

    /// Gives the file or link `name` in `path`, which is in no folder of packages, its place in the view.
    fn file(&mut self, path: &Path, name: &OsStr, entry: usize) -> io::Result<()> {
        let from = self.kept(entry, path)?;
        let led = if path == Path::new(VenvLayout::BIN) {
            led(&from, name, self.from, self.to)?
        } else {
            None
        };
        let to = self.view.folder(path)?;
        match led {
            Some(text) => {
                let mut file = to.create_new(name)?;
                file.set_permissions(Permissions::from_mode(from.found(name)?.mode))?;
                file.write_all(&text)
            }
            None => link_or_copy(&from, name, to),
        }
    }

    /// The folder at `path` of `entry`.
    fn kept(&self, entry: usize, path: &Path) -> io::Result<Folder> {
        self.shelf.folder(&self.entries[entry], path)
    }
}

/// The script `name` in `folder`, led from one of the environments `from` to `to`; none where it is no such script.
fn led(folder: &Folder, name: &OsStr, from: &[PathBuf], to: &Path) -> io::Result<Option<Vec<u8>>> {
    if !folder.found(name)?.is_file {
        return Ok(None);
    }
    let mut beginning = Vec::new();
    let (file, _) = folder.open_file(name)?;
    file.take(BEGINNING).read_to_end(&mut beginning)?;
    for from in from {
        if script::led(&beginning, from, to).is_some() {
            return Ok(script::led(&folder.read(name, LONGEST)?, from, to));
        }
    }
    Ok(None)
}

/// Gives `name` in `from` the same name in `to`.
pub(super) fn link_or_copy(from: &Folder, name: &OsStr, to: &Folder) -> io::Result<()> {
    match from.link(name, to, name) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => from.copy(name, to, name),
        done => done,
    }
}
