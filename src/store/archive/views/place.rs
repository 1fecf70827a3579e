//! The folder that views are kept in for the next time, and which of them are.
//!
//! Whoever makes a view, or removes one, has the folder locked; whoever runs something in a view has that one locked,
//! together with others, and what is run inherits it.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::super::shelf::PART;
use crate::files::Folder;
use crate::files::momentary::found;
use crate::project::{Venv, VenvLayout};
use crate::store::places;
use crate::store::record::Generation;

/// How many views are kept that nobody uses.
pub(super) const MOST: usize = 16;
/// Name of what Python compiled of each entry, in the folder of views (`shims/_aim_view.py`).
pub(super) const COMPILED: &str = "compiled";
/// Name of the note in a view.
const NOTE: &str = "view.json";
/// Longer than any note.
const LONGEST: u64 = 16 << 20;

/// The views of one environment, locked.
#[derive(Debug)]
pub(in crate::store::archive) struct Views {
    pub(super) folder: Folder,
    _lock: File,
}

/// What a view says of itself.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) schema: u32,
    pub(super) generation: Generation,
    /// The entries of the archive that it leads to.
    pub(super) entries: BTreeSet<String>,
}

impl Note {
    pub(super) const SCHEMA: u32 = 1;

    pub(super) fn write(&self, view: &Folder) -> io::Result<()> {
        view.write_unsynced(NOTE, &serde_json::to_vec(self)?)
    }
}

/// Removes the views of `venv` that nobody uses, or with `dry_run` leaves them. Gives how many they are.
///
/// # Errors
/// What the system says.
pub fn prune_views(venv: &Venv, dry_run: bool) -> io::Result<usize> {
    let Some(views) = Views::of(&venv.layout())? else {
        return Ok(0);
    };
    if dry_run {
        let names = views.names()?.into_iter();
        return Ok(names.filter(|name| views.is_unused(name)).count());
    }
    let removed = views.keep_newest(0)?;
    views.forget_compiled(&HashSet::new())?;
    Ok(removed)
}

impl Views {
    /// Those of the environment; none where there never was one.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::store::archive) fn of(venv: &VenvLayout) -> io::Result<Option<Self>> {
        let folder = places::aim(venv).and_then(|aim| aim.folder(VenvLayout::VIEWS));
        found(folder)?.map(Self::locked).transpose()
    }

    /// The same, made where they are missing.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn made(venv: &VenvLayout) -> io::Result<Self> {
        Self::locked(places::made_aim(venv)?.make_folder(VenvLayout::VIEWS)?)
    }

    fn locked(folder: Folder) -> io::Result<Self> {
        let lock = folder.as_file()?;
        lock.lock()?;
        // Nobody makes one now: a crash left it. What cannot be removed is in nobody's way.
        for name in folder.names()? {
            if name.as_encoded_bytes().ends_with(PART.as_bytes()) {
                let _ = folder.remove_all(&name);
            }
        }
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// The view `name`, in use from now on until the result and all that inherit it are gone; none where there is none.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn used(&self, name: &str) -> io::Result<Option<File>> {
        let Some(view) = found(self.folder.folder(name))? else {
            return Ok(None);
        };
        let view = view.as_file()?;
        view.lock_shared()?;
        // The newest are kept.
        view.set_modified(SystemTime::now())?;
        Ok(Some(view))
    }

    /// Lets go of the views that lead to other entries than those in `kept`, and of the oldest; what one
    /// leads to that is in use is kept as well.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::store::archive) fn let_go(&self, kept: &mut HashSet<String>) -> io::Result<()> {
        for name in self.names()? {
            let entries = self.note(&name).entries;
            let is_whole = entries.iter().all(|entry| kept.contains(entry));
            if !is_whole && !self.remove(&name).unwrap_or_default() {
                kept.extend(entries);
            }
        }
        // Another person's files in a view are no reason to keep more of the archive.
        let _ = self.keep_newest(MOST);
        let _ = self.forget_compiled(kept);
        Ok(())
    }

    /// Removes all but the `most` newest that nobody uses. Gives how many.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep_newest(&self, most: usize) -> io::Result<usize> {
        let mut removed = 0;
        for name in self.newest_first()?.iter().skip(most) {
            removed += usize::from(self.remove(name)?);
        }
        Ok(removed)
    }

    /// The view that was used last.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn newest(&self) -> io::Result<Option<Folder>> {
        let newest = self.newest_first()?.into_iter().next();
        newest.map(|name| self.folder.folder(name)).transpose()
    }

    fn newest_first(&self) -> io::Result<Vec<String>> {
        let mut views: Vec<_> = self
            .names()?
            .into_iter()
            .filter_map(|name| Some((self.folder.found(&name).ok()?.modified, name)))
            .collect();
        views.sort();
        Ok(views.into_iter().rev().map(|(_, name)| name).collect())
    }

    /// Removes what was compiled of entries that are not in `kept` and that no view leads to.
    fn forget_compiled(&self, kept: &HashSet<String>) -> io::Result<()> {
        let Some(compiled) = found(self.folder.folder(COMPILED))? else {
            return Ok(());
        };
        let names = self.names()?.into_iter();
        let used: HashSet<String> = names.flat_map(|name| self.note(&name).entries).collect();
        for entry in compiled.names()? {
            let is_used = |entry: &str| used.contains(entry) || kept.contains(entry);
            if !entry.to_str().is_some_and(is_used) {
                compiled.remove_all(&entry)?;
            }
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names = self.folder.names()?.into_iter();
        let names = names.filter_map(|name| name.into_string().ok());
        let is_view = |name: &String| name != COMPILED && !name.ends_with(PART);
        Ok(names.filter(is_view).collect())
    }

    fn note(&self, name: &str) -> Note {
        let text = self.folder.folder(name);
        let text = text.and_then(|view| view.read(NOTE, LONGEST));
        let note = text
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        note.unwrap_or_default()
    }

    fn is_unused(&self, name: &str) -> bool {
        let view = self.folder.folder(name).and_then(|view| view.as_file());
        view.is_ok_and(|view| view.try_lock().is_ok())
    }

    /// Removes the view `name` unless it is in use.
    fn remove(&self, name: &str) -> io::Result<bool> {
        if !self.is_unused(name) {
            return Ok(false);
        }
        let part = name.to_owned() + PART;
        self.folder.rename(name, &self.folder, &part)?;
        self.folder.remove_all(&part)
    }
}
