//! `aim-venv-sync remove`: takes the hook and the private folder out of an environment.
//!
//! The history (`env_meta.json`, `.pip-logs`) is the person's and stays. So does the registration at the daemon, which
//! can run a project's worker without the hook.

use serde_json::json;

use super::ground::Ground;
use crate::console::{Console, run_lock};
use crate::error::{Error, Exit, Explain, Result};
use crate::hook;
use crate::project::{LOGS, VenvLayout};
use crate::store::{Environments, LockError, RunLock, places};
use crate::words::t;

/// Puts the environment back as pip would have it now.
pub(super) fn remove(ground: &Ground<'_>, console: &mut Console) -> Result<Exit> {
    let venv = ground.project.venv();
    let layout = venv.layout();
    // A run that is going on would put back what is taken out here; nobody waits for it, since it may ask questions.
    let lock = places::aim(&layout)
        .is_ok()
        .then(|| RunLock::try_acquire(&layout, "aim-venv-sync remove"));
    if let Some(Err(LockError::Busy(holder))) = &lock {
        return Err(Error::failed(run_lock::held_by(holder))
            .context(t!("venv_sync.cannot_remove"))
            .hint(t!("venv_sync.hint_lock")));
    }
    let changes = hook::remove(venv)
        .context(t!("venv_sync.cannot_remove"))
        .hint(t!("venv_sync.hint_doctor"))?;
    let had_folder = places::environment(&layout)
        .and_then(|root| root.remove_all(VenvLayout::AIM))
        .context(t!("venv_sync.cannot_remove"))?;
    drop(lock);
    // It is only a list; whoever lists takes out what is no more.
    let _ = Environments::of(ground.host).map(|listed| listed.forget(venv.root()));
    if console.is_json() {
        console.json(&json!({
            "environment": venv.root(),
            "removed": changes.removed,
            "restored": changes.written,
        }))?;
    } else if changes.is_empty() && !had_folder {
        console.line(t!(
            "venv_sync.nothing_to_remove",
            path = venv.root().display()
        ))?;
    } else {
        console.line(t!("venv_sync.removed", path = venv.root().display()))?;
        console.note(t!("venv_sync.history_stays", logs = LOGS));
    }
    Ok(Exit::Done)
}
