//! What the commands talk to.

use crate::api::{Address, Client};
use crate::console::{self, CommonArgs, Console};
use crate::error::Result;
use crate::host::Host;
use crate::project::Project;

/// A daemon, and the project there that is meant.
pub(super) struct Reached {
    pub(super) client: Client,
    pub(super) project: Project,
}

impl Reached {
    /// For a command that only looks, or ends something.
    ///
    /// # Errors
    /// `Exit::NoDaemon` without a daemon, `Exit::NotFound` without a project.
    pub(super) fn of(host: &Host, common: &CommonArgs, console: &mut Console) -> Result<Self> {
        let project = found(host, common);
        // Where the project is says which daemon is meant; without a daemon, nobody misses the project.
        let client = console::connect(console, host, project.as_ref().ok())?;
        Ok(Self::by(client, project?, host, common, console))
    }

    /// For a command that has a worker do something: a daemon is started where none runs.
    ///
    /// # Errors
    /// As [`console::needed_daemon`]; `Exit::NotFound` without a project.
    pub(super) fn or_started(
        host: &Host,
        common: &CommonArgs,
        console: &mut Console,
    ) -> Result<Self> {
        let project = found(host, common);
        let client = match &project {
            Ok(project) => console::needed_daemon(host, console, Some(project))?,
            // Without a project nothing is started for it.
            Err(_) => console::connect(console, host, None)?,
        };
        Ok(Self::by(client, project?, host, common, console))
    }

    fn by(
        client: Client,
        project: Project,
        host: &Host,
        common: &CommonArgs,
        console: &mut Console,
    ) -> Self {
        console::say_which(console, host, common, &project);
        Self { client, project }
    }

    /// The project as the daemon's calls name it.
    pub(super) fn address(&self) -> Address {
        Address::from(&self.project)
    }
}

/// The project that is meant, whether there is a daemon or not.
pub(super) fn project(host: &Host, common: &CommonArgs, console: &mut Console) -> Result<Project> {
    let project = found(host, common)?;
    console::say_which(console, host, common, &project);
    Ok(project)
}

fn found(host: &Host, common: &CommonArgs) -> Result<Project> {
    console::project(host, common, |id| {
        Some(Client::connect(host, None).ok()?.project(id).ok()?.path)
    })
}
