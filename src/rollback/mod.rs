//! Going back: an environment is made what it was, by the files that the archive has.
//!
//! Start reading at [`Rollback::run`]. It says what will change and what stands against it, asks, and does it, as a run
//! of its own.
//!
//! It never knows how its commands name what they go back to: that is their [`Target`].
//!
//! **Invariant:** nothing is done that was not shown, or that `-y` did not allow.

mod target;
mod tell;

pub use target::Target;

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::Utc;
use clap::Args;
use serde_json::json;

use crate::api::nudge;
use crate::console::turn::{held_by, turn};
use crate::console::{Console, history, shell};
use crate::error::{Error, Explain as _, Result};
use crate::exec;
use crate::host::Host;
use crate::inventory::{Change, Requirements, Snapshot};
use crate::project::{Config, Project, VenvLayout};
use crate::store::{
    Goal, LockError, Plan, Recorded, Run, RunId, RunLock, RunLog, StartedRun, TakenBack, Tool,
    callers, catch_up, recover, take_back,
};
use crate::words::t;

/// How to go back.
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
#[derive(Debug, Clone, Default, Args)]
pub struct How {
    /// Only say what would change.
    #[arg(long, help = t!("rollback.help.dry_run").into_owned())]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short = 'y', long, help = t!("rollback.help.yes").into_owned())]
    pub yes: bool,
    /// Let pip fetch what is not kept.
    #[arg(long, help = t!("rollback.help.download").into_owned())]
    pub download: bool,
    /// Also where pip, or the toolkit, goes.
    #[arg(long, help = t!("rollback.help.without_pip").into_owned())]
    pub without_pip: bool,
}

/// What a command that goes back stands on.
#[derive(Debug)]
pub struct Rollback<'a> {
    /// The process.
    pub host: &'a Host,
    /// Whose environment goes back.
    pub project: &'a Project,
    /// Its settings.
    pub config: &'a Config,
    /// What was typed: `aim-logs undo`. Its last word is the action of the run that goes back.
    pub command: &'static str,
    /// How.
    pub how: &'a How,
}

impl Rollback<'_> {
    /// Goes back to what `meant` finds in the history.
    ///
    /// # Errors
    /// What `meant` says; `Exit::Usage` where nobody can be asked; `Exit::Failed`.
    pub fn run(
        &self,
        console: &mut Console,
        meant: &dyn Fn(&RunLog) -> Result<Target>,
    ) -> Result<()> {
        let is_seen = !self.how.yes || self.how.dry_run || self.how.download;
        let log = history::whole(&self.project.layout())?;
        let (mut seen, mut target) = (None, meant(&log)?);
        if is_seen {
            let (plan, _) = self.plan(&log, &target.goal, self.scan()?)?;
            if self.how.dry_run {
                return tell::not_done(console, &target, &plan);
            }
            tell::plan(console, &target, &plan);
            self.confirm(console, &plan)?;
            if self.how.download && !plan.lost.is_empty() {
                self.download(&plan.lost)?;
            }
            seen = Some(plan);
        }
        let lock = self.lock(console)?;
        recover(self.project, self.host, self.config, &lock)?;
        let now = self.scan()?;
        let (argv, cwd) = self.call();
        catch_up(self.project, self.config, &lock, &now, &argv, cwd)?;
        let log = history::whole(&self.project.layout())?;
        if seen.is_none() {
            target = meant(&log)?;
        }
        let (plan, now) = self.plan(&log, &target.goal, now)?;
        match &seen {
            None => {
                tell::plan(console, &target, &plan);
                self.confirm(console, &plan)?;
            }
            Some(shown) if shown.changes != plan.changes => {
                return Err(Error::failed(t!("rollback.changed_meanwhile")).hint(target.typed));
            }
            Some(_) => {}
        }
        if !plan.lost.is_empty() {
            return Err(not_kept(&plan.lost));
        }
        // A run that was asked for by name is taken back even where nothing of it is left: so the next one is another.
        if plan.is_empty() && matches!(target.goal, Goal::Past(_)) {
            return tell::nothing(console, &target, &plan);
        }
        let started = self.started(&target);
        let ground = (self.project, self.config, self.host);
        let done = take_back(ground, &lock, started, &plan, &now)
            .context(t!("rollback.cannot"))
            .hint(t!("rollback.hint_finish"))?;
        drop(lock);
        let record = &done.published.record;
        let generation = done.published.generation;
        nudge::env_changed(
            self.host,
            self.project,
            generation.0,
            &record.id.to_string(),
        );
        self.tell(console, &target, &plan, &done)
    }

    /// What was typed, and where.
    fn call(&self) -> (Vec<String>, PathBuf) {
        let argv = self.host.args().iter();
        let argv = argv.map(|arg| arg.to_string_lossy().into_owned()).collect();
        let cwd = self.host.cwd().unwrap_or(self.project.root());
        (argv, cwd.to_path_buf())
    }

    fn started(&self, target: &Target) -> StartedRun {
        let (argv, cwd) = self.call();
        let (_, action) = self.command.rsplit_once(' ').unwrap_or_default();
        StartedRun {
            id: RunId::new(),
            action: action.to_owned(),
            packages: vec![target.name.clone()],
            argv: crate::secrets::words(&argv),
            cwd,
            tool: Tool::Undo,
            started_at: Utc::now(),
            pid: std::process::id(),
            callers: callers(),
            undoes: match &target.goal {
                Goal::Before(run) => Some(run.id),
                Goal::Past(_) => None,
            },
            waited_ms: 0,
        }
    }

    fn scan(&self) -> Result<Snapshot> {
        Snapshot::scan(self.project.venv(), self.host).context(t!("rollback.cannot_scan"))
    }

    /// What reaching `goal` would be, and what is installed, by name; `now` is as it was found.
    fn plan(&self, log: &RunLog, goal: &Goal, mut now: Snapshot) -> Result<(Plan, Snapshot)> {
        let recorded = Recorded::read(self.project)?;
        let nothing = Snapshot::default();
        now.name_all(self.project.venv(), recorded.snapshot().unwrap_or(&nothing));
        let plan = Plan::of(self.project, log, goal, (&now, recorded.generation()))
            .context(t!("rollback.cannot_scan"))?;
        Ok((plan, now))
    }

    fn lock(&self, console: &mut Console) -> Result<RunLock> {
        let limit = self.config.lock_wait().unwrap_or_default();
        let venv = self.project.venv().layout();
        turn(console, &venv, self.command, limit).map_err(|error| match error {
            LockError::Busy(holder) => Error::failed(held_by(&holder)),
            error @ LockError::Unusable { .. } => Error::from(error),
        })
    }

    /// Goes on only if the person wants it so.
    fn confirm(&self, console: &mut Console, plan: &Plan) -> Result<()> {
        if let Some(stuck) = plan.stuck.first() {
            let name = stuck.shown_name();
            let what = tell::version(stuck, stuck.from.as_ref());
            return Err(Error::failed(t!("rollback.stuck", what = what))
                .hint(format!("pip uninstall {name}")));
        }
        if !plan.lost.is_empty() && !self.how.download {
            return Err(not_kept(&plan.lost));
        }
        if !self.how.yes && !plan.is_empty() {
            console.confirm(&t!("console.go_on"), "-y")?;
        }
        let takes_away = |name: &str| {
            let mut removed = plan.changes.removed.iter();
            removed.any(|change| change.shown_name() == name)
        };
        let own = Path::new(VenvLayout::BIN);
        let is_toolkit = ["aim-pip", "aim-logs"]
            .iter()
            .any(|name| plan.removes(&own.join(name)));
        if (takes_away("pip") || is_toolkit) && !self.how.without_pip {
            let what = if is_toolkit {
                t!("rollback.takes_toolkit")
            } else {
                t!("rollback.takes_pip")
            };
            console.warn(&what);
            console.confirm(&t!("console.go_on"), "--without-pip")?;
        }
        Ok(())
    }

    /// Lets the environment's pip install what is lost, as a run of its own.
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment's own pip, as a person calls it"
    )]
    fn download(&self, lost: &[Change]) -> Result<()> {
        let mut pip = Command::new(self.project.venv().python_path());
        pip.args(["-m", "pip", "install", "--no-deps"])
            .args(requirements(lost));
        let outcome = exec::run(&mut pip, &mut |_, _| ())?;
        if outcome.status == exec::ChildStatus::Exited(0) {
            Ok(())
        } else {
            Err(Error::failed(t!("rollback.not_downloaded")))
        }
    }

    /// What was done.
    fn tell(
        &self,
        console: &mut Console,
        target: &Target,
        plan: &Plan,
        done: &TakenBack,
    ) -> Result<()> {
        let record = &done.published.record;
        let requirements = Requirements::read(self.project.venv(), &done.now);
        let still = requirements
            .map(|all| all.broken(&done.now))
            .unwrap_or_default();
        if console.is_json() {
            let mut value = tell::as_json(target, plan);
            value["record"] = Run::Recorded(Box::new(record.clone())).as_json()?;
            value["failed"] = json!(done.failed);
            value["broken"] = serde_json::to_value(&still)?;
            return console.json(&value);
        }
        tell::done(console, plan, done, &still);
        let (name, number) = (&target.name, record.name());
        let words = match &target.goal {
            Goal::Before(_) => t!(
                "rollback.done",
                run = name,
                by = number,
                generation = done.published.generation
            ),
            Goal::Past(_) => t!(
                "rollback.restored",
                goal = name,
                by = number,
                generation = done.published.generation
            ),
        };
        console.line(words)
    }
}

fn not_kept(lost: &[Change]) -> Error {
    let names: Vec<String> = lost
        .iter()
        .map(|one| tell::version(one, one.to.as_ref()))
        .collect();
    let wanted = requirements(lost);
    let wanted: Vec<String> = wanted.iter().map(|word| shell::word(word)).collect();
    Error::failed(t!("rollback.lost", what = names.join(", ")))
        .hint(format!("pip install --no-deps {}", wanted.join(" ")))
        .hint(t!("rollback.hint_download"))
}

/// As pip takes them.
fn requirements(lost: &[Change]) -> Vec<String> {
    let named = lost.iter().filter_map(|change| {
        let version = change.to.as_ref()?;
        Some(format!("{}=={version}", change.shown_name()))
    });
    named.collect()
}
