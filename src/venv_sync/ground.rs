//! What the verbs stand on.

use crate::api::Client;
use crate::console::{self, CommonArgs};
use crate::error::Result;
use crate::host::Host;
use crate::project::{Config, Project};

/// What most verbs stand on: a project, its settings, and the process.
pub(super) struct Ground<'a> {
    pub(super) host: &'a Host,
    pub(super) project: Project,
    pub(super) config: Config,
}

impl<'a> Ground<'a> {
    pub(super) fn find(host: &'a Host, common: &CommonArgs) -> Result<Self> {
        Ok(Self::of(host, project(host, common)?))
    }

    pub(super) fn of(host: &'a Host, project: Project) -> Self {
        let config = Config::load(host, Some(&project.layout()));
        Self {
            host,
            project,
            config,
        }
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
