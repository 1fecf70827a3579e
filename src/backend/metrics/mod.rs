//! What happened since the daemon began, and what there is now, in the text format of Prometheus: `GET /metrics`.
//!
//! Start reading at [`Metrics::text`]. `families` has the names. What workers did is counted when it happens (by the
//! chronicle), runs of pip when their project's history has changed, and what there is now when it is asked for.
//!
//! **Invariant:** a scrape reads no file but the histories that have changed.
//! **Invariant:** knows nothing of the daemon: who asks says what there is.

mod families;
mod seen_runs;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;

use self::families::{Families, OfChanges, OfJob, OfProject, OfRuns, OfWaits};
use self::seen_runs::SeenRuns;
use crate::backend::locked::Locked;
use crate::host::Host;
use crate::project::{Config, ProjectId, ProjectLayout};
use crate::store::{Ending, RunRecord, Tool};

/// Where a monitor asks, as all of them do.
pub(super) const PATH: &str = "/metrics";

/// The media type of [`Metrics::text`].
pub(super) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// All that is counted.
pub(super) struct Metrics {
    host: Host,
    registry: Registry,
    families: Families,
    seen: Locked<SeenRuns>,
}

/// What there is in one project.
#[derive(Debug, Clone)]
pub(super) struct JobNow {
    pub(super) id: ProjectId,
    pub(super) layout: ProjectLayout,
    /// Whether anything was asked of it.
    pub(super) is_used: bool,
    pub(super) workers: usize,
    pub(super) nodes: usize,
    pub(super) object_bytes: u64,
}

/// What there is besides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DaemonNow {
    pub(super) terminals: usize,
    pub(super) language_servers: usize,
    pub(super) faults: u64,
    pub(super) log_lines_lost: u64,
}

impl Metrics {
    /// Nothing was counted yet; settings are those of `host`'s person.
    pub(super) fn new(host: Host) -> Self {
        let mut registry = Registry::default();
        let families = Families::registered(&mut registry);
        Self {
            host,
            registry,
            families,
            seen: Locked::new(SeenRuns::begin()),
        }
    }

    /// By what a project is counted.
    pub(super) fn labels(&self, id: &ProjectId, layout: &ProjectLayout) -> OfProject {
        let group = Config::load(&self.host, Some(layout)).group.value;
        OfProject {
            project: id.to_string(),
            group: group.into(),
        }
    }

    /// A worker has taken the place of another one.
    pub(super) fn restarted(&self, of: &OfProject, took: Duration) {
        self.families.restarts.get_or_create(of).inc();
        let restart = &self.families.restart;
        restart
            .get_or_create(&of.group())
            .observe(took.as_secs_f64());
    }

    /// A worker did not start.
    pub(super) fn restart_failed(&self, of: &OfProject) {
        self.families.restart_failures.get_or_create(of).inc();
    }

    /// A node has waited, on a worker or on another node.
    pub(super) fn waited(&self, of: &OfProject, on: &'static str, waited: Duration) {
        let waits = OfWaits {
            group: of.group.clone(),
            on,
        };
        let node_wait = self.families.node_wait.get_or_create(&waits);
        node_wait.observe(waited.as_secs_f64());
    }

    /// All of it as text, with what there is `now`.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn text(&self, jobs: &[JobNow], now: DaemonNow) -> Result<String, fmt::Error> {
        self.count_runs(jobs);
        self.set(jobs, now);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn count_runs(&self, jobs: &[JobNow]) {
        let mut seen = self.seen.lock();
        for job in jobs {
            if let Some(new) = seen.new_of(&job.id, &job.layout) {
                let of = self.labels(&job.id, &job.layout);
                self.families.begin(&of);
                for record in &new {
                    self.count_run(&of, record);
                }
            }
        }
        let ids: BTreeSet<_> = jobs.iter().map(|job| &job.id).collect();
        seen.keep_only(|id| ids.contains(id));
    }

    fn count_run(&self, of: &OfProject, record: &RunRecord) {
        let (project, group) = (of.project.clone(), of.group.clone());
        if record.tool == Tool::Pip && record.action != "sync" {
            let outcome = match record.ending() {
                Ending::Exited(0) => "ok",
                Ending::Exited(_) => "failed",
                Ending::Signaled(_) | Ending::Interrupted => "interrupted",
            };
            let runs = OfRuns {
                project: project.clone(),
                group: group.clone(),
                outcome,
            };
            self.families.pip_runs.get_or_create(&runs).inc();
            let took = record.duration().as_secs_f64();
            let group = of.group();
            self.families.pip_run.get_or_create(&group).observe(took);
            if record.waited_ms > 0 {
                let waited = Duration::from_millis(record.waited_ms).as_secs_f64();
                let lock_wait = &self.families.lock_wait;
                lock_wait.get_or_create(&group).observe(waited);
            }
        }
        if !record.changes.is_empty() {
            let tool = record.tool.as_str();
            let changes = OfChanges {
                project,
                group,
                tool,
            };
            self.families.changes.get_or_create(&changes).inc();
        }
    }

    fn set(&self, jobs: &[JobNow], now: DaemonNow) {
        let families = &self.families;
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for family in [&families.workers, &families.nodes, &families.object_bytes] {
            family.clear();
        }
        for job in jobs.iter().filter(|job| job.is_used) {
            let of = OfJob {
                project: job.id.to_string(),
            };
            let bytes = i64::try_from(job.object_bytes).unwrap_or(i64::MAX);
            families.workers.get_or_create(&of).set(number(job.workers));
            families.nodes.get_or_create(&of).set(number(job.nodes));
            families.object_bytes.get_or_create(&of).set(bytes);
        }
        families.projects.set(number(jobs.len()));
        families.terminals.set(number(now.terminals));
        families.language_servers.set(number(now.language_servers));
        let counted = [
            (&families.faults, now.faults),
            (&families.log_lines_lost, now.log_lines_lost),
        ];
        for (counter, count) in counted {
            counter.inner().store(count, Ordering::Relaxed);
        }
    }
}
