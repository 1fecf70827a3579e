//! What a view has: the distributions of a generation, or of a mixture of two.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};

use super::super::list::Item;
use super::super::shelf::Shelf;
use super::error::ViewError;
use crate::inventory::Change;
use crate::project::Venv;
use crate::store::past::{Moment, Past};
use crate::store::record::Generation;
use crate::store::run_log::RunLog;
use crate::store::state::EnvMeta;

/// The distributions of a generation, as far as their files are kept.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The generation.
    pub generation: Generation,
    /// What it had besides, whose files are not kept: each as what would have to be added.
    pub lost: Vec<Change>,
    pub(super) items: Vec<Item>,
}

impl Contents {
    /// What `generation` of the environment had, by the archive; where that has no list of it, by the history `log` of
    /// what `meta` tells of.
    ///
    /// # Errors
    /// [`ViewError`]
    pub fn of(
        venv: &Venv,
        (meta, log): (&EnvMeta, &RunLog),
        generation: Generation,
    ) -> Result<Self, ViewError> {
        let layout = venv.layout();
        let in_archive = layout.archive();
        let failed = || ViewError::at(&in_archive);
        let unknown = || ViewError::Unknown(generation);
        let shelf = Shelf::of(&layout).map_err(failed())?.ok_or_else(unknown)?;
        let listed = shelf.list(generation).map_err(failed())?;
        let items = if let Some(list) = listed {
            list.distributions
        } else {
            let moment = Moment::Generation(generation);
            let past = Past::at(&moment, meta, log).map_err(|_| unknown())?;
            if past.has_gap || generation > meta.generation() {
                return Err(unknown());
            }
            // What the history names, as the archive knows it.
            let versions = past.versions.iter();
            let named = versions.map(|(name, version)| (name.as_str(), version.as_str()));
            shelf.newest_of(named).map_err(failed())?
        };
        let kept: HashSet<OsString> = shelf.0.names().map_err(failed())?.into_iter().collect();
        let is_kept = |item: &Item| {
            let entry = item.entry.as_ref();
            entry.is_some_and(|entry| kept.contains(OsStr::new(entry)))
        };
        let (items, lost): (Vec<_>, Vec<_>) = items.into_iter().partition(is_kept);
        Ok(Self {
            generation,
            lost: lost.into_iter().map(as_change).collect(),
            items,
        })
    }

    /// The same, with what `other` has of the distributions called `names`, which are in canonical form.
    #[must_use]
    pub fn with(&self, names: &BTreeSet<String>, other: &Self) -> Self {
        let is_named = |name: &String| names.contains(name);
        let own = self.items.iter().filter(|item| !is_named(&item.name));
        let theirs = other.items.iter().filter(|item| is_named(&item.name));
        let lost_of_own = self.lost.iter().filter(|one| !is_named(&one.name));
        let lost_of_theirs = other.lost.iter().filter(|one| is_named(&one.name));
        Self {
            generation: other.generation,
            items: own.chain(theirs).cloned().collect(),
            lost: lost_of_own.chain(lost_of_theirs).cloned().collect(),
        }
    }
}

fn as_change(item: Item) -> Change {
    Change {
        name: item.name,
        from: None,
        to: Some(item.version),
    }
}
