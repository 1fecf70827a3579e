//! Which project is meant.

use std::path::{Path, PathBuf};

use super::args::CommonArgs;
use super::output::Console;
use super::shell;
use crate::error::{Error, Exit, Explain as _, Result};
use crate::host::Host;
use crate::project::{Project, ProjectId, ProjectLayout, Registry, Venv};
use crate::words::t;

/// The project of the environment that `--env` names; the project that `--project` names, else that of the working
/// folder, else that of `$VIRTUAL_ENV`.
///
/// A text with a slash, `.` and `..` are folders (of the project, in it, or of its environment); any other is first
/// looked up as an id in the daemon's registry and by `ask`, then taken as a folder. Programs that talk to the daemon
/// let `ask` do so: it alone knows the ids of projects that are folders of its root.
///
/// # Errors
/// `Exit::NotFound` with what to type.
pub fn project(
    host: &Host,
    common: &CommonArgs,
    ask: impl FnOnce(&ProjectId) -> Option<PathBuf>,
) -> Result<Project> {
    if let Some(path) = &common.env {
        let venv = Venv::open(host.absolute(path));
        let exit = match &venv {
            Err(error) if error.is_known() => Exit::NotFound,
            _ => Exit::Failed,
        };
        let venv = venv.exit(exit).hint(t!("console.hint_env"))?;
        return Ok(Project::of_venv(venv));
    }
    let Some(named) = &common.project else {
        return Project::of_host(host).ok_or_else(|| {
            let mut above = host.cwd().into_iter().flat_map(Path::ancestors);
            above.find_map(Project::unseen_at).map_or_else(
                || Error::not_found(t!("console.no_project_here")).hint(t!("console.hint_init")),
                Error::from,
            )
        });
    };
    if !is_path(named)
        && let Ok(id) = ProjectId::new(named)
        && let Some(folder) = registered(host, &id).or_else(|| ask(&id))
    {
        return at(&folder).ok_or_else(|| no_environment(&folder));
    }
    let folder = host.absolute(named);
    if !folder.is_dir() {
        return Err(
            Error::not_found(t!("console.no_such_project", name = named))
                .hint(t!("console.hint_project")),
        );
    }
    if Project::unseen_at(&folder).is_none()
        && let Ok(resolved) = folder.canonicalize()
        && let Some(project) = Project::containing(&resolved)
    {
        return Ok(project);
    }
    Err(no_environment(&folder))
}

/// Says which environment is meant where another one could be: another one is active, the project has a second one, or
/// the folder that `--project` names is only a part of the project.
pub fn say_which(console: &mut Console, host: &Host, common: &CommonArgs, project: &Project) {
    if common.env.is_some() {
        return;
    }
    let meant = || host.shown(project.venv().root());
    if let Some(named) = common.project.as_ref().filter(|named| is_path(named)) {
        let folder = host.absolute(named).canonicalize();
        if folder.is_ok_and(|folder| {
            folder != project.root() && !folder.starts_with(project.venv().root())
        }) {
            let root = host.shown(project.root());
            console.aside(t!(
                "console.part_of",
                folder = named,
                project = root,
                meant = meant()
            ));
            return;
        }
    }
    let active = Venv::active(host);
    if active.as_ref().is_some_and(|active| project.has(active)) {
        return;
    }
    if let Some(active) = active.filter(|_| common.project.is_none()) {
        let active = shell::path(&host.shown(active.root()));
        console.aside(t!(
            "console.not_the_active",
            meant = meant(),
            active = active
        ));
        return;
    }
    let mut usual = ProjectLayout::new(project.root()).venvs().into_iter();
    let other = usual.find(|place| Venv::open(place).is_ok_and(|venv| !project.has(&venv)));
    if let Some(other) = other {
        let typed = shell::path(&host.shown(&other));
        console.aside(t!("console.beside_another", meant = meant(), other = typed));
    }
}

/// Whether a `--project` text can only be a folder, not an id.
pub fn is_path(named: &str) -> bool {
    named.contains('/') || named == "." || named == ".." || named.is_empty()
}

fn at(folder: &Path) -> Option<Project> {
    let folder = folder.canonicalize().ok()?;
    Project::at(&folder)
}

fn no_environment(folder: &Path) -> Error {
    if let Some(unseen) = Project::unseen_at(folder) {
        return unseen.into();
    }
    Error::not_found(t!("console.no_environment", path = folder.display())).hint(t!(
        "console.hint_init_at",
        path = shell::word(&folder.to_string_lossy())
    ))
}

/// The folder of an id that is registered. A registry that cannot be read has no ids.
fn registered(host: &Host, id: &ProjectId) -> Option<PathBuf> {
    Some(Registry::of(host).by_id(id)?.path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> CommonArgs {
        CommonArgs {
            project: Some(text.to_owned()),
            ..CommonArgs::default()
        }
    }

    #[test]
    fn a_project_is_named_by_folder_environment_or_id() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = dir.path().canonicalize().expect("resolved");
        let root = home.join("demo");
        std::fs::create_dir_all(root.join(".venv")).expect("folders");
        std::fs::write(root.join(".venv/pyvenv.cfg"), "").expect("write");
        std::fs::create_dir_all(home.join("aim-toolkit")).expect("folders");
        let mut registry = Registry::default();
        registry.add(&root, |_| false);
        std::fs::write(home.join("aim-toolkit/projects.json"), registry.to_text()).expect("write");
        let elsewhere = home.join("elsewhere");
        std::fs::create_dir(&elsewhere).expect("folder");
        let host = Host::fake(["x"])
            .with_cwd(&elsewhere)
            .with_var("XDG_STATE_HOME", &home)
            .with_var("AIM_SOCKET", home.join("no.sock"));
        let folder = root.to_string_lossy();
        for name in ["demo", "../demo", &folder, &format!("{folder}/.venv")] {
            let nobody = |_: &ProjectId| unreachable!("{name} is known here");
            let found = project(&host, &named(name), nobody).expect(name);
            assert_eq!(found.root(), root, "{name}");
        }
        let asked = |id: &ProjectId| (id.as_str() == "far").then(|| root.clone());
        let found = project(&host, &named("far"), asked).expect("an id of the daemon's");
        assert_eq!(found.root(), root);
        for (name, words) in [
            ("nothing", "no such project"),
            (".", "no Python environment"),
        ] {
            let error = project(&host, &named(name), asked).expect_err(name);
            assert_eq!(error.exit(), Exit::NotFound);
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.hints().is_empty());
        }
        assert!(project(&host, &CommonArgs::default(), asked).is_err());
        let env = CommonArgs {
            env: Some("nowhere".into()),
            ..CommonArgs::default()
        };
        let error = project(&host, &env, asked).expect_err("no environment");
        assert_eq!(error.exit(), Exit::NotFound);
        assert!(!error.hints().is_empty());
    }
}
