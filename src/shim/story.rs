//! The story of a call that may change the environment (design, section 2, steps 4 to 7). Start reading at [`run`].

use std::convert::Infallible;
use std::io::Write;
use std::path::PathBuf;

use chrono::Utc;

use super::call::Call;
use super::classify::{Kind, PipCommand};
use super::real_pip::RealPip;
use super::redact;
use crate::api::nudge;
use crate::error::{Error, Exit, Result};
use crate::exec::{self, Outcome, Status, Stream};
use crate::host::Host;
use crate::inventory::Snapshot;
use crate::launchers;
use crate::project::{Config, Project, socket};
use crate::store::{
    Ending, Holder, LogDraft, Published, RunId, RunLock, RunOutput, StartedRun, StoreError,
    Unfinished, publish, recover,
};
use crate::words::t;

/// Who takes part.
pub(super) struct Scene<'a> {
    /// The call.
    pub(super) call: &'a Call,
    /// The pip that it was meant for.
    pub(super) pip: RealPip,
    /// What it asks for.
    pub(super) asked: PipCommand,
    /// The project whose environment it is about.
    pub(super) project: Project,
    /// Its settings.
    pub(super) config: Config,
    /// This process.
    pub(super) host: &'a Host,
}

/// Runs pip, remembers what it did, and leaves with its status. Returns only if pip could not be started.
pub(super) fn run(scene: Scene<'_>) -> Result<Infallible> {
    let Scene {
        call,
        pip,
        asked,
        project,
        config,
        host,
    } = scene;
    let started = begin(call, &pip, &asked, host);
    let lock = wait_for_turn(&project, &config, &started, host);
    if let Some(lock) = &lock {
        // What a crash left is entered before it is overwritten; if that fails, the next run tries again.
        let _ = recover(&project, &config, lock);
    }

    let before = Snapshot::scan(project.venv());
    let _ = Unfinished::begin(
        &project.venv().layout(),
        started.clone(),
        before.clone(),
        lock.is_some(),
    );
    let (outcome, output) = run_captured(pip, &project, &started).inspect_err(|_| {
        Unfinished::end(&project.venv().layout());
    })?;
    let after = Snapshot::scan(project.venv());
    heal(call, &project);

    if asked.kind == Kind::Changing || !before.diff_to(&after).is_empty() {
        let run = started.finish(outcome.duration, ending(outcome.status), Some(output));
        match publish(&project, &config, run, &before, &after) {
            Ok(published) => {
                Unfinished::end(&project.venv().layout());
                drop(lock);
                tell_daemon(&project, &published, host);
            }
            Err(error) => admit(&error),
        }
    } else {
        Unfinished::end(&project.venv().layout());
        output.discard();
    }
    exec::leave(outcome.status)
}

/// The run as it begins, without secrets.
fn begin(call: &Call, pip: &RealPip, asked: &PipCommand, host: &Host) -> StartedRun {
    let packages: Vec<_> = asked.packages.iter().map(Into::into).collect();
    StartedRun {
        id: RunId::new(),
        action: asked.action.clone(),
        packages: redact::words(&packages),
        argv: redact::words(&call.words()),
        cwd: host.cwd().map_or_else(PathBuf::new, PathBuf::from),
        tool: pip.tool(),
        started_at: Utc::now(),
        pid: std::process::id(),
    }
}

/// Takes the environment's run lock, waiting for another pip. None when it has waited long enough, when nobody wants a
/// lock, or where there can be none: pip runs all the same.
fn wait_for_turn(
    project: &Project,
    config: &Config,
    run: &StartedRun,
    host: &Host,
) -> Option<RunLock> {
    let limit = config.lock_wait()?;
    let notice = |holder: &Holder| {
        if host.terminals().stderr {
            let pid = holder
                .pid
                .map_or_else(|| "?".to_owned(), |pid| pid.to_string());
            say(&t!("shim.waiting", pid = pid, command = holder.command));
        }
    };
    let command = run.argv.join(" ");
    RunLock::acquire(&project.venv().layout(), &command, limit, notice).ok()
}

/// Runs pip to its end; its output goes where it would have gone, and into the log.
fn run_captured(pip: RealPip, project: &Project, run: &StartedRun) -> Result<(Outcome, RunOutput)> {
    let program = pip.program().display().to_string();
    let mut draft = LogDraft::begin(&project.layout(), &run.id);
    let outcome = exec::run(pip.into_command(), &mut |stream, bytes| match stream {
        Stream::Stdout => draft.stdout(bytes),
        Stream::Stderr => draft.stderr(bytes),
    });
    let output = draft.into_output();
    match outcome {
        Ok(outcome) => Ok((outcome, output)),
        Err(error) => {
            output.discard();
            let error = Error::from(error).with_exit(Exit::CannotRun);
            Err(error.context(t!("shim.cannot_run", program = program)))
        }
    }
}

fn ending(status: Status) -> Ending {
    match status {
        Status::Exited(code) => Ending::Exited(code),
        Status::Signaled(signal) => Ending::Signaled(signal),
    }
}

/// Puts back what pip replaced or removed by changing itself. A failure is left to `aim-venv-sync doctor` to show: pip
/// still works.
fn heal(call: &Call, project: &Project) {
    if let Some(shim) = call.shim() {
        let _ = launchers::heal(project.venv(), shim);
    }
}

/// Only a nudge: who needs the environment reads `env_meta.json` itself.
fn tell_daemon(project: &Project, published: &Published, host: &Host) {
    nudge::env_changed(
        &socket(host),
        project.root(),
        published.generation.0,
        &published.record.id.to_string(),
    );
}

/// Says that the run is not in the history. The one line that is ours.
fn admit(error: &StoreError) {
    say(&t!("shim.not_recorded", why = error));
}

/// One line on stderr; when even that is gone, nobody is there to read it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "aim-pip: {line}");
}
