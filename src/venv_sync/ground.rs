//! What the verbs stand on.

use crate::api::Client;
use crate::console::{self, CommonArgs, Console, shell};
use crate::error::Result;
use crate::host::Host;
use crate::project::{Config, Project};
use crate::terminal::printable;
use crate::words::t;

/// What most verbs stand on: a project, its settings, and the process.
pub(super) struct Ground<'a> {
    pub(super) host: &'a Host,
    pub(super) project: Project,
    pub(super) config: Config,
}

impl<'a> Ground<'a> {
    pub(super) fn find(host: &'a Host, common: &CommonArgs, console: &mut Console) -> Result<Self> {
        let project = project(host, common)?;
        console::say_which(console, host, common, &project);
        Ok(Self::of(host, project))
    }

    pub(super) fn of(host: &'a Host, project: Project) -> Self {
        let config = Config::load(host, Some(&project.layout()));
        Self {
            host,
            project,
            config,
        }
    }

    /// `aim-venv-sync` and `verb` as they are typed where the person is now, so that they mean this project.
    pub(super) fn typed(&self, verb: &str) -> String {
        let mut words = vec!["aim-venv-sync"];
        words.extend((!verb.is_empty()).then_some(verb));
        let root = shell::word(&self.project.root().to_string_lossy());
        if Project::of_host(self.host).as_ref() != Some(&self.project) {
            let option = match verb {
                "init" => None,
                _ if self.project.is_nobodys() => Some("--env"),
                _ => Some("--project"),
            };
            words.extend(option);
            words.push(&root);
        }
        words.join(" ")
    }

    /// The other projects of the environment, and who keeps the record, in words; none where there are no others.
    pub(super) fn shared(&self) -> Option<String> {
        let all = self.project.sharing();
        let others = all.iter().filter(|root| *root != self.project.root());
        let others: Vec<String> = others.map(|root| root.display().to_string()).collect();
        let keeper = self.project.keeper().display();
        let words = || {
            t!(
                "venv_sync.shared_with",
                projects = printable(&others.join(", ")),
                keeper = keeper
            )
        };
        (!others.is_empty()).then(|| words().into_owned())
    }
}

/// The project that is meant; a running daemon may know it where the registry does not.
///
/// # Errors
/// As [`console::project`].
pub(super) fn project(host: &Host, common: &CommonArgs) -> Result<Project> {
    console::project(host, common, |id| {
        Some(Client::connect(host, None).ok()?.project(id).ok()?.path)
    })
}
