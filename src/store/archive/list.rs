//! Which distributions a generation had, and where their files are kept.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::installed_files;
use crate::files::Walk;
use crate::inventory::Snapshot;
use crate::store::record::Generation;

/// The distributions of one generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    pub(super) schema: u32,
    pub(super) generation: Generation,
    pub(super) distributions: Vec<Item>,
}

/// A distribution in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) version: String,
    /// Its metadata, from the environment's folder.
    pub(super) folder: String,
    /// The name of its files in the archive; none where only name and version are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) entry: Option<String>,
    /// The size of these files.
    #[serde(default)]
    pub(super) bytes: u64,
    /// Time and size of its RECORD: while it has these, its files are those of `entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<(i64, u64)>,
}

impl Item {
    /// Of a distribution of which only this is known.
    pub(super) fn unknown(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            folder: String::new(),
            entry: None,
            bytes: 0,
            stamp: None,
        }
    }
}

impl List {
    pub(super) const SCHEMA: u32 = 1;

    /// What is installed `now`, in the environment of `walk`, as far as its files are its own; `known` tells where the
    /// files are kept of what was there before.
    pub(super) fn of(
        now: &Snapshot,
        generation: Generation,
        (walk, sites): (&mut Walk, &[std::path::PathBuf]),
        known: &Self,
    ) -> Self {
        let known: HashMap<_, _> = known
            .distributions
            .iter()
            .map(|item| ((item.folder.as_str(), item.stamp), item))
            .collect();
        let mut distributions = Vec::new();
        for one in now.distributions() {
            let Some(metadata) = one
                .folder()
                .map(Path::new)
                .filter(|path| path.is_relative())
            else {
                continue;
            };
            let mut places = sites.iter().map(|site| site.join(metadata));
            let place = places.find(|place| exists(walk, place));
            let Some(folder) = place.as_deref().and_then(Path::to_str).map(str::to_owned) else {
                continue;
            };
            let stamp = installed_files::stamp(walk, Path::new(&folder));
            let before = stamp.and_then(|_| known.get(&(folder.as_str(), stamp)));
            distributions.push(Item {
                name: one.canonical_name(),
                version: one.version.clone(),
                entry: before.and_then(|item| item.entry.clone()),
                bytes: before.map_or(0, |item| item.bytes),
                folder,
                stamp,
            });
        }
        Self {
            schema: Self::SCHEMA,
            generation,
            distributions,
        }
    }

    /// Those called `name`, in canonical form.
    pub(super) fn called<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Item> {
        self.distributions
            .iter()
            .filter(move |item| item.name == name)
    }
}

fn exists(walk: &mut Walk, place: &Path) -> bool {
    let (Some(above), Some(name)) = (place.parent(), place.file_name()) else {
        return false;
    };
    walk.folder(above)
        .is_ok_and(|folder| folder.found(name).is_ok())
}
