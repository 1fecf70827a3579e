//! `aim-venv-sync shell` prints what a person's shell reads to be guided, and `aim-venv-sync prompt` is what it calls:
//! at its first prompt, and whenever the environment's record has changed since the last one.
//!
//! pip stays pip to the byte, so what is worth a word after a run is said by the shell, in one faint line above the
//! next prompt. As long as nothing changes the shell starts no process: it compares the beginning of `env_meta.json`,
//! where the time of its last change is, with what it read before (decision 0025).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cli::{PromptArgs, ShellName};
use crate::api::v1::{WorkerState, WorkerStatus};
use crate::api::{Client, in_time};
use crate::console::style::{FAINT, paint};
use crate::console::width::cut;
use crate::console::{Console, changes, few};
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::inventory::{Change, canonical, requirement_name};
use crate::project::{Config, Project, Venv, VenvLayout};
use crate::store::places::{aim, made_aim};
use crate::store::{EnvMeta, Run, RunLog, RunNumber, commands};
use crate::terminal::printable;
use crate::words::t;

/// Changes named in the line.
const NAMED: usize = 4;

/// How long a worker is waited for that is on its way, and how long the daemon may take to answer at all.
const WAIT: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(150);

/// Columns where the terminal does not tell.
const USUAL_WIDTH: u16 = 80;

/// The completions of all commands for one kind of shell.
macro_rules! completions {
    ($before:literal, $after:literal) => {
        completions!($before, $after, "backend", "logs", "lsp", "venv-sync", "worker")
    };
    ($before:literal, $after:literal, $($command:literal),*) => {
        [$(include_str!(concat!("../../packaging/data/share/", $before, "aim-", $command, $after))),*].concat()
    };
}

/// Prints the snippet for a shell, or the completions that it loads when they are first asked for.
pub(super) fn shell(shell: ShellName, completions: bool, console: &mut Console) -> Result<Exit> {
    let text: String = match (shell, completions) {
        (ShellName::Bash, false) => include_str!("../../shims/shell/guide.bash").to_owned(),
        (ShellName::Zsh, false) => include_str!("../../shims/shell/guide.zsh").to_owned(),
        (ShellName::Fish, false) => include_str!("../../shims/shell/guide.fish").to_owned(),
        (ShellName::Bash, true) => completions!("bash-completion/completions/", ".bash"),
        (ShellName::Zsh, true) => completions!("zsh/site-functions/_", ""),
        (ShellName::Fish, true) => completions!("fish/vendor_completions.d/", ".fish"),
    };
    console.text(text)?;
    Ok(Exit::Done)
}

/// Tells the shell which file to watch, at which generation it is, and whether there will be more to say of the worker
/// (`--pending`), a line each; and the person what has changed since `args.generation`, on standard error. Nothing
/// for an environment that is not set up, or where guidance is off.
pub(super) fn prompt(host: &Host, args: PromptArgs, console: &mut Console) -> Result<Exit> {
    let Some(active) = host.path_var("VIRTUAL_ENV") else {
        return Ok(Exit::Done);
    };
    let active = host.absolute(active);
    let Ok(venv) = Venv::open(&active) else {
        let path = printable(&active.to_string_lossy());
        console.note(paint(FAINT, t!("venv_sync.prompt.gone", path = path)));
        return Ok(Exit::Done);
    };
    let project = Project::of_venv(venv);
    let layout = project.layout();
    let is_ours = aim(&project.venv().layout())
        .and_then(|folder| folder.found(VenvLayout::VERSION))
        .is_ok();
    if !is_ours || !Config::load(host, Some(&layout)).guide.value {
        return Ok(Exit::Done);
    }
    let now = EnvMeta::read(&layout).0.generation().0;
    let is_pending = match args.generation {
        None => {
            guide_once(&project, console);
            false
        }
        Some(before) if before == now && !args.pending => false,
        Some(before) => say(host, &project, before, now, console),
    };
    // Last, so that the shell that reads this draws its prompt below what was said.
    console.line(layout.env_meta().display())?;
    console.line(now)?;
    console.line(if is_pending { "--pending" } else { "" })?;
    Ok(Exit::Done)
}

/// What a person is told at the first prompt in a project, once.
fn guide_once(project: &Project, console: &mut Console) {
    let is_first = made_aim(&project.venv().layout())
        .and_then(|folder| folder.create_new(VenvLayout::GUIDED))
        .is_ok();
    if is_first {
        for line in t!("venv_sync.prompt.guide").lines() {
            console.note(paint(FAINT, line));
        }
    }
}

/// Says what has changed since `before`, and how the worker fares; whether that is not known yet.
fn say(host: &Host, project: &Project, before: u64, now: u64, console: &mut Console) -> bool {
    let log = RunLog::read(&project.layout());
    let told = changes_since(&log, before);
    let worker = worker(host, project, now);
    let is_pending = worker
        .as_ref()
        .is_some_and(|worker| worker.state == WorkerState::Starting);
    // What is said once more of the same change is that its worker failed.
    let is_news = !told.is_empty()
        || worker
            .as_ref()
            .is_some_and(|worker| worker.state == WorkerState::Failed);
    let worker = worker.as_ref().and_then(|worker| of_worker(worker, now));
    if !is_news {
        return is_pending;
    }
    let mut line = format!("aim: {}", named(&told));
    let next = next(&told);
    for part in new_commands(project, &told)
        .into_iter()
        .chain(worker)
        .chain([Cow::Owned(next)])
    {
        line.push_str(if line.ends_with(": ") { "" } else { " · " });
        line.push_str(&part);
    }
    let width = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| size.ws_col);
    let width = if width == 0 { USUAL_WIDTH } else { width };
    console.note(paint(FAINT, cut(&line, usize::from(width))));
    is_pending
}

/// A change, and who brought it about where nobody asked for it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    change: Change,
    by: Option<String>,
    run: Option<RunNumber>,
}

/// What is different since the generation `before`, what was asked for first. What came along with it and was not there
/// before is no news.
fn changes_since(log: &RunLog, before: u64) -> Vec<Told> {
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    let records = log.runs.iter().rev().filter_map(Run::record);
    for record in records.filter(|record| record.generation_after.0 > before) {
        let asked: Vec<String> = record
            .packages
            .iter()
            .map(|typed| canonical(requirement_name(typed)))
            .collect();
        for change in record.changes.changes() {
            let name = canonical(&change.name);
            let mut change = change.clone();
            let mut by = asked.first().filter(|_| !asked.contains(&name)).cloned();
            if let Some(first) = told.remove(&name) {
                change.from = first.change.from;
                // Asked for once is asked for.
                by = by.filter(|_| first.by.is_some());
            }
            let run = record.number;
            told.insert(name, Told { change, by, run });
        }
    }
    let (asked, others): (Vec<_>, Vec<_>) = told.into_values().partition(|told| told.by.is_none());
    let is_news = |Told { change, .. }: &Told| change.from.is_some() && change.from != change.to;
    asked
        .into_iter()
        .chain(others.into_iter().filter(is_news))
        .collect()
}

/// What to type next: of what nobody asked for, that it can be taken back.
fn next(told: &[Told]) -> String {
    let mut unasked = told.iter().filter(|told| told.by.is_some());
    match unasked.find_map(|told| told.run) {
        Some(number) => format!("aim-logs undo {}", number.0),
        None => "aim-logs show last".to_owned(),
    }
}

/// The commands that came with what came.
fn new_commands(project: &Project, told: &[Told]) -> Option<Cow<'static, str>> {
    let new = told.iter().filter(|told| told.change.from.is_none());
    let names: BTreeSet<String> = new.map(|told| canonical(&told.change.name)).collect();
    if names.is_empty() {
        return None;
    }
    let commands = commands(project.venv(), &names);
    let shown = few(&commands, NAMED, |name| printable(name));
    let shown = (!shown.is_empty()).then(|| shown.join(", "))?;
    Some(t!("venv_sync.prompt.commands", names = shown))
}

fn named(all: &[Told]) -> String {
    few(all, NAMED, text).join(", ")
}

fn text(Told { change, by, .. }: &Told) -> String {
    let words = changes::words(change);
    printable(&match by {
        Some(by) => format!("{words} {}", t!("venv_sync.prompt.by", package = by)),
        None => words,
    })
}

/// The state of the worker, if a daemon tells it in time.
fn worker(host: &Host, project: &Project, generation: u64) -> Option<WorkerStatus> {
    let (host, project) = (host.clone(), project.clone());
    in_time(PATIENCE, move || {
        let client = Client::connect(&host, Some(&project)).ok()?;
        client.worker_at(&project, generation, WAIT).ok()
    })
}

fn of_worker(worker: &WorkerStatus, generation: u64) -> Option<Cow<'static, str>> {
    match worker.state {
        WorkerState::Stopped => None,
        WorkerState::Failed => {
            let why = worker.last_error.as_deref().unwrap_or_default();
            Some(t!("venv_sync.prompt.worker_failed", why = printable(why)))
        }
        _ if worker.is_ready_at(generation) => {
            Some(t!("venv_sync.prompt.worker_ready", n = generation))
        }
        _ => Some(t!("venv_sync.prompt.worker_starting", n = generation)),
    }
}
