//! What the toolkit puts into an environment, and how it takes it out again.
//!
//! Two things lead a call of pip to `aim-pip`: *launchers*, which stand where pip's own scripts were (`bin/pip`,
//! `bin/pip3`, …), and a *hook* in site-packages for `python -m pip`. The scripts that were there are kept in
//! `<venv>/.aim/launchers`, so that [`remove`] gives back what pip would have there now, to the byte.
//! Start reading at [`install`].
//!
//! **Invariant:** every file is replaced by a rename, under a lock on the folder of originals; at no moment is there
//! no `pip`.
//! **Invariant:** an original is forgotten only when pip itself has replaced or removed its script.

mod find;
mod hook;
mod launcher;
mod names;
mod place;
mod report;
mod scripts;
mod sites;

use std::fs::File;
use std::io;
use std::path::Path;

pub use find::aim_pip_path;
pub use launcher::Launcher;
pub use names::has_pip;
pub use report::{Changes, EntryPart, EntryState, Finding, LauncherError};

use crate::files::Folder;
use crate::files::momentary::found;
use crate::project::{Venv, VenvLayout};
use crate::store::places;

/// Puts launchers and hook into `venv`, leading to `aim_pip` (an absolute path). Doing it again changes nothing.
pub fn install(venv: &Venv, aim_pip: &Path) -> Result<Changes, LauncherError> {
    if aim_pip.is_relative() {
        return Err(LauncherError::RelativeShim(aim_pip.to_path_buf()));
    }
    let layout = venv.layout();
    let made = places::made_aim(&layout).and_then(|aim| aim.make_folder(VenvLayout::LAUNCHERS));
    made.map_err(|error| {
        let why = format!("{}: {error}", layout.launchers().display());
        io::Error::new(error.kind(), why)
    })?;
    put_in_place(venv, aim_pip)
}

/// Puts back what pip, uv or another tool replaced or removed. Does nothing in an environment without our
/// launchers ([`is_installed`]).
pub fn heal(venv: &Venv, aim_pip: &Path) -> Result<Changes, LauncherError> {
    if aim_pip.is_absolute() && is_installed(venv)? {
        put_in_place(venv, aim_pip)
    } else {
        Ok(Changes::default())
    }
}

/// Takes launchers and hook out of `venv` and gives back the scripts that pip would have there now.
pub fn remove(venv: &Venv) -> Result<Changes, LauncherError> {
    let mut changes = Changes::default();
    if let Some(originals) = found(originals(venv))? {
        let _lock = lock(&originals)?;
        scripts::remove(venv, Some(&originals), &mut changes)?;
        hook::remove(venv, &mut changes)?;
        places::aim(&venv.layout())?.remove_all(VenvLayout::LAUNCHERS)?;
        let root = places::environment(&venv.layout())?;
        let _ = root.remove_folder(VenvLayout::AIM); // stays while the store has files in it
    } else {
        // The private folder is gone, but files of ours may have been left by whoever removed it.
        scripts::remove(venv, None, &mut changes)?;
        hook::remove(venv, &mut changes)?;
    }
    Ok(changes)
}

/// Whether [`install`] was done here and [`remove`] was not.
///
/// # Errors
/// What is of the moment.
pub fn is_installed(venv: &Venv) -> io::Result<bool> {
    Ok(found(originals(venv))?.is_some())
}

/// The folder of originals.
fn originals(venv: &Venv) -> io::Result<Folder> {
    places::aim(&venv.layout())?.folder(VenvLayout::LAUNCHERS)
}

/// Looks at each of our places without changing anything. A problem is any [`Finding`] that is not
/// [`EntryState::Ours`].
///
/// # Errors
/// What is of the moment: then nobody knows what is there.
pub fn inspect(venv: &Venv, aim_pip: &Path) -> io::Result<Vec<Finding>> {
    let originals = found(originals(venv))?;
    let mut findings = scripts::inspect(venv, originals.as_ref(), aim_pip)?;
    findings.extend(hook::inspect(venv, aim_pip)?);
    Ok(findings)
}

fn put_in_place(venv: &Venv, aim_pip: &Path) -> Result<Changes, LauncherError> {
    let originals = originals(venv)?;
    let _lock = lock(&originals)?;
    let mut changes = Changes::default();
    scripts::put(venv, &originals, aim_pip, &mut changes)?;
    hook::put(venv, aim_pip, &mut changes)?;
    Ok(changes)
}

/// Only one process at a time: a second one would take the first one's launcher for an original. A holder that dies
/// leaves no lock; a file system without locks does without.
fn lock(originals: &Folder) -> io::Result<File> {
    let folder = originals.as_file()?;
    let _ = folder.lock();
    Ok(folder)
}

#[cfg(test)]
mod tests;
