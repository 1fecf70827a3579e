//! Who brings a language server along, for who asks: `<venv>/.aim/lsp/`, a file a client.
//!
//! **Invariant:** a hint for people; nothing rests on it. A note whose process is gone counts for nothing, and goes
//! when the next one begins.

use std::ffi::OsString;

use chrono::Utc;

use super::change::Told;
use super::strategy::Strategy;
use crate::api::v1::LanguageServer;
use crate::project::{Project, VenvLayout};
use crate::store::{Notes, OfProcess};
use crate::system::beginning_of;

impl OfProcess for LanguageServer {
    const SCHEMA: u32 = 1;
    const LONGEST: u64 = 16 << 10;

    fn schema(&self) -> u32 {
        self.schema
    }

    fn process(&self) -> (u32, Option<u64>) {
        (self.pid, self.began)
    }
}

/// The language servers of `project`'s environment whose processes live, oldest first.
pub fn running_in(project: &Project) -> Vec<LanguageServer> {
    Notes::of(project, VenvLayout::LSP).map_or_else(|_| Vec::new(), |notes| notes.living())
}

/// The note of this process, taken away with it.
#[derive(Debug)]
pub struct Note {
    notes: Option<Notes>,
    name: String,
    state: LanguageServer,
}

impl Note {
    /// The note of a proxy of this process, which starts `command`. Where it cannot be written, nobody is the worse.
    pub fn begin(project: &Project, command: &[OsString]) -> Self {
        let pid = std::process::id();
        let notes = Notes::made(project, VenvLayout::LSP).ok();
        if let Some(notes) = &notes {
            for (name, note) in notes.all::<LanguageServer>() {
                if !note.is_some_and(|note| note.is_alive()) {
                    let _ = notes.folder().remove(&name);
                }
            }
        }
        let words = command
            .iter()
            .map(|word| word.to_string_lossy().into_owned());
        Self {
            notes,
            name: uuid::Uuid::now_v7().to_string(),
            state: LanguageServer {
                schema: LanguageServer::SCHEMA,
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
            Told::Late => self.state.error = Some(Told::SILENT.to_owned()),
            Told::Ended { words, .. } => self.state.error = Some(words.clone()),
        }
        self.write();
    }

    fn write(&self) {
        if let Some(notes) = &self.notes {
            let text = serde_json::to_vec(&self.state).unwrap_or_default();
            let _ = notes.folder().write_unsynced(&self.name, &text);
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(notes) = &self.notes {
            let _ = notes.folder().remove(&self.name);
        }
    }
}
