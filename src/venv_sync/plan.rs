//! What a sync has to do: a comparison of what is installed with what is recorded. Pure.

use crate::inventory::{Diff, Snapshot};
use crate::store::MetaState;

/// The result of comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SyncPlan {
    /// What is installed is what is recorded.
    InStep,
    /// There is nothing recorded, or nothing readable: record all that is there.
    FirstRecord(Diff),
    /// Someone changed the environment and told nobody.
    Record(Diff),
}

impl SyncPlan {
    /// Compares `now` with the last snapshot that was `recorded`, `env_meta.json` being in `state`, and whole if its
    /// generation is as it should be.
    pub(super) fn of(
        (state, is_whole): (&MetaState, bool),
        recorded: Option<&Snapshot>,
        now: &Snapshot,
    ) -> Self {
        let nothing = Snapshot::default();
        let diff = recorded.unwrap_or(&nothing).diff_to(now);
        match (state, recorded) {
            (MetaState::Present, Some(_)) if diff.is_empty() && is_whole => Self::InStep,
            (MetaState::Present, Some(_)) => Self::Record(diff),
            _ => Self::FirstRecord(diff),
        }
    }

    /// What differs.
    pub(super) fn diff(&self) -> Option<&Diff> {
        match self {
            Self::InStep => None,
            Self::FirstRecord(diff) | Self::Record(diff) => Some(diff),
        }
    }

    /// Whether nothing has to be done.
    pub(super) fn is_in_step(&self) -> bool {
        *self == Self::InStep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Distribution;

    fn snapshot(all: &[(&str, &str)]) -> Snapshot {
        all.iter()
            .map(|(name, version)| Distribution::new(*name, *version))
            .collect()
    }

    #[test]
    fn the_same_is_in_step_only_when_it_is_recorded() {
        let six = snapshot(&[("six", "1.16.0")]);
        let present = MetaState::Present;
        assert!(SyncPlan::of((&present, true), Some(&six), &six).is_in_step());
        let plan = SyncPlan::of((&present, false), Some(&six), &six);
        assert_eq!(
            plan,
            SyncPlan::Record(Diff::default()),
            "a generation that was lost"
        );
        for state in [MetaState::Absent, MetaState::Broken("torn".into())] {
            let plan = SyncPlan::of((&state, true), Some(&six), &six);
            assert_eq!(plan, SyncPlan::FirstRecord(Diff::default()), "{state:?}");
        }
    }

    #[test]
    fn the_first_record_names_all_that_is_there() {
        let now = snapshot(&[("pip", "24.0"), ("six", "1.16.0")]);
        let plan = SyncPlan::of((&MetaState::Absent, true), None, &now);
        assert_eq!(plan.diff().map(|diff| diff.added.len()), Some(2));
    }

    #[test]
    fn a_difference_is_recorded() {
        let (then, now) = (snapshot(&[("a", "1")]), snapshot(&[("a", "2")]));
        let SyncPlan::Record(diff) = SyncPlan::of((&MetaState::Present, true), Some(&then), &now)
        else {
            panic!("a difference");
        };
        assert_eq!(diff.changed.len(), 1);
    }
}
