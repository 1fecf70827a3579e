//! `aim-logs`: the history of a project's environment, for people and scripts.
//!
//! Start reading at [`run`]. Everything is read from the project's own files: no daemon is needed.
//!
//! **Invariant:** only `prune`, `undo`, `redo` and `bisect`, which makes views, write, and they do so through `store`.

mod bisect;
mod cli;
mod completion;
mod diff;
mod export;
mod follow;
mod format;
mod history;
mod known;
mod list;
mod prune;
mod show;
mod state;
mod stats;
#[cfg(test)]
mod testing;
mod undo;
mod why;

pub use cli::{
    BisectArgs, Cli, Command, DiffArgs, ExportArgs, FollowArgs, HistoryArgs, ListArgs, PruneArgs,
    ShowArgs, StateArgs, UndoArgs, command,
};

use chrono::Utc;

use crate::console::{self, Console, cause};
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::store::Link;
use crate::words::t;

/// Does what the command line says.
///
/// # Errors
/// `Exit::NotFound` without a project or a run, `Exit::Usage` for a time that is none, `Exit::Failed` when the history
/// cannot be pruned.
pub fn run(host: &Host, mut cli: Cli) -> Result<Exit> {
    let wanted = cli.wanted()?;
    let mut console = Console::new(host, &cli.common);
    let project = match (&cli.common.project, &wanted) {
        (None, Command::Show(args)) => show::project_of_log(host, &args.run),
        _ => None,
    };
    let is_of_log = project.is_some();
    let project = project.map_or_else(|| console::project(host, &cli.common, |_| None), Ok)?;
    if !is_of_log {
        console::say_which(&mut console, host, &cli.common, &project);
    }
    let layout = project.layout();
    let now = Utc::now();
    let refused = Link::at(&layout).and_then(|link| link.refused());
    if refused.is_some_and(|refused| refused.can_be_allowed()) {
        console.hint(t!("console.hint_allow"));
    }
    let is_read = !matches!(
        wanted,
        Command::Bisect(_)
            | Command::Cause(_)
            | Command::Export(_)
            | Command::Follow(_)
            | Command::Prune(_)
            | Command::Undo(_)
            | Command::Redo(_)
    );
    if is_read && !cli.no_pager {
        console.page(host);
    }
    match wanted {
        Command::List(args) => list::list(&mut console, &project, &args, now)?,
        Command::Show(args) => show::show(&mut console, host, &project, &args, now)?,
        Command::Follow(args) => follow::follow(&mut console, &project, &args)?,
        Command::History(args) => history::history(&mut console, &layout, &args, now)?,
        Command::State(args) => state::state(&mut console, &layout, &args, now)?,
        Command::Diff(args) => diff::diff(&mut console, host, &project, &args, now)?,
        Command::Export(args) => export::export(&mut console, host, &project, &args, now)?,
        Command::Why(args) => why::why(&mut console, host, &project, &args, now)?,
        Command::Undo(args) => undo::undo(&mut console, host, &project, &args)?,
        Command::Redo(args) => undo::redo(&mut console, host, &project, &args)?,
        Command::Bisect(args) => return bisect::bisect(&mut console, host, &project, &args),
        Command::Stats => stats::stats(&mut console, &project)?,
        Command::Cause(args) => cause::tell(&mut console, host, &project, &args.words),
        Command::Prune(args) => prune::prune(&mut console, host, &project, &args, now)?,
    }
    Ok(Exit::Done)
}
