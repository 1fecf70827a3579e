//! What of a project the person allowed, in their own folder of state: that its `.pip-logs` leads elsewhere, and that
//! what it orders is run. `aim-venv-sync allow` writes it, and every program of ours reads it, but only where there is
//! something to ask about.
//!
//! **Invariant:** read anew each time, so that what was taken back counts at once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::own_list::OwnList;
use crate::files::Folder;
use crate::host::Host;
use crate::project::{Orders, UserLayout};

/// Where the lists of what is allowed are: one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    list: OwnList<AllowedLink>,
    orders: OwnList<AllowedOrders>,
}

/// What was allowed to be run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AllowedOrders {
    /// The project's folder, resolved.
    project: PathBuf,
    /// By what it is known ([`Orders::digest`]).
    digest: String,
    /// What a newer toolkit wrote; kept.
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// How what a project orders stands to what its person allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrdersStanding {
    /// It orders nothing.
    Nothing,
    /// It may be run.
    Allowed,
    /// Something else was allowed before.
    Changed,
    /// Nobody allowed anything.
    NotAllowed,
    /// The project is another person's.
    NotYours,
}

impl OrdersStanding {
    /// That of what the project in `root` orders, for the person whose process `host` is.
    pub fn of(host: &Host, root: &Path, orders: &Orders) -> Self {
        match Allowed::of(host) {
            Some(allowed) => allowed.standing(root, orders),
            None if orders.is_empty() => Self::Nothing,
            None => Self::NotAllowed,
        }
    }

    /// Whether `aim-venv-sync allow` is waited for.
    pub fn is_to_be_allowed(self) -> bool {
        matches!(self, Self::Changed | Self::NotAllowed)
    }
}

/// A link that was allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedLink {
    /// The project's folder, resolved.
    pub project: PathBuf,
    /// The folder that its `.pip-logs` may lead to, resolved.
    pub target: PathBuf,
    /// What a newer toolkit wrote; kept.
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// The list of who runs this process.
static CHOSEN: OnceLock<Allowed> = OnceLock::new();

impl Allowed {
    /// The list of the person whose process `host` is; none for one without a home.
    pub fn of(host: &Host) -> Option<Self> {
        Some(Self::at(UserLayout::of(host)?.allowed_links()))
    }

    fn at(file: PathBuf) -> Self {
        Self {
            list: OwnList::new(file.clone(), "links"),
            orders: OwnList::new(file, "orders"),
        }
    }

    /// Takes the list of `host` for this whole process: said once, at its start. Without it no link is followed.
    pub fn choose(host: &Host) {
        if let Some(allowed) = Self::of(host) {
            let _ = CHOSEN.set(allowed);
        }
    }

    /// The list of this process.
    pub(super) fn chosen() -> Option<&'static Self> {
        CHOSEN.get()
    }

    /// Whether the link of `project` to `target` was allowed. A list that cannot be read allows nothing.
    pub fn holds(&self, project: &Path, target: &Path) -> bool {
        self.list.load().is_ok_and(|links| {
            let mut links = links.iter();
            links.any(|link| link.project == project && link.target == target)
        })
    }

    /// Allows the link of `project` to `target`, both resolved, in the place of another one of this project; says
    /// whether that is new.
    ///
    /// # Errors
    /// What the system says; that a path is no UTF-8, or that the list is of a form that is not known.
    pub fn add(&self, project: &Path, target: &Path) -> io::Result<bool> {
        if project.to_str().is_none() || target.to_str().is_none() {
            let why = "the paths of an allowed link must be UTF-8";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        self.list.edit(|links| {
            if links
                .iter()
                .any(|link| link.project == project && link.target == target)
            {
                return false;
            }
            links.retain(|link| link.project != project);
            links.push(AllowedLink {
                project: project.to_path_buf(),
                target: target.to_path_buf(),
                others: Map::new(),
            });
            true
        })
    }

    /// Takes back what was allowed for `project`; says what that was.
    ///
    /// # Errors
    /// As [`Allowed::add`].
    pub fn remove(&self, project: &Path) -> io::Result<Option<AllowedLink>> {
        self.list.edit(|links| {
            let at = links.iter().position(|link| link.project == project)?;
            Some(links.remove(at))
        })
    }
}

impl Allowed {
    /// How `orders` of the project in `root` stand. A list that cannot be read allows nothing.
    pub fn standing(&self, root: &Path, orders: &Orders) -> OrdersStanding {
        if orders.is_empty() {
            return OrdersStanding::Nothing;
        }
        let me = rustix::process::geteuid().as_raw();
        let is_own = Folder::open(root).and_then(|folder| folder.owner());
        if is_own.ok() != Some(me) {
            return OrdersStanding::NotYours;
        }
        let Ok(project) = root.canonicalize() else {
            return OrdersStanding::NotAllowed;
        };
        let allowed = self.orders.load().unwrap_or_default();
        match allowed.iter().find(|allowed| allowed.project == project) {
            Some(allowed) if allowed.digest == orders.digest() => OrdersStanding::Allowed,
            Some(_) => OrdersStanding::Changed,
            None => OrdersStanding::NotAllowed,
        }
    }

    /// Allows `orders` of `project`, which is resolved, in the place of others; says whether that is new.
    ///
    /// # Errors
    /// As [`Allowed::add`].
    pub fn add_orders(&self, project: &Path, orders: &Orders) -> io::Result<bool> {
        if project.to_str().is_none() {
            let why = "the path of an allowed project must be UTF-8";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let new = AllowedOrders {
            project: project.to_path_buf(),
            digest: orders.digest(),
            others: Map::new(),
        };
        self.orders.edit(|all| {
            let is_it = |one: &AllowedOrders| one.project == new.project;
            if all.iter().any(|one| is_it(one) && one.digest == new.digest) {
                return false;
            }
            all.retain(|one| !is_it(one));
            all.push(new);
            true
        })
    }

    /// Takes back what of `project` was allowed to be run; says whether anything was.
    ///
    /// # Errors
    /// As [`Allowed::add`].
    pub fn remove_orders(&self, project: &Path) -> io::Result<bool> {
        self.orders.edit(|all| {
            let before = all.len();
            all.retain(|one| one.project != project);
            all.len() < before
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::SupervisedOrder;

    #[test]
    fn what_is_run_is_allowed_until_it_is_another_or_that_is_taken_back() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        let allowed = Allowed::at(root.join("allowed"));
        let orders = |word: &str| Orders {
            supervised: vec![SupervisedOrder::new("web", vec![word.to_owned()])],
        };
        let check =
            |orders: &Orders, expected| assert_eq!(allowed.standing(&root, orders), expected);
        check(&Orders::default(), OrdersStanding::Nothing);
        check(&orders("a"), OrdersStanding::NotAllowed);
        // Links and orders are kept in one file, and one does not cost the other.
        assert!(allowed.add(&root, Path::new("/disk")).expect("allowed"));
        assert!(allowed.add_orders(&root, &orders("a")).expect("allowed"));
        assert!(!allowed.add_orders(&root, &orders("a")).expect("known"));
        check(&orders("a"), OrdersStanding::Allowed);
        check(&orders("b"), OrdersStanding::Changed);
        assert!(allowed.holds(&root, Path::new("/disk")));
        assert!(allowed.remove_orders(&root).expect("taken back"));
        assert!(!allowed.remove_orders(&root).expect("nothing"));
        check(&orders("a"), OrdersStanding::NotAllowed);
        assert!(allowed.holds(&root, Path::new("/disk")));
        std::fs::write(root.join("allowed"), "{").expect("write");
        check(&orders("a"), OrdersStanding::NotAllowed);
    }

    #[test]
    fn one_link_a_project_is_allowed_until_it_is_taken_back() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"]).with_var("XDG_STATE_HOME", dir.path());
        let allowed = Allowed::of(&host).expect("a place");
        let (project, disk, other) = (Path::new("/p"), Path::new("/disk"), Path::new("/other"));
        assert!(!allowed.holds(project, disk));
        assert!(allowed.add(project, disk).expect("allowed"));
        assert!(!allowed.add(project, disk).expect("known"));
        assert!(allowed.holds(project, disk));
        assert!(!allowed.holds(project, other) && !allowed.holds(disk, disk));
        assert!(allowed.add(project, other).expect("another one"));
        assert!(!allowed.holds(project, disk) && allowed.holds(project, other));
        let gone = allowed
            .remove(project)
            .expect("removed")
            .expect("was there");
        assert_eq!(gone.target, other);
        assert_eq!(allowed.remove(project).expect("nothing"), None);
        assert!(!allowed.holds(project, other));
    }

    #[test]
    fn a_list_that_is_not_understood_allows_nothing_and_is_not_written() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let file = dir.path().join("allowed");
        let allowed = Allowed::at(file.clone());
        let newer = r#"{"schema":2,"links":[{"project":"/p","target":"/d"}]}"#;
        for text in [newer, "{", ""] {
            std::fs::write(&file, text).expect("write");
            assert!(!allowed.holds(Path::new("/p"), Path::new("/d")));
            assert!(allowed.add(Path::new("/p"), Path::new("/d")).is_err());
            assert_eq!(std::fs::read_to_string(&file).expect("read"), text);
        }
    }

    #[test]
    fn what_a_newer_toolkit_wrote_is_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let file = dir.path().join("allowed");
        let allowed = Allowed::at(file.clone());
        let text = r#"{"schema":1,"note":"x","links":[{"project":"/p","target":"/d","by":"y"}]}"#;
        std::fs::write(&file, text).expect("write");
        allowed
            .add(Path::new("/q"), Path::new("/e"))
            .expect("added");
        let text = std::fs::read_to_string(&file).expect("read");
        assert!(
            text.contains("\"note\"") && text.contains("\"by\""),
            "{text}"
        );
    }
}
