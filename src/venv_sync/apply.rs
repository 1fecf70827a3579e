//! Brings an environment in step: records what other tools changed and mends the hook.
//!
//! All of it happens under the environment's run lock, so no pip is at work meanwhile. A place that cannot be written
//! is no failure as long as there is nothing to write.

use std::time::Instant;

use chrono::{DateTime, Utc};

use super::ground::Ground;
use crate::console::Console;
use crate::console::turn::{held_by, turn};
use crate::error::{Error, Explain, Result};
use crate::hook::{self, Changes};
use crate::inventory::{Diff, Snapshot};
use crate::store::{
    self, Ending, Generation, LockError, Published, RunId, RunLock, Standing, StartedRun,
    StoreError, Tool, Unfinished,
};
use crate::words::t;

/// Whether the hook is put in anew or only mended where it is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// Put in.
    Install,
    /// Mend, in an environment that has it.
    Mend,
}

/// What was done.
#[derive(Debug)]
pub(super) struct Applied {
    /// The run that a crash had left, now recorded.
    pub(super) recovered: Option<Published>,
    /// The difference that is now recorded.
    pub(super) recorded: Option<Published>,
    /// Files of the hook that were written, and scripts of pip's that were put back.
    pub(super) mended: Changes,
    /// What is installed.
    pub(super) now: Snapshot,
    /// The generation now.
    pub(super) generation: Generation,
}

impl Applied {
    /// The last run that raised the generation here, for the daemon.
    pub(super) fn raised_by(&self) -> Option<&Published> {
        [&self.recorded, &self.recovered]
            .into_iter()
            .flatten()
            .find(|published| published.raised)
    }
}

/// Brings the environment in step, as a run of `action`.
///
/// # Errors
/// When another run holds the environment for too long, or something cannot be written.
pub(super) fn apply(
    ground: &Ground<'_>,
    action: &str,
    hook: Hook,
    console: &mut Console,
) -> Result<Applied> {
    let lock = lock(ground, action, console)?;
    let begun = (Utc::now(), Instant::now());
    let recovered = match &lock {
        Some(lock) => store::recover(&ground.project, ground.host, &ground.config, lock)
            .map_err(cannot_record)?,
        None => None,
    };
    let mended = mend(ground, hook, console)?;
    let compared = compare(ground)?;
    let recorded = match compared.standing.diff() {
        None => {
            if let Some(lock) = &lock {
                compared
                    .recorded
                    .refresh(&ground.project, &compared.now, lock);
            }
            None
        }
        Some(diff) => Some(record(ground, action, diff, begun, &compared)?),
    };
    let published = recorded.as_ref().or(recovered.as_ref());
    let generation = published.map_or(compared.recorded.generation(), |run| run.generation);
    if let Some(lock) = &lock {
        store::keep_all(
            &ground.project,
            &ground.config,
            lock,
            &compared.now,
            generation,
        );
    }
    Ok(Applied {
        recovered,
        recorded,
        mended,
        now: compared.now,
        generation,
    })
}

/// What is installed beside what is recorded.
pub(super) struct Compared {
    /// How the one stands to the other.
    pub(super) standing: Standing,
    /// What is recorded, if anything is.
    pub(super) recorded: store::Recorded,
    /// What is installed.
    pub(super) now: Snapshot,
}

/// Compares. Writes nothing.
///
/// # Errors
/// When nobody can tell what is there: a folder that cannot be read, or no descriptors left.
pub(super) fn compare(ground: &Ground<'_>) -> Result<Compared> {
    let venv = ground.project.venv();
    let now = Snapshot::scan(venv, ground.host)
        .context(t!("venv_sync.cannot_scan", path = venv.root().display()))?;
    let recorded = store::Recorded::read(&ground.project)?;
    let now = recorded.settled(&now)?.into_owned();
    Ok(Compared {
        standing: recorded.standing(&now),
        recorded,
        now,
    })
}

fn record(
    ground: &Ground<'_>,
    action: &str,
    diff: &Diff,
    (started_at, since): (DateTime<Utc>, Instant),
    compared: &Compared,
) -> Result<Published> {
    let host = ground.host;
    let nothing = Snapshot::default();
    let before = compared.recorded.snapshot().unwrap_or(&nothing);
    let completed = store::complete_last(&ground.project, before, &compared.now);
    if let Some(completed) = completed.map_err(cannot_record)? {
        return Ok(completed);
    }
    let argv = host.args().iter();
    let venv = ground.project.venv();
    let tool = Tool::behind(diff, venv, before, &compared.now);
    let run = StartedRun {
        id: RunId::new(),
        action: action.to_owned(),
        packages: Vec::new(),
        argv: argv.map(|arg| arg.to_string_lossy().into_owned()).collect(),
        cwd: host.cwd().unwrap_or(ground.project.root()).to_path_buf(),
        tool: tool.context(t!("venv_sync.cannot_scan", path = venv.root().display()))?,
        started_at,
        pid: std::process::id(),
        callers: Vec::new(),
        undoes: None,
        waited_ms: 0,
    };
    let run = run.finish(since.elapsed(), Ending::Exited(0), None);
    store::publish(&ground.project, &ground.config, run, before, &compared.now)
        .map_err(cannot_record)
}

fn cannot_record(error: StoreError) -> Error {
    let hint = if error.is_link_to_allow() {
        t!("console.hint_allow")
    } else {
        t!("venv_sync.hint_doctor")
    };
    Error::from(error)
        .context(t!("venv_sync.cannot_record"))
        .hint(hint)
}

fn mend(ground: &Ground<'_>, wanted: Hook, console: &mut Console) -> Result<Changes> {
    let venv = ground.project.venv();
    if wanted == Hook::Mend && !hook::is_installed(venv)? {
        return Ok(Changes::default());
    }
    let Some(aim_pip) = hook::aim_pip_path(ground.host) else {
        let missing = t!("venv_sync.no_aim_pip");
        let hint = t!("venv_sync.hint_aim_pip");
        if wanted == Hook::Install {
            return Err(Error::failed(missing).hint(hint));
        }
        console.warn(missing);
        return Ok(Changes::default());
    };
    let mended = match wanted {
        Hook::Install => hook::install(venv, &aim_pip),
        Hook::Mend => hook::mend(venv, &aim_pip),
    };
    mended
        .context(t!("venv_sync.cannot_mend"))
        .hint(t!("venv_sync.hint_doctor"))
}

/// The run lock. None where settings switch it off, or where nothing can be written and nothing has to be.
fn lock(ground: &Ground<'_>, action: &str, console: &mut Console) -> Result<Option<RunLock>> {
    let Some(limit) = ground.config.lock_wait() else {
        return Ok(None);
    };
    let layout = ground.project.venv().layout();
    let command = format!("aim-venv-sync {action}");
    match turn(console, &layout, &command, limit) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Unusable { .. })
            if compare(ground)?.standing.is_in_step() && Unfinished::last(&layout)?.is_none() =>
        {
            Ok(None)
        }
        Err(LockError::Busy(holder)) => Err(Error::failed(held_by(&holder))
            .context(t!("venv_sync.cannot_lock"))
            .hint(t!("console.hint_lock"))),
        Err(error) => Err(error)
            .context(t!("venv_sync.cannot_lock"))
            .hint(t!("venv_sync.hint_doctor")),
    }
}
