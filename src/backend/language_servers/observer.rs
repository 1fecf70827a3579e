//! What a page's relay asks, and what it tells.

use std::ffi::OsString;
use std::path::PathBuf;

use super::session::Session;
use crate::backend::events::Events;
use crate::host::Host;
use crate::lsp::{Environment, Launch, Note, Observer, Told};
use crate::project::Project;

/// Whose relay it is: a page's.
pub(super) struct PageObserver {
    pub(super) host: Host,
    pub(super) command: Vec<OsString>,
    pub(super) project: Project,
    pub(super) note: Note,
    pub(super) session: Session,
    pub(super) events: Events,
}

impl Observer for PageObserver {
    /// Whatever folder the page names, its server is that of the project that it was opened in.
    fn begin(&mut self, _roots: &[PathBuf]) -> (Launch, Environment) {
        let vars = self.project.venv().variables(self.host.var_os("PATH"));
        let launch = Launch {
            command: self.command.clone(),
            vars: vars
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
            folder: Some(self.project.root().to_path_buf()),
        };
        (launch, Environment::of(Some(self.project.clone())))
    }

    fn started(&mut self, _number: u32, pid: u32) {
        self.session.started(pid);
        self.note.started(pid);
    }

    fn told(&mut self, told: &Told) {
        self.session.told(told);
        self.note.told(told);
        let project = self.session.project();
        match told {
            Told::Synced {
                generation, how, ..
            } => {
                self.events.lsp_synced(project, *generation, how.name());
            }
            Told::Ended { words, .. } => {
                let generation = self.note.env_generation();
                self.events.lsp_failed(project, generation, words);
            }
            Told::NoSign | Told::Late => {}
        }
        tracing::debug!(%project, lsp = self.session.kind().name(), ?told, "a language server");
    }

    fn said(&mut self, text: &[u8]) {
        self.session.say(text);
    }

    fn strayed(&mut self, _of_client: bool, text: &[u8]) {
        self.session.say(text);
    }

    fn generation(&mut self, generation: u64) {
        self.session.generation(generation);
        self.note.generation(generation);
    }
}
