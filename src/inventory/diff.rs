//! What changed between two snapshots.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::distribution::{Distribution, canonical};

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

impl Change {
    /// Its name as people are shown names of distributions, everywhere: normalized (PEP 503), `charset-normalizer`.
    pub fn shown_name(&self) -> String {
        canonical(&self.name)
    }
}

/// What happened to a startup file, such as a `.pth` file or `pyvenv.cfg`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartupChange {
    /// Its name, below site-packages; from the root where it lies elsewhere.
    pub name: String,
    /// What happened.
    pub change: StartupChangeKind,
}

/// What can happen to a startup file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartupChangeKind {
    /// It was not there before.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
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
    /// Startup files (`.pth`, `pyvenv.cfg`, …) that came, went or say something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub startup: Vec<StartupChange>,
}

/// A part of what an environment holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Distributions, by canonical name.
    pub distributions: BTreeSet<String>,
    /// The startup files.
    pub startup: bool,
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.startup.is_empty()
    }

    /// How many distributions changed.
    pub fn len(&self) -> usize {
        self.added.len() + self.removed.len() + self.changed.len()
    }

    /// Every change of a distribution: added, then removed, then changed.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.added.iter().chain(&self.removed).chain(&self.changed)
    }

    /// The distributions and the startup files, by the names that people know.
    pub fn affected(&self) -> Vec<String> {
        let distributions = self.changes().map(Change::shown_name);
        let startup = self.startup.iter().map(|change| change.name.clone());
        distributions.chain(startup).collect()
    }

    /// What it is about.
    pub fn names(&self) -> Names {
        Names {
            distributions: self
                .changes()
                .map(|change| canonical(&change.name))
                .collect(),
            startup: !self.startup.is_empty(),
        }
    }

    /// `startup` names the startup files that differ, each with whether it was there and whether it is.
    pub(super) fn between(
        before: &[&Distribution],
        after: &[&Distribution],
        startup: Vec<(String, bool, bool)>,
    ) -> Self {
        let mut diff = Self {
            startup: startup.into_iter().map(StartupChange::of).collect(),
            ..Self::default()
        };
        let known: HashMap<&str, &Distribution> = before
            .iter()
            .filter_map(|one| Some((one.folder.as_deref()?, *one)))
            .collect();
        let mut paired = HashSet::new();
        let mut rest: BTreeMap<String, (Vec<_>, Vec<_>)> = BTreeMap::new();
        for &now in after {
            let place = now.folder.as_deref();
            match place.and_then(|folder| known.get_key_value(folder)) {
                Some((folder, then)) if paired.insert(*folder) => {
                    if then.differs(now) {
                        diff.changed.push(changed(then, now));
                    }
                }
                _ => rest.entry(now.canonical_name()).or_default().1.push(now),
            }
        }
        for &then in before {
            if then
                .folder
                .as_deref()
                .is_none_or(|folder| !paired.contains(folder))
            {
                rest.entry(then.canonical_name()).or_default().0.push(then);
            }
        }
        for (then, now) in rest.into_values() {
            diff.of_one_name(then, now);
        }
        for list in [&mut diff.added, &mut diff.removed, &mut diff.changed] {
            list.sort_by_cached_key(|change| canonical(&change.name));
        }
        diff
    }

    /// What became of the distributions of one name that do not lie where they lay.
    fn of_one_name(&mut self, mut then: Vec<&Distribution>, mut now: Vec<&Distribution>) {
        let is_list = |all: &[&Distribution]| all.iter().any(|one| one.is_listed_only());
        // A list has one of each name: what else there is of that name, nobody knows.
        let is_partial = (is_list(&then) || is_list(&now)) && !then.is_empty() && !now.is_empty();
        then.retain(
            |one| match now.iter().position(|other| !one.differs(other)) {
                Some(same) => {
                    now.remove(same);
                    false
                }
                None => true,
            },
        );
        let pairs = then.len().min(now.len());
        for (then, now) in then.drain(..pairs).zip(now.drain(..pairs)) {
            self.changed.push(changed(then, now));
        }
        if is_partial {
            return;
        }
        self.removed.extend(then.into_iter().map(|then| Change {
            name: then.name.clone(),
            from: Some(then.version.clone()),
            to: None,
        }));
        self.added.extend(now.into_iter().map(|now| Change {
            name: now.name.clone(),
            from: None,
            to: Some(now.version.clone()),
        }));
    }
}

fn changed(then: &Distribution, now: &Distribution) -> Change {
    Change {
        name: now.name.clone(),
        from: Some(then.version.clone()),
        to: Some(now.version.clone()),
    }
}

impl StartupChange {
    fn of((name, was_there, is_there): (String, bool, bool)) -> Self {
        let change = match (was_there, is_there) {
            (false, _) => StartupChangeKind::Added,
            (_, false) => StartupChangeKind::Removed,
            _ => StartupChangeKind::Changed,
        };
        Self { name, change }
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

    #[test]
    fn of_several_of_one_name_each_counts() {
        let found = |all: &[(&str, &str)]| -> Snapshot {
            all.iter()
                .map(|(name, version)| Distribution {
                    folder: Some(format!("{name}-{version}.dist-info")),
                    ..Distribution::new(*name, *version)
                })
                .collect()
        };
        let two = found(&[("six", "1"), ("six", "2")]);
        let turned = found(&[("six", "2"), ("six", "1")]);
        assert!(two.diff_to(&turned).is_empty());
        assert_eq!(two.fingerprint(), turned.fingerprint());
        for left in ["1", "2"] {
            let one = found(&[("six", left)]);
            let (gone, came) = (two.diff_to(&one), one.diff_to(&two));
            assert_eq!((gone.removed.len(), gone.len()), (1, 1), "{left}");
            assert_eq!((came.added.len(), came.len()), (1, 1), "{left}");
            assert_ne!(one.fingerprint(), two.fingerprint());
        }
        // A list of what `pip list` shows has one of each name.
        let list = snapshot(&["six 1"]);
        assert!(list.diff_to(&two).is_empty());
        assert!(two.diff_to(&list).is_empty());
        assert_eq!(snapshot(&["six 3"]).diff_to(&two).changed.len(), 1);
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
