//! What changed between two snapshots.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;

/// What happened to one distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name, as the later snapshot has it.
    pub name: String,
    /// The version before; none when it was not there.
    pub from: Option<String>,
    /// The version after; none when it is gone. The same as `from` for one that was installed again.
    pub to: Option<String>,
}

/// The difference of two snapshots, each list by canonical name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// What was not there before.
    #[serde(default)]
    pub added: Vec<Change>,
    /// What is gone.
    #[serde(default)]
    pub removed: Vec<Change>,
    /// What has another version, another location, or was installed again.
    #[serde(default)]
    pub changed: Vec<Change>,
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many distributions changed.
    pub fn len(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }

    /// Every change: added, then removed, then changed.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.added.iter().chain(&self.removed).chain(&self.changed)
    }

    pub(super) fn between(
        before: &BTreeMap<String, Distribution>,
        after: &BTreeMap<String, Distribution>,
    ) -> Self {
        let mut diff = Self::default();
        for (key, then) in before {
            match after.get(key) {
                None => diff.removed.push(Change {
                    name: then.name.clone(),
                    from: Some(then.version.clone()),
                    to: None,
                }),
                Some(now) if then.differs(now) => diff.changed.push(Change {
                    name: now.name.clone(),
                    from: Some(then.version.clone()),
                    to: Some(now.version.clone()),
                }),
                Some(_) => {}
            }
        }
        for (key, now) in after {
            if !before.contains_key(key) {
                diff.added.push(Change {
                    name: now.name.clone(),
                    from: None,
                    to: Some(now.version.clone()),
                });
            }
        }
        diff
    }
}
