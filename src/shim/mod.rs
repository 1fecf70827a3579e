//! `aim-pip`: stands in front of pip, and remembers what it does to an environment.
//!
//! Start reading at [`main`]: whose pip is it, may this call change anything, and if so the story of
//! `story::run`.
//!
//! **Invariant:** whatever fails on our side, pip runs, and its output and status are its own. Our failures are at
//! most one line on stderr, after pip has ended.
//!
//! **Invariant:** nothing is read or opened for a reading command but the launcher and the original that it stands for.
//!
//! **Invariant:** reaches neither an async runtime nor an argument parser; a test looks into the binary.

mod beside;
mod call;
mod classify;
mod options;
mod real_pip;
mod settings;
mod story;

use std::convert::Infallible;
use std::process::ExitCode;

pub use classify::{Effect, PipCommand};

use crate::env_vars;
use crate::error::{Error, Exit, Explain, Result};
use crate::exec;
use crate::host::Host;
use crate::store::Allowed;
use crate::words::{self, Language, t};
use call::PipCall;
use real_pip::RealPip;
use story::RememberedCall;

/// Runs the call of pip that this process was started for. Returns only if pip could not be run at all.
pub fn main() -> ExitCode {
    let host = Host::real();
    words::choose(Language::of(&host));
    Allowed::choose(&host);
    if let Some((pid, call)) = PipCall::from_inside(&host) {
        return beside::main(pid, &call, &host);
    }
    let Err(error) = answer(&host);
    let hints = error.hints().iter().map(|hint| format!("; {hint}"));
    story::say(&format!("{error}{}", hints.collect::<String>()));
    error.exit().into()
}

fn answer(host: &Host) -> Result<Infallible> {
    let call = PipCall::of(host)?;
    let mut pip = RealPip::of(&call, host)?;
    let is_passed_by = host.var_os(env_vars::GUARD).is_some() || host.flag(env_vars::BYPASS);
    if !is_passed_by && let Some(remembered) = RememberedCall::of(&call, host) {
        // `story::run` comes back when no process or descriptor is left for capturing. Becoming pip needs neither.
        story::run(remembered, &mut pip);
    }
    become_pip(pip)
}

fn become_pip(mut pip: RealPip) -> Result<Infallible> {
    let program = pip.program().display().to_string();
    Err(exec::replace(pip.command()))
        .exit(Exit::CannotRun)
        .map_err(|error: Error| error.context(t!("shim.cannot_run", program = program)))
}
