//! Every path on disk that is ours, and those of an environment that we know by name. Nobody spells them elsewhere
//! (`tests/suite/paths.rs`); what is found by listing a folder, and what is another program's, is joined where it is
//! read.
//!
//! The formats are a contract (design, section 4), most of the project's names are AIM-Forge's (compat, section 1).

use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::host::Host;
use crate::system::ServiceManager;

/// Names in a project's folder, and in the folder that keeps its record: another one's, where two projects share an
/// environment (see `whose`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectLayout {
    root: PathBuf,
    keeper: PathBuf,
}

impl ProjectLayout {
    /// Name of the file that says what the environment is like, and its generation.
    pub const ENV_META: &'static str = "env_meta.json";
    /// Name of the project's own settings.
    pub const SETTINGS: &'static str = ".aim.toml";
    /// Name of the file of run records, in the folder of logs.
    pub const RUNS: &'static str = "runs.jsonl";
    /// Name of the lock for writers of the history, in the folder of logs.
    pub const LOCK: &'static str = ".lock";

    /// Name of the file, in the folder of logs, that says where the environment of record lies; there where it has
    /// none of the usual places.
    pub const ENVIRONMENT: &'static str = "environment";

    /// The layout of the project in `root`, which keeps its own record.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            keeper: root.clone(),
            root,
        }
    }

    /// The same where the folder `keeper` keeps the record.
    #[must_use]
    pub fn kept_in(self, keeper: impl Into<PathBuf>) -> Self {
        Self {
            keeper: keeper.into(),
            ..self
        }
    }

    /// The project's folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that the record lies in.
    pub fn keeper(&self) -> &Path {
        &self.keeper
    }

    /// State of the environment and its generation.
    pub fn env_meta(&self) -> PathBuf {
        self.keeper.join(Self::ENV_META)
    }

    /// AIM-Forge's graph of nodes; its presence makes a folder a project, too.
    pub fn structure(&self) -> PathBuf {
        self.root.join("structure.json")
    }

    /// Folder of run logs.
    pub fn logs(&self) -> PathBuf {
        self.keeper.join(LOGS)
    }

    /// Run records, one a line.
    pub fn runs(&self) -> PathBuf {
        self.logs().join(Self::RUNS)
    }

    /// Lock for writers of run records and `env_meta.json`.
    pub fn lock(&self) -> PathBuf {
        self.logs().join(Self::LOCK)
    }

    /// Name that a broken `env_meta.json` gets, by number.
    pub fn broken_env_meta(number: u32) -> String {
        format!("{}.broken-{number}", Self::ENV_META)
    }

    /// The project's own settings.
    pub fn settings(&self) -> PathBuf {
        self.root.join(Self::SETTINGS)
    }

    /// Names of the folders that its environment is looked for in, best first (compat, section 1: `venv` is the older
    /// line's; the others are in common use).
    pub const VENVS: [&'static str; 4] = [".venv", "venv", "env", ".env"];
    /// Name of the folder of direnv, and how the folders of its environments begin.
    pub const DIRENV: (&'static str, &'static str) = (".direnv", "python-");

    /// Where its environment is looked for, best first.
    pub fn venvs(&self) -> [PathBuf; 4] {
        Self::VENVS.map(|name| self.root.join(name))
    }

    /// The folders that environments are made in: the project's own, and those of direnv, tox and nox.
    pub fn folders_of_venvs(&self) -> [PathBuf; 4] {
        ["", Self::DIRENV.0, ".tox", ".nox"].map(|name| self.root.join(name))
    }

    /// Where direnv keeps environments.
    pub fn direnv(&self) -> PathBuf {
        self.root.join(Self::DIRENV.0)
    }

    /// Where the environment of record lies, if not in one of the usual places.
    pub fn environment(&self) -> PathBuf {
        self.root.join(LOGS).join(Self::ENVIRONMENT)
    }

    /// Where its environment is made.
    pub fn new_venv(&self) -> PathBuf {
        let [best, ..] = self.venvs();
        best
    }
}

/// Name of the folder of run logs, and the first part of each `log_path` in records.
pub const LOGS: &str = ".pip-logs";

/// Names in an environment: Python's own, and those in the `.aim` folder, which is private to the toolkit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenvLayout {
    root: PathBuf,
    aim: PathBuf,
}

impl VenvLayout {
    /// Name of the folder that is private to the toolkit.
    pub const AIM: &'static str = ".aim";
    /// Name of the file that makers of environments write (PEP 405).
    pub const PYVENV_CFG: &'static str = "pyvenv.cfg";
    /// Name of the folder of interpreters and programs.
    pub const BIN: &'static str = "bin";
    /// Names of the folders of libraries; the second is a link to the first, or absent, where the system has but one.
    pub const LIBS: [&'static str; 2] = ["lib", "lib64"];
    /// Name of the folder of distributions, in the folder of a Python below one of libraries.
    pub const SITE_PACKAGES: &'static str = "site-packages";
    /// Name of that folder for what Debian's own Python has from `apt`.
    pub const DIST_PACKAGES: &'static str = "dist-packages";
    /// Name of the folder in which earlier versions kept pip's scripts.
    pub const LAUNCHERS: &'static str = "launchers";
    /// Name of the note that says whose environment it is.
    pub const PROJECT: &'static str = "project";
    /// Name of the file in which pipenv and virtualenvwrapper note an environment's project.
    pub const DOT_PROJECT: &'static str = ".project";
    /// The run lock.
    pub const LOCK: &'static str = "lock";
    /// How the names of the files begin by which those are seen who wait for the run lock.
    pub const WAITING: &'static str = "waiting-";
    /// The note of the daemon that serves the project.
    pub const DAEMON: &'static str = "daemon";
    /// Folder of the notes of those who bring a language server along.
    pub const LSP: &'static str = "lsp";
    /// Folder of the notes of commands that are restarted when the environment changes.
    pub const SUPERVISED: &'static str = "supervised";
    /// Version of the layout; there where the hook was put in.
    pub const VERSION: &'static str = "version";
    /// There once the person was guided in a shell.
    pub const GUIDED: &'static str = "guided";
    /// The last recorded snapshot.
    pub const SNAPSHOT: &'static str = "snapshot.json";
    /// Folder of the runs that have begun and not ended.
    pub const UNFINISHED: &'static str = "unfinished";
    /// Folder of the files of distributions, kept for undo.
    pub const ARCHIVE: &'static str = "archive";
    /// Folder, in the archive, of what each generation had.
    pub const GENERATIONS: &'static str = "generations";
    /// What an undo is about to do; there while it does it.
    pub const UNDO: &'static str = "undo.json";
    /// Folder of the views of generations.
    pub const VIEWS: &'static str = "views";
    /// Folder of the figures that nodes gave, each the newest of its node.
    pub const FIGURES: &'static str = "figures";
    /// Folder of what shells read that are started in a view.
    pub const SHELL: &'static str = "shell";
    /// Folder of what Pythons find first that are run by `aim-venv-sync run`.
    pub const RUN: &'static str = "run";
    /// Folder of what runs a node without a daemon.
    pub const HERE: &'static str = "here";

    /// The layout of the environment in `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            aim: root.join(Self::AIM),
        }
    }

    /// The environment's folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What uv locks while it changes the environment.
    pub fn uv_lock(&self) -> PathBuf {
        self.root.join(".lock")
    }

    /// What makers of environments write (PEP 405).
    pub fn pyvenv_cfg(&self) -> PathBuf {
        self.root.join(Self::PYVENV_CFG)
    }

    /// Where conda keeps a file for each of its packages.
    pub fn conda_meta(&self) -> PathBuf {
        self.root.join(CONDA_META)
    }

    /// The folder that only the environment has which all of conda's hang from.
    pub fn condabin(&self) -> PathBuf {
        self.root.join("condabin")
    }

    /// What conda has done; an environment of conda's has it.
    pub fn conda_history(&self) -> PathBuf {
        self.conda_meta().join("history")
    }

    /// Where interpreters and scripts are.
    pub fn bin(&self) -> PathBuf {
        self.root.join(Self::BIN)
    }

    /// The interpreter.
    pub fn python(&self) -> PathBuf {
        self.script("python")
    }

    /// The program `name`: `pip`, `activate`.
    pub fn script(&self, name: impl AsRef<Path>) -> PathBuf {
        self.bin().join(name)
    }

    /// The folders of libraries.
    pub fn libs(&self) -> [PathBuf; 2] {
        Self::LIBS.map(|name| self.root.join(name))
    }

    /// The private folder itself.
    pub fn aim(&self) -> &Path {
        &self.aim
    }

    /// Whose environment it is.
    pub fn project(&self) -> PathBuf {
        self.aim.join(Self::PROJECT)
    }

    /// The same as pipenv and virtualenvwrapper note it.
    pub fn dot_project(&self) -> PathBuf {
        self.root.join(Self::DOT_PROJECT)
    }

    /// The run lock: one changing pip at a time.
    pub fn lock(&self) -> PathBuf {
        self.aim.join(Self::LOCK)
    }

    /// The note of the daemon that serves the project.
    pub fn daemon(&self) -> PathBuf {
        self.aim.join(Self::DAEMON)
    }

    /// Version of this layout and of the toolkit that wrote it.
    pub fn version(&self) -> PathBuf {
        self.aim.join(Self::VERSION)
    }

    /// The last recorded snapshot, with what a scan needs to notice a same-version reinstall.
    pub fn snapshot(&self) -> PathBuf {
        self.aim.join(Self::SNAPSHOT)
    }

    /// Folder of the runs that have begun and not ended, a file each.
    pub fn unfinished(&self) -> PathBuf {
        self.aim.join(Self::UNFINISHED)
    }

    /// The files of distributions, kept for undo.
    pub fn archive(&self) -> PathBuf {
        self.aim.join(Self::ARCHIVE)
    }

    /// The views of generations.
    pub fn views(&self) -> PathBuf {
        self.aim.join(Self::VIEWS)
    }

    /// The environment that the one in `root` is a view of; none where it is no view.
    pub fn viewed(root: &Path) -> Option<&Path> {
        let views = root.parent()?;
        let aim = views.parent()?;
        (views.ends_with(Self::VIEWS) && aim.ends_with(Self::AIM))
            .then(|| aim.parent())
            .flatten()
    }

    /// Folder of the notes and logs of supervised commands.
    pub fn supervised(&self) -> PathBuf {
        self.aim.join(Self::SUPERVISED)
    }

    /// Name of the log, in that folder, of the command `name` that the daemon has run.
    pub fn log_of(name: &str) -> String {
        format!("{name}.log")
    }

    /// Name of the log before that.
    pub fn older_log_of(name: &str) -> String {
        format!("{name}.log.1")
    }

    /// What an undo is about to do.
    pub fn undo(&self) -> PathBuf {
        self.aim.join(Self::UNDO)
    }

    /// The figure that the node in `file` of the project gave last.
    pub fn figure(&self, file: &str) -> PathBuf {
        let name = file.strip_suffix(".py").unwrap_or(file).replace('/', "-");
        self.aim.join(Self::FIGURES).join(name + ".png")
    }

    /// Folder of what runs a node without a daemon.
    pub fn here(&self) -> PathBuf {
        self.aim.join(Self::HERE)
    }
}

/// Name of conda's folder in an environment.
pub const CONDA_META: &str = "conda-meta";

/// Name of the hook's line for Python's `site` in site-packages.
pub const HOOK_LINE: &str = "00_aim_pip.pth";

/// Name of the hook's package in site-packages. Compiled files lie in it, not beside it: pip's `--target` shows what is
/// new in site-packages.
pub const HOOK_PACKAGE: &str = "_aim_pip_hook";

/// Name of the line for Python's `site` in the site-packages of a view, before those of others.
pub const VIEW_LINE: &str = "00_aim_view.pth";

/// Name of the module that it imports.
pub const VIEW_MODULE: &str = "_aim_view.py";

/// Name of the file, in the folder above site-packages, by which installers keep out (PEP 668).
pub const EXTERNALLY_MANAGED: &str = "EXTERNALLY-MANAGED";

/// The hook's names in a site-packages folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookLayout {
    site: PathBuf,
}

impl HookLayout {
    /// Name of what later toolkits may have put beside the line.
    pub const START: &'static str = "00_aim_pip.start";
    /// Name of the module that knows where `aim-pip` is, in the package.
    pub const MODULE: &'static str = "__init__.py";
    /// Name of the module for programs that call pip's main function, in the package.
    pub const INSIDE: &'static str = "inside.py";
    /// Name of the folder of what Python compiled of the package, in the package.
    pub const COMPILED: &'static str = "__pycache__";

    /// The layout of the hook in `site`.
    pub fn new(site: impl Into<PathBuf>) -> Self {
        Self { site: site.into() }
    }

    /// The line for Python's `site`.
    pub fn line(&self) -> PathBuf {
        self.site.join(HOOK_LINE)
    }

    /// The package that it leads to.
    pub fn package(&self) -> PathBuf {
        self.site.join(HOOK_PACKAGE)
    }

    /// What later toolkits may have put beside the line.
    pub fn start(&self) -> PathBuf {
        self.site.join(Self::START)
    }
}

/// Folders of the person: settings and the daemon's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLayout {
    config: PathBuf,
    state: PathBuf,
}

impl UserLayout {
    /// The platform's folders (XDG on Linux), by the `directories` crate; `None` for a person without a home.
    ///
    /// `XDG_CONFIG_HOME` and `XDG_STATE_HOME` are read from `host`, so that a made-up host gets made-up folders.
    pub fn of(host: &Host) -> Option<Self> {
        let dirs = directories::ProjectDirs::from("", "", "aim-toolkit");
        let dirs = dirs.as_ref();
        let ours = |name| Some(xdg(host, name)?.join("aim-toolkit"));
        Some(Self {
            config: ours("XDG_CONFIG_HOME").or_else(|| Some(dirs?.config_dir().to_path_buf()))?,
            state: ours("XDG_STATE_HOME").or_else(|| {
                let dirs = dirs?;
                Some(
                    dirs.state_dir()
                        .unwrap_or_else(|| dirs.data_dir())
                        .to_path_buf(),
                )
            })?,
        })
    }

    /// Settings for all projects.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The person's own settings for single projects.
    pub fn project_settings(&self) -> PathBuf {
        self.config.join("projects.toml")
    }

    /// The daemon's registry of projects.
    pub fn registry(&self) -> PathBuf {
        self.state.join("projects.json")
    }

    /// What of projects the person allowed: links, and what is run.
    pub fn allowed_links(&self) -> PathBuf {
        self.state.join("allowed-links.json")
    }

    /// The environments that were set up.
    pub fn environments(&self) -> PathBuf {
        self.state.join("environments.json")
    }

    /// What a daemon says that a command started.
    pub fn daemon_log(&self) -> PathBuf {
        self.state.join("backend.log")
    }

    /// What became of workers, and what was waited for.
    pub fn worker_records(&self) -> PathBuf {
        self.state.join("workers.jsonl")
    }

    /// Logs of workers, a file a project.
    pub fn worker_logs(&self) -> PathBuf {
        self.state.join("workers")
    }
}

/// Where the files are by which `manager` knows a person's services; none for a person without a home.
pub fn service_folder(host: &Host, manager: ServiceManager) -> Option<PathBuf> {
    let dirs = directories::BaseDirs::new();
    let home = dirs.as_ref().map(directories::BaseDirs::home_dir);
    match manager {
        ServiceManager::Systemd => xdg(host, "XDG_CONFIG_HOME")
            .or_else(|| Some(home?.join(".config")))
            .map(|folder| folder.join("systemd/user")),
        ServiceManager::Launchd => Some(home?.join("Library/LaunchAgents")),
    }
}

/// The folder that the variable `name` has, which counts only where it is absolute (XDG Base Directory Specification).
fn xdg(host: &Host, name: &str) -> Option<PathBuf> {
    host.path_var(name).filter(|path| path.is_absolute())
}

/// The first of [`sockets`]: where a daemon of this person listens unless it cannot.
pub fn socket(host: &Host) -> PathBuf {
    sockets(host).swap_remove(0)
}

/// Where a daemon of this person may listen, best first (design, section 7): at `$AIM_SOCKET` alone where it is set,
/// else under `$XDG_RUNTIME_DIR`, under `/run/user/<uid>` if that is ours, and in a private folder under the temporary
/// one.
///
/// Who serves and who calls need not have the same variables, and `/run/user/<uid>` comes and goes with a person's
/// logins. So who serves takes the first place that there can be, and who calls looks at all of them.
///
/// Only names paths. That a folder is private is checked by who binds, whose a socket is by who connects.
pub fn sockets(host: &Host) -> Vec<PathBuf> {
    if let Some(socket) = host.path_var(env_vars::SOCKET) {
        return vec![host.absolute(socket)];
    }
    let folders = runtime_folders(host).into_iter();
    folders.map(|folder| folder.join("backend.sock")).collect()
}

/// The file that the daemon at `socket` holds locked.
pub fn socket_lock(socket: &Path) -> PathBuf {
    beside(socket, ".lock")
}

/// The folder of files that workers of the daemon at `socket` are started from.
pub fn worker_scripts(socket: &Path) -> PathBuf {
    beside(socket, ".worker")
}

fn beside(socket: &Path, ending: &str) -> PathBuf {
    let mut name = socket.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Folders of the socket when `$AIM_SOCKET` does not name one.
fn runtime_folders(host: &Host) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt;

    let uid = rustix::process::getuid().as_raw();
    let ours =
        |path: &Path| std::fs::metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid);
    let named = host
        .path_var("XDG_RUNTIME_DIR")
        .filter(|path| path.is_absolute());
    let of_login = Some(PathBuf::from(format!("/run/user/{uid}"))).filter(|path| ours(path));
    let temporary = host.path_var("TMPDIR").filter(|path| path.is_absolute());
    let runtimes = [named, of_login].into_iter().flatten();
    let temporaries = temporary.into_iter().chain([PathBuf::from("/tmp")]);
    let mut folders: Vec<PathBuf> = runtimes
        .map(|runtime| runtime.join("aim"))
        .chain(temporaries.map(|temporary| temporary.join(format!("aim-{uid}"))))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sockets_follow_the_contract() {
        let host = Host::fake(["x"]).with_cwd("/w").with_var("TMPDIR", "/t");
        let named = host
            .clone()
            .with_var("AIM_SOCKET", "s.sock")
            .with_var("XDG_RUNTIME_DIR", "/run/u");
        assert_eq!(sockets(&named), [Path::new("/w/s.sock")], "and no other");
        let xdg = sockets(&host.clone().with_var("XDG_RUNTIME_DIR", "/run/u"));
        assert_eq!(xdg[0], Path::new("/run/u/aim/backend.sock"));
        // A daemon that was started without the variable is found all the same.
        let without = sockets(&host.clone().with_var("XDG_RUNTIME_DIR", "not/absolute"));
        assert_eq!(xdg[1..], without);
        let uid = rustix::process::getuid().as_raw();
        let temporary = [format!("/t/aim-{uid}"), format!("/tmp/aim-{uid}")];
        let temporary = temporary.map(|folder| Path::new(&folder).join("backend.sock"));
        assert!(without.ends_with(&temporary), "{without:?}");
        let same = sockets(&host.with_var("TMPDIR", "/tmp"));
        assert_eq!(
            same.iter().filter(|path| path.starts_with("/tmp")).count(),
            1
        );
    }

    #[test]
    fn made_up_homes_are_followed() {
        let host = Host::fake(["x"])
            .with_var("XDG_CONFIG_HOME", "/c")
            .with_var("XDG_STATE_HOME", "/s");
        let user = UserLayout::of(&host).expect("folders");
        assert_eq!(user.settings(), Path::new("/c/aim-toolkit/config.toml"));
        assert_eq!(user.registry(), Path::new("/s/aim-toolkit/projects.json"));
    }
}
