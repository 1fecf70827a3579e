//! What a killed pip put aside and never removed: `~ix`, beside `six`, is nobody's.

use std::path::PathBuf;

use super::check::Check;
use crate::console::{Console, shell};
use crate::error::{Error, Explain as _, Result};
use crate::files::Folder;
use crate::inventory::is_set_aside;
use crate::store::{LockError, RunLock};
use crate::terminal::printable;
use crate::venv_sync::Ground;
use crate::venv_sync::apply::held_by;
use crate::words::t;

/// Says what was put aside, if nobody is at work.
pub(super) fn check(ground: &Ground<'_>) -> Option<Check> {
    let found = found(ground);
    if found.is_empty() {
        return None;
    }
    let names: Vec<String> = found
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let words = t!(
        "venv_sync.doctor.set_aside",
        paths = printable(&names.join(", "))
    );
    let root = ground.project.root().to_string_lossy();
    let remedy = format!(
        "aim-venv-sync doctor --clean --project {}",
        shell::word(&root)
    );
    Some(Check::odd("set-aside", words, remedy))
}

/// Removes what was put aside, while no pip runs.
///
/// # Errors
/// That one runs, or what the system says.
pub(super) fn clean(ground: &Ground<'_>, console: &mut Console) -> Result<()> {
    let lock = match RunLock::try_acquire(&ground.project.venv().layout(), "aim-venv-sync doctor") {
        Ok(lock) => lock,
        Err(LockError::Busy(holder)) => {
            return Err(Error::failed(held_by(&holder)).hint(t!("venv_sync.hint_lock")));
        }
        Err(error) => return Err(error).context(t!("venv_sync.cannot_lock")),
    };
    for path in found(ground) {
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
            Folder::open(folder)?.remove_all(name)?;
            console.note(t!("venv_sync.doctor.removed", path = path.display()));
        }
    }
    drop(lock);
    Ok(())
}

fn found(ground: &Ground<'_>) -> Vec<PathBuf> {
    let sites = ground.project.venv().site_packages().into_iter();
    let entries = sites.flat_map(|site| std::fs::read_dir(site).into_iter().flatten().flatten());
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| is_set_aside(&entry.file_name()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}
