//! The launchers in `bin`: what is there, what should be, and the difference made good.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::launcher::{self, Launcher};
use super::report::{Changes, EntryPart, EntryState, Finding};
use super::{names, place};
use crate::project::Venv;

/// What is in `bin` and in the folder of originals, by name.
struct Survey {
    /// Launchers of ours.
    ours: BTreeMap<String, Launcher>,
    /// Scripts and links that are not ours.
    foreign: BTreeSet<String>,
    /// Originals that are kept for a script that pip has, or would have had we not taken its place.
    kept: BTreeSet<String>,
    /// Originals of scripts that pip has removed since.
    outdated: BTreeSet<String>,
    /// Launchers of ours that stand for a script by pip's own account, while somebody removed all originals.
    bereft: BTreeSet<String>,
}

impl Survey {
    fn of(venv: &Venv) -> Self {
        let mut survey = Self {
            ours: BTreeMap::new(),
            foreign: BTreeSet::new(),
            kept: names_in(&venv.layout().launchers()),
            outdated: BTreeSet::new(),
            bereft: BTreeSet::new(),
        };
        for name in names_in(&venv.bin()) {
            let path = venv.bin().join(&name);
            // A link is never ours, even one to a launcher of ours: it is what somebody else made.
            let launcher = if path.is_symlink() {
                None
            } else {
                Launcher::read(&path)
            };
            match launcher {
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
            let recorded = names::recorded(venv);
            let is_wanted = |name: &String| is_there(name) || recorded.contains(name);
            (survey.kept, survey.outdated) = survey.kept.iter().cloned().partition(is_wanted);
        } else if survey.kept.is_empty() && !survey.ours.is_empty() {
            let mut recorded = names::recorded(venv);
            recorded.retain(|name| survey.ours.contains_key(name));
            survey.bereft = recorded;
        }
        survey
    }

    /// The names for which pip has, or would have, a script of its own.
    fn real(&self) -> BTreeSet<String> {
        let scripts = self.foreign.iter().chain(&self.kept).chain(&self.bereft);
        scripts.cloned().collect()
    }
}

/// Puts every wanted launcher in place and keeps what was there.
pub(super) fn put(venv: &Venv, aim_pip: &Path, changes: &mut Changes) -> io::Result<()> {
    let (bin, originals) = (venv.bin(), venv.layout().launchers());
    let survey = Survey::of(venv);
    for name in &survey.foreign {
        place::keep(&bin.join(name), &originals.join(name))?;
    }
    for name in &survey.outdated {
        place::discard(&originals.join(name))?;
    }
    let wanted = names::wanted(venv, &survey.real());
    let launcher = Launcher {
        aim_pip: aim_pip.to_path_buf(),
    };
    for name in &wanted {
        let path = bin.join(name);
        let original = std::fs::read(originals.join(name)).ok();
        let bytes = launcher.to_bytes(original.as_deref());
        if !is_in_place(&path, &bytes) {
            place::file(&path, &bytes, 0o755)?;
            changes.written.push(path);
        }
    }
    for name in survey.ours.keys().filter(|name| !wanted.contains(*name)) {
        let path = bin.join(name);
        if place::discard(&path)? {
            changes.removed.push(path);
        }
    }
    Ok(())
}

/// Gives the originals back, and takes away the launchers that have none. Where pip should have a script, it gets one.
pub(super) fn remove(venv: &Venv, changes: &mut Changes) -> io::Result<()> {
    let survey = Survey::of(venv);
    for name in survey.kept.difference(&survey.foreign) {
        let path = venv.bin().join(name);
        fs_err::rename(venv.layout().launchers().join(name), &path)?;
        changes.written.push(path);
    }
    for name in survey
        .ours
        .keys()
        .filter(|name| !survey.kept.contains(*name))
    {
        let path = venv.bin().join(name);
        if survey.bereft.contains(name) {
            let script = launcher::plain_script(&venv.python_path());
            place::file(&path, &script, 0o755)?;
            changes.written.push(path);
        } else if place::discard(&path)? {
            changes.removed.push(path);
        }
    }
    Ok(())
}

/// What is at each name that is there or should be.
pub(super) fn inspect(venv: &Venv, aim_pip: &Path) -> Vec<Finding> {
    let survey = Survey::of(venv);
    let wanted = names::wanted(venv, &survey.real());
    wanted
        .iter()
        .map(|name| Finding {
            part: EntryPart::Launcher,
            path: venv.bin().join(name),
            state: match survey.ours.get(name) {
                Some(launcher) if launcher.aim_pip == aim_pip => EntryState::Ours,
                Some(launcher) => EntryState::Elsewhere(launcher.aim_pip.clone()),
                None if survey.foreign.contains(name) => EntryState::Foreign,
                None => EntryState::Missing,
            },
        })
        .collect()
}

/// Whether the file at `path` holds `launcher`, and can be run.
fn is_in_place(path: &Path, launcher: &[u8]) -> bool {
    let runs = path
        .symlink_metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 == 0o111);
    runs && std::fs::read(path).is_ok_and(|bytes| bytes == launcher)
}

/// The names in `folder` that are pip's; files and links, not folders.
fn names_in(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| names::is_pip(name))
        .collect()
}
