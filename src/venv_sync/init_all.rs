//! `aim-venv-sync init --all DIR`: every project with an environment below a folder.
//!
//! First it shows what it found, then it asks. One that cannot be set up is told, and the others are.

use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use siphasher::sip::SipHasher13;
use walkdir::{DirEntry, WalkDir};

use super::ground::Ground;
use super::{InitArgs, init};
use crate::console::table::{Cell, Table};
use crate::console::{Console, style};
use crate::error::{Error, Exit, Explain as _, Result};
use crate::hook;
use crate::host::Host;
use crate::project::{Project, Venv};
use crate::terminal::printable;
use crate::words::t;

/// Folders within each other that are looked into: projects lie no deeper.
const DEEPEST: usize = 8;

/// A project that was found.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    project: PathBuf,
    environment: PathBuf,
    python: Option<String>,
    state: State,
    /// Why it cannot be set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// It is to be set up.
    Found,
    /// It was before.
    WasSetUp,
    /// It is now.
    SetUp,
    /// It cannot be.
    Failed,
}

/// What lies below a folder: each project with its row.
#[derive(Debug, Default)]
pub(super) struct Found {
    projects: Vec<Project>,
    /// For a script.
    pub(super) rows: Vec<Row>,
}

impl Found {
    fn of(projects: Vec<Project>) -> Self {
        let rows = projects.iter().map(row).collect();
        Self { projects, rows }
    }

    fn count(&self, state: State) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }

    /// Whether there is something to set up.
    pub(super) fn is_open(&self) -> bool {
        self.count(State::Found) > 0
    }

    /// Whether one could not be set up.
    pub(super) fn has_failed(&self) -> bool {
        self.count(State::Failed) > 0
    }

    /// The list, with what will become of each.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub(super) fn show(&self, host: &Host, console: &mut Console) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let headings = [
            t!("venv_sync.column_project"),
            t!("venv_sync.list.python"),
            t!("venv_sync.column_state"),
        ];
        let mut table = Table::new(headings).gives_way([0]);
        for row in &self.rows {
            table.push([
                Cell::styled(style::NAME, host.shown(&row.project)),
                Cell::from(row.python.as_deref().unwrap_or("?")),
                row.state(),
            ]);
        }
        console.text(table.to_text(console.width()))
    }

    /// Sets up those that are to be. One that cannot be is told, and the others are.
    ///
    /// # Errors
    /// When nothing can be printed.
    pub(super) fn set_up(&mut self, host: &Host, console: &mut Console) -> Result<()> {
        let count = self.count(State::Found);
        for (project, row) in self.projects.iter().zip(&mut self.rows) {
            if row.state != State::Found {
                continue;
            }
            let ground = Ground::of(host, project.clone());
            match init::set_up(&ground, console) {
                Ok(_) => row.state = State::SetUp,
                Err(error) => row.fail(&error, console),
            }
        }
        if console.is_json() || count == 0 {
            return Ok(());
        }
        let count = projects_in_words(count);
        console.line(t!(
            "venv_sync.all_done",
            done = self.count(State::SetUp),
            count = count
        ))
    }
}

/// Sets up all of them.
pub(super) fn init_all(host: &Host, args: &InitArgs, console: &mut Console) -> Result<Exit> {
    let below = init::folder(host, args)?;
    let mut projects = projects(&below)?;
    projects.retain(|project| is_wanted(project, args));
    let before = projects.len();
    if let Some(percent) = args.percent {
        projects.retain(|project| share(project.root()) < percent);
    }
    let left = before - projects.len();
    let mut found = Found::of(projects);
    if !console.is_json() {
        found.show(host, console)?;
        if found.rows.is_empty() {
            let path = host.shown(&below);
            console.note(t!("venv_sync.all_none", path = printable(&path)));
        }
        if let Some(percent) = args.percent.filter(|_| left > 0) {
            console.note(t!("venv_sync.all_left", n = left, percent = percent));
        }
    }
    if found.is_open() && !args.many.dry_run {
        if !args.many.yes {
            let count = projects_in_words(found.count(State::Found));
            console.confirm(&t!("venv_sync.all_asks", count = count), "-y")?;
        }
        found.set_up(host, console)?;
    }
    if console.is_json() {
        console.json(&found.rows)?;
    }
    Ok(if found.has_failed() {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// All that is below a folder.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn below(host: &Host, folder: &Path) -> Result<Found> {
    projects(&host.absolute(folder)).map(Found::of)
}

fn projects(below: &Path) -> Result<Vec<Project>> {
    let cannot_read = || t!("venv_sync.cannot_read", path = below.display()).into_owned();
    let below = below.canonicalize().context(cannot_read())?;
    Ok(found(&below))
}

/// The projects below a folder, each once. Nobody's environments are no projects; what is hidden is not looked into.
fn found(below: &Path) -> Vec<Project> {
    let walk = WalkDir::new(below).max_depth(DEEPEST).sort_by_file_name();
    let entries = walk.into_iter().filter_entry(may_have_projects).flatten();
    let projects = entries.filter_map(|entry| Project::at(entry.path()));
    projects.filter(|project| !project.is_nobodys()).collect()
}

fn may_have_projects(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_passed_over = name.starts_with('.') || matches!(&*name, "node_modules" | "__pycache__");
    entry.file_type().is_dir()
        && (entry.depth() == 0 || !is_passed_over && Venv::open(entry.path()).is_err())
}

fn is_wanted(project: &Project, args: &InitArgs) -> bool {
    let name = project.root().file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    args.only.as_ref().is_none_or(|only| only.matches(&name))
}

/// A number below 100 that a path always has.
fn share(path: &Path) -> u8 {
    let mut hasher = SipHasher13::new();
    hasher.write(path.as_os_str().as_encoded_bytes());
    u8::try_from(hasher.finish() % 100).unwrap_or_default()
}

fn row(project: &Project) -> Row {
    let venv = project.venv();
    let (state, why) = match (hook::is_installed(venv), init::usable(project.clone())) {
        (Ok(true), _) => (State::WasSetUp, None),
        (Ok(false), Ok(_)) => (State::Found, None),
        (Err(error), _) => (State::Failed, Some(error.to_string())),
        (_, Err(error)) => (State::Failed, Some(error.to_string())),
    };
    Row {
        project: project.root().to_path_buf(),
        environment: venv.root().to_path_buf(),
        python: venv.python_version(),
        state,
        why,
    }
}

impl Row {
    fn fail(&mut self, error: &Error, console: &mut Console) {
        let why = error.to_string();
        console.warn(format!(
            "{}: {why}",
            printable(&self.project.to_string_lossy())
        ));
        (self.state, self.why) = (State::Failed, Some(why));
    }

    fn state(&self) -> Cell {
        match self.state {
            State::Found => Cell::styled(style::GOOD, t!("venv_sync.all_would")),
            State::WasSetUp => Cell::styled(style::FAINT, t!("venv_sync.all_is_set_up")),
            State::SetUp => Cell::styled(style::GOOD, t!("venv_sync.all_was_set_up")),
            State::Failed => Cell::styled(style::BAD, self.why.clone().unwrap_or_default()),
        }
    }
}

fn projects_in_words(count: usize) -> String {
    match count {
        1 => t!("venv_sync.one_project"),
        count => t!("venv_sync.projects", count = count),
    }
    .into_owned()
}
