//! What happened in some projects, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::store::{RunRecord, Tool, WorkerRecord, WorkerWhat};

/// What happened in the projects of one row.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) projects: usize,
    pub(super) runs: usize,
    pub(super) failed: usize,
    pub(super) changes: usize,
    pub(super) restarts: usize,
    /// Why restarts failed, and how often.
    pub(super) why: BTreeMap<String, usize>,
    pub(super) pip: Times,
    pub(super) restart: Times,
    /// What nodes waited for a worker.
    pub(super) worker_wait: Times,
    /// What nodes waited for other nodes.
    pub(super) node_wait: Times,
    /// What pip waited for another pip.
    pub(super) lock_wait: Times,
}

/// How long each of some things took, in milliseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Times(Vec<u64>);

/// A cause, and how often it was.
#[derive(Debug, Serialize)]
pub(super) struct Cause<'t> {
    pub(super) why: &'t str,
    pub(super) count: usize,
}

impl Tally {
    pub(super) fn add_run(&mut self, record: &RunRecord) {
        self.runs += 1;
        self.failed += usize::from(!record.ending().is_success());
        self.changes += usize::from(!record.changes.is_empty());
        if record.tool == Tool::Pip && record.duration_ms > 0 {
            self.pip.0.push(record.duration_ms);
        }
        if record.waited_ms > 0 {
            self.lock_wait.0.push(record.waited_ms);
        }
    }

    pub(super) fn add_worker(&mut self, record: &WorkerRecord) {
        match record.what {
            WorkerWhat::Restarted => {
                self.restarts += 1;
                self.restart.0.push(record.took_ms);
            }
            WorkerWhat::Failed => {
                let why = record.why.as_deref().unwrap_or_default();
                let first = why.lines().next().unwrap_or_default();
                *self.why.entry(first.to_owned()).or_default() += 1;
            }
            WorkerWhat::WaitedForWorker => self.worker_wait.0.push(record.took_ms),
            WorkerWhat::WaitedForNode => self.node_wait.0.push(record.took_ms),
            WorkerWhat::Other => {}
        }
    }

    /// Adds what another one has.
    pub(super) fn add(&mut self, other: &Self) {
        self.projects += other.projects;
        self.runs += other.runs;
        self.failed += other.failed;
        self.changes += other.changes;
        self.restarts += other.restarts;
        for (why, count) in &other.why {
            *self.why.entry(why.clone()).or_default() += count;
        }
        let times = [
            (&mut self.pip, &other.pip),
            (&mut self.restart, &other.restart),
            (&mut self.worker_wait, &other.worker_wait),
            (&mut self.node_wait, &other.node_wait),
            (&mut self.lock_wait, &other.lock_wait),
        ];
        for (ours, theirs) in times {
            ours.0.extend(&theirs.0);
        }
    }

    pub(super) fn failed_restarts(&self) -> usize {
        self.why.values().sum()
    }

    /// Why restarts failed, the most frequent cause first.
    pub(super) fn causes(&self) -> Vec<Cause<'_>> {
        let causes = self.why.iter();
        let mut causes: Vec<_> = causes.map(|(why, &count)| Cause { why, count }).collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
        causes
    }

    /// How long people waited because of the toolkit: for a worker, and for another pip.
    pub(super) fn waited(&self) -> Duration {
        self.worker_wait.sum() + self.lock_wait.sum()
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "projects": self.projects,
            "runs": self.runs,
            "failed": self.failed,
            "changes": self.changes,
            "restarts": self.restarts,
            "failed_restarts": self.failed_restarts(),
            "why_failed": self.causes(),
            "waited_ms": {
                "worker": self.worker_wait.milliseconds(),
                "node": self.node_wait.milliseconds(),
                "lock": self.lock_wait.milliseconds(),
            },
            "median_ms": {
                "pip": self.pip.median_ms(),
                "restart": self.restart.median_ms(),
                "worker_wait": self.worker_wait.median_ms(),
            },
        })
    }
}

impl Times {
    fn milliseconds(&self) -> u64 {
        self.0.iter().sum()
    }

    fn sum(&self) -> Duration {
        Duration::from_millis(self.milliseconds())
    }

    fn median_ms(&self) -> Option<u64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    /// The one that as many took longer than as did not; none of nothing.
    pub(super) fn median(&self) -> Option<Duration> {
        self.median_ms().map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_not_moved_by_one_long_wait() {
        let times = |all: &[u64]| Times(all.to_vec()).median_ms();
        assert_eq!(times(&[]), None);
        assert_eq!(times(&[3]), Some(3));
        assert_eq!(times(&[90_000, 1, 2]), Some(2));
    }

    #[test]
    fn two_rows_are_as_one() {
        let worker = |what, why: &str| WorkerRecord {
            schema: 1,
            at: chrono::Utc::now(),
            project: "/p".into(),
            what,
            generation: None,
            run_id: None,
            took_ms: 500,
            why: Some(why.to_owned()),
        };
        let (mut a, mut b) = (Tally::default(), Tally::default());
        a.add_worker(&worker(WorkerWhat::Failed, "x\nmore"));
        a.add_worker(&worker(WorkerWhat::Restarted, ""));
        for (what, why) in [
            (WorkerWhat::Failed, "y"),
            (WorkerWhat::Failed, "y"),
            (WorkerWhat::WaitedForWorker, ""),
            (WorkerWhat::WaitedForNode, ""),
        ] {
            b.add_worker(&worker(what, why));
        }
        a.add(&b);
        let causes: Vec<_> = a.causes().iter().map(|one| (one.why, one.count)).collect();
        assert_eq!(causes, [("y", 2), ("x", 1)]);
        assert_eq!((a.restarts, a.failed_restarts()), (1, 3));
        assert_eq!(a.waited(), Duration::from_millis(500));
        assert_eq!(a.as_json()["waited_ms"]["node"], 500);
    }
}
