//! Who is supervised in an environment, and how somebody else asks for a restart: `<venv>/.aim/supervised/`, a file a
//! command, `web.json`, and `web.restart` where a restart is wanted.
//!
//! **Invariant:** a note whose process is gone counts for nothing, and goes when the next one begins. Where none can be
//! written, the command is supervised all the same.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::order::{On, Order};
use crate::files::Folder;
use crate::project::{Project, VenvLayout};
use crate::system::{FolderWatch, beginning_of, is_alive};

/// Longer than any note.
const LONGEST: u64 = 64 << 10;
/// Version of the form.
const SCHEMA: u32 = 1;
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
    /// How often it was restarted.
    pub restarts: u32,
    /// How often that was tried.
    pub attempts: u32,
    /// The addresses that it was given sockets of.
    pub listens: Vec<String>,
    /// Why the last restart came to nothing.
    pub error: Option<String>,
}

/// The supervised commands of `project`'s environment whose supervisors live, oldest first.
pub fn supervised_in(project: &Project) -> Vec<Supervised> {
    let Ok(folder) = folder(project) else {
        return Vec::new();
    };
    let mut all: Vec<_> = notes(&folder)
        .into_iter()
        .filter(Supervised::is_alive)
        .collect();
    all.sort_by_key(|one| (one.began, one.pid));
    all
}

/// Asks the supervisor of `one` for a restart.
///
/// # Errors
/// What the system says.
pub fn ask_for_restart(project: &Project, one: &Supervised) -> io::Result<()> {
    folder(project)?.write_unsynced(wish_of(&one.name), one.pid.to_string().as_bytes())
}

/// The note of this process, taken away with it.
#[derive(Debug)]
pub struct Note {
    folder: Option<Folder>,
    watch: Option<FolderWatch>,
    looked_at: Instant,
    state: Supervised,
}

impl Note {
    /// Takes the name of `order` in the environment, unless somebody has it; then who that is.
    ///
    /// # Errors
    /// The other one of that name.
    pub fn begin(
        project: &Project,
        order: &Order,
        listens: Vec<String>,
    ) -> Result<Self, Box<Supervised>> {
        let folder = made_folder(project).ok();
        for other in folder.iter().flat_map(notes) {
            if !other.is_alive() {
                let _ = folder
                    .as_ref()
                    .map(|folder| folder.remove(file_of(&other.name)));
            } else if other.name == order.name {
                return Err(Box::new(other));
            }
        }
        let pid = std::process::id();
        let words = order
            .words
            .iter()
            .map(|word| word.to_string_lossy().into_owned());
        let note = Self {
            watch: folder
                .as_ref()
                .and_then(|folder| FolderWatch::of(folder.path())),
            folder,
            looked_at: Instant::now(),
            state: Supervised {
                schema: SCHEMA,
                name: order.name.clone(),
                pid,
                began: beginning_of(pid.into()),
                command: words.collect(),
                on: order.on,
                command_pid: None,
                since: Utc::now(),
                generation: 0,
                env_generation: 0,
                restarts: 0,
                attempts: 0,
                listens,
                error: None,
            },
        };
        if let Some(folder) = &note.folder {
            let _ = folder.remove(wish_of(&note.state.name));
        }
        Ok(note)
    }

    /// Notes what is different.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut Supervised)) {
        let before = self.state.clone();
        change(&mut self.state);
        if self.state != before
            && let Some(folder) = &self.folder
        {
            let text = serde_json::to_vec(&self.state).unwrap_or_default();
            let _ = folder.write_unsynced(file_of(&self.state.name), &text);
        }
    }

    /// Readable when it is worth looking.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(FolderWatch::descriptor)
    }

    /// When to look without being told.
    pub(super) fn next_look(&self) -> Option<Instant> {
        (self.folder.is_some() && self.watch.is_none()).then(|| self.looked_at + LOOK)
    }

    /// Whether somebody has asked for a restart since the last look.
    pub(super) fn is_asked(&mut self, now: Instant) -> bool {
        self.looked_at = now;
        if let Some(watch) = &self.watch {
            watch.settle();
        }
        let wish = wish_of(&self.state.name);
        let folder = self.folder.as_ref();
        folder.is_some_and(|folder| folder.remove(wish).unwrap_or(false))
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = folder.remove(file_of(&self.state.name));
        }
    }
}

impl Supervised {
    fn is_alive(&self) -> bool {
        is_alive(self.pid, self.began)
    }
}

fn file_of(name: &str) -> String {
    format!("{name}.json")
}

fn wish_of(name: &str) -> String {
    format!("{name}.restart")
}

fn notes(folder: &Folder) -> Vec<Supervised> {
    let names = folder.names().unwrap_or_default().into_iter();
    let is_note = |name: &OsString| {
        name.to_str().is_some_and(|name| {
            name.strip_suffix(".json")
                .is_some_and(|name| !name.starts_with('.'))
        })
    };
    let read = |name: OsString| {
        let text = folder.read(name, LONGEST).ok()?;
        let note: Supervised = serde_json::from_slice(&text).ok()?;
        (note.schema == SCHEMA).then_some(note)
    };
    names.filter(is_note).filter_map(read).collect()
}

fn folder(project: &Project) -> io::Result<Folder> {
    Folder::open(project.venv().root())?
        .folder(VenvLayout::AIM)?
        .folder(VenvLayout::SUPERVISED)
}

/// Only where the toolkit has been let in already.
fn made_folder(project: &Project) -> io::Result<Folder> {
    Folder::open(project.venv().root())?
        .folder(VenvLayout::AIM)?
        .make_folder(VenvLayout::SUPERVISED)
}
