//! What is installed in one environment at one moment.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::{Diff, Fingerprint, conda, metadata, scan};
use crate::files::momentary::found;
use crate::files::read;
use crate::project::Venv;

/// Longer than the name of any installer.
const LONGEST_NAME: u64 = 4 << 10;

/// The distributions of an environment, ordered by canonical name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Distribution>", into = "Vec<Distribution>")]
pub struct Snapshot {
    by_name: BTreeMap<String, Distribution>,
}

impl Snapshot {
    /// What is installed in `venv` now. What is broken in itself is left out.
    ///
    /// Names and versions come from the names of metadata folders, without opening a file;
    /// [`Snapshot::name_all`] puts METADATA's own in their place.
    ///
    /// # Errors
    /// When a folder cannot be read, or the system has no descriptors or memory left: then nobody knows what is there.
    pub fn scan(venv: &Venv) -> io::Result<Self> {
        let mut now: Self = scan::scan(&venv.all_site_packages()?)?
            .into_iter()
            .collect();
        for one in conda::scan(&venv.layout().conda_meta())? {
            now.by_name.entry(one.canonical_name()).or_insert(one);
        }
        Ok(now)
    }

    /// Gives every distribution the name and version that its METADATA writes, which is what `pip list` shows.
    /// What `known` has already (same folder, same stamp) is taken from there; only the rest is read from `venv`.
    pub fn name_all(&mut self, venv: &Venv, known: &Self) {
        let mut folders = None;
        for (key, one) in &mut self.by_name {
            if one.named {
                continue;
            }
            let before = known.by_name.get(key).filter(|before| {
                before.named && before.folder == one.folder && before.stamp == one.stamp
            });
            if let Some(before) = before {
                one.name.clone_from(&before.name);
                one.version.clone_from(&before.version);
                one.named = true;
                continue;
            }
            let folders = folders.get_or_insert_with(|| venv.site_packages());
            metadata::name(one, folders);
        }
    }

    /// The distributions, by canonical name.
    pub fn distributions(&self) -> impl Iterator<Item = &Distribution> {
        self.by_name.values()
    }

    /// The distribution called `name`, in any spelling.
    pub fn find(&self, name: &str) -> Option<&Distribution> {
        self.by_name.get(&super::canonical(name))
    }

    /// Which tool installed the distribution called `name`, by its INSTALLER file (PEP 376) or by what conda keeps.
    ///
    /// # Errors
    /// What is of the moment: then nobody knows.
    pub fn installer(&self, venv: &Venv, name: &str) -> io::Result<Option<String>> {
        let Some(folder) = self.find(name).and_then(Distribution::folder) else {
            return Ok(None);
        };
        if conda::keeps(folder) {
            return Ok(Some("conda".to_owned()));
        }
        let place = Path::new(folder).join("INSTALLER");
        for site in venv.all_site_packages()? {
            if let Some(text) = found(read::text(&site.join(&place), LONGEST_NAME))? {
                return Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()));
            }
        }
        Ok(None)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether nothing is installed.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// This snapshot in one short text: of names, versions and editable locations, so that the same environment
    /// elsewhere has the same one.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.distributions())
    }

    /// What changed from here to `after`. A distribution that was installed again at its version is a change from
    /// that version to itself.
    pub fn diff_to(&self, after: &Self) -> Diff {
        Diff::between(&self.by_name, &after.by_name)
    }
}

/// Where two have the same name, the one installed last is kept: a broken upgrade left the other.
impl FromIterator<Distribution> for Snapshot {
    fn from_iter<I: IntoIterator<Item = Distribution>>(all: I) -> Self {
        let mut by_name: BTreeMap<String, Distribution> = BTreeMap::new();
        for one in all {
            let key = one.canonical_name();
            let newer = by_name.get(&key).is_none_or(|other| {
                let rank = |one: &Distribution| one.stamp.map(|stamp| stamp.mtime_ns);
                (rank(&one), &one.folder) > (rank(other), &other.folder)
            });
            if newer {
                by_name.insert(key, one);
            }
        }
        Self { by_name }
    }
}

impl From<Vec<Distribution>> for Snapshot {
    fn from(all: Vec<Distribution>) -> Self {
        all.into_iter().collect()
    }
}

impl From<Snapshot> for Vec<Distribution> {
    fn from(snapshot: Snapshot) -> Self {
        snapshot.by_name.into_values().collect()
    }
}
