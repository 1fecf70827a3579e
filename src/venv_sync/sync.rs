//! `aim-venv-sync [sync] [--check] [--wait]`: the record is made true, or compared.

use std::borrow::Cow;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::apply::{self, Applied, Compared, Hook};
use super::ground::Ground;
use super::{SyncArgs, changes, daemon};
use crate::console::Console;
use crate::error::{Error, Exit, Result};
use crate::hook::{self, Changes};
use crate::inventory::Diff;
use crate::project::HOOK_PACKAGE;
use crate::store::{Generation, Published, Standing, Tool};
use crate::terminal::printable;
use crate::words::t;

/// Records what other tools changed, tells the daemon, and with `--wait` stays until the worker is on it.
pub(super) fn sync(ground: &Ground<'_>, args: SyncArgs, console: &mut Console) -> Result<Exit> {
    if args.check {
        return check(ground, console);
    }
    if !is_set_up(ground)? {
        let path = ground.host.shown(ground.project.venv().root());
        return Err(Error::not_found(t!("venv_sync.never_set_up", path = path))
            .hint(t!("venv_sync.hint_init", command = ground.typed("init"))));
    }
    let applied = apply::apply(ground, "sync", Hook::Mend, console)?;
    if let Some(published) = applied.raised_by() {
        daemon::tell(ground, published);
    }
    if !console.is_json() {
        print(&applied, console)?;
        if ground.config.enabled.value && !hook::is_installed(ground.project.venv())? {
            // The environment was never ours, or another tool made it anew (`--clear`): nothing can be put back.
            console.hint(t!("venv_sync.hint_init", command = ground.typed("init")));
        }
    }
    let worker = if args.wait {
        console.detail(t!("venv_sync.waiting", generation = applied.generation));
        Some(daemon::wait(ground, applied.generation, console)?)
    } else {
        None
    };
    if console.is_json() {
        let mut value = as_json(&applied);
        if let Some(worker) = &worker {
            value["worker"] = serde_json::to_value(worker)?;
        }
        console.json(&value)?;
    } else if let Some(worker) = &worker {
        console.line(daemon::ready(worker))?;
    }
    Ok(Exit::Done)
}

/// Whether the toolkit was ever here: where nothing of it is, a sync writes nothing.
fn is_set_up(ground: &Ground<'_>) -> Result<bool> {
    let is_recorded = || -> Result<bool> {
        let standing = apply::compare(ground)?.standing;
        Ok(!matches!(standing, Standing::Unrecorded(_)))
    };
    Ok(hook::is_installed(ground.project.venv())? || is_recorded()?)
}

/// Compares, and says by its exit status whether there is a difference. Writes nothing.
fn check(ground: &Ground<'_>, console: &mut Console) -> Result<Exit> {
    let Compared {
        standing,
        recorded,
        now,
    } = apply::compare(ground)?;
    let generation = recorded.generation();
    if console.is_json() {
        let mut value = json!({ "in_step": standing.is_in_step(), "generation": generation });
        value["difference"] = serde_json::to_value(standing.diff())?;
        console.json(&value)?;
    } else if standing.is_in_step() {
        console.line(t!(
            "venv_sync.in_step",
            generation = generation,
            count = changes::distributions(now.len())
        ))?;
    } else {
        console.line(words(&standing, generation))?;
        for line in changes::lines(standing.diff().unwrap_or(&Diff::default())) {
            console.line(line)?;
        }
        let command = ground.typed("");
        console.hint(if let Standing::Unreadable(..) = standing {
            t!("venv_sync.hint_mend", command = command)
        } else {
            t!("venv_sync.hint_sync", command = command)
        });
    }
    Ok(if standing.is_in_step() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// How what is installed stands to what is recorded, where it is not in step.
pub(super) fn words(standing: &Standing, generation: Generation) -> Cow<'static, str> {
    match standing {
        Standing::Unrecorded(_) => t!("venv_sync.nothing_recorded"),
        Standing::Unreadable(why, _) => {
            t!("venv_sync.doctor.meta_broken", why = printable(why))
        }
        Standing::InStep | Standing::Differs(_) => {
            t!("venv_sync.differs", generation = generation)
        }
    }
}

fn print(applied: &Applied, console: &mut Console) -> Result<()> {
    if let Some(run) = &applied.recovered {
        console.line(t!(
            "venv_sync.recovered",
            action = run.record.action,
            id = run.record.id
        ))?;
        for line in changes::lines(&run.record.changes) {
            console.line(line)?;
        }
    }
    let Changes { written, removed } = &applied.mended;
    if !written.is_empty() {
        console.line(t!("venv_sync.mended", names = names(written)))?;
    }
    if !removed.is_empty() {
        console.line(t!("venv_sync.taken_away", names = names(removed)))?;
    }
    match &applied.recorded {
        Some(run) => {
            console.line(recorded(run))?;
            for line in changes::lines(&run.record.changes) {
                console.line(line)?;
            }
        }
        None if applied.recovered.is_none() => console.line(t!(
            "venv_sync.in_step",
            generation = applied.generation,
            count = changes::distributions(applied.now.len())
        ))?,
        None => {}
    }
    Ok(())
}

/// One line on what was recorded.
fn recorded(run: &Published) -> String {
    let generation = run.generation;
    match (run.raised, run.record.tool) {
        (false, _) => t!("venv_sync.recorded_again", generation = generation),
        (true, Tool::Unknown) => t!("venv_sync.recorded_unknown", generation = generation),
        (true, tool) => t!(
            "venv_sync.recorded",
            tool = tool.as_str(),
            generation = generation
        ),
    }
    .into_owned()
}

/// Files of the hook and scripts of pip's, in a sentence. The hook's package is one thing to the reader.
fn names(paths: &[PathBuf]) -> String {
    let mut names: Vec<_> = paths
        .iter()
        .filter_map(|path| {
            let package = path
                .parent()
                .filter(|folder| folder.ends_with(HOOK_PACKAGE));
            Some(package.unwrap_or(path).file_name()?.to_string_lossy())
        })
        .collect();
    names.dedup();
    names.join(", ")
}

fn as_json(applied: &Applied) -> Value {
    let record = |run: &Option<Published>| run.as_ref().map(|run| run.record.clone());
    json!({
        "in_step": true,
        "generation": applied.generation,
        "distributions": applied.now.len(),
        "recorded": record(&applied.recorded),
        "recovered": record(&applied.recovered),
        "mended": applied.mended.written,
        "taken_away": applied.mended.removed,
    })
}
