//! How this process was called, and for which environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::classify::PipCommand;
use crate::error::{Error, Exit, Result};
use crate::hook;
use crate::host::Host;
use crate::project::{Project, Venv};
use crate::words::t;

/// What the hook puts first; the number of Python's own words follows.
const HOOK: &[u8] = b"--aim-hook=";
/// The same where the last of these words is a script of pip's.
const SCRIPT: &[u8] = b"--aim-script=";
/// What a Python puts first that is about to run pip itself; its process id follows.
const BESIDE: &[u8] = b"--aim-beside=";

/// The ways in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// The hook: Python was called with this command line (its own name first).
    Hook {
        /// `sys.executable`.
        python: PathBuf,
        /// The command line as given.
        words: Vec<OsString>,
        /// The script of pip's that it names.
        script: Option<OsString>,
    },
    /// A program that calls pip inside itself.
    Inside,
    /// `aim-pip install x`, typed.
    Name,
}

/// A call of pip that reached us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PipCall {
    entry: Entry,
    venv: Venv,
    args: Vec<OsString>,
}

impl PipCall {
    /// The call that `host`'s arguments make.
    pub(super) fn of(host: &Host) -> Result<Self> {
        let args = host.args().get(1..).unwrap_or_default();
        let count = |mark: &[u8]| args.first()?.as_bytes().strip_prefix(mark);
        let call = match (count(HOOK), count(SCRIPT)) {
            (Some(count), _) => Self::by_hook(count, &args[1..], false),
            (None, Some(count)) => Self::by_hook(count, &args[1..], true),
            (None, None) => return Self::by_name(host, args),
        };
        call.ok_or_else(|| Error::usage("malformed call by the hook"))
    }

    fn by_hook(count: &[u8], rest: &[OsString], is_script: bool) -> Option<Self> {
        let count: usize = std::str::from_utf8(count).ok()?.parse().ok()?;
        let [prefix, python, words @ ..] = rest else {
            return None;
        };
        let script = is_script.then(|| words.get(count.checked_sub(1)?));
        Some(Self {
            venv: Venv::open(prefix).ok()?,
            args: words.get(count..)?.to_vec(),
            entry: Entry::Hook {
                python: PathBuf::from(python),
                words: words.to_vec(),
                script: script.flatten().cloned(),
            },
        })
    }

    /// The call that the process beside this one is about to make of its pip, and that process.
    pub(super) fn from_inside(host: &Host) -> Option<(u32, Self)> {
        let [_, first, prefix, args @ ..] = host.args() else {
            return None;
        };
        let pid = first.as_bytes().strip_prefix(BESIDE)?;
        let pid = std::str::from_utf8(pid).ok()?.parse().ok()?;
        let call = Self {
            entry: Entry::Inside,
            venv: Venv::open(prefix).ok()?,
            args: args.to_vec(),
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

    /// The whole call as it was typed, as far as that can be known.
    pub(super) fn words(&self) -> Vec<OsString> {
        let name = match &self.entry {
            Entry::Hook {
                words,
                script: None,
                ..
            } => return words.clone(),
            Entry::Hook {
                script: Some(script),
                ..
            } => Path::new(script).file_name().unwrap_or(script),
            Entry::Inside => OsStr::new("pip"),
            Entry::Name => OsStr::new("aim-pip"),
        };
        [name.to_os_string()]
            .into_iter()
            .chain(self.args.iter().cloned())
            .collect()
    }

    /// The project whose environment the call is about: that which `--python` names, or `--target` and the like lead
    /// into, if it is one of ours; else pip's own.
    pub(super) fn subject(&self, asked: &PipCommand, host: &Host) -> Option<Project> {
        let is_ours = |venv: &Venv| hook::is_installed(venv).unwrap_or(false);
        if let Some(python) = &asked.python {
            let path = host.absolute(python);
            let venv = Venv::open(&path)
                .ok()
                .or_else(|| Venv::open(path.parent()?.parent()?).ok())?;
            return is_ours(&venv).then(|| Project::of_venv(venv));
        }
        let other = asked.into.as_ref().and_then(|folder| {
            let folder = host.absolute(folder);
            let venv = folder.ancestors().find_map(|root| Venv::open(root).ok())?;
            is_ours(&venv).then_some(venv)
        });
        Some(Project::of_venv(other.unwrap_or_else(|| self.venv.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Place {
        _dir: tempfile::TempDir,
        root: PathBuf,
    }

    /// A project `p` with an environment.
    fn place() -> Place {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved").join("p");
        std::fs::create_dir_all(root.join(".venv/bin")).expect("folders");
        std::fs::write(root.join(".venv/pyvenv.cfg"), "").expect("write");
        Place { _dir: dir, root }
    }

    #[test]
    fn a_script_is_called_by_its_name() {
        let place = place();
        let outside = place.root.parent().expect("folder");
        symlink(&place.root, outside.join("linked-project")).expect("link");
        let venv = outside.join("linked-project/.venv");
        let host = Host::fake([
            "/opt/aim-pip",
            "--aim-script=2",
            venv.to_str().expect("utf-8"),
            "/v/bin/python",
            "/v/bin/python",
            "/somewhere/pip3.11",
            "install",
            "x",
        ]);
        let call = PipCall::of(&host).expect("a call");
        assert_eq!(call.args(), ["install", "x"]);
        assert_eq!(call.words(), ["pip3.11", "install", "x"]);
        assert_eq!(Project::of_venv(call.venv().clone()).root(), place.root);
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
        for bad in [
            "--aim-hook=",
            "--aim-hook=x",
            "--aim-hook=9",
            "--aim-script=9",
        ] {
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
        let host = Host::fake(["aim-pip"])
            .with_var("VIRTUAL_ENV", place.root.join(".venv"))
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
        let target = |folder: &Path| {
            let args = ["install", "x", "--target"].map(OsString::from);
            let args = [&args[..], &[folder.into()]].concat();
            let project = call.subject(&PipCommand::parse(&args), &host);
            project.expect("one of both").root().to_path_buf()
        };
        assert_eq!(target(&other.root.join(".venv/lib/new")), other.root);
        assert_eq!(target(&other.root.join("vendored")), place.root);
    }

    fn place_of_ours() -> Place {
        let place = place();
        let aim = place.root.join(".venv/.aim");
        std::fs::create_dir_all(&aim).expect("folder");
        std::fs::write(aim.join("version"), "2\n").expect("write");
        place
    }
}
