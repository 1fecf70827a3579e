//! `aim-pip`: stands in front of pip, and remembers what it does to an environment.
//!
//! Start reading at [`main`]: whose pip is it, may this call change anything, and if so the story of
//! `story::run`.
//!
//! **Invariant:** whatever fails on our side, pip runs, and its output and status are its own. Our failures are at
//! most one line on stderr, after pip has ended.
//!
//! **Invariant:** reaches neither an async runtime nor an argument parser; a test looks into the binary.

mod beside;
mod beside_others;
mod call;
mod classify;
mod options;
mod own_name;
mod real_pip;
mod settings;
mod story;

use std::convert::Infallible;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

pub use classify::{Effect, PipCommand};

use crate::env_vars;
use crate::error::{Error, Exit, Explain, Result};
use crate::exec;
use crate::hook;
use crate::host::Host;
use crate::store::{self, Allowed};
use crate::terminal::styled;
use crate::words::{self, Language, t};
use call::PipCall;
use story::RememberedCall;

/// Runs the call of pip that this process was started for. Returns only if pip could not be run at all.
pub fn main() -> ExitCode {
    let host = Host::real();
    words::choose(Language::of(&host));
    Allowed::choose(&host);
    if host.terminals().stderr {
        store::tell_of_waits(Box::new(|holder, _| {
            let pid = holder.pid_shown();
            story::say(&t!("shim.waiting_for_history", pid = pid));
            Box::new(())
        }));
    }
    if let Some((pid, call)) = PipCall::from_inside(&host) {
        return beside::main(pid, &call, &host);
    }
    if let Some(text) = own_name::answer(&host) {
        let _ = std::io::stdout().write_all(styled(&text).as_bytes());
        return Exit::Done.into();
    }
    let Err(error) = answer(&host);
    let hints = error.hints().iter().map(|hint| format!("; {hint}"));
    story::say(&format!("{error}{}", hints.collect::<String>()));
    error.exit().into()
}

fn answer(host: &Host) -> Result<Infallible> {
    if let Some(launcher) = former_launcher(host) {
        return launcher;
    }
    let call = PipCall::of(host)?;
    let mut pip = real_pip::of(&call)?;
    let is_passed_by = host.var_os(env_vars::GUARD).is_some() || host.flag(env_vars::BYPASS);
    if !is_passed_by && let Some(remembered) = RememberedCall::of(&call, host) {
        // Comes back where no process or descriptor is left for capturing: pip itself needs none.
        story::run(remembered, &mut pip);
    }
    become_pip(pip)
}

/// A launcher of an earlier version was called: pip's scripts are put back, and the one that was meant is run. The hook
/// leads it back to us.
fn former_launcher(host: &Host) -> Option<Result<Infallible>> {
    let [_, path, args @ ..] = host.args() else {
        return None;
    };
    if path.as_bytes().starts_with(b"-") {
        return None; // the hook's word, or an option of pip's: no path that a kernel gives
    }
    let venv = hook::environment_of_launcher(&host.absolute(path))?;
    let _ = hook::put_launchers_out(&venv);
    Some(real_pip::in_place_of_launcher(&venv, path.as_ref(), args).and_then(become_pip))
}

fn become_pip(mut pip: Command) -> Result<Infallible> {
    let program = Path::new(pip.get_program()).display().to_string();
    Err(exec::replace(&mut pip))
        .exit(Exit::CannotRun)
        .map_err(|error: Error| error.context(t!("shim.cannot_run", program = program)))
}
