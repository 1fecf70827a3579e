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
    /// Where what is compiled of the view belongs, and what is compiled of each entry.
    pub(super) compiled: Walk,
    pub(super) compiled_entries: &'a Folder,
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
        let mut names: BTreeMap<OsString, Vec<usize>> = BTreeMap::new();
        for entry in entries {
            for name in self.kept(*entry, path)?.names()? {
                names.entry(name).or_default().push(*entry);
            }
        }
        let is_site = self.sites.iter().any(|site| path.starts_with(site));
        for (name, entries) in names {
            match entries.as_slice() {
                [entry] if is_site => self.link(path, &name, *entry)?,
                several => self.merge(path, &name, several)?,
            }
        }
        Ok(())
    }

    /// Makes what several entries have at `name` in `path`, or what has to be looked at.
    fn merge(&mut self, path: &Path, name: &OsStr, entries: &[usize]) -> io::Result<()> {
        let mut folders = Vec::new();
        for entry in entries {
            if self.kept(*entry, path)?.found(name)?.is_folder {
                folders.push(*entry);
            }
        }
        match entries.last() {
            _ if !folders.is_empty() => self.folder(&path.join(name), &folders),
            // The last one that was installed wrote it.
            Some(entry) if self.sites.iter().any(|site| path.starts_with(site)) => {
                self.link(path, name, *entry)
            }
            Some(entry) => self.file(path, name, *entry),
            None => Ok(()),
        }
    }

    /// Links `name` in `path` to what `entry` has there.
    fn link(&mut self, path: &Path, name: &OsStr, entry: usize) -> io::Result<()> {
        let entry = &self.entries[entry];
        let target = self.archive.join(entry).join(FILES).join(path).join(name);
        self.view.folder(path)?.make_link(name, target)?;
        // Only modules are compiled: `six.py` lies beside others, `numpy-2.0.dist-info` has none.
        if name.as_encoded_bytes().contains(&b'.') {
            return Ok(());
        }
        let mut sites = self.sites.iter();
        let below = sites.find_map(|site| path.strip_prefix(site).ok());
        let below = below.unwrap_or(path).join(name);
        let mut shared = Walk::from(self.compiled_entries.make_folder(entry)?);
        let shared = shared.make_folder(&below)?.path().to_path_buf();
        self.compiled.make_folder(path)?.make_link(name, shared)
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
        let mut folder = self.shelf.0.folder(&self.entries[entry])?.folder(FILES)?;
        for name in path {
            folder = folder.folder(name)?;
        }
        Ok(folder)
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
