//! Who is supervised in an environment, and how somebody else asks for a restart: `<venv>/.aim/supervised/`, a file a
//! command, `web.json`, `web.restart` where a restart is wanted, and `web.loaded` with lists of what it has loaded. Two
//! outlast the note, of what a project orders: `web.followed`, the generation that it was run for, where that is done
//! after each change, and `web.stopped`, that it is not to be begun.
//!
//! **Invariant:** a note whose process is gone counts for nothing, and goes when the next one begins. Where none can be
//! written, the command is supervised all the same.

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::loaded::LoadedList;
use super::order::{On, Order};
use crate::exec::ChildStatus;
use crate::files::Folder;
use crate::project::{Project, VenvLayout};
use crate::store::{Generation, Notes, OfProcess};
use crate::system::{FolderWatch, beginning_of};

/// How often the folder is looked at where the system does not tell of it.
const LOOK: Duration = Duration::from_millis(250);

/// A supervised command, as its supervisor wrote it down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Supervised {
    schema: u32,
    /// By what it is known.
    pub name: String,
    /// The process that supervises it.
    pub pid: u32,
    /// When that began, as the system counts.
    began: Option<u64>,
    /// The command line.
    pub command: Vec<String>,
    /// When it is restarted.
    pub on: On,
    /// Its process; none while it waits for the next change.
    pub command_pid: Option<u32>,
    /// Since when that runs.
    pub since: DateTime<Utc>,
    /// The generation that it was started at.
    pub generation: u64,
    /// The environment's generation.
    pub env_generation: u64,
    /// The newest generation in which all that it has loaded is what is installed; where any change counts, the one
    /// that it was started at.
    #[serde(default)]
    pub fresh_generation: u64,
    /// How often it was restarted.
    pub restarts: u32,
    /// How often that was tried.
    pub attempts: u32,
    /// The addresses that it was given sockets of.
    pub listens: Vec<String>,
    /// Why the last restart came to nothing.
    pub error: Option<String>,
    /// Whether it is run once after each change, and not all the time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_change: bool,
    /// Whose order it is, where the daemon has it run; none where somebody typed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Ordered>,
}

/// What the daemon knows a command by that a project orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The project's folder.
    pub project: PathBuf,
    /// By what the order is known.
    pub digest: String,
}

impl Supervised {
    /// When its supervisor began, as the system counts.
    pub fn began(&self) -> Option<u64> {
        self.began
    }

    /// Whether the daemon has it run for the project in `root`.
    pub fn is_ordered_by(&self, root: &Path) -> bool {
        let ordered = self.ordered.as_ref();
        ordered.is_some_and(|ordered| ordered.project == root)
    }

    /// Asks its supervisor to end, and with it the command.
    ///
    /// # Errors
    /// What the system says.
    pub fn end(&self) -> io::Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        match pid.filter(|_| self.is_alive()) {
            Some(pid) => Ok(kill_process(pid, Signal::TERM)?),
            None => Ok(()),
        }
    }

    /// By what its order is known.
    pub fn order(&self) -> Option<&str> {
        self.ordered.as_ref().map(|ordered| &*ordered.digest)
    }
}

/// The supervised commands of `project`'s environment whose supervisors live, oldest first.
pub fn supervised_in(project: &Project) -> Vec<Supervised> {
    Notes::of(project, VenvLayout::SUPERVISED).map_or_else(|_| Vec::new(), |notes| notes.living())
}

/// Asks the supervisor of `one` for a restart.
///
/// # Errors
/// What the system says.
pub fn ask_for_restart(project: &Project, one: &Supervised) -> io::Result<()> {
    let notes = Notes::of(project, VenvLayout::SUPERVISED)?;
    let pid = one.pid.to_string();
    notes
        .folder()
        .write_unsynced(wish_of(&one.name), pid.as_bytes())
}

/// Whether the order `name` of `project` is not to be begun, because somebody has stopped it.
pub fn is_stopped(project: &Project, name: &str) -> bool {
    let notes = Notes::of(project, VenvLayout::SUPERVISED);
    notes.is_ok_and(|notes| notes.folder().found(stopped_of(name)).is_ok())
}

/// Notes that the order `name` of `project` is not to be begun, until [`start`]. Who has it run ends it.
///
/// # Errors
/// What the system says.
pub fn stop(project: &Project, name: &str) -> io::Result<()> {
    let notes = Notes::made(project, VenvLayout::SUPERVISED)?;
    notes.folder().write_unsynced(stopped_of(name), b"")
}

/// Takes back what [`stop`] noted; says whether anything was.
///
/// # Errors
/// What the system says.
pub fn start(project: &Project, name: &str) -> io::Result<bool> {
    match Notes::of(project, VenvLayout::SUPERVISED) {
        Ok(notes) => notes.folder().remove(stopped_of(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The note of this process, taken away with it.
#[derive(Debug)]
pub struct Note {
    notes: Option<Notes>,
    watch: Option<FolderWatch>,
    looked_at: Instant,
    /// How many lists of what is loaded were begun.
    lists: u32,
    state: Supervised,
}

impl Note {
    /// Takes the name of `order` in the environment, unless somebody has it; then who that is. It is the daemon that
    /// has it run where it is known by a `digest`.
    ///
    /// # Errors
    /// The other one of that name.
    pub fn begin(
        project: &Project,
        order: &Order,
        listens: Vec<String>,
        digest: Option<&str>,
    ) -> Result<Self, Box<Supervised>> {
        let notes = Notes::made(project, VenvLayout::SUPERVISED).ok();
        if let Some(notes) = &notes {
            for (name, other) in notes.all::<Supervised>() {
                match other {
                    Some(other) if !other.is_alive() => {
                        let _ = notes.folder().remove(name);
                        let _ = notes.folder().remove_all(lists_of(&other.name));
                    }
                    Some(other) if other.name == order.name => return Err(Box::new(other)),
                    _ => {}
                }
            }
        }
        let pid = std::process::id();
        let words = order
            .words
            .iter()
            .map(|word| word.to_string_lossy().into_owned());
        let note = Self {
            watch: notes
                .as_ref()
                .and_then(|notes| FolderWatch::of(notes.folder().path())),
            notes,
            looked_at: Instant::now(),
            lists: 0,
            state: Supervised {
                schema: Supervised::SCHEMA,
                name: order.name.clone(),
                pid,
                began: beginning_of(pid.into()),
                command: words.collect(),
                on: order.on,
                command_pid: None,
                since: Utc::now(),
                generation: 0,
                env_generation: 0,
                fresh_generation: 0,
                restarts: 0,
                attempts: 0,
                listens,
                error: None,
                after_change: order.after_change,
                ordered: digest.map(|digest| Ordered {
                    project: project.root().to_path_buf(),
                    digest: digest.to_owned(),
                }),
            },
        };
        if let Some(folder) = note.folder() {
            let _ = folder.remove(wish_of(&note.state.name));
        }
        Ok(note)
    }

    /// Notes what is different.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Supervised)) {
        let before = self.state.clone();
        change(&mut self.state);
        if self.state != before {
            self.write();
        }
    }

    /// Writes it down; each change does that.
    pub(super) fn write(&self) {
        if let Some(folder) = self.folder() {
            let text = serde_json::to_vec(&self.state).unwrap_or_default();
            let _ = folder.write_unsynced(file_of(&self.state.name), &text);
        }
    }

    /// Notes that a restart came to nothing because of `error`, and whether the last process goes on.
    pub(super) fn came_to_nothing(&mut self, error: String, goes_on: bool) {
        self.change(|note| {
            note.error = Some(error);
            note.attempts += 1;
            note.command_pid = note.command_pid.filter(|_| goes_on);
        });
    }

    /// The generation that it was run for last, where that outlasts this process: it is an order of a project's.
    pub(super) fn followed(&self) -> Option<Generation> {
        self.state.ordered.as_ref()?;
        let text = self
            .folder()?
            .read(followed_of(&self.state.name), 32)
            .ok()?;
        std::str::from_utf8(&text).ok()?.trim().parse().ok()
    }

    /// It was run for `generation`.
    pub(super) fn follow(&self, generation: Generation) {
        if let (Some(folder), Some(_)) = (self.folder(), &self.state.ordered) {
            let text = generation.to_string();
            let _ = folder.write_unsynced(followed_of(&self.state.name), text.as_bytes());
        }
    }

    /// A new list of what the next process loads; none where it cannot be had.
    pub(super) fn loaded_list(&mut self) -> Option<LoadedList> {
        let lists = self.folder()?.make_folder(lists_of(&self.state.name));
        self.lists += 1;
        let list = LoadedList::begin(lists.ok()?, self.lists.to_string()).ok()?;
        // Who reads PYTHONPATH would take it for two.
        let is_one = !list.folder().as_os_str().as_bytes().contains(&b':');
        is_one.then_some(list)
    }

    fn folder(&self) -> Option<&Folder> {
        self.notes.as_ref().map(Notes::folder)
    }

    /// Readable when it is worth looking.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(FolderWatch::descriptor)
    }

    /// When to look without being told.
    pub(super) fn next_look(&self) -> Option<Instant> {
        (self.notes.is_some() && self.watch.is_none()).then(|| self.looked_at + LOOK)
    }

    /// Whether somebody has asked for a restart since the last look.
    pub(super) fn is_asked(&mut self, now: Instant) -> bool {
        self.looked_at = now;
        if let Some(watch) = &self.watch {
            watch.settle();
        }
        let wish = wish_of(&self.state.name);
        self.folder()
            .is_some_and(|folder| folder.remove(wish).unwrap_or(false))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(folder) = self.folder() {
            let _ = folder.remove_all(lists_of(&self.state.name));
            let _ = folder.remove(file_of(&self.state.name));
        }
    }
}

impl OfProcess for Supervised {
    const SCHEMA: u32 = 1;
    const LONGEST: u64 = 64 << 10;

    fn schema(&self) -> u32 {
        self.schema
    }

    fn process(&self) -> (u32, Option<u64>) {
        (self.pid, self.began)
    }
}

/// How a command ended, in a word or two.
pub(super) fn how(status: ChildStatus) -> String {
    match status {
        ChildStatus::Exited(code) => format!("exit {code}"),
        ChildStatus::Signaled(signal) => format!("signal {signal}"),
    }
}

fn file_of(name: &str) -> String {
    format!("{name}.json")
}

fn lists_of(name: &str) -> String {
    format!("{name}.loaded")
}

fn wish_of(name: &str) -> String {
    format!("{name}.restart")
}

fn followed_of(name: &str) -> String {
    format!("{name}.followed")
}

fn stopped_of(name: &str) -> String {
    format!("{name}.stopped")
}
