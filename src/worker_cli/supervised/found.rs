//! Which supervised commands there are, and which ordered ones do not run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::api::v1::ProjectInfo;
use crate::console::candidate::Value;
use crate::console::completion::project as project_of_line;
use crate::console::shell;
use crate::host::Host;
use crate::project::{Config, Project};
use crate::store::{Environments, OrdersStanding};
use crate::supervise::{Supervised, is_stopped, supervised_in};

/// The supervised commands of a project.
#[derive(Debug, Clone, Default)]
pub(in crate::worker_cli) struct Found {
    pub(in crate::worker_cli) project: PathBuf,
    pub(in crate::worker_cli) running: Vec<Supervised>,
    pub(in crate::worker_cli) not_running: Vec<NotRunning>,
}

/// A command that its project has run by the daemon, and that does not run now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::worker_cli) struct NotRunning {
    /// By what it is known.
    pub(in crate::worker_cli) name: String,
    /// The command line.
    pub(in crate::worker_cli) command: Vec<String>,
    /// Whether that is because somebody has stopped it.
    pub(in crate::worker_cli) stopped: bool,
}

/// A project with its supervised commands; as JSON, they are members of it.
#[derive(Serialize)]
pub(in crate::worker_cli) struct Listed {
    #[serde(flatten)]
    project: ProjectInfo,
    supervised: Vec<Supervised>,
    not_running: Vec<NotRunning>,
}

impl Found {
    /// Whether there is none.
    pub(in crate::worker_cli) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.not_running.is_empty()
    }

    /// The ordered one called `name`, which does not run.
    pub(super) fn not_running(&self, name: &str) -> Option<&NotRunning> {
        self.not_running.iter().find(|one| one.name == name)
    }

    /// Every name.
    pub(super) fn names(&self) -> Vec<&str> {
        let running = self.running.iter().map(|one| one.name.as_str());
        let others = self.not_running.iter().map(|one| one.name.as_str());
        running.chain(others).collect()
    }
}

/// Those of one project.
pub(in crate::worker_cli) fn of(host: &Host, project: &Project) -> Found {
    let running = supervised_in(project);
    let config = Config::load(host, Some(&project.layout()));
    let standing = OrdersStanding::of(host, project.root(), &config.orders);
    let is_run = standing == OrdersStanding::Allowed && config.enabled.value;
    let ordered = config.orders.supervised.into_iter();
    let not_running = ordered
        .filter(|order| is_run && running.iter().all(|one| one.name != order.name))
        .map(|order| NotRunning {
            stopped: is_stopped(project, &order.name),
            name: order.name,
            command: order.command,
        })
        .collect();
    Found {
        project: project.root().to_path_buf(),
        running,
        not_running,
    }
}

/// Those of every environment that was set up, and of `here`.
pub(in crate::worker_cli) fn everywhere(host: &Host, here: Option<&Project>) -> Vec<Found> {
    let listed = Environments::of(host);
    let projects = listed
        .iter()
        .filter_map(|all| all.projects().ok())
        .flatten();
    let mut all: Vec<Found> = projects.map(|project| of(host, &project)).collect();
    if let Some(here) = here.filter(|here| all.iter().all(|found| found.project != here.root())) {
        let mut found = of(host, here);
        let known = |pid| {
            all.iter()
                .flat_map(|found| &found.running)
                .any(|one| one.pid == pid)
        };
        found.running.retain(|one| !known(one.pid));
        all.push(found);
    }
    all.retain(|found| !found.is_empty());
    all
}

/// `projects`, each with its own.
pub(in crate::worker_cli) fn beside(projects: Vec<ProjectInfo>, found: &[Found]) -> Vec<Listed> {
    let listed = |project: ProjectInfo| {
        let own = found.iter().find(|found| found.project == project.path);
        let own = own.cloned().unwrap_or_default();
        Listed {
            project,
            supervised: own.running,
            not_running: own.not_running,
        }
    };
    projects.into_iter().map(listed).collect()
}

/// What can be typed for a supervised command.
pub(in crate::worker_cli) fn supervised() -> Vec<Value> {
    let Some(project) = project_of_line() else {
        return Vec::new();
    };
    let found = of(&Host::real(), &project);
    let running = found.running.into_iter().map(|one| (one.name, one.command));
    let others = found
        .not_running
        .into_iter()
        .map(|one| (one.name, one.command));
    running
        .chain(others)
        .map(|(name, command)| (name, shell::command(&command)))
        .collect()
}
