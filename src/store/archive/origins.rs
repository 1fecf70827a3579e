//! Where the distributions of a generation came from, by their metadata: of the files that are kept of it, else of what
//! is installed still.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::shelf::Shelf;
use crate::files::momentary::{found, readable};
use crate::files::read;
use crate::inventory::{DIRECT_URL, DirectUrl, LONGEST_DIRECT_URL, Snapshot};
use crate::project::Venv;
use crate::store::record::Generation;

/// The places that distributions were asked for by.
#[derive(Debug, Default)]
pub struct Origins(HashMap<(String, String), DirectUrl>);

impl Origins {
    /// Those of `generation` of `venv`, where `now` is installed.
    ///
    /// # Errors
    /// What is of the moment.
    pub fn of(venv: &Venv, now: &Snapshot, generation: Generation) -> io::Result<Self> {
        let mut origins = Self::default();
        let sites = venv.all_site_packages()?;
        for one in now.shown() {
            let Some(folder) = one.folder() else { continue };
            for site in &sites {
                let file = site.join(folder).join(DIRECT_URL);
                let text = readable(read::read(&file, LONGEST_DIRECT_URL))?;
                origins.take(one.canonical_name(), &one.version, text);
            }
        }
        if let Some(shelf) = Shelf::of(&venv.layout())? {
            for item in shelf.newest_list(generation)?.distributions {
                let Some(entry) = &item.entry else { continue };
                let Some(mut files) = found(shelf.files(entry))? else {
                    continue;
                };
                let folder = found(files.folder(Path::new(&item.folder)))?;
                let text = folder.map(|folder| folder.read(DIRECT_URL, LONGEST_DIRECT_URL));
                let text = text.map_or(Ok(None), found)?;
                origins.take(item.name, &item.version, text);
            }
        }
        Ok(origins)
    }

    fn take(&mut self, name: String, version: &str, text: Option<Vec<u8>>) {
        if let Some(direct) = text.and_then(|text| DirectUrl::parse(&text)) {
            self.0.insert((name, version.to_owned()), direct);
        }
    }

    /// The place that this version of the distribution called `name`, in canonical form, came from; none where it came
    /// from an index, or nobody knows.
    pub fn find(&self, name: &str, version: &str) -> Option<&DirectUrl> {
        self.0.get(&(name.to_owned(), version.to_owned()))
    }
}
