//! What a view has: the distributions of a generation, or of a mixture of two.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};

use super::super::list::{Item, List};
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
            named(&shelf, &past).map_err(failed())?
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

/// What the history names, each as the newest generation had it that the archive knows.
fn named(shelf: &Shelf, past: &Past) -> std::io::Result<Vec<Item>> {
    let mut lists: Vec<List> = Vec::new();
    for generation in shelf.generations() {
        lists.extend(shelf.list(generation)?);
    }
    let found = |name: &String, version: &String| {
        let mut kept = lists.iter().flat_map(|list| list.called(name));
        kept.find(|item| item.version == *version).cloned()
    };
    let versions = past.versions.iter();
    let items = versions.map(|(name, version)| {
        found(name, version).unwrap_or_else(|| Item {
            name: name.clone(),
            version: version.clone(),
            folder: String::new(),
            entry: None,
            bytes: 0,
            stamp: None,
        })
    });
    Ok(items.collect())
}

fn as_change(item: Item) -> Change {
    Change {
        name: item.name,
        from: None,
        to: Some(item.version),
    }
}
