//! The story of a call that may change the environment (design, section 2, steps 4 to 7). Start reading at [`run`].

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::beside_others::BesideOthers;
use super::call::PipCall;
use super::classify::{Effect, PipCommand};
use crate::api::nudge;
use crate::exec::{self, ChildOutcome, ChildStatus, ChildStream};
use crate::hook;
use crate::host::Host;
use crate::inventory::Snapshot;
use crate::project::{Config, Project, Venv};
use crate::secrets;
use crate::store::{
    Ending, Generation, Holder, LogDraft, Published, Recorded, RunId, RunLock, RunOutput,
    StartedRun, StoreError, Tool, Unfinished, callers, catch_up, publish_own, recover,
};
use crate::terminal::printable;
use crate::words::t;

/// What is shorter is the taking of a free lock, and no wait.
const FELT: Duration = Duration::from_millis(50);

/// A call that is to be remembered, and what is needed for it.
pub(super) struct RememberedCall<'a> {
    call: &'a PipCall,
    asked: PipCommand,
    /// The project whose environment the call is about.
    project: Project,
    config: Config,
    host: &'a Host,
}

impl<'a> RememberedCall<'a> {
    /// `call`, if it is to be remembered: not when it only reads, when it is about an environment that is none of ours,
    /// or when the project is switched off.
    pub(super) fn of(call: &'a PipCall, host: &'a Host) -> Option<Self> {
        let asked = PipCommand::of(call.args(), call.venv().root(), host);
        if asked.effect == Effect::Reading {
            return None;
        }
        let project = call.subject(&asked, host)?;
        let config = Config::load(host, Some(&project.layout()));
        config.enabled.value.then_some(Self {
            call,
            asked,
            project,
            config,
            host,
        })
    }
}

/// Runs pip, remembers what it did, and leaves with its status. Returns only if pip could not be started so.
pub(super) fn run(remembered: RememberedCall<'_>, pip: &mut Command) {
    let story = Story::begin(remembered, std::process::id());
    match run_captured(pip, &story.remembered.project, &story.started) {
        Some((outcome, output)) => {
            story.end(ending(outcome.status), outcome.duration, Some(output));
            exec::leave(outcome.status)
        }
        None => story.give_up(),
    }
}

/// A call that has its turn: what was installed is known, and a crash from here on leaves word of it.
pub(super) struct Story<'a> {
    remembered: RememberedCall<'a>,
    started: StartedRun,
    lock: Option<RunLock>,
    /// What was there; none where nobody can tell.
    before: Option<Snapshot>,
    /// The generation that was recorded then.
    since: Option<Generation>,
    beside: BesideOthers,
}

impl<'a> Story<'a> {
    /// Waits for the call's turn. pip will run in the process `pid`.
    pub(super) fn begin(remembered: RememberedCall<'a>, pid: u32) -> Self {
        exec::outlive_full_files();
        let RememberedCall {
            call,
            asked,
            project,
            config,
            host,
        } = &remembered;
        let mut started = begin(call, asked, pid, host);
        let (lock, waited) = wait_for_turn(project, config, &started, host);
        started.waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let beside = BesideOthers::begin(project, &started, lock.as_ref());
        // What a crash left is entered first; if that fails, the next run tries again, and until then nobody can tell
        // what is in the history already.
        let recovered = lock
            .as_ref()
            .filter(|lock| recover(project, host, config, lock).is_ok());
        // Where nobody can tell what is there, it is taken to be what is recorded.
        let before = match Snapshot::scan(project.venv(), host) {
            Ok(before) => {
                // What somebody is in the middle of is for that run to enter.
                if let Some(lock) = recovered.filter(|_| beside.is_nobody()) {
                    enter_earlier_changes(project, config, lock, &before, &started);
                }
                Some(before)
            }
            Err(_) => Recorded::read(project)
                .ok()
                .and_then(|recorded| recorded.snapshot().cloned()),
        };
        let layout = project.venv().layout();
        let since = Recorded::read(project)
            .ok()
            .map(|recorded| recorded.generation());
        if let Some(before) = &before {
            let found = (before.clone(), since);
            let _ = Unfinished::begin(&layout, started.clone(), found, lock.is_some());
        }
        Self {
            remembered,
            started,
            lock,
            before,
            since,
            beside,
        }
    }

    /// Enters the run into the history.
    pub(super) fn end(self, ending: Ending, duration: Duration, output: Option<RunOutput>) {
        let RememberedCall {
            asked,
            project,
            config,
            host,
            ..
        } = self.remembered;
        let layout = project.venv().layout();
        let id = self.started.id;
        let after =
            Snapshot::scan(project.venv(), host).map_err(StoreError::unscanned(project.venv()));
        // A failure is left to `doctor` to show: pip works either way.
        let _ = if has_removed_us(project.venv(), host) {
            hook::remove(project.venv())
        } else {
            hook::put_launchers_out(project.venv())
        };
        let (before, after) = match (self.before, after) {
            (Some(before), Ok(after)) => (before, after),
            (_, after) => {
                // What changed is found by the next comparison.
                let (after, error) = match after {
                    Ok(after) => (Some(after), None),
                    Err(error) => (None, Some(error)),
                };
                let _ = Unfinished::ended(&layout, &id, (ending, duration), after);
                if let (Effect::Changing, Some(error)) = (asked.effect, error) {
                    admit(&error);
                }
                return;
            }
        };
        let has_changed = !before.diff_to(&after).is_empty();
        if asked.effect != Effect::Changing && !has_changed {
            Unfinished::end(&layout, &id);
            if let Some(output) = output {
                output.discard(&project.layout());
            }
            return;
        }
        let company = self.beside.end(&project, &self.started, self.lock.as_ref());
        let run = self.started.clone().finish(duration, ending, output);
        let found = (&before, self.since);
        match publish_own(&project, &config, run, found, &after, &company) {
            Ok(published) => {
                Unfinished::end(&layout, &id);
                if company.is_at_work && company.others.is_empty() {
                    enter_open_changes(
                        &project,
                        &config,
                        self.lock.as_ref(),
                        &after,
                        &self.started,
                    );
                }
                drop(self.lock);
                tell_daemon(&project, &published, host);
            }
            Err(error) => {
                // The next run or `aim-venv-sync` enters it.
                let _ = Unfinished::ended(&layout, &id, (ending, duration), Some(after));
                if has_changed {
                    admit(&error);
                }
            }
        }
    }

    /// pip never ran.
    pub(super) fn give_up(self) {
        Unfinished::end(&self.remembered.project.venv().layout(), &self.started.id);
    }
}

/// Whether the run took the toolkit away with which it was remembered: where that lay in the environment itself,
/// nothing of it is to stay there.
fn has_removed_us(venv: &Venv, host: &Host) -> bool {
    let is_gone = matches!(venv.script("aim-pip").try_exists(), Ok(false));
    let folder = || venv.bin().canonicalize().ok();
    is_gone && host.exe().and_then(Path::parent) == folder().as_deref()
}

/// The run as it begins, without secrets.
fn begin(call: &PipCall, asked: &PipCommand, pid: u32, host: &Host) -> StartedRun {
    StartedRun {
        id: RunId::new(),
        action: asked.action.clone(),
        packages: secrets::words(&asked.packages),
        argv: secrets::words(&call.words()),
        cwd: host.cwd().map_or_else(PathBuf::new, PathBuf::from),
        tool: Tool::Pip,
        started_at: Utc::now(),
        pid,
        callers: callers(),
        undoes: None,
        waited_ms: 0,
    }
}

/// What another tool changed since the last record is a run of its own, not part of this one. Where nothing was ever
/// recorded there is nothing to compare with. If it fails, the change counts as this run's.
fn enter_earlier_changes(
    project: &Project,
    config: &Config,
    lock: &RunLock,
    now: &Snapshot,
    run: &StartedRun,
) {
    let Ok(recorded) = Recorded::read(project) else {
        return;
    };
    if recorded.snapshot().is_none() {
        return;
    }
    match recorded.settled(now) {
        Ok(now) if recorded.standing(&now).is_in_step() => recorded.refresh(project, &now, lock),
        _ => {
            let _ = catch_up(project, config, lock, now, &run.argv, run.cwd.clone());
        }
    }
}

/// What none of the runs that went on side by side can be said to have changed is a run of its own. Without the lock it
/// is left to the next comparison.
fn enter_open_changes(
    project: &Project,
    config: &Config,
    held: Option<&RunLock>,
    now: &Snapshot,
    run: &StartedRun,
) {
    let layout = project.venv().layout();
    let taken = match held {
        Some(_) => None,
        None => RunLock::try_acquire(&layout, &run.argv.join(" ")).ok(),
    };
    if let Some(lock) = held.or(taken.as_ref()) {
        enter_earlier_changes(project, config, lock, now, run);
    }
}

/// Takes the environment's run lock, waiting for another pip. None when it has waited long enough, when the other one
/// stands still, when nobody wants a lock, or where there can be none: pip runs all the same. Beside it, how long it
/// waited.
fn wait_for_turn(
    project: &Project,
    config: &Config,
    run: &StartedRun,
    host: &Host,
) -> (Option<RunLock>, Duration) {
    let Some(limit) = config.lock_wait() else {
        return (None, Duration::ZERO);
    };
    let notice = |holder: &Holder| {
        if host.terminals().stderr {
            let pid = holder.pid_shown();
            say(&t!("shim.waiting", pid = pid, command = holder.command));
        }
    };
    // The process that runs pip: inside a program that is not this one.
    let me = Holder::new(run.pid, run.argv.join(" "));
    let began = Instant::now();
    let lock = RunLock::acquire_as(&project.venv().layout(), &me, limit, notice).ok();
    let waited = Some(began.elapsed()).filter(|waited| *waited >= FELT);
    (lock, waited.unwrap_or_default())
}

/// Runs pip to its end; its output goes where it would have gone, and into the log. None if it could not be started.
fn run_captured(
    pip: &mut Command,
    project: &Project,
    run: &StartedRun,
) -> Option<(ChildOutcome, RunOutput)> {
    let mut draft = LogDraft::begin(&project.layout(), &run.id);
    let outcome = exec::run(pip, &mut |stream, bytes| match stream {
        ChildStream::Stdout => draft.stdout(bytes),
        ChildStream::Stderr => draft.stderr(bytes),
    });
    let output = draft.into_output();
    if let Ok(outcome) = outcome {
        return Some((outcome, output));
    }
    output.discard(&project.layout());
    None
}

fn ending(status: ChildStatus) -> Ending {
    match status {
        ChildStatus::Exited(code) => Ending::Exited(code),
        ChildStatus::Signaled(signal) => Ending::Signaled(signal),
    }
}

/// Only a nudge: who needs the environment reads `env_meta.json` itself.
fn tell_daemon(project: &Project, published: &Published, host: &Host) {
    nudge::env_changed(
        host,
        project,
        published.generation.0,
        &published.record.id.to_string(),
    );
}

/// Says that a change is not in the history. The one line that is ours: where nothing changed, nobody misses the run.
fn admit(error: &StoreError) {
    let mut line = t!("shim.not_recorded", why = error).into_owned();
    if error.is_link_to_allow() {
        line.push_str("; aim-venv-sync allow");
    }
    say(&line);
}

/// One line on stderr; when even that is gone, nobody is there to read it.
pub(super) fn say(line: &str) {
    let line = printable(&secrets::hide(line));
    let _ = writeln!(std::io::stderr(), "aim-pip: {line}");
}
