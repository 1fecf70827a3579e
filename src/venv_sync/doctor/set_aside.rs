//! What a killed pip put aside and never removed: `~ix`, beside `six`, is nobody's.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::check::Check;
use crate::console::turn::held_by;
use crate::console::{Console, shell};
use crate::error::{Error, Explain as _, Result};
use crate::files::Folder;
use crate::inventory::{AT_REST, at_rest, is_set_aside};
use crate::store::{LockError, RunLock, Unfinished};
use crate::terminal::printable;
use crate::venv_sync::Ground;
use crate::words::t;

/// How long it is waited for whoever writes into the environment.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// Removes what was put aside, while no pip runs and nothing moves: a pip that runs past the lock puts it back where it
/// fails.
///
/// # Errors
/// That somebody is at work, or what the system says.
pub(super) fn clean(ground: &Ground<'_>, console: &mut Console) -> Result<()> {
    if found(ground).is_empty() {
        return Ok(());
    }
    let layout = ground.project.venv().layout();
    let lock = match RunLock::try_acquire(&layout, "aim-venv-sync doctor") {
        Ok(lock) => lock,
        Err(LockError::Busy(holder)) => {
            return Err(Error::failed(held_by(&holder)).hint(t!("console.hint_lock")));
        }
        Err(error) => return Err(error).context(t!("venv_sync.cannot_lock")),
    };
    let without_lock = Unfinished::last(&layout)?.filter(Unfinished::may_be_alive);
    if without_lock.is_some() || !comes_to_rest(ground, console) {
        return Err(Error::failed(t!("venv_sync.doctor.at_work")).hint(t!("console.hint_lock")));
    }
    for path in found(ground) {
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
            Folder::open(folder)?.remove_all(name)?;
            console.note(t!("venv_sync.doctor.removed", path = path.display()));
        }
    }
    drop(lock);
    Ok(())
}

/// Waits until nothing has moved for a while; says whether it came to that.
fn comes_to_rest(ground: &Ground<'_>, console: &mut Console) -> bool {
    let sites = ground.project.venv().site_packages();
    let begun = Instant::now();
    let mut is_told = false;
    loop {
        let left = AT_REST.saturating_sub(at_rest(&sites));
        if left.is_zero() {
            return true;
        }
        if begun.elapsed() > PATIENCE {
            return false;
        }
        if !std::mem::replace(&mut is_told, true) {
            console.note(t!("venv_sync.doctor.waiting"));
        }
        std::thread::sleep(left);
    }
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
