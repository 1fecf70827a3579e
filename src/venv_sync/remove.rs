//! `aim-venv-sync remove`: takes the hook and the private folder out of an environment.
//!
//! The history (`env_meta.json`, `.pip-logs`) is the person's and stays. So does the registration at the daemon, which
//! can run a project's worker without the hook.

use std::path::PathBuf;

use serde::Serialize;

use super::ground::Ground;
use super::{RemoveArgs, list};
use crate::console::Console;
use crate::console::turn::held_by;
use crate::error::{Error, Exit, Explain, Result};
use crate::hook;
use crate::host::Host;
use crate::project::{LOGS, Venv, VenvLayout};
use crate::store::{Environments, LockError, RunLock, places};
use crate::terminal::printable;
use crate::words::t;

/// Puts the environment back as pip would have it now.
pub(super) fn remove(ground: &Ground<'_>, console: &mut Console) -> Result<Exit> {
    let venv = ground.project.venv();
    let removed = take_out(ground.host, venv)?;
    let path = venv.root().display();
    if console.is_json() {
        console.json(&removed)?;
    } else if removed.is_nothing {
        console.line(t!("venv_sync.nothing_to_remove", path = path))?;
    } else {
        console.line(t!("venv_sync.removed", path = path))?;
        console.note(t!("venv_sync.history_stays", logs = LOGS));
    }
    Ok(Exit::Done)
}

/// Puts every environment back that was set up on this machine. One that cannot be is told, and the others are.
pub(super) fn remove_all(host: &Host, args: RemoveArgs, console: &mut Console) -> Result<Exit> {
    let venvs = listed(host)?;
    if !console.is_json() {
        for venv in &venvs {
            console.note(printable(&host.shown(venv)));
        }
        if venvs.is_empty() {
            console.note(t!("venv_sync.remove_all_none"));
        }
    }
    if args.many.dry_run {
        return if console.is_json() {
            console.json(&venvs).map(|()| Exit::Done)
        } else {
            Ok(Exit::Done)
        };
    }
    if !args.many.yes && !venvs.is_empty() {
        let count = match venvs.len() {
            1 => t!("venv_sync.one_environment"),
            count => t!("venv_sync.environments", count = count),
        };
        console.confirm(&t!("venv_sync.remove_all_asks", count = count), "-y")?;
    }
    let (removed, exit) = take_all_out(host, venvs, console)?;
    if console.is_json() {
        console.json(&removed)?;
    }
    Ok(exit)
}

/// Every environment that was set up on this machine.
pub(super) fn listed(host: &Host) -> Result<Vec<PathBuf>> {
    let listed = list::listed(host)?.all();
    let listed = listed.context(t!("venv_sync.list.cannot_read"))?;
    Ok(listed.into_iter().map(|one| one.environment).collect())
}

/// Takes the hook out of each, and says so.
pub(super) fn take_all_out(
    host: &Host,
    venvs: Vec<PathBuf>,
    console: &mut Console,
) -> Result<(Vec<TakenOut>, Exit)> {
    let (mut all, mut exit) = (Vec::new(), Exit::Done);
    for root in venvs {
        let shown = printable(&host.shown(&root));
        let removed = Venv::open(&root).map_err(Error::from);
        match removed.and_then(|venv| take_out(host, &venv)) {
            Ok(removed) => {
                if !console.is_json() {
                    console.line(t!("venv_sync.removed", path = shown))?;
                }
                all.push(removed);
            }
            Err(error) => {
                console.warn(format!("{shown}: {error}"));
                exit = Exit::Failed;
            }
        }
    }
    if !console.is_json() && !all.is_empty() {
        console.note(t!("venv_sync.history_stays", logs = LOGS));
    }
    Ok((all, exit))
}

/// What was taken out of an environment.
#[derive(Debug, Serialize)]
pub(super) struct TakenOut {
    environment: PathBuf,
    removed: Vec<PathBuf>,
    /// What a launcher of an earlier version stood in the place of.
    restored: Vec<PathBuf>,
    #[serde(skip)]
    is_nothing: bool,
}

fn take_out(host: &Host, venv: &Venv) -> Result<TakenOut> {
    let layout = venv.layout();
    // A run that is going on would put back what is taken out here; nobody waits for it, since it may ask questions.
    let lock = places::aim(&layout)
        .is_ok()
        .then(|| RunLock::try_acquire(&layout, "aim-venv-sync remove"));
    if let Some(Err(LockError::Busy(holder))) = &lock {
        return Err(Error::failed(held_by(holder))
            .context(t!("venv_sync.cannot_remove"))
            .hint(t!("console.hint_lock")));
    }
    let changes = hook::remove(venv)
        .context(t!("venv_sync.cannot_remove"))
        .hint(t!("venv_sync.hint_doctor"))?;
    let had_folder = places::environment(&layout)
        .and_then(|root| root.remove_all(VenvLayout::AIM))
        .context(t!("venv_sync.cannot_remove"))?;
    drop(lock);
    // It is only a list; whoever lists takes out what is no more.
    let _ = Environments::of(host).map(|listed| listed.forget(venv.root()));
    Ok(TakenOut {
        environment: venv.root().to_path_buf(),
        is_nothing: changes.is_empty() && !had_folder,
        removed: changes.removed,
        restored: changes.written,
    })
}
