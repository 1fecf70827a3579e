//! The way to the run lock, as a person sees it: who holds it, and that it is waited for.

use std::time::Duration;

use super::Console;
use crate::project::VenvLayout;
use crate::store::{Holder, LockError, RunLock};
use crate::terminal::printable;
use crate::words::t;

/// The run lock of an environment, for what is typed as `command`; waits while who holds it gets on, at most `limit`.
///
/// # Errors
/// [`LockError`]
pub fn acquire(
    console: &mut Console,
    venv: &VenvLayout,
    command: &str,
    limit: Duration,
) -> Result<RunLock, LockError> {
    let asked = venv.clone();
    let line = console.waiting(move |time| {
        let holder = RunLock::holder(&asked)?;
        Some(t!("console.waits_for", run = named(&holder), time = time).into_owned())
    });
    let _line = line.until_interrupted();
    RunLock::acquire(venv, command, limit, |holder| {
        if !console.can_redraw() {
            console.note(held_by(holder));
        }
    })
}

/// Who holds the run lock, in words.
pub fn held_by(holder: &Holder) -> String {
    if holder.pid.is_none() {
        return t!("console.held").into_owned();
    }
    t!("console.held_by", run = named(holder)).into_owned()
}

/// A run, by its command and its process.
pub fn named(run: &Holder) -> String {
    let pid = run
        .pid
        .map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    format!("{} (pid {pid})", printable(&run.command))
}
