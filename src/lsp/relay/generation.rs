//! The environment's generation, as `env_meta.json` has it: whoever changes the environment, its record is written
//! there by `aim-pip` or the daemon. The file is the truth, so nobody else need be asked.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::inventory::Snapshot;
use crate::lsp::change::Change;
use crate::lsp::strategy::Strategy;
use crate::project::Project;
use crate::store::{EnvMeta, RecordWatch};

/// How often an environment is looked for where there is none.
const SEARCH: Duration = Duration::from_secs(1);

/// What a server has been started with, and is to be brought along from.
#[derive(Debug)]
pub struct Environment {
    project: Option<Project>,
    record: Option<RecordWatch>,
    looked_at: Instant,
    generation: u64,
    installed: Snapshot,
    interpreter: Interpreter,
    strategy: Strategy,
    /// Whether the server lies in the environment.
    has_server: bool,
}

/// What makes an interpreter another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Interpreter {
    file: Option<PathBuf>,
    version: Option<String>,
}

impl Environment {
    /// The environment of `project`. Without one, nothing changes until one is found.
    pub fn of(project: Option<Project>) -> Self {
        let mut environment = Self {
            project,
            record: None,
            looked_at: Instant::now(),
            generation: 0,
            installed: Snapshot::default(),
            interpreter: Interpreter::default(),
            strategy: Strategy::Unknown,
            has_server: false,
        };
        if let Some(project) = &environment.project {
            let (record, meta) = RecordWatch::begin(project.layout());
            environment.record = Some(record);
            environment.generation = meta.generation().0;
            environment.installed = meta.snapshot();
            environment.interpreter = Interpreter::of(project);
        }
        environment
    }

    /// Says which server it is that is brought along.
    pub(super) fn serve(&mut self, command: &[OsString], strategy: Strategy) {
        self.strategy = strategy;
        // One that is only named is not in it: whoever knows better has named its place.
        let program = command.first().map(Path::new);
        let program = program.filter(|program| program.components().count() > 1);
        let program = program.and_then(|program| std::path::absolute(program).ok());
        let root = self.project.as_ref().map(|project| project.venv().root());
        self.has_server = root.zip(program).is_some_and(|(root, program)| {
            let resolved = root.canonicalize();
            program.starts_with(root) || resolved.is_ok_and(|root| program.starts_with(root))
        });
    }

    /// The generation that was seen last.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Readable when it is worth looking.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.record.as_ref().and_then(RecordWatch::descriptor)
    }

    /// When to look without being told.
    pub(super) fn next_look(&self) -> Option<Instant> {
        match &self.record {
            None => Some(self.looked_at + SEARCH),
            Some(record) => record.next_look(self.looked_at),
        }
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        self.project.is_some()
    }

    /// Somebody has looked for one just now.
    pub(super) fn searched(&mut self, now: Instant) {
        self.looked_at = now;
    }

    /// The change that its being there is to a server that was started without it.
    pub(super) fn arrival(&self) -> Change {
        let places = self.project.as_ref().map(|one| one.venv().site_packages());
        Change {
            generation: self.generation,
            needs_new_server: true,
            moves_paths: true,
            places: places.unwrap_or_default(),
        }
    }

    /// What has changed since the last look.
    pub(super) fn look(&mut self, now: Instant) -> Option<Change> {
        self.looked_at = now;
        let meta = self.record.as_mut()?.look()?;
        let project = self.project.as_ref()?;
        let generation = meta.generation().0;
        let installed = meta.snapshot();
        let interpreter = Interpreter::of(project);
        let names = self.installed.diff_to(&installed).names().distributions;
        let is_of_server = |name: &String| self.strategy.is_made_of(name);
        let change = Change {
            generation,
            moves_paths: moves_paths(&meta, self.generation),
            places: project.venv().site_packages(),
            needs_new_server: interpreter != self.interpreter
                || (self.has_server && names.iter().any(is_of_server)),
        };
        self.generation = generation;
        self.installed = installed;
        self.interpreter = interpreter;
        Some(change)
    }
}

impl Interpreter {
    fn of(project: &Project) -> Self {
        Self {
            file: project.venv().python_path().canonicalize().ok(),
            version: project.venv().python_version(),
        }
    }
}

/// Whether path files may be others than at generation `since`. Of more than one change only the last is told here.
fn moves_paths(meta: &EnvMeta, since: u64) -> bool {
    let last = meta.last_change.as_ref();
    let last =
        last.filter(|last| last.generation == meta.generation() && last.generation.0 == since + 1);
    last.is_none_or(|last| !last.changes.startup.is_empty())
}
