//! Notes of processes that live, for who asks: a folder below `<venv>/.aim`, a file a process.
//!
//! It never knows what a note says but for whose it is. **Invariant:** a hint; nothing rests on it. A note whose
//! process is gone counts for nothing.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::files::Folder;
use crate::project::{Project, VenvLayout};
use crate::system;

/// What a note says.
pub trait OfProcess: DeserializeOwned {
    /// Version of its form.
    const SCHEMA: u32;
    /// Longer than any note of the kind, in bytes.
    const LONGEST: u64;

    /// The version of the form that it is in.
    fn schema(&self) -> u32;

    /// Whose it is: the process, and when that began, as the system counts.
    fn process(&self) -> (u32, Option<u64>);

    /// Whether that process lives.
    fn is_alive(&self) -> bool {
        let (pid, began) = self.process();
        system::is_alive(pid, began)
    }
}

/// A folder of notes.
#[derive(Debug)]
pub struct Notes(Folder);

impl Notes {
    /// Those in the folder `name` of the private folder of `project`'s environment.
    ///
    /// # Errors
    /// That there is none, and what else the system says.
    pub fn of(project: &Project, name: &str) -> io::Result<Self> {
        private(project)?.folder(name).map(Self)
    }

    /// As [`Notes::of`], with the folder made. Only where the toolkit has been let in already.
    ///
    /// # Errors
    /// What the system says.
    pub fn made(project: &Project, name: &str) -> io::Result<Self> {
        private(project)?.make_folder(name).map(Self)
    }

    /// Where they lie.
    pub fn folder(&self) -> &Folder {
        &self.0
    }

    /// Each file, with what is understood of it. What is under way of a file that is written, is none.
    pub fn all<N: OfProcess>(&self) -> Vec<(OsString, Option<N>)> {
        let names = self.0.names().unwrap_or_default().into_iter();
        names
            .filter(|name| !Path::new(name).to_string_lossy().starts_with('.'))
            .map(|name| {
                let note = self.read(&name);
                (name, note)
            })
            .collect()
    }

    /// Those whose processes live, oldest first.
    pub fn living<N: OfProcess>(&self) -> Vec<N> {
        let notes = self.all::<N>().into_iter().filter_map(|(_, note)| note);
        let mut living: Vec<N> = notes.filter(N::is_alive).collect();
        living.sort_by_key(|note| {
            let (pid, began) = note.process();
            (began, pid)
        });
        living
    }

    fn read<N: OfProcess>(&self, name: &OsString) -> Option<N> {
        let text = self.0.read(name, N::LONGEST).ok()?;
        let note: N = serde_json::from_slice(&text).ok()?;
        (note.schema() == N::SCHEMA).then_some(note)
    }
}

fn private(project: &Project) -> io::Result<Folder> {
    Folder::open(project.venv().root())?.folder(VenvLayout::AIM)
}
