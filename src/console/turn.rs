//! A command's turn in an environment: the run lock, and what is said while another run has it.

use std::time::Duration;

use super::output::Console;
use crate::project::VenvLayout;
use crate::store::{Holder, LockError, RunLock};
use crate::terminal::printable;
use crate::words::t;

/// Takes the run lock of the environment for `command`, as [`RunLock::acquire`]; a wait for it is told.
///
/// # Errors
/// [`LockError`].
pub fn turn(
    console: &mut Console,
    environment: &VenvLayout,
    command: &str,
    limit: Duration,
) -> Result<RunLock, LockError> {
    let asked = environment.clone();
    let line = console.waiting(move |time| {
        let holder = RunLock::holder(&asked)?;
        Some(t!("console.waiting.run", run = named(&holder), time = time).into_owned())
    });
    let _line = line.until_interrupted();
    RunLock::acquire(environment, command, limit, |holder| {
        if !console.tells_waits() {
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
    format!("{} (pid {})", printable(&run.command), run.pid_shown())
}
