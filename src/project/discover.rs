//! From a folder to its project.

use std::path::{Path, PathBuf};

use super::layout::ProjectLayout;
use super::venv::{Venv, VenvError};
use super::whose;
use crate::host::Host;

/// A folder with an environment of its own. (For `PyPA` a project is a name on an index; here it is always the folder.)
/// An environment that is nobody's is its own project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    root: PathBuf,
    venv: Venv,
    keeper: PathBuf,
}

impl Project {
    /// The project of `venv`: the first whose environment of record it is, else the environment itself.
    pub fn of_venv(venv: Venv) -> Self {
        let root = whose::keeper_of(&venv).unwrap_or_else(|| resolved(venv.root()));
        Self {
            keeper: root.clone(),
            root,
            venv,
        }
    }

    /// The project in `folder`, if it has an environment; that of the environment, if it is one.
    pub fn at(folder: &Path) -> Option<Self> {
        let venv = whose::environment_of(folder)?;
        if venv.root() == folder {
            return Some(Self::of_venv(venv));
        }
        let keeper = whose::keeper_of(&venv).unwrap_or_else(|| folder.to_path_buf());
        Some(Self {
            root: folder.to_path_buf(),
            venv,
            keeper,
        })
    }

    /// The project that `folder` lies in: the nearest one upwards. A folder inside an environment belongs to
    /// the environment's project.
    pub fn containing(folder: &Path) -> Option<Self> {
        folder.ancestors().find_map(Self::at)
    }

    /// Why it cannot be told whether `folder` has an environment in one of the usual places, where it is so.
    pub fn unseen_at(folder: &Path) -> Option<VenvError> {
        let places = ProjectLayout::new(folder).venvs().into_iter();
        let mut errors = places.filter_map(|place| Venv::open(place).err());
        errors.find(|error| !error.is_known())
    }

    /// The project of the working folder, else of `$VIRTUAL_ENV` (design, section 11).
    pub fn of_host(host: &Host) -> Option<Self> {
        host.cwd()
            .and_then(Self::containing)
            .or_else(|| Some(Self::of_venv(Venv::virtual_env(host)?)))
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its environment.
    pub fn venv(&self) -> &Venv {
        &self.venv
    }

    /// The environments that can be found in the project's folder, its own first; each is the project of who keeps
    /// its record.
    pub fn with_others(&self) -> Vec<Self> {
        let mut all = vec![self.clone()];
        let layout = ProjectLayout::new(&self.root);
        for folder in layout.folders_of_venvs() {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut places: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            places.sort();
            for venv in places
                .into_iter()
                .filter_map(|place| Venv::open(place).ok())
            {
                let project = Self::of_venv(venv);
                if !all.iter().any(|known| known.keeper == project.keeper) {
                    all.push(project);
                }
            }
        }
        all
    }

    /// Whether it is an environment alone, which has no project. One that was made over a project's folder is its own
    /// project as well; both keep their record in one place.
    pub fn is_nobodys(&self) -> bool {
        resolved(self.venv.root()) == self.root
    }

    /// Whether its environment is `venv`, by whatever name.
    pub fn has(&self, venv: &Venv) -> bool {
        whose::is_same(&self.venv, venv)
    }

    /// Where the toolkit keeps things in this project.
    pub fn layout(&self) -> ProjectLayout {
        ProjectLayout::new(&self.root).kept_in(&self.keeper)
    }

    /// The folder that keeps the record: this project's, or that of another one which shares its environment.
    pub fn keeper(&self) -> &Path {
        &self.keeper
    }

    /// The folders of all projects whose environment this one's is.
    pub fn sharing(&self) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = whose::sharing(&self.venv).collect();
        if !all.contains(&self.root) {
            all.push(self.root.clone());
        }
        all
    }
}

/// The folder `root` of a project without links, as far as the system tells: by this the person's own lists name it.
pub fn resolved(root: &Path) -> PathBuf {
    root.canonicalize().unwrap_or_else(|_| root.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved").join("p");
        std::fs::create_dir_all(root.join(name).join("lib")).expect("folders");
        std::fs::create_dir_all(root.join("sub/deep")).expect("folders");
        std::fs::write(root.join(name).join("pyvenv.cfg"), "").expect("write");
        (dir, root)
    }

    #[test]
    fn found_from_a_folder_below_and_from_inside_the_environment() {
        for name in [".venv", "venv"] {
            let (_dir, root) = project(name);
            for place in ["", "sub/deep", name, &format!("{name}/lib")] {
                let found = Project::containing(&root.join(place)).expect(place);
                assert_eq!(found.root(), root, "{place}");
                assert_eq!(found.venv().root(), root.join(name));
            }
        }
    }

    #[test]
    fn the_working_folder_wins_over_the_active_environment() {
        let (_a, here) = project(".venv");
        let (_b, active) = project("venv");
        let host = Host::fake(["x"]).with_var("VIRTUAL_ENV", active.join("venv"));
        assert_eq!(Project::of_host(&host).expect("active").root(), active);
        let host = host.with_cwd(&here);
        assert_eq!(Project::of_host(&host).expect("here").root(), here);
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let dir = tempfile::tempdir().expect("temporary folder");
        assert_eq!(
            Project::of_host(&Host::fake(["x"]).with_cwd(dir.path())),
            None
        );
    }
}
