//! What all calls share: the projects, a [`Job`] for each that was used, and whether the daemon is on its way out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::Refusal;
use super::descriptors::{self, Descriptors};
use super::events::Events;
use super::flow::Structures;
use super::notes::Notes;
use super::projects::{Known, Projects};
use super::supervise;
use super::watch::{FolderWatcher, Watch, Watched};
use super::worker::{Job, JobSettings, log_path};
use crate::api::v1::{ErrorCode, ProjectInfo, Watching, When, WorkerStatus};
use crate::backend::locked::Locked;
use crate::host::Host;
use crate::project::{Project, ProjectId};
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
    host: Host,
    projects: Projects,
    notes: Notes,
    settings: JobSettings,
    watcher: Arc<FolderWatcher>,
    structures: Structures,
    started_at: DateTime<Utc>,
    jobs: Locked<Jobs>,
    closing: watch::Sender<bool>,
}

#[derive(Default)]
struct Jobs {
    running: BTreeMap<ProjectId, InUse>,
    /// No job is started any more.
    is_closed: bool,
}

/// A project that is in use.
struct InUse {
    /// The project as it was when its use began: it may get another environment later.
    project: Project,
    job: Job,
    watch: Watch,
    /// When something was asked of it last.
    used_at: Instant,
}

impl InUse {
    /// Ends all that was started for it.
    async fn end(self) {
        self.watch.end().await;
        self.job.shut_down().await;
    }
}

impl Daemon {
    /// A daemon for `projects`, found by `notes`; workers get their variables from `host`'s.
    pub(super) fn new(host: Host, projects: Projects, notes: Notes, settings: JobSettings) -> Self {
        Self {
            host,
            projects,
            notes,
            settings,
            watcher: Arc::default(),
            structures: Structures::default(),
            started_at: Utc::now(),
            jobs: Locked::default(),
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

    /// Leaves a note in every known project's environment where the toolkit is.
    pub(super) fn leave_notes(&self) {
        let known = self.projects.all().unwrap_or_default();
        for project in known.iter().filter_map(Known::project) {
            self.notes.leave_where_known(&project);
        }
    }

    /// From now on it listens at `socket`, and the files that workers are started from are in `scripts`.
    pub(super) fn moved(&self, socket: &Path, scripts: PathBuf) {
        self.settings.script_folder.move_to(scripts);
        self.notes.move_to(socket);
    }

    /// Removes the files that workers were started from.
    pub(super) fn discard_scripts(&self) {
        self.settings.script_folder.discard();
    }

    /// The structures of projects whose flows were run.
    pub(super) fn structures(&self) -> &Structures {
        &self.structures
    }

    /// Where everything that happens is told.
    pub(super) fn events(&self) -> &Events {
        &self.settings.events
    }

    /// What processes are started with, and connections made of.
    pub(super) fn descriptors(&self) -> &Descriptors {
        &self.settings.descriptors
    }

    /// When it began.
    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.started_at
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
        self.end_job(&known.id).await;
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
        let (job, watch) = self.in_use(known)?;
        watch.catch_up().await;
        Ok((job, watch))
    }

    /// Takes a project into use.
    fn in_use(&self, known: &Known) -> Result<(Job, Watch), Refusal> {
        let project = known.project();
        let mut jobs = self.jobs();
        if jobs.is_closed {
            return Err(refused_at_shutdown());
        }
        if let Some(InUse {
            project: has,
            job,
            watch,
            used_at,
        }) = jobs.running.get_mut(&known.id)
        {
            *used_at = Instant::now();
            // A project whose environment is gone keeps its job; the job's own error says so best.
            if project.as_ref().is_none_or(|project| project == has) {
                return Ok((job.clone(), watch.clone()));
            }
        }
        let project = project.ok_or_else(|| {
            let detail = format!("no Python environment in {}", known.folder.display());
            Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoEnvironment, detail)
        })?;
        let id = known.id.clone();
        let job = Job::start(
            project.clone(),
            id.clone(),
            &self.host,
            self.settings.clone(),
        );
        let watch = Watch::start(
            project.clone(),
            id.clone(),
            self.host.clone(),
            Arc::clone(&self.watcher),
            job.clone(),
        );
        let in_use = InUse {
            project: project.clone(),
            job: job.clone(),
            watch: watch.clone(),
            used_at: Instant::now(),
        };
        self.notes.leave(&project);
        if let Some(old) = jobs.running.insert(id, in_use) {
            if old.project.venv() != project.venv() {
                self.notes.take_back(&old.project);
            }
            supervise::spawn("the end of a project's use", old.end());
        }
        Ok((job, watch))
    }

    /// The job of a project, if it was used.
    pub(super) fn running_job(&self, id: &ProjectId) -> Option<Job> {
        self.jobs().running.get(id).map(|in_use| in_use.job.clone())
    }

    /// The state of a project's worker; never starts anything.
    pub(super) async fn worker(&self, known: &Known) -> WorkerStatus {
        match self.running_job(&known.id) {
            Some(job) => job.status().await,
            None => WorkerStatus {
                env_generation: EnvMeta::read(&known.layout()).0.generation().0,
                ..WorkerStatus::unused(known.id.clone())
            },
        }
    }

    /// Where a project's worker log is.
    pub(super) fn worker_log(&self, id: &ProjectId) -> PathBuf {
        log_path(&self.settings.log_folder, id)
    }

    /// All about a project.
    pub(super) async fn about(&self, known: &Known) -> ProjectInfo {
        ProjectInfo {
            id: known.id.clone(),
            path: known.root(),
            environment: known
                .project()
                .map(|project| project.venv().root().to_path_buf()),
            registered: known.registered,
            worker: Some(self.worker(known).await),
            watching: self.watching(&known.id),
        }
    }

    /// How changes in a project's environment are noticed, if it is in use.
    fn watching(&self, id: &ProjectId) -> Option<Watching> {
        let jobs = self.jobs();
        jobs.running.get(id).map(|in_use| in_use.watch.watching())
    }

    /// Ends a project's job.
    async fn end_job(&self, id: &ProjectId) {
        let ended = self.jobs().running.remove(id);
        if let Some(in_use) = ended {
            in_use.end().await;
        }
    }

    /// Ends every job; returns when no process is left.
    pub(super) async fn end_jobs(&self) {
        let running = {
            let mut jobs = self.jobs();
            jobs.is_closed = true;
            std::mem::take(&mut jobs.running)
        };
        let mut ending = JoinSet::new();
        for in_use in running.into_values() {
            supervise::spawn_on(&mut ending, "the end of a project's use", in_use.end());
        }
        ending.join_all().await;
    }

    /// Lets go of spares and of idle workers whenever descriptors are short: of the projects first that were used least
    /// lately. Lives as long as the daemon.
    pub(super) async fn let_go_when_short(self: Arc<Self>) {
        let mut pleas = self.settings.descriptors.listen();
        while let Some(plea) = pleas.recv().await {
            let missing = descriptors::missing();
            let _ = supervise::caught("thrift", self.let_go(missing)).await;
            let _ = plea.send(());
        }
    }

    async fn let_go(&self, missing: u64) {
        let mut idle: Vec<(Instant, Job)> = {
            let jobs = self.jobs();
            let running = jobs.running.values();
            running
                .filter(|in_use| in_use.job.is_idle())
                .map(|in_use| (in_use.used_at, in_use.job.clone()))
                .collect()
        };
        idle.sort_by_key(|(used_at, _)| *used_at);
        let count = missing.div_ceil(descriptors::OF_A_WORKER);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut going = JoinSet::new();
        for (_, job) in idle.into_iter().take(count) {
            supervise::spawn_on(
                &mut going,
                "thrift",
                async move { job.stop(When::Idle).await },
            );
        }
        tracing::info!(
            workers = going.len(),
            "descriptors are short, and idle workers let go"
        );
        going.join_all().await;
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

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock()
    }
}

/// `path` without links; none for what is not there or not UTF-8, which JSON could not carry.
pub(super) fn resolved(path: &Path) -> Option<PathBuf> {
    path.canonicalize()
        .ok()
        .filter(|path| path.to_str().is_some())
}

/// The daemon takes no more work.
pub(super) fn refused_at_shutdown() -> Refusal {
    let detail = "the daemon is shutting down";
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::ShuttingDown,
        detail,
    )
}

/// Nobody knows which projects there are.
pub(super) fn unread(error: std::io::Error) -> Refusal {
    Refusal::internal("cannot read which projects there are", error)
}
