//! Which runs of each project were counted.
//!
//! A history is read again only when its file is another one: a scrape of some hundred projects is a `stat` each.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::files::Stamp;
use crate::project::{ProjectId, ProjectLayout};
use crate::store::{RunId, RunLog, RunRecord};

/// How many of the newest runs are looked at: more than that between two scrapes are not counted.
const NEWEST: usize = 256;

/// What was counted.
#[derive(Debug)]
pub(super) struct SeenRuns {
    /// What ended before is not counted.
    since: DateTime<Utc>,
    projects: BTreeMap<ProjectId, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    stamp: Option<Stamp>,
    counted: BTreeSet<RunId>,
}

impl SeenRuns {
    /// Of runs that end from now on.
    pub(super) fn begin() -> Self {
        Self {
            since: Utc::now(),
            projects: BTreeMap::new(),
        }
    }

    /// The runs of a project that were not given before, oldest first; none where its history is as it was.
    pub(super) fn new_of(
        &mut self,
        id: &ProjectId,
        layout: &ProjectLayout,
    ) -> Option<Vec<RunRecord>> {
        let stamp = Stamp::of(&layout.runs());
        let is_first = !self.projects.contains_key(id);
        let seen = self.projects.entry(id.clone()).or_default();
        if stamp == seen.stamp && !is_first {
            return None;
        }
        // Stamp first: what comes between the two is then read again, not missed.
        seen.stamp = stamp;
        let runs = RunLog::read_newest(layout, NEWEST).runs.into_iter().rev();
        let recent = runs.filter(|run| run.ended_at() >= self.since);
        let mut records: Vec<RunRecord> = recent.filter_map(|run| run.record().cloned()).collect();
        let ids = records.iter().map(|record| record.id).collect();
        let before = std::mem::replace(&mut seen.counted, ids);
        records.retain(|record| !before.contains(&record.id));
        Some(records)
    }

    /// Forgets every project but these.
    pub(super) fn keep_only(&mut self, kept: impl Fn(&ProjectId) -> bool) {
        self.projects.retain(|id, _| kept(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::made_runs::record;

    #[test]
    fn each_run_is_given_once_however_the_history_is_written() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let layout = ProjectLayout::new(dir.path());
        std::fs::create_dir(layout.logs()).expect("folder");
        let id = ProjectId::new("p").expect("an id");
        let line = |number: u8| {
            let record = record(number, &serde_json::json!({"number": number}));
            serde_json::to_string(&record).expect("JSON") + "\n"
        };
        let write = |numbers: &[u8]| {
            let lines: String = numbers.iter().copied().map(line).collect();
            let new = dir.path().join("new");
            std::fs::write(&new, lines).expect("write");
            std::fs::rename(new, layout.runs()).expect("rename");
        };
        let mut seen = SeenRuns::begin();
        seen.since = DateTime::UNIX_EPOCH;
        let mut new = || {
            let new = seen.new_of(&id, &layout)?;
            Some(
                new.iter()
                    .filter_map(|run| Some(run.number?.0))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(new(), Some(Vec::new()), "the first look");
        assert_eq!(new(), None);
        write(&[1, 2]);
        assert_eq!(new(), Some(vec![1, 2]));
        assert_eq!(new(), None);
        // One of the two has gone, and another came.
        write(&[2, 3]);
        assert_eq!(new(), Some(vec![3]));
        seen.keep_only(|_| false);
        assert!(seen.projects.is_empty());
    }
}
