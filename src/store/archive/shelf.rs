//! The folder of the archive: an entry for each distribution, with its files and a manifest, and the lists of what each
//! generation had.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::installed_files::sum_of_file;
use super::list::{Item, List};
use crate::files::momentary::found;
use crate::files::{Folder, Walk};
use crate::project::VenvLayout;
use crate::store::places;
use crate::store::record::Generation;

/// Name of the folder of files in an entry.
pub(super) const FILES: &str = "files";
/// Name of the manifest in an entry.
pub(super) const MANIFEST: &str = "manifest.json";
/// How the names of entries end that are being made.
pub(super) const PART: &str = ".part";
/// Longer than any manifest or list of ours.
const LONGEST: u64 = 256 << 20;

/// The files of one entry.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) schema: u32,
    pub(super) files: Vec<KeptFile>,
}

/// A file that is kept. Its mode and its time are those of the file itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KeptFile {
    /// Where it belongs, from the environment's folder; in the entry it lies at the same path.
    pub(super) path: String,
    /// Its SHA-256, as RECORD has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// Of a link, what it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<String>,
    pub(super) bytes: u64,
}

impl Manifest {
    pub(super) const SCHEMA: u32 = 1;

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// The archive of one environment.
pub(super) struct Shelf(pub(super) Folder);

impl Shelf {
    /// The archive of the environment; none where there is none.
    ///
    /// # Errors
    /// What is of the moment.
    pub(super) fn of(venv: &VenvLayout) -> io::Result<Option<Self>> {
        let folder = places::aim(venv).and_then(|aim| aim.folder(VenvLayout::ARCHIVE));
        Ok(found(folder)?.map(Self))
    }

    /// The same, made where it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn made(venv: &VenvLayout) -> io::Result<Self> {
        let aim = places::made_aim(venv)?;
        Ok(Self(aim.make_folder(VenvLayout::ARCHIVE)?))
    }

    /// The generations that have a list, newest first.
    pub(super) fn generations(&self) -> Vec<Generation> {
        let lists = self.0.folder(VenvLayout::GENERATIONS);
        let names = lists
            .and_then(|lists| lists.names())
            .unwrap_or_default()
            .into_iter();
        let mut all: Vec<Generation> = names
            .filter_map(|name| name.to_str()?.strip_suffix(".json")?.parse().ok())
            .map(Generation)
            .collect();
        all.sort_by_key(|generation| std::cmp::Reverse(generation.0));
        all
    }

    /// What the generation had; none where nobody knows any more.
    ///
    /// # Errors
    /// What is of the moment.
    pub(super) fn list(&self, generation: Generation) -> io::Result<Option<List>> {
        let lists = found(self.0.folder(VenvLayout::GENERATIONS))?;
        lists.map_or(Ok(None), |lists| read(&lists, &list_name(generation)))
    }

    /// The newest list up to `generation`; an empty one where there is none.
    ///
    /// # Errors
    /// What is of the moment.
    pub(super) fn newest_list(&self, generation: Generation) -> io::Result<List> {
        for known in self.generations() {
            if known <= generation
                && let Some(list) = self.list(known)?
            {
                return Ok(list);
            }
        }
        Ok(List::default())
    }

    /// What is known of these names, in canonical form, and versions: of each what the newest generation had
    /// that had it.
    ///
    /// # Errors
    /// What is of the moment.
    pub(super) fn newest_of<'a>(
        &self,
        wanted: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> io::Result<Vec<Item>> {
        let wanted = wanted.map(|(name, version)| Item::unknown(name, version));
        let mut items: Vec<Item> = wanted.collect();
        let is_unknown = |item: &Item| item.folder.is_empty();
        for generation in self.generations() {
            if !items.iter().any(is_unknown) {
                break;
            }
            let list = self.list(generation)?.unwrap_or_default();
            for item in items.iter_mut().filter(|item| is_unknown(item)) {
                let is_it = |one: &&Item| (&one.name, &one.version) == (&item.name, &item.version);
                if let Some(found) = list.distributions.iter().find(is_it) {
                    *item = found.clone();
                }
            }
        }
        Ok(items)
    }

    /// # Errors
    /// What the system says.
    pub(super) fn write_list(&self, list: &List) -> io::Result<()> {
        let lists = self.0.make_folder(VenvLayout::GENERATIONS)?;
        let text = serde_json::to_vec(list)?;
        lists.write_unsynced(list_name(list.generation), &text)
    }

    /// # Errors
    /// What the system says.
    pub(super) fn forget_list(&self, generation: Generation) -> io::Result<bool> {
        let lists = self.0.folder(VenvLayout::GENERATIONS)?;
        lists.remove(list_name(generation))
    }

    /// The manifest of `entry`; none where its files are no longer kept.
    ///
    /// # Errors
    /// What is of the moment.
    pub(super) fn manifest(&self, entry: &str) -> io::Result<Option<Manifest>> {
        let Some(folder) = found(self.0.folder(entry))? else {
            return Ok(None);
        };
        read(&folder, MANIFEST)
    }

    /// The folder at `path` among the files of `entry`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn folder(&self, entry: &str, path: &Path) -> io::Result<Folder> {
        self.0.below(&Path::new(entry).join(FILES).join(path))
    }

    /// The files of `entry`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn files(&self, entry: &str) -> io::Result<Walk> {
        Ok(Walk::from(self.0.folder(entry)?.folder(FILES)?))
    }
}

impl KeptFile {
    /// Whether `walk` has it still as RECORD says.
    pub(super) fn is_whole(&self, walk: &mut Walk) -> bool {
        let (above, name) = split(&self.path);
        let Ok(folder) = walk.folder(above) else {
            return false;
        };
        match (&self.link, &self.sha256) {
            (Some(target), _) => folder
                .read_link(name)
                .is_ok_and(|found| found == Path::new(target)),
            (None, Some(sum)) => {
                let file = folder.open_file(name);
                file.and_then(|(file, _)| sum_of_file(file))
                    .is_ok_and(|found| found == *sum)
            }
            (None, None) => folder.found(name).is_ok_and(|found| found.is_file),
        }
    }
}

/// The folder of the file at `path`, and its name there.
pub(super) fn split(path: &str) -> (&Path, &str) {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    (Path::new(above), name)
}

fn list_name(generation: Generation) -> String {
    format!("{}.json", generation.0)
}

/// What is in `name`; nothing where it cannot be understood.
fn read<T: DeserializeOwned>(folder: &Folder, name: &str) -> io::Result<Option<T>> {
    let text = found(folder.read(name, LONGEST))?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
}
