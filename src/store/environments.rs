//! The environments that were set up on this machine by this person, in their own folder of state: `init` enters one,
//! `remove` and `forget` take one out, and who lists them takes out those that are no more.
//!
//! **Invariant:** a list for people. What an environment is, it says itself; nothing rests on being listed here.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::own_list::OwnList;
use crate::host::Host;
use crate::project::{Project, UserLayout, Venv};

/// The list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environments {
    list: OwnList<ListedEnvironment>,
}

/// An environment that was set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedEnvironment {
    /// Its folder, resolved.
    pub environment: PathBuf,
    /// When it was set up.
    pub since: DateTime<Utc>,
    /// What a newer toolkit wrote; kept.
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Environments {
    /// The list of the person whose process `host` is; none for one without a home.
    pub fn of(host: &Host) -> Option<Self> {
        Some(Self {
            list: OwnList::new(UserLayout::of(host)?.environments(), "environments"),
        })
    }

    /// Those that are there, in the order they were set up; those that are no more are taken out. One that nobody can
    /// tell about just now stays.
    ///
    /// # Errors
    /// That the list cannot be read. One that cannot be written is given all the same.
    pub fn all(&self) -> io::Result<Vec<ListedEnvironment>> {
        let mut all = self.list.load()?;
        let before = all.len();
        all.retain(|one| !is_gone(&one.environment));
        if all.len() < before {
            let _ = self
                .list
                .edit(|listed| listed.retain(|one| !is_gone(&one.environment)));
        }
        Ok(all)
    }

    /// The projects of those that are there, as [`Environments::all`].
    ///
    /// # Errors
    /// As [`Environments::all`].
    pub fn projects(&self) -> io::Result<impl Iterator<Item = Project>> {
        let open = |one: ListedEnvironment| Venv::open(one.environment).ok();
        Ok(self
            .all()?
            .into_iter()
            .filter_map(open)
            .map(Project::of_venv))
    }

    /// All of them, also those that are no more, with nothing written.
    ///
    /// # Errors
    /// That the list cannot be read.
    pub fn listed(&self) -> io::Result<Vec<ListedEnvironment>> {
        self.list.load()
    }

    /// Enters the environment at `root`, if it is not there yet.
    ///
    /// # Errors
    /// What the system says; that the path is no UTF-8, or that the list is of a form that is not known.
    pub fn add(&self, root: &Path) -> io::Result<()> {
        let root = root.canonicalize()?;
        if root.to_str().is_none() {
            let why = "the path of an environment in the list must be UTF-8";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        self.list.edit(|all| {
            if all.iter().all(|one| one.environment != root) {
                all.push(ListedEnvironment {
                    environment: root,
                    since: Utc::now(),
                    others: Map::new(),
                });
            }
        })
    }

    /// Takes out the environment at `root`, and says whether it was there.
    ///
    /// # Errors
    /// As [`Environments::add`].
    pub fn forget(&self, root: &Path) -> io::Result<bool> {
        let resolved = root.canonicalize();
        let root = resolved.as_deref().unwrap_or(root);
        self.list.edit(|all| {
            let before = all.len();
            all.retain(|one| one.environment != root);
            all.len() < before
        })
    }
}

fn is_gone(root: &Path) -> bool {
    Venv::open(root).is_err_and(|error| error.is_known())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_more_goes_by_itself() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        let host = Host::fake(["x"]).with_var("XDG_STATE_HOME", &root);
        let listed = Environments::of(&host).expect("a place");
        assert!(listed.all().expect("nothing yet").is_empty());
        for name in ["a", "b", "c"] {
            std::fs::create_dir(root.join(name)).expect("folder");
            std::fs::write(root.join(name).join("pyvenv.cfg"), "").expect("write");
            listed.add(&root.join(name)).expect("entered");
            listed.add(&root.join(name)).expect("known");
        }
        let names = |listed: &Environments| -> Vec<String> {
            let all = listed.all().expect("a list").into_iter();
            let names = all.map(|one| {
                one.environment
                    .strip_prefix(&root)
                    .expect("below")
                    .to_owned()
            });
            names.map(|name| name.display().to_string()).collect()
        };
        assert_eq!(names(&listed), ["a", "b", "c"]);
        std::fs::remove_dir_all(root.join("b")).expect("removed");
        assert_eq!(names(&listed), ["a", "c"]);
        assert!(!listed.forget(&root.join("b")).expect("taken out already"));
        assert!(listed.forget(&root.join("a")).expect("taken out"));
        assert_eq!(names(&listed), ["c"]);
    }
}
