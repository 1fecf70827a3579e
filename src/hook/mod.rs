//! The hook, which leads calls of pip to `aim-pip`: how it is put into an environment and taken out again.
//!
//! It is all that the toolkit puts there, but for its private folder `.aim`. Nothing that pip or a maker of
//! environments wrote is changed: `bin/pip` and its like stay pip's own, and where `aim-pip` is not, pip is pip.
//! Earlier versions had launchers in the place of pip's scripts; what was there before them is put back ([`former`]).
//! Start reading at [`install`].
//!
//! **Invariant:** every file is replaced by a rename, under a lock on the private folder.

mod files;
mod find;
mod former;
mod names;
mod place;
mod report;
mod sites;

use std::fs::File;
use std::io;
use std::path::Path;

pub use find::aim_pip_path;
pub use former::environment_of_launcher;
pub use names::has_pip;
pub use report::{Changes, Finding, HookError, HookState};

use crate::files::Folder;
use crate::files::momentary::found;
use crate::project::{Venv, VenvLayout};
use crate::store::places;

/// Puts the hook into `venv`, leading to `aim_pip` (an absolute path), and launchers out. Doing it again changes
/// nothing.
///
/// What a run needs besides is made here, too: one that fails leaves nothing in the environment that was not there.
///
/// # Errors
/// When `aim_pip` is relative or a file cannot be written.
pub fn install(venv: &Venv, aim_pip: &Path) -> Result<Changes, HookError> {
    if aim_pip.is_relative() {
        return Err(HookError::RelativeShim(aim_pip.to_path_buf()));
    }
    let layout = venv.layout();
    let made = places::made_aim(&layout).and_then(|aim| {
        aim.make_folder(VenvLayout::UNFINISHED)?;
        aim.open_or_make(VenvLayout::LOCK)?;
        Ok(aim)
    });
    let aim = made.map_err(|error| {
        let why = format!("{}: {error}", layout.aim().display());
        io::Error::new(error.kind(), why)
    })?;
    put(venv, aim_pip, &aim)
}

/// Puts back what another tool removed, and launchers out. Does nothing where [`is_installed`] says no.
///
/// # Errors
/// When a file cannot be written.
pub fn mend(venv: &Venv, aim_pip: &Path) -> Result<Changes, HookError> {
    if aim_pip.is_absolute() && is_installed(venv)? {
        put(venv, aim_pip, &places::aim(&venv.layout())?)
    } else {
        Ok(Changes::default())
    }
}

/// Puts launchers out and gives pip's scripts back, where there are launchers: one look where there are none.
///
/// # Errors
/// When a file cannot be written.
pub fn put_launchers_out(venv: &Venv) -> Result<Changes, HookError> {
    let mut changes = Changes::default();
    if former::are_kept(venv)? {
        let aim = places::aim(&venv.layout())?;
        let _lock = lock(&aim)?;
        former::put_back(venv, &mut changes)?;
        mark(&aim)?;
    }
    Ok(changes)
}

/// Takes the hook out of `venv`, and launchers. The private folder stays: it is more than the hook's.
///
/// # Errors
/// When a file cannot be removed.
pub fn remove(venv: &Venv) -> Result<Changes, HookError> {
    let mut changes = Changes::default();
    let aim = found(places::aim(&venv.layout()))?;
    let _lock = aim.as_ref().map(lock).transpose()?;
    former::put_back(venv, &mut changes)?;
    files::remove(venv, &mut changes)?;
    if let Some(aim) = aim {
        place::discard(&aim, VenvLayout::VERSION)?;
    }
    Ok(changes)
}

/// Whether [`install`] was done here and [`remove`] was not.
///
/// # Errors
/// What is of the moment.
pub fn is_installed(venv: &Venv) -> io::Result<bool> {
    let mark = || places::aim(&venv.layout())?.found(VenvLayout::VERSION);
    Ok(found(mark())?.is_some() || former::are_kept(venv)?)
}

/// Looks at each of our places without changing anything. A problem is any [`Finding`] that is not
/// [`HookState::Ours`].
///
/// # Errors
/// What is of the moment: then nobody knows what is there.
pub fn inspect(venv: &Venv, aim_pip: &Path) -> io::Result<Vec<Finding>> {
    let mut findings = files::inspect(venv, aim_pip)?;
    let launchers = former::launchers(venv)?.into_iter();
    findings.extend(launchers.map(|path| Finding {
        path,
        state: HookState::Launcher,
    }));
    Ok(findings)
}

fn put(venv: &Venv, aim_pip: &Path, aim: &Folder) -> Result<Changes, HookError> {
    let _lock = lock(aim)?;
    let mut changes = Changes::default();
    files::put(venv, aim_pip, &mut changes)?;
    // The hook first: pip's own script leads to it.
    former::put_back(venv, &mut changes)?;
    mark(aim)?;
    Ok(changes)
}

/// Writes down that the hook is here, and for later toolkits which layout the private folder has and which toolkit put
/// it there.
fn mark(aim: &Folder) -> io::Result<()> {
    const LAYOUT: u32 = 2;
    const LONGEST: u64 = 4096;
    let text = format!("{LAYOUT}\n{}\n", env!("CARGO_PKG_VERSION"));
    let there = aim.read(VenvLayout::VERSION, LONGEST);
    if there.is_ok_and(|bytes| bytes == text.as_bytes()) {
        return Ok(());
    }
    aim.write(VenvLayout::VERSION, text.as_bytes())
}

/// One at a time, or two would write one file. A holder that dies leaves no lock; a file system without locks does
/// without.
fn lock(aim: &Folder) -> io::Result<File> {
    let folder = aim.as_file()?;
    let _ = folder.lock();
    Ok(folder)
}

#[cfg(test)]
mod tests;
