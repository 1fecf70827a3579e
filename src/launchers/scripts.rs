//! The launchers in `bin`: what is there, what should be, and the difference made good.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::launcher::{self, Launcher};
use super::report::{Changes, EntryPart, EntryState, Finding};
use super::{names, place};
use crate::files::Folder;
use crate::files::momentary::found;
use crate::project::{Venv, VenvLayout};
use crate::store::places;

/// What is in `bin` and in the folder of originals, by name.
struct Survey {
    /// Launchers of ours.
    ours: BTreeMap<String, Launcher>,
    /// Scripts and links that are not ours.
    foreign: BTreeSet<String>,
    /// Originals that are kept for scripts that pip has, or would have without our launchers.
    kept: BTreeSet<String>,
    /// Originals of scripts that pip has removed since.
    outdated: BTreeSet<String>,
    /// Launchers of ours that stand for a script by pip's own account, while somebody removed all originals.
    bereft: BTreeSet<String>,
}

impl Survey {
    fn of(venv: &Venv, bin: &Folder, originals: Option<&Folder>) -> io::Result<Self> {
        let mut survey = Self {
            ours: BTreeMap::new(),
            foreign: BTreeSet::new(),
            kept: originals.map(names_in).transpose()?.unwrap_or_default(),
            outdated: BTreeSet::new(),
            bereft: BTreeSet::new(),
        };
        for name in names_in(bin)? {
            // A link is never ours, even one to a launcher of ours: it is what somebody else made.
            let launcher = found(bin.read(&name, LONGEST))?;
            match launcher.and_then(|bytes| Launcher::parse(&bytes)) {
                Some(launcher) => {
                    survey.ours.insert(name, launcher);
                }
                None => {
                    survey.foreign.insert(name);
                }
            }
        }
        let is_there =
            |name: &String| survey.ours.contains_key(name) || survey.foreign.contains(name);
        if !survey.kept.iter().all(is_there) {
            // Removed by pip (its RECORD has no such script any more) or by somebody who wants it back.
            let recorded = names::recorded(venv)?;
            let is_wanted = |name: &String| is_there(name) || recorded.contains(name);
            (survey.kept, survey.outdated) = survey.kept.iter().cloned().partition(is_wanted);
        } else if survey.kept.is_empty() && !survey.ours.is_empty() {
            let mut recorded = names::recorded(venv)?;
            recorded.retain(|name| survey.ours.contains_key(name));
            survey.bereft = recorded;
        }
        Ok(survey)
    }

    /// The names for which pip has, or would have, a script of its own.
    fn real(&self) -> BTreeSet<String> {
        let scripts = self.foreign.iter().chain(&self.kept).chain(&self.bereft);
        scripts.cloned().collect()
    }
}

/// Longer than a script or launcher.
const LONGEST: u64 = 1 << 20;

/// Puts every wanted launcher in place and keeps what was there.
pub(super) fn put(
    venv: &Venv,
    originals: &Folder,
    aim_pip: &Path,
    changes: &mut Changes,
) -> io::Result<()> {
    let bin = bin_of(venv)?;
    let survey = Survey::of(venv, &bin, Some(originals))?;
    for name in &survey.foreign {
        place::keep(&bin, name, originals)?;
    }
    for name in &survey.outdated {
        place::discard(originals, name)?;
    }
    let wanted = names::wanted(venv, &survey.real())?;
    let launcher = Launcher {
        aim_pip: aim_pip.to_path_buf(),
    };
    for name in &wanted {
        let original = found(originals.read(name, LONGEST))?;
        let bytes = launcher.to_bytes(original.as_deref());
        if !is_in_place(&bin, name, &bytes) {
            place::file(&bin, name, &bytes, 0o755)?;
            changes.written.push(venv.script(name));
        }
    }
    for name in survey.ours.keys().filter(|name| !wanted.contains(*name)) {
        if place::discard(&bin, name)? {
            changes.removed.push(venv.script(name));
        }
    }
    Ok(())
}

/// Gives the originals back, and takes away the launchers that have none. Where pip should have a script, it gets one.
pub(super) fn remove(
    venv: &Venv,
    originals: Option<&Folder>,
    changes: &mut Changes,
) -> io::Result<()> {
    let Some(bin) = found(bin_of(venv))? else {
        return Ok(()); // gone, or a link, by which nothing of ours was put anywhere
    };
    let survey = Survey::of(venv, &bin, originals)?;
    if let Some(originals) = originals {
        for name in survey.kept.difference(&survey.foreign) {
            place::named(&bin, name, originals.rename(name, &bin, name))?;
            changes.written.push(venv.script(name));
        }
    }
    for name in survey
        .ours
        .keys()
        .filter(|name| !survey.kept.contains(*name))
    {
        if survey.bereft.contains(name) {
            let script = launcher::plain_script(&venv.python_path());
            place::file(&bin, name, &script, 0o755)?;
            changes.written.push(venv.script(name));
        } else if place::discard(&bin, name)? {
            changes.removed.push(venv.script(name));
        }
    }
    Ok(())
}

/// The folder of programs: one in the environment itself.
fn bin_of(venv: &Venv) -> io::Result<Folder> {
    let root = places::environment(&venv.layout())?;
    place::named(&root, VenvLayout::BIN, root.folder(VenvLayout::BIN))
}

/// What is at each name that is there or should be.
///
/// # Errors
/// What is of the moment.
pub(super) fn inspect(
    venv: &Venv,
    originals: Option<&Folder>,
    aim_pip: &Path,
) -> io::Result<Vec<Finding>> {
    let Some(bin) = found(bin_of(venv))? else {
        return Ok(Vec::new());
    };
    let survey = Survey::of(venv, &bin, originals)?;
    let wanted = names::wanted(venv, &survey.real())?;
    Ok(wanted
        .iter()
        .map(|name| Finding {
            part: EntryPart::Launcher,
            path: venv.script(name),
            state: match survey.ours.get(name) {
                Some(launcher) if launcher.aim_pip == aim_pip => EntryState::Ours,
                Some(launcher) => EntryState::Elsewhere(launcher.aim_pip.clone()),
                None if survey.foreign.contains(name) => EntryState::Foreign,
                None => EntryState::Missing,
            },
        })
        .collect())
}

/// Whether the file `name` holds `launcher`, and can be run.
fn is_in_place(bin: &Folder, name: &str, launcher: &[u8]) -> bool {
    let runs = bin
        .found(name)
        .is_ok_and(|found| found.is_file && found.mode & 0o111 == 0o111);
    let holds = || bin.read(name, LONGEST).is_ok_and(|bytes| bytes == launcher);
    runs && holds()
}

/// The names in `folder` that are pip's; files and links, not folders.
fn names_in(folder: &Folder) -> io::Result<BTreeSet<String>> {
    let names = folder.names()?.into_iter();
    let names = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| names::is_pip(name));
    let mut files = BTreeSet::new();
    for name in names {
        if found(folder.found(&name))?.is_some_and(|found| !found.is_folder) {
            files.insert(name);
        }
    }
    Ok(files)
}
