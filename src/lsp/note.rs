//! Who brings a language server along, for who asks: `<venv>/.aim/lsp/`, a file a client.
//!
//! **Invariant:** a hint for people; nothing rests on it. A note whose process is gone counts for nothing, and goes
//! when the next one begins.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use chrono::Utc;

use super::change::Told;
use super::strategy::Strategy;
use crate::api::v1::LanguageServer;
use crate::files::Folder;
use crate::project::{Project, VenvLayout};
use crate::system::{beginning_of, is_alive};

/// Longer than any note.
const LONGEST: u64 = 16 << 10;

/// Version of the format.
const SCHEMA: u32 = 1;

/// The language servers of `project`'s environment whose processes live, oldest first.
pub fn running_in(project: &Project) -> Vec<LanguageServer> {
    let Ok(folder) = folder(project) else {
        return Vec::new();
    };
    let mut all: Vec<LanguageServer> = names(&folder)
        .into_iter()
        .filter_map(|name| read(&folder, &name))
        .filter(|one| is_alive(one.pid, one.began))
        .collect();
    all.sort_by_key(|one| (one.began, one.pid));
    all
}

fn read(folder: &Folder, name: &OsString) -> Option<LanguageServer> {
    let text = folder.read(name, LONGEST).ok()?;
    let state: LanguageServer = serde_json::from_slice(&text).ok()?;
    (state.schema == SCHEMA).then_some(state)
}

/// The note of this process, taken away with it.
#[derive(Debug)]
pub struct Note {
    folder: Option<Folder>,
    name: String,
    state: LanguageServer,
}

impl Note {
    /// The note of a proxy of this process, which starts `command`. Where it cannot be written, nobody is the worse.
    pub fn begin(project: &Project, command: &[OsString]) -> Self {
        let pid = std::process::id();
        let folder = made_folder(project).ok();
        if let Some(folder) = &folder {
            for name in names(folder) {
                let is_of_somebody =
                    read(folder, &name).is_some_and(|one| is_alive(one.pid, one.began));
                if !is_of_somebody {
                    let _ = folder.remove(&name);
                }
            }
        }
        let words = command
            .iter()
            .map(|word| word.to_string_lossy().into_owned());
        Self {
            folder,
            name: uuid::Uuid::now_v7().to_string(),
            state: LanguageServer {
                schema: SCHEMA,
                pid,
                began: beginning_of(pid.into()),
                server: Strategy::of(command).name().to_owned(),
                command: words.collect(),
                server_pid: None,
                servers: 0,
                env_generation: 0,
                generation: 0,
                synced_at: None,
                how: None,
                took_ms: None,
                error: None,
            },
        }
    }

    /// The generation that the environment has.
    #[cfg(feature = "backend")]
    pub fn env_generation(&self) -> u64 {
        self.state.env_generation
    }

    /// A server was started.
    pub fn started(&mut self, pid: u32) {
        if self.state.server_pid.is_none() {
            self.state.generation = self.state.env_generation;
        }
        self.state.server_pid = Some(pid);
        self.state.servers += 1;
        self.write();
    }

    /// The environment has this generation.
    pub fn generation(&mut self, generation: u64) {
        self.state.env_generation = generation;
        self.write();
    }

    /// Something happened.
    pub fn told(&mut self, told: &Told) {
        match told {
            Told::Synced {
                generation,
                how,
                took,
            } => {
                self.state.generation = *generation;
                self.state.synced_at = Some(Utc::now());
                self.state.how = Some(how.name().to_owned());
                self.state.took_ms = u64::try_from(took.as_millis()).ok();
                self.state.error = None;
            }
            Told::NoSign => self.state.error = Some("it showed no sign of having heard".to_owned()),
            Told::Late => self.state.error = Some("it does not answer to initialize".to_owned()),
            Told::Ended { words, .. } => self.state.error = Some(words.clone()),
        }
        self.write();
    }

    fn write(&self) {
        if let Some(folder) = &self.folder {
            let text = serde_json::to_vec(&self.state).unwrap_or_default();
            let _ = folder.write_unsynced(&self.name, &text);
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = folder.remove(&self.name);
        }
    }
}

fn folder(project: &Project) -> io::Result<Folder> {
    Folder::open(project.venv().root())?
        .folder(VenvLayout::AIM)?
        .folder(VenvLayout::LSP)
}

fn made_folder(project: &Project) -> io::Result<Folder> {
    // Only where the toolkit has been let in already.
    Folder::open(project.venv().root())?
        .folder(VenvLayout::AIM)?
        .make_folder(VenvLayout::LSP)
}

/// What is under way of a file that is written, is none.
fn names(folder: &Folder) -> Vec<OsString> {
    let all = folder.names().unwrap_or_default().into_iter();
    all.filter(|name| !Path::new(name).to_string_lossy().starts_with('.'))
        .collect()
}
