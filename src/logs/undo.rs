//! `aim-logs undo [RUN]` and `redo`: what a run did is taken back, by the files that the archive has.
//!
//! First it says what will change and what stands against it, then it asks. Where nobody can be asked, nothing is done
//! without `-y`.

use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cli::{RedoArgs, UndoArgs};
use super::{describe, read, show};
use crate::api::nudge;
use crate::console::{Console, shell, style, time};
use crate::error::{Error, Explain as _, Result};
use crate::exec;
use crate::host::Host;
use crate::inventory::{Broken, Change, Requirements, Snapshot};
use crate::project::{Config, Project, VenvLayout};
use crate::store::{
    LockError, Plan, Recorded, Run, RunId, RunLock, RunLog, RunRecord, StartedRun, TakenBack, Tool,
    UNDO, catch_up, recover, take_back,
};
use crate::terminal::printable;
use crate::words::t;

/// The action of what takes an undo back.
const REDO: &str = "redo";

/// Files or names that are told one by one, at most.
const MOST: usize = 10;
/// How much of a path is shown, at most.
const LONGEST_PATH: usize = 40;

/// Takes a run back.
pub(super) fn undo(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &UndoArgs,
) -> Result<()> {
    let meant = |log: &RunLog| match &args.run {
        Some(wanted) => {
            let run = log.find(wanted).map_err(|error| show::not_found(&error))?;
            let record = run.record().cloned();
            record.ok_or_else(|| Error::not_found(t!("logs.undo.no_record", run = run.id())))
        }
        None => log
            .last_to_undo()
            .cloned()
            .ok_or_else(|| Error::not_found(t!("logs.undo.none")).hint(t!("logs.undo.hint_which"))),
    };
    TakingBack::of(host, project, UNDO, &args.how).run(console, &meant)
}

/// Takes the last undo back.
pub(super) fn redo(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &RedoArgs,
) -> Result<()> {
    let meant = |log: &RunLog| {
        let last = log.last_to_redo().cloned();
        last.ok_or_else(|| Error::not_found(t!("logs.undo.none_undone")))
    };
    TakingBack::of(host, project, REDO, args).run(console, &meant)
}

struct TakingBack<'a> {
    host: &'a Host,
    project: &'a Project,
    config: Config,
    action: &'static str,
    how: &'a RedoArgs,
}

impl<'a> TakingBack<'a> {
    fn of(host: &'a Host, project: &'a Project, action: &'static str, how: &'a RedoArgs) -> Self {
        Self {
            config: Config::load(host, Some(&project.layout())),
            host,
            project,
            action,
            how,
        }
    }

    fn run(
        &self,
        console: &mut Console,
        meant: &dyn Fn(&RunLog) -> Result<RunRecord>,
    ) -> Result<()> {
        let is_seen = !self.how.yes || self.how.dry_run || self.how.download;
        let log = read::whole(&self.project.layout())?;
        let (mut seen, mut run) = (None, meant(&log)?);
        if is_seen {
            let (plan, _) = self.plan(&log, &run, self.scan()?)?;
            if self.how.dry_run {
                return Self::tell_of(console, &run, &plan);
            }
            show_plan(console, &run, &plan);
            self.confirm(console, &plan)?;
            if self.how.download && !plan.lost.is_empty() {
                self.download(&plan.lost)?;
            }
            seen = Some(plan);
        }
        let lock = self.lock()?;
        recover(self.project, self.host, &self.config, &lock)?;
        let now = self.scan()?;
        let argv: Vec<String> = self
            .host
            .args()
            .iter()
            .map(|arg| arg.to_string_lossy().into())
            .collect();
        let cwd = self.host.cwd().unwrap_or(self.project.root()).to_path_buf();
        catch_up(self.project, &self.config, &lock, &now, &argv, cwd.clone())?;
        let log = read::whole(&self.project.layout())?;
        if seen.is_none() {
            run = meant(&log)?;
        }
        let (plan, now) = self.plan(&log, &run, now)?;
        match &seen {
            None => {
                show_plan(console, &run, &plan);
                self.confirm(console, &plan)?;
            }
            Some(shown) if shown.changes != plan.changes => {
                return Err(Error::failed(t!("logs.undo.changed_meanwhile")).hint(self.typed(&run)));
            }
            Some(_) => {}
        }
        if !plan.lost.is_empty() {
            return Err(not_kept(&plan.lost));
        }
        let started = StartedRun {
            id: RunId::new(),
            action: self.action.to_owned(),
            packages: vec![run.name()],
            argv: crate::secrets::words(&argv),
            cwd,
            tool: Tool::Undo,
            started_at: Utc::now(),
            pid: std::process::id(),
            undoes: Some(run.id),
        };
        let ground = (self.project, &self.config, self.host);
        let done = take_back(ground, &lock, started, &plan, &now)
            .context(t!("logs.undo.cannot"))
            .hint(t!("logs.undo.hint_finish"))?;
        drop(lock);
        let record = &done.published.record;
        let generation = done.published.generation;
        nudge::env_changed(
            self.host,
            self.project,
            generation.0,
            &record.id.to_string(),
        );
        self.tell(console, &run, &plan, &done)
    }

    fn scan(&self) -> Result<Snapshot> {
        Snapshot::scan(self.project.venv(), self.host).context(t!("logs.undo.cannot_scan"))
    }

    /// What taking back `run` would be, and what is installed, by name; `now` is as it was found.
    fn plan(&self, log: &RunLog, run: &RunRecord, mut now: Snapshot) -> Result<(Plan, Snapshot)> {
        Self::refuse_twice(log, run)?;
        let recorded = Recorded::read(self.project)?;
        let nothing = Snapshot::default();
        now.name_all(self.project.venv(), recorded.snapshot().unwrap_or(&nothing));
        let plan = Plan::of(self.project, log, run, (&now, recorded.generation()))
            .context(t!("logs.undo.cannot_scan"))?;
        Ok((plan, now))
    }

    /// A run is taken back once; what took it back can be taken back in turn.
    fn refuse_twice(log: &RunLog, run: &RunRecord) -> Result<()> {
        match log.taken_back().get(&run.id) {
            Some(by) => {
                Err(
                    Error::failed(t!("logs.undo.already", run = run.name(), by = by.name()))
                        .hint(format!("aim-logs undo {}", typed_name(by))),
                )
            }
            None => Ok(()),
        }
    }

    fn lock(&self) -> Result<RunLock> {
        let command = format!("aim-logs {}", self.action);
        let limit = self.config.lock_wait().unwrap_or_default();
        let lock = RunLock::acquire(&self.project.venv().layout(), &command, limit, |_| ());
        lock.map_err(|error| match error {
            LockError::Busy(holder) => {
                Error::failed(t!("logs.undo.held", command = printable(&holder.command)))
            }
            error @ LockError::Unusable { .. } => Error::from(error),
        })
    }

    /// Goes on only if the person wants it so.
    fn confirm(&self, console: &mut Console, plan: &Plan) -> Result<()> {
        if let Some(stuck) = plan.stuck.first() {
            let name = stuck.shown_name();
            let what = version(stuck, stuck.from.as_ref());
            return Err(Error::failed(t!("logs.undo.stuck", what = what))
                .hint(format!("pip uninstall {name}")));
        }
        if !plan.lost.is_empty() && !self.how.download {
            return Err(not_kept(&plan.lost));
        }
        if !self.how.yes && !plan.is_empty() {
            ask(console, t!("logs.undo.question").as_ref(), "-y")?;
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
                t!("logs.undo.takes_toolkit")
            } else {
                t!("logs.undo.takes_pip")
            };
            console.warn(&what);
            ask(console, t!("logs.undo.question").as_ref(), "--without-pip")?;
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
            Err(Error::failed(t!("logs.undo.not_downloaded")))
        }
    }

    /// The command line of this, for `run`.
    fn typed(&self, run: &RunRecord) -> String {
        match self.action {
            UNDO => format!("aim-logs undo {}", typed_name(run)),
            _ => "aim-logs redo".to_owned(),
        }
    }

    /// What would be done, for `--dry-run`.
    fn tell_of(console: &mut Console, run: &RunRecord, plan: &Plan) -> Result<()> {
        if console.is_json() {
            return console.json(&as_json(run, plan));
        }
        show_plan(console, run, plan);
        console.note(t!("logs.undo.not_done"));
        Ok(())
    }

    /// What was done.
    fn tell(
        &self,
        console: &mut Console,
        run: &RunRecord,
        plan: &Plan,
        done: &TakenBack,
    ) -> Result<()> {
        let record = &done.published.record;
        let requirements = Requirements::read(self.project.venv(), &done.now);
        let still = requirements
            .map(|all| all.broken(&done.now))
            .unwrap_or_default();
        if console.is_json() {
            let mut value = as_json(run, plan);
            value["record"] = Run::Recorded(Box::new(record.clone())).as_json()?;
            value["failed"] = json!(done.failed);
            value["broken"] = serde_json::to_value(&still)?;
            return console.json(&value);
        }
        some(console, &done.failed, |path| {
            t!("logs.undo.failed", path = printable(path)).into_owned()
        });
        some(console, &still, |one| {
            t!(
                "logs.undo.broken",
                name = printable(&one.name),
                version = printable(&one.version),
                needs = printable(&one.needs),
                found = printable(one.found.as_deref().unwrap_or("-"))
            )
            .into_owned()
        });
        console.line(t!(
            "logs.undo.done",
            run = run.name(),
            by = record.name(),
            generation = done.published.generation
        ))
    }
}

/// What will change, and what stands against it.
fn show_plan(console: &mut Console, run: &RunRecord, plan: &Plan) {
    if console.is_json() {
        return;
    }
    if plan.is_empty() {
        console.note(t!("logs.undo.nothing", run = run.name()));
    } else {
        console.note(heading(run, Utc::now()));
    }
    for line in describe::change_lines(&plan.changes) {
        console.note(format!("  {}", line.to_line()));
    }
    if !run.changes.startup.is_empty() {
        console.aside(t!("logs.undo.startup"));
    }
    for (name, by) in &plan.later {
        let by = by.map(|number| number.to_string()).unwrap_or_default();
        console.warn(t!("logs.undo.later", name = printable(name), run = by));
    }
    some(console, &plan.edited, |path| {
        t!("logs.undo.edited", path = printable(path)).into_owned()
    });
    some(console, &plan.breaks, would_break);
    for lost in &plan.lost {
        console.warn(t!("logs.undo.lost", what = version(lost, lost.to.as_ref())));
    }
}

fn not_kept(lost: &[Change]) -> Error {
    let names: Vec<String> = lost
        .iter()
        .map(|one| version(one, one.to.as_ref()))
        .collect();
    let wanted = requirements(lost);
    let wanted: Vec<String> = wanted.iter().map(|word| shell::word(word)).collect();
    Error::failed(t!("logs.undo.lost", what = names.join(", ")))
        .hint(format!("pip install --no-deps {}", wanted.join(" ")))
        .hint(t!("logs.undo.hint_download"))
}

fn heading(run: &RunRecord, now: DateTime<Utc>) -> String {
    let what = describe::what(&Run::Recorded(Box::new(run.clone())), LONGEST_PATH);
    t!(
        "logs.undo.heading",
        run = style::paint(style::NAME, run.name()),
        what = printable(&what),
        ago = time::ago(run.started_at, now)
    )
    .into_owned()
}

fn would_break(one: &Broken) -> String {
    t!(
        "logs.undo.breaks",
        name = printable(&one.name),
        version = printable(&one.version),
        needs = printable(&one.needs)
    )
    .into_owned()
}

/// Warns of each, or of the first and how many there are.
fn some<T>(console: &mut Console, all: &[T], words: impl Fn(&T) -> String) {
    for one in all.iter().take(MOST) {
        console.warn(words(one));
    }
    if let Some(more) = all.len().checked_sub(MOST).filter(|more| *more > 0) {
        console.warn(t!("console.and_more", n = more));
    }
}

fn ask(console: &mut Console, question: &str, option: &str) -> Result<()> {
    match console.ask(question)? {
        Some(answer) if matches!(answer.trim(), "y" | "Y" | "yes" | "ㅛ") => Ok(()),
        Some(_) => Err(Error::failed(t!("logs.undo.not_done"))),
        None => Err(Error::usage(t!("logs.undo.cannot_ask"))
            .hint(t!("logs.undo.hint_yes", option = option))),
    }
}

fn typed_name(run: &RunRecord) -> String {
    run.name().trim_start_matches('#').to_owned()
}

fn version(change: &Change, version: Option<&String>) -> String {
    let version = version.map(String::as_str).unwrap_or_default();
    printable(&format!("{} {version}", change.shown_name()))
}

/// As pip takes them.
fn requirements(lost: &[Change]) -> Vec<String> {
    let named = lost.iter().filter_map(|change| {
        let version = change.to.as_ref()?;
        Some(format!("{}=={version}", change.shown_name()))
    });
    named.collect()
}

fn as_json(run: &RunRecord, plan: &Plan) -> serde_json::Value {
    let later = plan.later.iter();
    let later: Vec<_> = later
        .map(|(name, by)| json!({ "name": name, "number": by }))
        .collect();
    json!({
        "number": run.number,
        "run_id": run.id,
        "changes": plan.changes,
        "later": later,
        "lost": plan.lost,
        "stuck": plan.stuck,
        "edited": plan.edited,
        "breaks": plan.breaks,
    })
}
