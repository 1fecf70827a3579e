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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Snapshot;
    use super::super::distribution::WrittenStamp;
    use super::*;

    /// `name version[ stamp]` a distribution.
    fn snapshot(all: &[&str]) -> Snapshot {
        all.iter()
            .map(|text| {
                let mut words = text.split(' ');
                let mut word = || words.next();
                let mut one =
                    Distribution::new(word().expect("a name"), word().expect("a version"));
                one.stamp = word().map(|at| WrittenStamp {
                    mtime_ns: at.parse().expect("a stamp"),
                    size: 0,
                });
                one
            })
            .collect()
    }

    fn check(before: &[&str], after: &[&str], expected: &str) {
        let diff = snapshot(before).diff_to(&snapshot(after));
        let shown: Vec<String> = diff
            .changes()
            .map(|change| {
                let version =
                    |version: &Option<String>| version.clone().unwrap_or_else(|| "-".into());
                format!(
                    "{} {}>{}",
                    change.name,
                    version(&change.from),
                    version(&change.to)
                )
            })
            .collect();
        assert_eq!(shown.join(", "), expected);
        assert_eq!(diff.is_empty(), expected.is_empty());
    }

    #[test]
    fn what_is_new_gone_and_different() {
        check(&[], &[], "");
        check(&["a 1"], &["a 1"], "");
        check(&["a 1", "b 1"], &["b 2", "c 1"], "c ->1, a 1>-, b 1>2");
        check(&["Foo_Bar 1"], &["foo-bar 1"], "");
    }

    #[test]
    fn an_installation_over_itself_is_a_change() {
        check(&["a 1 100"], &["a 1 100"], "");
        check(&["a 1 100"], &["a 1 200"], "a 1>1");
        check(&["a 1"], &["a 1 200"], "");
    }

    proptest! {
        #[test]
        fn a_diff_leads_from_one_snapshot_to_the_other(
            before in proptest::collection::btree_map("[a-f]", "[1-3]", 0..6),
            after in proptest::collection::btree_map("[a-f]", "[1-3]", 0..6),
        ) {
            let of = |all: &BTreeMap<String, String>| -> Snapshot {
                all.iter().map(|(name, version)| Distribution::new(name, version)).collect()
            };
            let mut walked = before.clone();
            let diff = of(&before).diff_to(&of(&after));
            for change in diff.changes() {
                prop_assert_eq!(walked.get(&change.name), change.from.as_ref());
                match &change.to {
                    Some(version) => walked.insert(change.name.clone(), version.clone()),
                    None => walked.remove(&change.name),
                };
            }
            prop_assert_eq!(&walked, &after);
            let same = of(&before).fingerprint() == of(&after).fingerprint();
            prop_assert_eq!(same, diff.is_empty());
        }
    }
}
