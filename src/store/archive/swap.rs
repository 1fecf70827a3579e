//! Puts files back and takes others away, to the end.
//!
//! All that is to be done is written down first, and nothing is touched before that is on the disk; each step can be
//! done again. So a swap that a crash cut short is done from its beginning by whoever comes next, and between the two
//! there is no environment but the old and the new one. What is put back is the archive's own file under a further
//! name, under a name of its own first: so its content, mode and time are what they were, and nothing is copied but a
//! list that had another time then: it says which of two that have one file was installed later. No
//! installer writes into a file that is there; what a person edits in place is noticed by its sum.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::installed_files::{COMPILED, sites};
use super::plan::Plan;
use super::shelf::{Shelf, split};
use crate::files::momentary::{found, is_momentary};
use crate::files::{Folder, Walk};
use crate::project::{Venv, VenvLayout};
use crate::store::places;
use crate::store::record::RunId;

/// Name of a file that is about to come in the place of another one.
const COMING: &str = ".aim-undo.tmp";
/// Longer than what is written down for the largest environment.
const LONGEST: u64 = 256 << 20;

/// What is to be done, as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store) struct Swap {
    schema: u32,
    /// The run that does it.
    pub(in crate::store) run: RunId,
    /// Paths, by the entry that has them.
    put: BTreeMap<String, Vec<String>>,
    /// When some of these were written, in nanoseconds.
    #[serde(default)]
    written: BTreeMap<String, i64>,
    remove: Vec<String>,
}

/// Asked before each touch whether to go on; only tests say no.
pub(in crate::store) type Step<'s> = &'s mut dyn FnMut() -> io::Result<()>;

impl Swap {
    const SCHEMA: u32 = 1;

    /// Writes down what `plan` says, as a part of the run `run`.
    ///
    /// # Errors
    /// What the system says; then nothing was touched.
    pub(in crate::store) fn begin(venv: &VenvLayout, run: RunId, plan: &Plan) -> io::Result<Self> {
        let swap = Self {
            schema: Self::SCHEMA,
            run,
            put: plan.put.clone(),
            written: plan.written.clone(),
            remove: plan.remove.clone(),
        };
        let aim = places::made_aim(venv)?;
        aim.write(VenvLayout::UNDO, &serde_json::to_vec(&swap)?)?;
        aim.as_file()?.sync_all()?;
        Ok(swap)
    }

    /// What a crash left to be done.
    ///
    /// # Errors
    /// What is of the moment.
    pub(in crate::store) fn left(venv: &VenvLayout) -> io::Result<Option<Self>> {
        let text = places::aim(venv).and_then(|aim| aim.read(VenvLayout::UNDO, LONGEST));
        Ok(found(text)?.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Nothing is left to be done.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::store) fn end(venv: &VenvLayout) -> io::Result<()> {
        places::aim(venv)?.remove(VenvLayout::UNDO).map(drop)
    }

    /// Does it. Gives the paths at which that was impossible: where a person has put something else, or has taken
    /// something out of the archive.
    ///
    /// # Errors
    /// What may be possible later: a full disk, one that cannot be written.
    pub(in crate::store) fn carry_out(&self, venv: &Venv) -> io::Result<Vec<String>> {
        self.carry_out_by(venv, &mut || Ok(()))
    }

    pub(in crate::store) fn carry_out_by(
        &self,
        venv: &Venv,
        step: Step<'_>,
    ) -> io::Result<Vec<String>> {
        let layout = venv.layout();
        let mut walk = Walk::from(places::environment(&layout)?);
        let mut failed = Vec::new();
        let mut mark = |path: &str, done: io::Result<()>| match done {
            Err(error) if is_for_later(&error) => Err(error),
            Err(_) => {
                failed.push(path.to_owned());
                Ok(())
            }
            Ok(()) => Ok(()),
        };
        // A folder that has to make way for a file, or a file for a folder, goes first.
        let (early, late) = self.removals();
        for path in early {
            mark(path, remove(&mut walk, path, step))?;
        }
        self.remove_empty_folders(venv, &mut walk);
        if let Some(shelf) = Shelf::of(&layout)? {
            for (entry, paths) in &self.put {
                let Some(mut files) = found(shelf.files(entry))? else {
                    mark(entry, Err(io::ErrorKind::NotFound.into()))?;
                    continue;
                };
                for path in paths {
                    let written = self.written.get(path).copied().and_then(time);
                    mark(path, put(&mut files, &mut walk, (path, written), step))?;
                }
            }
        }
        for path in late {
            mark(path, remove(&mut walk, path, step))?;
        }
        self.remove_compiled(&mut walk, step)?;
        self.remove_empty_folders(venv, &mut walk);
        Ok(failed)
    }

    /// What has to go before anything comes, and the rest.
    fn removals(&self) -> (Vec<&String>, Vec<&String>) {
        let coming: BTreeSet<&Path> = self.put.values().flatten().map(Path::new).collect();
        let above_coming: BTreeSet<&Path> = coming
            .iter()
            .flat_map(|path| path.ancestors().skip(1))
            .collect();
        self.remove.iter().partition(|path| {
            let path = Path::new(path.as_str());
            above_coming.contains(path) || path.ancestors().skip(1).any(|one| coming.contains(one))
        })
    }

    /// Removes what Python compiled of files that came or went: it may be taken for that of another file.
    fn remove_compiled(&self, walk: &mut Walk, step: Step<'_>) -> io::Result<()> {
        let mut modules: BTreeMap<PathBuf, BTreeSet<&str>> = BTreeMap::new();
        for path in self.put.values().flatten().chain(&self.remove) {
            let (above, name) = split(path);
            if let Some(module) = name.strip_suffix(".py") {
                modules
                    .entry(above.join(COMPILED))
                    .or_default()
                    .insert(module);
            }
        }
        for (above, modules) in modules {
            let Ok(folder) = walk.folder(&above) else {
                continue;
            };
            for name in folder.names()? {
                let module = name.to_str().and_then(|name| name.split_once('.'));
                if module.is_some_and(|(module, _)| modules.contains(module)) {
                    step()?;
                    folder.remove(&name)?;
                }
            }
        }
        Ok(())
    }

    /// Removes the folders in which nothing is left.
    fn remove_empty_folders(&self, venv: &Venv, walk: &mut Walk) {
        let of_makers = [VenvLayout::BIN, "include"].map(PathBuf::from);
        let stay: BTreeSet<PathBuf> = sites(venv).into_iter().chain(of_makers).collect();
        let is_kept = |path: &Path| stay.iter().any(|kept| kept.starts_with(path));
        let mut folders = BTreeSet::new();
        for path in self.remove.iter().map(Path::new) {
            let above = path.ancestors().skip(1).filter(|above| !is_kept(above));
            folders.extend(above.flat_map(|above| [above.to_path_buf(), above.join(COMPILED)]));
        }
        // The deepest come last in the order of paths.
        for folder in folders.iter().rev() {
            let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
                continue;
            };
            // One that is not empty, the system does not remove.
            let _ = walk
                .folder(above)
                .and_then(|above| above.remove_folder(name));
        }
    }
}

/// Whether the same may be possible later.
fn is_for_later(error: &io::Error) -> bool {
    is_momentary(error)
        || matches!(
            error.kind(),
            io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::PermissionDenied
        )
}

/// The time so many nanoseconds after 1970.
fn time(nanoseconds: i64) -> Option<SystemTime> {
    let since = Duration::from_nanos(u64::try_from(nanoseconds).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// Puts the file at `path` back, which was `written` then where that is said.
fn put(
    files: &mut Walk,
    walk: &mut Walk,
    (path, written): (&str, Option<SystemTime>),
    step: Step<'_>,
) -> io::Result<()> {
    let (above, name) = split(path);
    let from = files.folder(above)?;
    let to = walk.make_folder(above)?;
    // One file has one time: at another one it is a copy.
    let written = written.filter(|time| from.found(name).is_ok_and(|kept| kept.modified != *time));
    if written.is_none() && from.is_same(name, to, name) {
        return Ok(());
    }
    step()?;
    match link_or_copy(from, to, name, written) {
        // A crash left it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            to.remove(COMING)?;
            link_or_copy(from, to, name, written)?;
        }
        done => done?,
    }
    step()?;
    let done = to.rename(COMING, to, name);
    if done.is_err() {
        let _ = to.remove(COMING);
    }
    done
}

fn link_or_copy(
    from: &Folder,
    to: &Folder,
    name: &str,
    written: Option<SystemTime>,
) -> io::Result<()> {
    if written.is_some() {
        return from.copy_at(name, to, COMING, written);
    }
    match from.link(name, to, COMING) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => from.copy(name, to, COMING),
        done => done,
    }
}

fn remove(walk: &mut Walk, path: &str, step: Step<'_>) -> io::Result<()> {
    let (above, name) = split(path);
    match walk.folder(above) {
        Ok(folder) => {
            step()?;
            folder.remove(name).map(drop)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
