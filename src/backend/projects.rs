//! The projects that the daemon knows: those in the registry file, and the sub-folders of its projects root.
//!
//! The file is read anew whenever it has changed and edited under a lock, so that two daemons of one person (on two
//! sockets) keep one registry.
//!
//! **Invariant:** a known project's folder is resolved (no links), so one project has one id.
//! **Invariant:** a registry that cannot be understood is set aside before anything is written, never overwritten.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backend::locked::Locked;
use crate::files::momentary::there;
use crate::files::{Stamp, atomic};
use crate::project::{Project, ProjectId, ProjectLayout, Registry};

/// A project that has an id here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// Its id.
    pub(super) id: ProjectId,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Whether it stands in the registry.
    pub(super) registered: bool,
}

impl Known {
    /// The project, if it has an environment now.
    pub(super) fn project(&self) -> Option<Project> {
        Project::at(&self.folder)
    }

    /// Where the toolkit keeps things in it.
    pub(super) fn layout(&self) -> ProjectLayout {
        self.project().map_or_else(
            || ProjectLayout::new(&self.folder),
            |project| project.layout(),
        )
    }

    /// The project's own folder.
    pub(super) fn root(&self) -> PathBuf {
        self.project().map_or_else(
            || self.folder.clone(),
            |project| project.root().to_path_buf(),
        )
    }
}

/// Every known project.
#[derive(Debug)]
pub(super) struct Projects {
    file: PathBuf,
    root: Option<PathBuf>,
    read: Locked<Read>,
}

/// The registry as it was last read.
#[derive(Debug, Default)]
struct Read {
    stamp: Option<Stamp>,
    registry: Arc<Registry>,
}

impl Projects {
    /// The projects of the registry in `file` and below `root`, which is resolved.
    pub(super) fn new(file: PathBuf, root: Option<PathBuf>) -> Self {
        Self {
            file,
            root,
            read: Locked::default(),
        }
    }

    /// The folder whose sub-folders are projects.
    pub(super) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// All of them, by id.
    ///
    /// # Errors
    /// When the registry or the root cannot be read: then nobody knows which there are.
    pub(super) fn all(&self) -> io::Result<Vec<Known>> {
        let registry = self.registry()?;
        let mut all: Vec<Known> = registry.projects().iter().map(known).collect();
        let taken = |folder: &Path| registry.by_path(folder).is_some();
        let below = self
            .below_root()?
            .into_iter()
            .filter(|found| registry.by_id(&found.id).is_none() && !taken(&found.folder));
        all.extend(below);
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// The project of this id.
    ///
    /// # Errors
    /// As [`Projects::all`].
    pub(super) fn by_id(&self, id: &ProjectId) -> io::Result<Option<Known>> {
        Ok(match self.registry()?.by_id(id) {
            Some(registered) => Some(known(registered)),
            None => self.child_of_root(id),
        })
    }

    /// The project in `folder`, which is resolved.
    ///
    /// # Errors
    /// As [`Projects::all`].
    pub(super) fn by_folder(&self, folder: &Path) -> io::Result<Option<Known>> {
        let registry = self.registry()?;
        if let Some(registered) = registry.by_path(folder) {
            return Ok(Some(known(registered)));
        }
        let mut below = self.below_root()?.into_iter();
        Ok(below.find(|found| found.folder == folder && registry.by_id(&found.id).is_none()))
    }

    /// The nearest project that `folder`, which is resolved, lies in.
    ///
    /// # Errors
    /// As [`Projects::all`].
    pub(super) fn containing(&self, folder: &Path) -> io::Result<Option<Known>> {
        if let Some(project) = Project::containing(folder) {
            return self.by_folder(project.root());
        }
        let mut above = folder.ancestors().map(|above| self.by_folder(above));
        above.find_map(Result::transpose).transpose()
    }

    /// Registers `project`, whose folder is resolved; one that is known keeps its id.
    pub(super) fn register(&self, project: &Project) -> io::Result<Known> {
        let folder = project.root();
        if let Some(known) = self.by_folder(folder)? {
            return Ok(known);
        }
        if folder.to_str().is_none() {
            let why = "a project's path must be UTF-8";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let id =
            self.edit(|registry| registry.add(folder, |id| self.child_of_root(id).is_some()))?;
        Ok(Known {
            id,
            folder: folder.to_path_buf(),
            registered: true,
        })
    }

    /// Takes `id` out of the registry; says whether it was there.
    pub(super) fn forget(&self, id: &ProjectId) -> io::Result<bool> {
        self.edit(|registry| registry.remove(id))
    }

    fn child_of_root(&self, id: &ProjectId) -> Option<Known> {
        let folder = self
            .root
            .as_deref()?
            .join(id.as_str())
            .canonicalize()
            .ok()?;
        let is_project =
            Project::at(&folder).is_some() || ProjectLayout::new(&folder).structure().is_file();
        is_project.then(|| Known {
            id: id.clone(),
            folder,
            registered: false,
        })
    }

    fn below_root(&self) -> io::Result<Vec<Known>> {
        let mut below = Vec::new();
        let Some(root) = &self.root else {
            return Ok(below);
        };
        for entry in there(std::fs::read_dir(root))?.into_iter().flatten() {
            let name = entry?.file_name().into_string().ok();
            let id = name.and_then(|name| ProjectId::new(name).ok());
            let found = id.and_then(|id| self.child_of_root(&id));
            below.extend(found.filter(|found| found.folder.to_str().is_some()));
        }
        Ok(below)
    }

    fn registry(&self) -> io::Result<Arc<Registry>> {
        let mut read = self.read.lock();
        let stamp = Stamp::of(&self.file);
        if stamp != read.stamp {
            read.registry = Arc::new(match Registry::load(&self.file) {
                Ok(registry) => registry,
                Err(error) if error.kind() != io::ErrorKind::InvalidData => return Err(error),
                Err(error) => {
                    let file = self.file.display();
                    tracing::warn!(%file, %error, "the registry of projects cannot be read");
                    Registry::default()
                }
            });
            read.stamp = stamp;
        }
        Ok(Arc::clone(&read.registry))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the person's state folder, which no project can bring"
    )]
    fn edit<T>(&self, change: impl FnOnce(&mut Registry) -> T) -> io::Result<T> {
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lock = File::create(self.file.with_extension("lock"))?;
        lock.lock()?;
        let mut registry = match Registry::load(&self.file) {
            Ok(registry) => registry,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let aside = self.file.with_extension("json.broken");
                std::fs::rename(&self.file, &aside)?;
                tracing::warn!(%error, kept = %aside.display(), "the registry of projects is set aside");
                Registry::default()
            }
            Err(error) => return Err(error),
        };
        let before = registry.clone();
        let result = change(&mut registry);
        if registry != before {
            atomic::write(&self.file, registry.to_text().as_bytes())?;
        }
        Ok(result)
    }
}

fn known(registered: &crate::project::Registration) -> Known {
    Known {
        id: registered.id.clone(),
        folder: registered.path.clone(),
        registered: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        dir: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temporary folder");
            std::fs::create_dir(dir.path().join("root")).expect("folder");
            Self { dir }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().canonicalize().expect("resolved").join(name)
        }

        fn project(&self, name: &str) -> Project {
            let venv = self.path(name).join(".venv");
            std::fs::create_dir_all(&venv).expect("folders");
            std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
            Project::at(&self.path(name)).expect("a project")
        }

        fn projects(&self) -> Projects {
            Projects::new(self.path("state/projects.json"), Some(self.path("root")))
        }
    }

    fn ids(projects: &Projects) -> Vec<String> {
        projects
            .all()
            .expect("read")
            .into_iter()
            .map(|known| known.id.to_string())
            .collect()
    }

    #[test]
    fn sub_folders_and_registrations_make_one_list() {
        let world = World::new();
        let projects = world.projects();
        world.project("root/one");
        std::fs::create_dir(world.path("root/not-a-project")).expect("folder");
        std::fs::create_dir(world.path("root/drawn")).expect("folder");
        std::fs::write(world.path("root/drawn/structure.json"), "{}").expect("write");
        let elsewhere = world.project("elsewhere/one");
        let known = projects.register(&elsewhere).expect("registered");
        assert_eq!(known.id.as_str(), "one-2", "`one` is below the root");
        assert_eq!(ids(&projects), ["drawn", "one", "one-2"]);
        assert_eq!(
            projects.by_folder(elsewhere.root()).expect("read"),
            Some(known.clone())
        );
        assert_eq!(projects.register(&elsewhere).expect("again"), known);
        assert_eq!(
            ids(&world.projects()),
            ["drawn", "one", "one-2"],
            "kept on disk"
        );
        assert!(projects.forget(&known.id).expect("forgotten"));
        assert!(!projects.forget(&known.id).expect("not there"));
        assert_eq!(ids(&projects), ["drawn", "one"]);
    }

    #[test]
    fn a_link_below_the_root_is_the_project_it_leads_to() {
        let world = World::new();
        let elsewhere = world.project("elsewhere/p");
        std::os::unix::fs::symlink(elsewhere.root(), world.path("root/linked")).expect("link");
        let known = world.projects().register(&elsewhere).expect("known");
        assert_eq!((known.id.as_str(), known.registered), ("linked", false));
    }

    #[test]
    fn the_nearest_project_is_the_one_meant() {
        let world = World::new();
        let projects = world.projects();
        let outer = world.project("root/outer");
        let inner = world.project("root/outer/nested/inner");
        let found = |path: &str| {
            projects
                .containing(&world.path(path))
                .expect("read")
                .map(|known| known.root())
        };
        assert_eq!(found("root/outer/.venv"), Some(outer.root().to_path_buf()));
        assert_eq!(found("root/outer/nested"), Some(outer.root().to_path_buf()));
        assert_eq!(
            found("root/outer/nested/inner"),
            None,
            "another project, not known"
        );
        projects.register(&inner).expect("registered");
        assert_eq!(
            found("root/outer/nested/inner"),
            Some(inner.root().to_path_buf())
        );
        assert_eq!(found("state"), None);
    }

    #[test]
    fn a_broken_registry_is_set_aside() {
        let world = World::new();
        let projects = world.projects();
        let file = world.path("state/projects.json");
        std::fs::create_dir(world.path("state")).expect("folder");
        std::fs::write(&file, "{\"schema\":").expect("write");
        assert_eq!(ids(&projects), [""; 0]);
        projects.register(&world.project("p")).expect("registered");
        assert_eq!(ids(&projects), ["p"]);
        let aside = world.path("state/projects.json.broken");
        assert_eq!(
            std::fs::read_to_string(aside).expect("kept"),
            "{\"schema\":"
        );
    }

    #[test]
    fn two_daemons_keep_one_registry() {
        let world = World::new();
        let (one, other) = (world.projects(), world.projects());
        one.register(&world.project("a")).expect("registered");
        other.register(&world.project("b")).expect("registered");
        one.register(&world.project("c")).expect("registered");
        assert_eq!(ids(&one), ["a", "b", "c"]);
        assert_eq!(ids(&other), ["a", "b", "c"]);
    }

    #[test]
    fn a_registry_that_cannot_be_read_is_no_empty_one() {
        let world = World::new();
        let projects = world.projects();
        let known = projects.register(&world.project("p")).expect("registered");
        let file = world.path("state/projects.json");
        let aside = world.path("state/aside");
        std::fs::rename(&file, &aside).expect("moved");
        std::fs::create_dir(&file).expect("folder");
        assert!(projects.all().is_err());
        assert!(projects.by_id(&known.id).is_err());
        assert!(projects.by_folder(&known.folder).is_err());
        assert!(projects.containing(&known.folder).is_err());
        std::fs::remove_dir(&file).expect("removed");
        std::fs::rename(&aside, &file).expect("moved");
        assert_eq!(projects.by_id(&known.id).expect("read"), Some(known));
    }

    #[test]
    fn a_root_that_is_not_there_has_no_projects() {
        let world = World::new();
        std::fs::remove_dir(world.path("root")).expect("removed");
        assert!(world.projects().all().expect("read").is_empty());
    }
}
