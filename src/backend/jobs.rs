//! The projects that the daemon has a hand on: each with a [`Job`] for its workers and a [`Watch`] of its environment.
//!
//! A project comes here when it is used, or because it is known and the toolkit is in its environment (`follow`): then
//! its changes are recorded, and nothing else is done for it.
//!
//! **Invariant:** no process is started for a project that nobody used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use axum::http::StatusCode;
use tokio::task::JoinSet;

use super::answer::Refusal;
use super::descriptors;
use super::locked::Locked;
use super::metrics::JobNow;
use super::notes::Notes;
use super::projects::Known;
use super::supervise;
use super::watch::{FolderWatcher, Watch};
use super::worker::{Job, JobSettings};
use crate::api::v1::{ErrorCode, Watching, When};
use crate::host::Host;
use crate::project::{Project, ProjectId};

/// All of them.
pub(super) struct Jobs {
    host: Host,
    settings: JobSettings,
    watcher: Arc<FolderWatcher>,
    running: Locked<Running>,
}

#[derive(Default)]
struct Running {
    all: BTreeMap<ProjectId, Attended>,
    /// No job is started any more.
    is_closed: bool,
}

/// A project that is used or followed.
struct Attended {
    /// The project as it was when this began: it may get another environment later.
    project: Project,
    job: Job,
    watch: Watch,
    /// When something was asked of it last; none where it is only followed.
    used_at: Option<Instant>,
}

impl Attended {
    /// Ends all that was started for it.
    async fn end(self) {
        self.watch.end().await;
        self.job.shut_down().await;
    }
}

impl Jobs {
    /// None yet; workers get their variables from `host`'s.
    pub(super) fn new(host: Host, settings: JobSettings) -> Self {
        Self {
            host,
            settings,
            watcher: Arc::default(),
            running: Locked::default(),
        }
    }

    /// What workers are started with.
    pub(super) fn settings(&self) -> &JobSettings {
        &self.settings
    }

    /// Takes a project into use, and leaves a note there.
    ///
    /// # Errors
    /// When it has no environment and never had, or the daemon is on its way out.
    pub(super) fn used(&self, known: &Known, notes: &Notes) -> Result<(Job, Watch), Refusal> {
        let project = known.project();
        let mut running = self.running();
        if running.is_closed {
            return Err(refused_at_shutdown());
        }
        let now = Some(Instant::now());
        if let Some(attended) = running.all.get_mut(&known.id) {
            let is_first = attended.used_at.is_none();
            attended.used_at = now;
            // A project whose environment is gone keeps its job; the job's own error says so best.
            if project
                .as_ref()
                .is_none_or(|project| *project == attended.project)
            {
                if is_first {
                    notes.leave(&attended.project);
                }
                return Ok((attended.job.clone(), attended.watch.clone()));
            }
        }
        let project = project.ok_or_else(|| {
            let none = || format!("no Python environment in {}", known.folder.display());
            let detail =
                Project::unseen_at(&known.folder).map_or_else(none, |unseen| unseen.to_string());
            Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoEnvironment, detail)
        })?;
        notes.leave(&project);
        let venv = project.venv().clone();
        let began = self.begin(&known.id, project, now);
        let taken = (began.job.clone(), began.watch.clone());
        if let Some(old) = running.all.insert(known.id.clone(), began) {
            if *old.project.venv() != venv {
                notes.take_back(&old.project);
            }
            supervise::spawn("the end of a project's use", old.end());
        }
        Ok(taken)
    }

    /// Follows `project`, which nobody uses; its watch, if that begins now.
    pub(super) fn follow(&self, id: &ProjectId, project: Project) -> Option<Watch> {
        let mut running = self.running();
        let attended = running.all.get(id);
        let is_attended =
            |attended: &Attended| attended.used_at.is_some() || attended.project == project;
        if running.is_closed || attended.is_some_and(is_attended) {
            return None;
        }
        let began = self.begin(id, project, None);
        let watch = began.watch.clone();
        if let Some(old) = running.all.insert(id.clone(), began) {
            supervise::spawn("the end of a project's following", old.end());
        }
        Some(watch)
    }

    /// Follows no other projects than those `kept`; what is used stays.
    pub(super) async fn follow_only(&self, kept: &BTreeSet<ProjectId>) {
        let ended: BTreeMap<_, _> = {
            let mut running = self.running();
            let all = std::mem::take(&mut running.all).into_iter();
            let (stays, ended) =
                all.partition(|(id, attended)| attended.used_at.is_some() || kept.contains(id));
            running.all = stays;
            ended
        };
        for attended in ended.into_values() {
            attended.end().await;
        }
    }

    fn begin(&self, id: &ProjectId, project: Project, used_at: Option<Instant>) -> Attended {
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
        Attended {
            project,
            job,
            watch,
            used_at,
        }
    }

    /// The job of a project, if there is one.
    pub(super) fn of(&self, id: &ProjectId) -> Option<Job> {
        let running = self.running();
        running.all.get(id).map(|attended| attended.job.clone())
    }

    /// How changes in a project's environment are noticed, if they are.
    pub(super) fn watching(&self, id: &ProjectId) -> Option<Watching> {
        let running = self.running();
        running
            .all
            .get(id)
            .map(|attended| attended.watch.watching())
    }

    /// What there is of each of them just now.
    pub(super) fn now(&self) -> Vec<JobNow> {
        let running = self.running();
        let attended = running.all.iter();
        attended
            .map(|(id, attended)| {
                let summary = attended.job.summary();
                JobNow {
                    id: id.clone(),
                    layout: attended.project.layout(),
                    is_used: attended.used_at.is_some(),
                    workers: summary.processes,
                    nodes: summary.nodes,
                    object_bytes: summary.object_bytes,
                }
            })
            .collect()
    }

    /// Ends a project's job.
    pub(super) async fn end(&self, id: &ProjectId) {
        let ended = self.running().all.remove(id);
        if let Some(attended) = ended {
            attended.end().await;
        }
    }

    /// Ends every job; returns when no process is left.
    pub(super) async fn end_all(&self) {
        let running = {
            let mut running = self.running();
            running.is_closed = true;
            std::mem::take(&mut running.all)
        };
        let mut ending = JoinSet::new();
        for attended in running.into_values() {
            supervise::spawn_on(&mut ending, "the end of a project's use", attended.end());
        }
        ending.join_all().await;
    }

    /// Lets go of spares and of idle workers whenever descriptors are short: of the projects first that were used least
    /// lately. Lives as long as the daemon.
    pub(super) async fn let_go_when_short(&self) {
        let mut pleas = self.settings.descriptors.listen();
        while let Some(plea) = pleas.recv().await {
            let missing = descriptors::missing();
            let _ = supervise::caught("thrift", self.let_go(missing)).await;
            let _ = plea.send(());
        }
    }

    async fn let_go(&self, missing: u64) {
        let mut idle: Vec<(Option<Instant>, Job)> = {
            let running = self.running();
            let attended = running.all.values();
            attended
                .filter(|attended| attended.job.is_idle())
                .map(|attended| (attended.used_at, attended.job.clone()))
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

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock()
    }
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
