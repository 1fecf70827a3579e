//! The projects that a report is about: those that the daemon knows and those that were set up, each once.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use crate::host::Host;
use crate::project::{Project, Registry, UserLayout, Venv};
use crate::store::Environments;

/// The projects of a person.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Those that are there, by their folders.
    pub(super) there: Vec<Project>,
    /// Folders of those that are not there any more.
    pub(super) gone: BTreeSet<PathBuf>,
}

impl Places {
    /// All of them. Nothing is written.
    ///
    /// # Errors
    /// That the registry or the list of environments cannot be read.
    pub(super) fn all(host: &Host) -> io::Result<Self> {
        let mut places = Self::default();
        let mut seen = BTreeSet::new();
        let mut take = |place: PathBuf, project: Option<Project>| match project {
            Some(project) => {
                if seen.insert(project.layout().logs()) {
                    places.there.push(project);
                }
            }
            None => {
                places.gone.insert(place);
            }
        };
        if let Some(user) = UserLayout::of(host) {
            for known in Registry::load(&user.registry())?.projects() {
                take(known.path.clone(), Project::at(&known.path));
            }
        }
        if let Some(list) = Environments::of(host) {
            for listed in list.listed()? {
                let venv = Venv::open(&listed.environment);
                take(listed.environment, venv.ok().map(Project::of_venv));
            }
        }
        // The environment of a project that has gone went with it.
        let gone = places.gone.clone();
        let is_below = |place: &PathBuf| {
            let mut above = place.ancestors().skip(1);
            above.any(|above| gone.contains(above))
        };
        places.gone.retain(|place| !is_below(place));
        places.there.sort_by(|a, b| a.root().cmp(b.root()));
        Ok(places)
    }
}
