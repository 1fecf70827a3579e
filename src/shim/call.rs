//! How this process was called, and for which environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::classify::PipCommand;
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::launchers::{self, Launcher};
use crate::project::{Project, Venv};
use crate::words::t;

/// What the hook puts first; the number of Python's own words follows. No launcher has such a name.
const HOOK: &[u8] = b"--aim-hook=";
/// What a Python puts first that is about to run pip itself; its process id follows.
const BESIDE: &[u8] = b"--aim-beside=";
/// Links followed from a launcher's link to the launcher; the kernel's own limit.
const MOST_LINKS: usize = 40;

/// The three ways in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A launcher, by the path that the kernel gave.
    Launcher(PathBuf),
    /// The hook: Python was called with this command line (its own name first).
    Hook {
        /// `sys.executable`.
        python: PathBuf,
        /// The command line as given.
        words: Vec<OsString>,
    },
    /// `aim-pip install x`, typed.
    Name,
}

/// A call of pip that reached us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PipCall {
    entry: Entry,
    venv: Venv,
    args: Vec<OsString>,
    shim: Option<PathBuf>,
}

impl PipCall {
    /// The call that `host`'s arguments make.
    pub(super) fn of(host: &Host) -> Result<Self> {
        let args = host.args().get(1..).unwrap_or_default();
        let shim = || host.args().first().map(PathBuf::from);
        let Some(first) = args.first() else {
            return Self::by_name(host, args);
        };
        if let Some(count) = first.as_bytes().strip_prefix(HOOK) {
            let call = Self::by_hook(count, &args[1..], shim());
            return call.ok_or_else(|| Error::usage("malformed call by the hook"));
        }
        let Some(launcher) = Launcher::read(Path::new(first)) else {
            return Self::by_name(host, args);
        };
        let path = PathBuf::from(first);
        let venv = venv_of(&host.absolute(&path)).ok_or_else(|| {
            Error::new(
                Exit::NoCommand,
                t!("shim.launcher_alone", path = path.display()),
            )
            .hint("aim-venv-sync doctor")
        })?;
        Ok(Self {
            entry: Entry::Launcher(path),
            venv,
            args: args[1..].to_vec(),
            shim: Some(launcher.aim_pip),
        })
    }

    fn by_hook(count: &[u8], rest: &[OsString], shim: Option<PathBuf>) -> Option<Self> {
        let count: usize = std::str::from_utf8(count).ok()?.parse().ok()?;
        let [prefix, python, words @ ..] = rest else {
            return None;
        };
        Some(Self {
            venv: Venv::open(prefix).ok()?,
            args: words.get(count..)?.to_vec(),
            entry: Entry::Hook {
                python: PathBuf::from(python),
                words: words.to_vec(),
            },
            shim,
        })
    }

    /// The call that the process beside this one is about to make of its pip, as if by its launcher, and that process.
    pub(super) fn from_inside(host: &Host) -> Option<(u32, Self)> {
        let [shim, first, prefix, args @ ..] = host.args() else {
            return None;
        };
        let pid = first.as_bytes().strip_prefix(BESIDE)?;
        let pid = std::str::from_utf8(pid).ok()?.parse().ok()?;
        let venv = Venv::open(prefix).ok()?;
        let call = Self {
            entry: Entry::Launcher(venv.script("pip")),
            venv,
            args: args.to_vec(),
            shim: Some(PathBuf::from(shim)),
        };
        Some((pid, call))
    }

    fn by_name(host: &Host, args: &[OsString]) -> Result<Self> {
        let active = host
            .path_var("VIRTUAL_ENV")
            .and_then(|root| Venv::open(host.absolute(root)).ok());
        let here = || Project::containing(host.cwd()?).map(|project| project.venv().clone());
        let venv = active.or_else(here).ok_or_else(|| {
            Error::new(Exit::NoCommand, t!("shim.no_environment")).hint("aim-venv-sync init")
        })?;
        Ok(Self {
            entry: Entry::Name,
            venv,
            args: args.to_vec(),
            shim: launchers::aim_pip_path(host),
        })
    }

    /// The way in.
    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The environment whose pip was called, named as the caller did.
    pub(super) fn venv(&self) -> &Venv {
        &self.venv
    }

    /// pip's arguments.
    pub(super) fn args(&self) -> &[OsString] {
        &self.args
    }

    /// The path of `aim-pip` that launchers and hook here should lead to.
    pub(super) fn shim(&self) -> Option<&Path> {
        self.shim.as_deref().filter(|path| path.is_absolute())
    }

    /// The whole call as it was typed, as far as that can be known.
    pub(super) fn words(&self) -> Vec<OsString> {
        let name = match &self.entry {
            Entry::Hook { words, .. } => return words.clone(),
            Entry::Launcher(path) => path.file_name().unwrap_or(OsStr::new("pip")),
            Entry::Name => OsStr::new("aim-pip"),
        };
        [name.to_os_string()]
            .into_iter()
            .chain(self.args.iter().cloned())
            .collect()
    }

    /// The project whose environment the call is about: pip's own, or that which `--python` names if it is one of
    /// ours.
    pub(super) fn subject(&self, asked: &PipCommand, host: &Host) -> Option<Project> {
        let Some(python) = &asked.python else {
            return Some(project_of(&self.venv));
        };
        let path = host.absolute(python);
        let venv = Venv::open(&path)
            .ok()
            .or_else(|| Venv::open(path.parent()?.parent()?).ok())?;
        launchers::is_installed(&venv)
            .unwrap_or(false)
            .then(|| project_of(&venv))
    }
}

/// The environment that a launcher lies in: that of the file itself, or of what it links to. Not resolved further: an
/// environment that is a link keeps its name.
fn venv_of(launcher: &Path) -> Option<Venv> {
    let mut path = launcher.to_path_buf();
    for _ in 0..MOST_LINKS {
        let folder = path.parent()?;
        if let Some(venv) = folder.parent().and_then(|root| Venv::open(root).ok()) {
            return Some(venv);
        }
        match std::fs::read_link(&path) {
            Ok(target) => path = folder.join(target),
            Err(_) => break,
        }
    }
    // A link among the folders.
    let resolved = launcher.canonicalize().ok()?;
    Venv::open(resolved.parent()?.parent()?).ok()
}

/// The project of `venv`, its folder resolved so that every way to it gives the same one.
fn project_of(venv: &Venv) -> Project {
    let resolved = || {
        let mut root = std::path::absolute(venv.root()).ok()?;
        if root.file_name().is_none() {
            root = root.canonicalize().ok()?; // `bin/..`, say, has no name to keep
        }
        let folder = root.parent()?.canonicalize().ok()?;
        Venv::open(folder.join(root.file_name()?)).ok()
    };
    Project::of_venv(resolved().unwrap_or_else(|| venv.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Place {
        _dir: tempfile::TempDir,
        root: PathBuf,
    }

    /// A project `p` with an environment that has one launcher.
    fn place() -> Place {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved").join("p");
        std::fs::create_dir_all(root.join(".venv/bin")).expect("folders");
        std::fs::write(root.join(".venv/pyvenv.cfg"), "").expect("write");
        let launcher = Launcher {
            aim_pip: "/opt/aim-pip".into(),
        };
        std::fs::write(root.join(".venv/bin/pip"), launcher.to_bytes(None)).expect("write");
        Place { _dir: dir, root }
    }

    fn check(place: &Place, launcher: &Path, cwd: &Path) {
        let host =
            Host::fake([Path::new("/opt/aim-pip"), launcher, Path::new("list")]).with_cwd(cwd);
        let call = PipCall::of(&host).expect("a call");
        assert_eq!(call.args(), ["list"]);
        assert_eq!(call.entry(), &Entry::Launcher(launcher.to_path_buf()));
        assert_eq!(call.shim(), Some(Path::new("/opt/aim-pip")));
        assert_eq!(
            project_of(call.venv()).root(),
            place.root,
            "{}",
            launcher.display()
        );
    }

    #[test]
    fn a_launcher_knows_its_environment_by_every_path() {
        let place = place();
        let root = &place.root;
        let outside = root.parent().expect("folder");
        symlink(root.join(".venv/bin/pip"), outside.join("linked-pip")).expect("link");
        symlink(root.join(".venv/bin"), outside.join("linked-bin")).expect("link");
        symlink(root, outside.join("linked-project")).expect("link");
        for path in [
            root.join(".venv/bin/pip"),
            outside.join("linked-pip"),
            outside.join("linked-bin/pip"),
            outside.join("linked-project/.venv/bin/pip"),
            root.join(".venv/../.venv/bin/pip"),
            root.join(".venv/bin/../bin/pip"),
        ] {
            check(&place, &path, outside);
        }
    }

    #[test]
    fn the_hook_gives_pythons_words_and_pips_apart() {
        let place = place();
        let venv = place.root.join(".venv");
        let host = Host::fake([
            "/opt/aim-pip",
            "--aim-hook=4",
            venv.to_str().expect("utf-8"),
            "/v/bin/python",
            "python",
            "-I",
            "-m",
            "pip",
            "install",
            "x",
        ]);
        let call = PipCall::of(&host).expect("a call");
        assert_eq!(call.args(), ["install", "x"]);
        assert_eq!(call.venv().root(), venv);
        assert_eq!(call.words().len(), 6);
        assert_eq!(call.shim(), Some(Path::new("/opt/aim-pip")));
        for bad in ["--aim-hook=", "--aim-hook=x", "--aim-hook=9"] {
            let host = Host::fake(["/opt/aim-pip", bad, venv.to_str().expect("utf-8"), "p", "q"]);
            assert!(PipCall::of(&host).is_err(), "{bad}");
        }
    }

    #[test]
    fn typed_by_name_it_takes_the_active_environment() {
        let place = place();
        let host =
            Host::fake(["aim-pip", "list"]).with_var("VIRTUAL_ENV", place.root.join(".venv"));
        assert_eq!(PipCall::of(&host).expect("a call").args(), ["list"]);
        let host = Host::fake(["aim-pip", "list"]).with_cwd(&place.root);
        assert_eq!(PipCall::of(&host).expect("a call").args(), ["list"]);
        let error = PipCall::of(&Host::fake(["aim-pip", "list"]).with_cwd("/"))
            .expect_err("no environment");
        assert_eq!(error.exit(), Exit::NoCommand);
    }

    #[test]
    fn another_interpreter_means_its_environment_if_it_is_one_of_ours() {
        let (place, other) = (place(), place_of_ours());
        let host = Host::fake([Path::new("/opt/aim-pip"), &place.root.join(".venv/bin/pip")])
            .with_cwd("/");
        let call = PipCall::of(&host).expect("a call");
        let subject = |python: &Path| {
            let args = [
                "--python".into(),
                python.into(),
                "install".into(),
                "x".into(),
            ];
            call.subject(&PipCommand::parse(&args), &host)
        };
        for python in [".venv", ".venv/bin/python"] {
            let project = subject(&other.root.join(python)).expect("ours");
            assert_eq!(project.root(), other.root);
        }
        assert_eq!(subject(Path::new("/usr/bin/python3")), None);
    }

    fn place_of_ours() -> Place {
        let place = place();
        std::fs::create_dir_all(place.root.join(".venv/.aim/launchers")).expect("folders");
        place
    }
}
