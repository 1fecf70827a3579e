//! The daemon's service, by `aim-backend service`: this room does not know what that writes.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

use super::part::{Part, State};
use crate::console::daemons_program;
use crate::error::{Error, Explain as _, Result};
use crate::host::Host;
use crate::words::t;

/// What `aim-backend service status --json` says.
#[derive(Deserialize)]
struct Status {
    installed: bool,
    files: Vec<PathBuf>,
    unavailable: Option<String>,
}

/// What there is to do so that it is, or is not, `wanted`.
pub(super) fn look(host: &Host, wanted: bool) -> Part {
    let Some(status) = status(host) else {
        return Part::new(State::Skipped).because(t!("venv_sync.setup.no_backend"));
    };
    match status {
        Status {
            unavailable: Some(_),
            installed: false,
            ..
        } => Part::new(State::Skipped).because(t!("venv_sync.setup.no_service")),
        status if status.installed == wanted => Part::new(State::Was),
        status => {
            let mut part = Part::new(State::Open);
            part.file = status.files.into_iter().last();
            part
        }
    }
}

fn status(host: &Host) -> Option<Status> {
    let output = call(host, &["service", "status", "--json"])?.ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// Has `aim-backend` do what the `word` says.
///
/// # Errors
/// What it says.
pub(super) fn ask(host: &Host, word: &str) -> Result<()> {
    let cannot = || t!("venv_sync.setup.cannot_ask", word = word).into_owned();
    let output = match call(host, &["service", word, "--quiet"]) {
        Some(output) => output.context(cannot())?,
        None => return Err(Error::failed(t!("venv_sync.setup.no_backend"))),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.lines().next().unwrap_or_default();
    Err(Error::failed(format!("{}: {why}", cannot())))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the daemon's program sees to its own service"
)]
fn call(host: &Host, words: &[&str]) -> Option<std::io::Result<Output>> {
    let program = daemons_program(host)?;
    let output = Command::new(program)
        .args(words)
        .env_clear()
        .envs(host.vars())
        .stdin(Stdio::null())
        .output();
    Some(output)
}
