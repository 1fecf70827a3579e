//! What is counted, by which names, and for which labels.
//!
//! Names are as Prometheus wants them ("Metric and label naming"): the unit at the end, `_total` for what only grows.
//! Counters are there for each project, histograms for each group: so many buckets for each of some hundred projects
//! would be most of a scrape.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// A project, and the group that it belongs to: empty for none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(in crate::backend) struct OfProject {
    pub(super) project: String,
    pub(super) group: String,
}

impl OfProject {
    pub(super) fn group(&self) -> OfGroup {
        OfGroup {
            group: self.group.clone(),
        }
    }
}

/// Runs of pip that ended in one way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfRuns {
    pub(super) project: String,
    pub(super) group: String,
    pub(super) outcome: &'static str,
}

/// Changes by one tool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfChanges {
    pub(super) project: String,
    pub(super) group: String,
    pub(super) tool: &'static str,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfGroup {
    pub(super) group: String,
}

/// Waits of nodes for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfWaits {
    pub(super) group: String,
    pub(super) on: &'static str,
}

/// A project alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfJob {
    pub(super) project: String,
}

/// Something that only grows.
pub(super) type Total<L> = Family<L, Counter<u64, AtomicU64>>;
/// How long things took.
pub(super) type Seconds<L> = Family<L, Histogram, fn() -> Histogram>;
/// What there is just now.
pub(super) type Now<L> = Family<L, Gauge<i64, AtomicI64>>;

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) pip_runs: Total<OfRuns>,
    pub(super) changes: Total<OfChanges>,
    pub(super) restarts: Total<OfProject>,
    pub(super) restart_failures: Total<OfProject>,
    pub(super) pip_run: Seconds<OfGroup>,
    pub(super) lock_wait: Seconds<OfGroup>,
    pub(super) restart: Seconds<OfGroup>,
    pub(super) node_wait: Seconds<OfWaits>,
    pub(super) workers: Now<OfJob>,
    pub(super) nodes: Now<OfJob>,
    pub(super) object_bytes: Now<OfJob>,
    pub(super) projects: Gauge<i64, AtomicI64>,
    pub(super) terminals: Gauge<i64, AtomicI64>,
    pub(super) language_servers: Gauge<i64, AtomicI64>,
    pub(super) faults: Counter<u64, AtomicU64>,
    pub(super) log_lines_lost: Counter<u64, AtomicU64>,
}

/// From a hundredth of a second to eleven minutes: a worker's start, and a long installation.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 4.0, 9))
}

impl Families {
    /// All of them, none of which has counted anything, registered in `to`.
    pub(super) fn registered(to: &mut Registry) -> Self {
        let buckets = || seconds as fn() -> Histogram;
        let all = Self {
            pip_runs: Family::default(),
            changes: Family::default(),
            restarts: Family::default(),
            restart_failures: Family::default(),
            pip_run: Family::new_with_constructor(buckets()),
            lock_wait: Family::new_with_constructor(buckets()),
            restart: Family::new_with_constructor(buckets()),
            node_wait: Family::new_with_constructor(buckets()),
            workers: Family::default(),
            nodes: Family::default(),
            object_bytes: Family::default(),
            projects: Gauge::default(),
            terminals: Gauge::default(),
            language_servers: Gauge::default(),
            faults: Counter::default(),
            log_lines_lost: Counter::default(),
        };
        let help = "Runs of pip that could change an environment, by how they ended";
        to.register("aim_pip_runs", help, all.pip_runs.clone());
        let help = "Changes of environments, by the tool that made them";
        to.register("aim_environment_changes", help, all.changes.clone());
        let help = "Workers that took the place of another one";
        to.register("aim_worker_restarts", help, all.restarts.clone());
        let help = "Workers that did not start, each cause once for a generation";
        let failures = all.restart_failures.clone();
        to.register("aim_worker_restart_failures", help, failures);
        let mut timed = |name: &str, help: &str, of: Seconds<OfGroup>| {
            to.register_with_unit(name, help, Unit::Seconds, of);
        };
        let help = "How long runs of pip took";
        timed("aim_pip_run_duration", help, all.pip_run.clone());
        let help = "How long pip waited for another pip in the same environment";
        timed("aim_pip_lock_wait", help, all.lock_wait.clone());
        let help = "How long a worker took to take over since it was wanted";
        timed("aim_worker_restart_duration", help, all.restart.clone());
        let help = "How long nodes waited that waited for more than a moment, by what for";
        let waits = all.node_wait.clone();
        to.register_with_unit("aim_node_wait", help, Unit::Seconds, waits);
        let help = "Processes that run nodes";
        to.register("aim_worker_processes", help, all.workers.clone());
        let help = "Nodes that run or wait for their turn";
        to.register("aim_worker_queued_nodes", help, all.nodes.clone());
        let help = "Python objects that workers keep for flows, by estimate";
        let objects = all.object_bytes.clone();
        to.register_with_unit("aim_worker_objects", help, Unit::Bytes, objects);
        let help = "Projects that are used or followed";
        to.register("aim_projects", help, all.projects.clone());
        let help = "Terminals that are open";
        to.register("aim_terminal_sessions", help, all.terminals.clone());
        let help = "Language servers of pages";
        to.register("aim_language_servers", help, all.language_servers.clone());
        let help = "Parts of the daemon that failed and were begun anew";
        to.register("aim_backend_faults", help, all.faults.clone());
        let help = "Lines of the daemon's log that could not be written";
        to.register(
            "aim_backend_log_lines_lost",
            help,
            all.log_lines_lost.clone(),
        );
        all
    }

    /// Counts nothing yet of a project: what begins with its first event has no rate at that event.
    pub(super) fn begin(&self, of: &OfProject) {
        let (project, group) = (of.project.clone(), of.group.clone());
        for outcome in ["ok", "failed"] {
            drop(self.pip_runs.get_or_create(&OfRuns {
                project: project.clone(),
                group: group.clone(),
                outcome,
            }));
        }
        drop(self.changes.get_or_create(&OfChanges {
            project,
            group: group.clone(),
            tool: "pip",
        }));
        for family in [&self.restarts, &self.restart_failures] {
            drop(family.get_or_create(of));
        }
        for family in [&self.pip_run, &self.lock_wait, &self.restart] {
            drop(family.get_or_create(&of.group()));
        }
        let on = "worker";
        drop(self.node_wait.get_or_create(&OfWaits { group, on }));
    }
}
