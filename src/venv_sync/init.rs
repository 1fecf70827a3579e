//! `aim-venv-sync init [PATH] [--python X]`: a project with an environment, the hook, a record, known to the daemon.
//! Each of project and environment is told of the other.
//!
//! Doing it again changes nothing, and says what was there. Nothing that a person made is ever deleted.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::apply::{self, Applied, Hook};
use super::ground::{self, Ground};
use super::interpreter::{FoundPython, PythonWish};
use super::maker::{Maker, is_empty_folder};
use super::{InitArgs, active, changes, daemon};
use crate::console::shell;
use crate::console::{CommonArgs, Console, style};
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::inventory::Snapshot;
use crate::project::{HookLayout, Project, ProjectLayout, Venv, VenvError};
use crate::store::{self, Environments};
use crate::words::t;

/// Makes what is missing and says what is there and what can be typed next.
pub(super) fn init(
    host: &Host,
    common: &CommonArgs,
    args: &InitArgs,
    console: &mut Console,
) -> Result<Exit> {
    let (project, maker) = match place(host, common, args, console)? {
        InitTarget::Ready(project) => {
            if let Some(wanted) = &args.python {
                agrees(host, project.venv(), wanted)?;
            }
            (project, None)
        }
        InitTarget::Elsewhere(folder, venv) => {
            store::belong(&folder, &venv).hint(t!("venv_sync.hint_doctor"))?;
            let project = Project::at(&folder).filter(|project| project.has(&venv));
            (project.ok_or_else(|| has_another(&folder, &venv))?, None)
        }
        InitTarget::Bare(folder) => {
            let maker = Maker::choose(host, args.python.as_deref())?;
            (make(host, &folder, &maker, console)?, Some(maker))
        }
    };
    let ground = Ground::of(host, project);
    let (applied, id) = set_up(&ground, console)?;
    if console.is_json() {
        let python = ground.project.venv().python_version();
        console.json(&json!({
            "project": ground.project.root(),
            "environment": ground.project.venv().root(),
            "python": python,
            "pip": pip_version(&applied.now),
            "made_by": maker.map(|maker| maker.name()),
            "generation": applied.generation,
            "distributions": applied.now.len(),
            "written": applied.mended.written,
            "id": id,
        }))?;
    } else {
        print(&ground, maker.as_ref(), &applied, id.as_deref(), console)?;
    }
    Ok(Exit::Done)
}

/// Sets up a project that has an environment: each is told of the other, the hook is put in, and what is installed is
/// recorded. Gives the project's id at the daemon, too, if one runs.
pub(super) fn set_up(
    ground: &Ground<'_>,
    console: &mut Console,
) -> Result<(Applied, Option<String>)> {
    let project = &ground.project;
    store::belong(project.root(), project.venv()).hint(t!("venv_sync.hint_doctor"))?;
    let applied = apply::apply(ground, "init", Hook::Install, console)?;
    let id = daemon::register(ground, console);
    let listed = Environments::of(ground.host).map(|listed| listed.add(project.venv().root()));
    if let Some(Err(error)) = listed {
        console.warn(t!("venv_sync.list.not_listed", why = error));
    }
    if let Some(published) = applied.raised_by() {
        daemon::tell(ground, published);
    }
    Ok((applied, id))
}

/// The version of pip in an environment, from its metadata.
pub(super) fn pip_version(now: &Snapshot) -> Option<String> {
    now.find("pip").map(|pip| pip.version.clone())
}

/// What to type when an environment has no pip.
pub(super) fn bring_pip(venv: &Venv) -> String {
    let python = venv.python_path();
    // By itself it brings `pip3` alone, and `pip` would be another Python's.
    format!(
        "{} -m ensurepip --default-pip",
        shell::word(&python.to_string_lossy())
    )
}

/// Where to work.
enum InitTarget {
    /// A project with an environment that can be used.
    Ready(Project),
    /// A folder without one, and the environment elsewhere that shall be its own.
    Elsewhere(PathBuf, Venv),
    /// A folder without one; it need not exist.
    Bare(PathBuf),
}

/// What `PATH` names, else `--project`, else the working folder. An environment's folder means the project around it.
///
/// # Errors
/// When there is something that cannot be used.
fn place(
    host: &Host,
    common: &CommonArgs,
    args: &InitArgs,
    console: &mut Console,
) -> Result<InitTarget> {
    let wanted = common.env.as_ref();
    let wanted = wanted.map(|path| Venv::open(host.absolute(path)));
    let wanted = wanted.transpose().hint(t!("console.hint_env"))?;
    if args.path.is_none()
        && let Some(project) = wanted.as_ref().and_then(owner_of)
    {
        return usable(project).map(InitTarget::Ready);
    }
    if args.path.is_none() && common.project.is_some() {
        return usable(named(host, common)?).map(InitTarget::Ready);
    }
    let folder = folder(host, args)?;
    if !folder.exists() && wanted.is_none() {
        active::pass_over(host, console);
        return Ok(InitTarget::Bare(folder));
    }
    let folder = folder
        .canonicalize()
        .context(t!("venv_sync.cannot_read", path = folder.display()))?;
    if !folder.is_dir() {
        let message = t!("venv_sync.not_a_folder", path = folder.display());
        return Err(Error::usage(message));
    }
    match (Project::at(&folder), wanted) {
        (Some(project), Some(venv)) if !project.has(&venv) => {
            return Err(has_another(&folder, &venv));
        }
        (Some(project), _) => return usable(project).map(InitTarget::Ready),
        (None, Some(venv)) => return Ok(InitTarget::Elsewhere(folder, venv)),
        (None, None) => {}
    }
    if let Some(unseen) = Project::unseen_at(&folder) {
        return Err(unseen.into());
    }
    if args.python.is_some() {
        active::pass_over(host, console);
    } else if let Some(venv) = active::to_use(host, console)? {
        return Ok(InitTarget::Elsewhere(folder, venv));
    }
    let target = ProjectLayout::new(&folder).new_venv();
    if target.symlink_metadata().is_ok() && !is_empty_folder(&target) {
        // Something is in the way: an environment that lost its pyvenv.cfg, a dangling link, a file.
        return Err(Error::from(VenvError::NotAnEnvironment(target.clone()))
            .hint(make_again(&folder, &target)));
    }
    Ok(InitTarget::Bare(folder))
}

/// What `PATH` names, else the working folder.
pub(super) fn folder(host: &Host, args: &InitArgs) -> Result<PathBuf> {
    let path = args.path.as_ref().map(|path| host.absolute(path));
    path.or_else(|| host.cwd().map(Path::to_path_buf))
        .ok_or_else(|| Error::failed(t!("venv_sync.no_cwd")))
}

/// The project that `--project` names. A folder within another project is not taken for that one.
fn named(host: &Host, common: &CommonArgs) -> Result<Project> {
    let project = ground::project(host, common)?;
    let folder = common.project.as_ref().map(|named| host.absolute(named));
    match folder.and_then(|folder| folder.canonicalize().ok()) {
        Some(folder) if Project::at(&folder).is_none() && folder.starts_with(project.root()) => {
            let path = shell::word(&folder.to_string_lossy());
            Err(
                Error::not_found(t!("console.no_environment", path = folder.display()))
                    .hint(t!("console.hint_init_at", path = path)),
            )
        }
        _ => Ok(project),
    }
}

/// The project that `venv`, which `--env` names, has already: then that one is meant.
fn owner_of(venv: &Venv) -> Option<Project> {
    let project = Project::of_venv(venv.clone());
    (!project.is_nobodys()).then_some(project)
}

fn has_another(folder: &Path, wanted: &Venv) -> Error {
    let venv = Project::at(folder).map(|project| project.venv().root().to_path_buf());
    let venv = venv.unwrap_or_default();
    Error::failed(t!(
        "venv_sync.has_another",
        folder = folder.display(),
        path = venv.display()
    ))
    .hint(t!(
        "venv_sync.hint_has_another",
        path = shell::word(&wanted.root().to_string_lossy())
    ))
}

/// `project`, if its environment has an interpreter.
pub(super) fn usable(project: Project) -> Result<Project> {
    match project.venv().python() {
        Ok(_) => Ok(project),
        Err(error) if error.is_known() => {
            Err(error).hint(make_again(project.root(), project.venv().root()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What to type when the environment at `venv` is of no use: only the person may delete it.
pub(super) fn make_again(folder: &Path, venv: &Path) -> String {
    t!(
        "venv_sync.hint_make_again",
        venv = shell::word(&venv.to_string_lossy()),
        folder = shell::word(&folder.to_string_lossy())
    )
    .into_owned()
}

/// That the environment's Python is the one that was asked for.
fn agrees(host: &Host, venv: &Venv, wanted: &str) -> Result<()> {
    let there = venv.python_version().unwrap_or_default();
    let wish = PythonWish::parse(wanted);
    let accepted = match &wish {
        PythonWish::Version(_) => wish.accepts(&there),
        _ => FoundPython::find(host, &wish).is_none_or(|found| found.version == there),
    };
    if accepted {
        return Ok(());
    }
    let folder = venv.root().parent().unwrap_or(venv.root());
    let message = t!(
        "venv_sync.other_python",
        path = venv.root().display(),
        version = there,
        wanted = wanted
    );
    let again = make_again(folder, venv.root());
    Err(Error::failed(message).hint(format!("{again} --python {}", shell::word(wanted))))
}

/// Makes the environment, and the project's folder if it is not there; both are gone again when that fails.
#[expect(
    clippy::disallowed_methods,
    reason = "the folder that the person named"
)]
fn make(host: &Host, folder: &Path, maker: &Maker, console: &mut Console) -> Result<Project> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|ancestor| !ancestor.exists())
        .collect();
    fs_err::create_dir_all(folder)?;
    console.note(t!("venv_sync.making", maker = maker.name()));
    let made = folder
        .canonicalize()
        .map_err(Error::from)
        .and_then(|folder| maker.make(host, &ProjectLayout::new(folder).new_venv()));
    if made.is_err() {
        for folder in missing {
            // Only folders of ours, and only while they are empty.
            let _ = std::fs::remove_dir(folder);
        }
    }
    made.map(Project::of_venv)
}

fn print(
    ground: &Ground<'_>,
    maker: Option<&Maker>,
    applied: &Applied,
    id: Option<&str>,
    console: &mut Console,
) -> Result<()> {
    let venv = ground.project.venv();
    let unknown = || t!("venv_sync.unknown").into_owned();
    let python = venv.python_version().unwrap_or_else(unknown);
    let path = venv.root().display();
    console.line(match (maker, applied.mended.is_empty()) {
        (Some(maker), _) => t!(
            "venv_sync.made",
            path = path,
            python = python,
            maker = maker.name()
        ),
        (None, false) => t!("venv_sync.taken_over", path = path, python = python),
        (None, true) => t!("venv_sync.was_there", path = path, python = python),
    })?;
    console.line(pip_version(&applied.now).map_or_else(
        || t!("venv_sync.pip_is_missing", command = bring_pip(venv)),
        |pip| t!("venv_sync.pip_is_remembered", pip = pip),
    ))?;
    console.line(t!(
        "venv_sync.generation_is",
        generation = applied.generation,
        count = changes::distributions(applied.now.len())
    ))?;
    if let Some(shared) = ground.shared() {
        console.line(t!("venv_sync.shared", with = shared))?;
    }
    if let Some(id) = id {
        console.line(t!("venv_sync.registered", id = id))?;
    }
    if !applied.mended.is_empty() {
        let undo = ground.typed("remove");
        let places = places(ground);
        console.note(t!("venv_sync.wrote", places = places.join(", ")));
        console.note(t!("venv_sync.undo", command = undo));
    }
    let active = ground.host.path_var("VIRTUAL_ENV");
    let activate = shell::word(&activation(ground));
    let mut next = vec![format!("source {activate}"), "pip install …".to_owned()];
    if active.is_some_and(|active| ground.host.absolute(active) == venv.root()) {
        next.remove(0);
    }
    console.note(format!("\n{}", t!("venv_sync.next")));
    for command in next {
        console.note(format!("  {}", style::paint(style::NAME, command)));
    }
    Ok(())
}

/// Where something of the toolkit's is now, as the person would say it.
fn places(ground: &Ground<'_>) -> Vec<String> {
    let (venv, project) = (ground.project.venv(), ground.project.layout());
    let site = venv.site_packages().into_iter();
    let hook = site.flat_map(|site| {
        let hook = HookLayout::new(site);
        [hook.line(), hook.package()]
    });
    let all = hook.chain([
        venv.layout().aim().to_path_buf(),
        project.env_meta(),
        project.logs(),
    ]);
    let there = all.filter(|place| place.exists());
    there.map(|place| ground.host.shown(&place)).collect()
}

/// The path of `activate`, short where the working folder is above it.
fn activation(ground: &Ground<'_>) -> String {
    let path = ground.project.venv().script("activate");
    let short = ground
        .host
        .cwd()
        .and_then(|cwd| path.strip_prefix(cwd.canonicalize().ok()?).ok());
    short.unwrap_or(&path).to_string_lossy().into_owned()
}
