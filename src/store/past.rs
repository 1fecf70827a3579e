//! What was installed at an earlier time, by names and versions: what is recorded now, with what every later run
//! changed taken back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::record::{Generation, Run, RunNumber, RunRecord};
use super::run_log::RunLog;
use super::state::{EnvMeta, Package};
use crate::inventory::{Diff, canonical};

/// An environment after one of its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Versions by canonical name.
    pub versions: BTreeMap<String, String>,
    /// The generation of then.
    pub generation: Generation,
    /// Records are missing between then and now: what they changed is not taken back.
    pub has_gap: bool,
}

/// A time in the life of an environment.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// What is recorded last.
    Now,
    /// After this run.
    After(Run),
    /// After the last run that had ended by then.
    At(DateTime<Utc>),
    /// At this generation.
    Generation(Generation),
}

/// The history does not go back so far.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the history begins with run {0:?}")]
pub struct TooFar(pub Option<RunNumber>);

impl Past {
    /// What was installed at `moment`, by the history `log` of an environment that `meta` tells of.
    ///
    /// # Errors
    /// [`TooFar`]
    pub fn at(moment: &Moment, meta: &EnvMeta, log: &RunLog) -> Result<Self, TooFar> {
        let packages = meta.packages.iter();
        let mut past = Self {
            versions: packages
                .map(|package| (canonical(&package.name), package.version.clone()))
                .collect(),
            generation: meta.generation(),
            has_gap: false,
        };
        let mut oldest = None;
        for run in &log.runs {
            if moment.is_reached(run) {
                return Ok(past);
            }
            if let Some(record) = run.record() {
                past.has_gap |= record.generation_after != past.generation;
                past.take_back(&record.changes);
                past.generation = record.generation_before;
                oldest = Some(record);
            }
        }
        let is_known = match moment {
            Moment::Now => true,
            // Before the first run there was nothing that anybody knows of.
            _ => past.generation == Generation::default() && !matches!(moment, Moment::After(_)),
        };
        if is_known {
            Ok(past)
        } else {
            Err(TooFar(oldest.and_then(|record: &RunRecord| record.number)))
        }
    }

    /// What was recorded then, as far as this and `meta`, what is recorded now, can tell.
    pub fn as_recorded(&self, meta: &EnvMeta) -> EnvMeta {
        let known = |name: &str| {
            meta.packages
                .iter()
                .find(|one| canonical(&one.name) == name)
        };
        let packages = self.versions.iter().map(|(name, version)| Package {
            version: version.clone(),
            ..known(name).cloned().unwrap_or_else(|| Package::named(name))
        });
        EnvMeta {
            packages: packages.collect(),
            generation: self.generation,
            ..meta.clone()
        }
    }

    fn take_back(&mut self, changes: &Diff) {
        for change in changes.changes() {
            let name = canonical(&change.name);
            match &change.from {
                Some(version) => self.versions.insert(name, version.clone()),
                None => self.versions.remove(&name),
            };
        }
    }
}

impl Moment {
    /// Whether what `run` left is what was there at this moment, of runs looked at from the newest on.
    fn is_reached(&self, run: &Run) -> bool {
        match self {
            Self::Now => true,
            Self::After(wanted) => run == wanted,
            Self::At(time) => run.ended_at() <= *time,
            Self::Generation(wanted) => run
                .record()
                .is_some_and(|record| record.generation_after <= *wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Snapshot;
    use crate::project::Config;
    use crate::store::testing::{finished, project, snapshot};

    #[test]
    fn later_changes_are_taken_back() {
        let (_dir, project) = project();
        let states = [
            snapshot(&[]),
            snapshot(&[("Six_", "1"), ("a", "1")]),
            snapshot(&[("six-", "2"), ("a", "1")]),
            snapshot(&[("six-", "2"), ("b", "3")]),
        ];
        let publish = |before: &Snapshot, after: &Snapshot| {
            let run = finished("install", "");
            crate::store::publish(&project, &Config::default(), run, before, after)
                .expect("published");
        };
        for pair in states.windows(2) {
            publish(&pair[0], &pair[1]);
            publish(&pair[1], &pair[1]);
        }
        let layout = project.layout();
        let (log, meta) = (RunLog::read(&layout), EnvMeta::read(&layout).0);
        let shown = |moment: &Moment| {
            let past = Past::at(moment, &meta, &log).expect("known");
            assert!(!past.has_gap);
            let versions = past.versions.iter();
            let lines: Vec<_> = versions
                .map(|(name, version)| format!("{name} {version}"))
                .collect();
            lines.join(", ")
        };
        let after = |number: &str| Moment::After(log.find(number).expect("a run").clone());
        assert_eq!(shown(&Moment::Now), "b 3, six- 2");
        assert_eq!(shown(&after("5")), "b 3, six- 2");
        assert_eq!(shown(&after("4")), "a 1, six- 2");
        assert_eq!(shown(&after("3")), "a 1, six- 2");
        assert_eq!(shown(&after("1")), "a 1, six- 1");
        assert_eq!(shown(&Moment::Generation(Generation(1))), "a 1, six- 1");
        assert_eq!(shown(&Moment::Generation(Generation(0))), "");
        assert_eq!(shown(&Moment::At(DateTime::UNIX_EPOCH)), "");
        assert_eq!(
            shown(&Moment::At(Utc::now() + chrono::TimeDelta::hours(1))),
            "b 3, six- 2"
        );

        let at = |moment: &Moment| Past::at(moment, &meta, &log).expect("known").generation.0;
        for (number, generation) in [("1", 1), ("2", 1), ("3", 2), ("4", 2), ("6", 3)] {
            assert_eq!(at(&after(number)), generation, "#{number}");
        }
        assert_eq!(at(&Moment::At(DateTime::UNIX_EPOCH)), 0);
        let later = Utc::now() + chrono::TimeDelta::hours(1);
        assert_eq!(at(&Moment::At(later)), 3);

        let mut pruned = log.clone();
        pruned.runs.truncate(2);
        let far = Past::at(&Moment::Generation(Generation(1)), &meta, &pruned);
        assert_eq!(far, Err(TooFar(Some(RunNumber(5)))));
        let mut torn = log.clone();
        torn.runs.remove(1);
        torn.runs.remove(2);
        let past = Past::at(&Moment::Generation(Generation(0)), &meta, &torn).expect("something");
        assert!(past.has_gap);
    }
}
