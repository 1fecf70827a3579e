//! What all calls share: the projects, a [`Job`] for each that is used or followed, and whether the daemon is on its
//! way out.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};

use super::answer::Refusal;
use super::descriptors::Descriptors;
use super::events::Events;
use super::flow::Structures;
use super::idle::Calls;
use super::jobs::Jobs;
use super::language_servers::LanguageServers;
use super::metrics::Metrics;
use super::notes::Notes;
use super::ordered::Ordered;
use super::projects::{Known, Projects};
use super::successor::Successor;
use super::terminal::Terminals;
use super::watch::{Watch, Watched};
use super::worker::{Job, JobSettings, log_path};
use crate::api::v1::{ProjectInfo, WorkerStatus};
use crate::host::Host;
use crate::project::{Project, ProjectId, Venv};
use crate::store::EnvMeta;

/// By which door a call came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The Unix socket: the person's own programs.
    Socket,
    /// TCP: pages, with a token.
    Tcp,
}

/// The daemon, as the calls see it.
pub(super) struct Daemon {
    projects: Projects,
    notes: Notes,
    jobs: Jobs,
    structures: Structures,
    terminals: Terminals,
    language_servers: LanguageServers,
    ordered: Ordered,
    metrics: Metrics,
    started_at: DateTime<Utc>,
    page: OnceLock<String>,
    calls: Calls,
    known_changed: Notify,
    successor: watch::Sender<Option<Successor>>,
    closing: watch::Sender<bool>,
}

impl Daemon {
    /// A daemon for `projects`, found by `notes`; workers get their variables from `host`'s.
    pub(super) fn new(host: Host, projects: Projects, notes: Notes, settings: JobSettings) -> Self {
        let (scripts, events) = (settings.script_folder.clone(), settings.events.clone());
        let terminals = Terminals::new(host.clone(), scripts, events.clone());
        Self {
            language_servers: LanguageServers::new(host.clone(), events, terminals.clone()),
            ordered: Ordered::new(host.clone()),
            metrics: Metrics::new(host.clone()),
            terminals,
            projects,
            notes,
            jobs: Jobs::new(host, settings),
            structures: Structures::default(),
            started_at: Utc::now(),
            page: OnceLock::new(),
            calls: Calls::default(),
            known_changed: Notify::new(),
            successor: watch::Sender::new(None),
            closing: watch::Sender::new(false),
        }
    }

    /// The projects.
    pub(super) fn projects(&self) -> &Projects {
        &self.projects
    }

    /// The notes by which it is found.
    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The jobs of the projects that are used or followed.
    pub(super) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// From now on it listens at `socket`, and the files that workers are started from are in `scripts`.
    pub(super) fn moved(&self, socket: &Path, scripts: PathBuf) {
        self.jobs.settings().script_folder.move_to(scripts);
        self.notes.move_to(socket);
        self.known_changed.notify_one();
    }

    /// Returns when there are other projects, or they have to be told of another socket.
    pub(super) async fn known_changed(&self) {
        self.known_changed.notified().await;
    }

    /// Leaves the files that workers were started from to the next daemon.
    pub(super) fn leave_scripts(&self) {
        self.jobs.settings().script_folder.leave();
    }

    /// Removes the files that workers were started from.
    pub(super) fn discard_scripts(&self) {
        self.jobs.settings().script_folder.discard();
    }

    /// The structures of projects whose flows were run.
    pub(super) fn structures(&self) -> &Structures {
        &self.structures
    }

    /// The terminals.
    pub(super) fn terminals(&self) -> &Terminals {
        &self.terminals
    }

    /// The language servers of pages.
    pub(super) fn language_servers(&self) -> &LanguageServers {
        &self.language_servers
    }

    /// The commands that projects have run.
    pub(super) fn ordered(&self) -> &Ordered {
        &self.ordered
    }

    /// Where everything that happens is told.
    pub(super) fn events(&self) -> &Events {
        &self.jobs.settings().events
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What processes are started with, and connections made of.
    pub(super) fn descriptors(&self) -> &Descriptors {
        &self.jobs.settings().descriptors
    }

    /// Returns when it was not in use for so long.
    pub(super) async fn unused(&self, limit: Duration) {
        let is_open = || {
            let is_shown = self.terminals.count() > 0 || self.language_servers.are_open();
            is_shown || self.ordered.is_any()
        };
        self.calls.cease(limit, is_open).await;
    }

    /// The calls that are under way.
    pub(super) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// When it began.
    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// The page's address with its token, where there is a page.
    pub(super) fn page(&self) -> Option<&str> {
        self.page.get().map(String::as_str)
    }

    /// Remembers the page's address.
    pub(super) fn is_at(&self, page: &str) {
        let _ = self.page.set(page.to_owned());
    }

    /// The project that `{id}` means: an id or a folder. A folder's project that is not known yet is registered when
    /// the call comes by the socket and `may_register`.
    pub(super) fn named(
        &self,
        named: &str,
        door: Door,
        may_register: bool,
    ) -> Result<Known, Refusal> {
        if !named.starts_with('/') {
            let id = ProjectId::new(named).map_err(Refusal::no_such_project)?;
            let unknown = || Refusal::no_such_project(format!("no such project: {id}"));
            return self
                .projects
                .by_id(&id)
                .map_err(unread)?
                .ok_or_else(unknown);
        }
        let unknown = || Refusal::no_such_project(format!("no such project: {named}"));
        let folder = resolved(Path::new(named)).ok_or_else(unknown)?;
        if let Some(known) = self.projects.by_folder(&folder).map_err(unread)? {
            return Ok(known);
        }
        if door != Door::Socket || !may_register {
            return Err(unknown());
        }
        let project = Project::at(&folder).ok_or_else(unknown)?;
        self.register(&project)
    }

    /// Registers `project`, whose folder is resolved.
    pub(super) fn register(&self, project: &Project) -> Result<Known, Refusal> {
        let known = self
            .projects
            .register(project)
            .map_err(|error| Refusal::internal("cannot write the registry of projects", error))?;
        self.notes.leave_where_known(project);
        self.known_changed.notify_one();
        Ok(known)
    }

    /// Takes a project out of the registry, and ends what was started for it.
    pub(super) async fn forget(&self, known: &Known) -> Result<(), Refusal> {
        self.projects
            .forget(&known.id)
            .map_err(|error| Refusal::internal("cannot write the registry of projects", error))?;
        if let Some(project) = known.project() {
            self.notes.take_back(&project);
        }
        self.jobs.end(&known.id).await;
        self.known_changed.notify_one();
        Ok(())
    }

    /// The job of a project, started if there is none, once every change of the environment that is over is recorded;
    /// so what is asked of it next sees them all.
    pub(super) async fn job(&self, known: &Known) -> Result<Job, Refusal> {
        Ok(self.caught_up(known).await?.0)
    }

    /// As [`Self::job`], for a node: with what it has to say first ([`Watch::warning`]).
    pub(super) async fn job_of_node(
        &self,
        known: &Known,
    ) -> Result<(Job, Option<String>), Refusal> {
        let (job, watch) = self.caught_up(known).await?;
        Ok((job, watch.warning()))
    }

    /// As [`Self::job`], for a flow, which looks again before each of its nodes.
    pub(super) async fn flow_runner(&self, known: &Known) -> Result<Watched<Job>, Refusal> {
        let (job, watch) = self.caught_up(known).await?;
        Ok(Watched::new(job, watch))
    }

    async fn caught_up(&self, known: &Known) -> Result<(Job, Watch), Refusal> {
        let (job, watch) = self.jobs.used(known, &self.notes)?;
        watch.catch_up().await;
        Ok((job, watch))
    }

    /// The state of a project's worker; never starts anything.
    pub(super) async fn worker(&self, known: &Known) -> WorkerStatus {
        match self.jobs.of(&known.id) {
            Some(job) => job.status().await,
            None => WorkerStatus {
                env_generation: EnvMeta::read(&known.layout()).0.generation().0,
                ..WorkerStatus::unused(known.id.clone())
            },
        }
    }

    /// Where a project's worker log is.
    pub(super) fn worker_log(&self, id: &ProjectId) -> PathBuf {
        log_path(&self.jobs.settings().log_folder, id)
    }

    /// All about a project.
    pub(super) async fn about(&self, known: &Known) -> ProjectInfo {
        let project = known.project();
        let venv = project.as_ref().map(Project::venv);
        ProjectInfo {
            id: known.id.clone(),
            path: known.root(),
            environment: venv.map(|venv| venv.root().to_path_buf()),
            python: venv.and_then(Venv::python_version),
            registered: known.registered,
            worker: Some(self.worker(known).await),
            watching: self.jobs.watching(&known.id),
        }
    }

    /// Asks the daemon to move to another program.
    pub(super) fn move_to(&self, successor: Successor) {
        self.successor.send_replace(Some(successor));
    }

    /// Returns when it is to move to another program and nothing is under way that would be lost, or all the same.
    pub(super) async fn is_to_move(&self) -> Successor {
        let mut asked = self.successor.subscribe();
        loop {
            // The sender lives as long as this does.
            let wish = asked.wait_for(Option::is_some).await;
            let Some(successor) = wish.ok().and_then(|wish| wish.clone()) else {
                continue;
            };
            if successor.is_at_once {
                return successor;
            }
            tokio::select! {
                () = self.calls.none_at_work() => return successor,
                _ = asked.changed() => {}
            }
        }
    }

    /// Tells calls that wait or follow something to come to an end.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns when the daemon is on its way out.
    pub(super) async fn closed(&self) {
        // The sender lives as long as this does.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}

/// `path` without links; none for what is not there or not UTF-8, which JSON could not carry.
pub(super) fn resolved(path: &Path) -> Option<PathBuf> {
    path.canonicalize()
        .ok()
        .filter(|path| path.to_str().is_some())
}

/// Nobody knows which projects there are.
pub(super) fn unread(error: std::io::Error) -> Refusal {
    Refusal::internal("cannot read which projects there are", error)
}
