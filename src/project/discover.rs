//! From a folder to its project.

use std::path::{Path, PathBuf};

use super::layout::ProjectLayout;
use super::venv::Venv;
use crate::host::Host;

/// A folder that owns an environment. (For `PyPA` a project is a name on an index; here it is always the folder.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    root: PathBuf,
    venv: Venv,
}

impl Project {
    /// The project whose environment is `venv`: the folder that holds it.
    pub fn of_venv(venv: Venv) -> Self {
        let root = venv
            .root()
            .parent()
            .map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        Self { root, venv }
    }

    /// The project in `root`, if it has an environment.
    pub fn at(root: &Path) -> Option<Self> {
        let venv = ProjectLayout::new(root)
            .venvs()
            .into_iter()
            .find_map(|place| Venv::open(place).ok())?;
        Some(Self {
            root: root.to_path_buf(),
            venv,
        })
    }

    /// The project that `folder` lies in: the nearest one upwards. A folder inside an environment belongs to
    /// the environment's project.
    pub fn containing(folder: &Path) -> Option<Self> {
        folder.ancestors().find_map(|ancestor| {
            Self::at(ancestor).or_else(|| Venv::open(ancestor).ok().map(Self::of_venv))
        })
    }

    /// The project of the working folder, else of `$VIRTUAL_ENV` (design, section 11).
    pub fn of_host(host: &Host) -> Option<Self> {
        host.cwd().and_then(Self::containing).or_else(|| {
            let venv = host.absolute(host.path_var("VIRTUAL_ENV")?);
            Some(Self::of_venv(Venv::open(venv).ok()?))
        })
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its environment.
    pub fn venv(&self) -> &Venv {
        &self.venv
    }

    /// Where the toolkit keeps things in this project.
    pub fn layout(&self) -> ProjectLayout {
        ProjectLayout::new(&self.root)
    }
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
