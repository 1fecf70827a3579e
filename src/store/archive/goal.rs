//! To what an environment goes back.

use std::collections::{BTreeMap, BTreeSet};

use super::list::Item;
use crate::inventory::{Change, Diff, canonical};
use crate::store::past::Past;
use crate::store::record::{Run, RunNumber, RunRecord};
use crate::store::run_log::RunLog;

/// To what one goes back.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// What there was before this run, of what it changed.
    Before(Box<RunRecord>),
    /// All that there was then.
    Past(Past),
}

pub(super) fn by_name(changes: &Diff) -> BTreeMap<String, Vec<&Change>> {
    let mut names: BTreeMap<String, Vec<&Change>> = BTreeMap::new();
    for change in changes.changes() {
        names
            .entry(canonical(&change.name))
            .or_default()
            .push(change);
    }
    names
}

/// Whether what `is` there of one name is not what the run that made `changes` left: `left`, where that is known.
pub(super) fn is_changed_again<'a>(
    is: &[Item],
    changes: &[&Change],
    left: Option<impl Iterator<Item = &'a Item>>,
) -> bool {
    if let Some(left) = left {
        let key = |item: &Item| (item.folder.clone(), item.entry.clone());
        let left: BTreeSet<_> = left.map(key).collect();
        return left != is.iter().map(key).collect();
    }
    let left: BTreeSet<_> = changes.iter().filter_map(|one| one.to.as_deref()).collect();
    left != is.iter().map(|item| item.version.as_str()).collect()
}

pub(super) fn last_to_change(log: &RunLog, name: &str) -> Option<RunNumber> {
    let mut newest_first = log.runs.iter();
    let changed = |run: &&Run| run.changes().any(|change| canonical(&change.name) == name);
    newest_first.find(changed).and_then(Run::number)
}
