//! Making an environment: with `uv venv` where uv is on `PATH`, else with `python -m venv`.
//!
//! An environment of ours has pip. `uv venv` leaves it out, so the pip that Python itself carries is put in
//! (`ensurepip`, no network), else uv is asked for one; where neither can, the environment is good without it.
//!
//! **Invariant:** what could not be made whole is taken away again, and nothing else is: also after Ctrl-C.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::interpreter::{FoundPython, OLDEST, PythonWish, command, on_path};
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::project::{Venv, VenvLayout};
use crate::words::t;

/// What will make the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Maker {
    /// `uv venv`, with what it is told about the interpreter.
    Uv {
        /// uv itself.
        uv: PathBuf,
        /// For its `--python`.
        python: Option<PathBuf>,
    },
    /// `python -m venv`.
    Venv {
        /// The interpreter.
        python: PathBuf,
    },
}

impl Maker {
    /// The best that is there for the interpreter `wanted`.
    ///
    /// # Errors
    /// When there is no such interpreter, or it is too old.
    pub(super) fn choose(host: &Host, wanted: Option<&str>) -> Result<Self> {
        let uv = on_path(host, "uv");
        let wish = wanted.map_or(PythonWish::Any, PythonWish::parse);
        if let (Some(uv), PythonWish::Any) = (&uv, &wish) {
            let uv = uv.clone();
            return Ok(Self::Uv { uv, python: None });
        }
        match (FoundPython::find(host, &wish), uv) {
            (Some(found), _) if !found.is_new_enough() => Err(too_old(&found)),
            (Some(FoundPython { path, .. }), Some(uv)) => Ok(Self::Uv {
                uv,
                python: Some(path),
            }),
            (Some(FoundPython { path, .. }), None) => Ok(Self::Venv { python: path }),
            // uv knows more places than we do, and says so itself when there is none.
            (None, Some(uv)) => Ok(Self::Uv {
                uv,
                python: wanted.map(PathBuf::from),
            }),
            (None, None) => Err(no_interpreter(wanted)),
        }
    }

    /// The command's name, as a person would type it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Uv { .. } => "uv venv".into(),
            Self::Venv { python } => format!("{} -m venv", python.display()),
        }
    }

    /// Makes the environment in `target`, where nothing is yet, or an empty folder.
    ///
    /// # Errors
    /// With the maker's own last words. What was made of it is gone then.
    #[expect(
        clippy::disallowed_methods,
        reason = "the folder that the person named, made here"
    )]
    pub(super) fn make(&self, host: &Host, target: &Path) -> Result<Venv> {
        let signals = Signals::hold()?;
        // The folder is made here, or has nothing in it. So whatever is removed below is surely ours.
        let was_there = is_empty_folder(target);
        if !was_there {
            fs_err::create_dir(target)?;
        }
        let ran = self.run(host, target);
        let made = signals
            .check()
            .and(ran)
            .and_then(|()| Ok(Venv::open(target)?));
        if made.is_err() {
            // If something cannot be removed, the next `init` sees it and says what it is.
            let _ = std::fs::remove_dir_all(target);
            if was_there {
                let _ = std::fs::create_dir(target);
            }
        }
        made
    }

    fn run(&self, host: &Host, target: &Path) -> Result<()> {
        match self {
            Self::Venv { python } => {
                let mut venv = command(host, python);
                finish(venv.args(["-m", "venv"]).arg(target), &self.name())
            }
            Self::Uv { uv, python } => {
                let mut venv = uv_command(host, uv);
                venv.args(["venv", "--quiet"]);
                if let Some(python) = python {
                    venv.arg("--python").arg(python);
                }
                finish(venv.arg(target), &self.name())?;
                put_pip_in(host, uv, target);
                Ok(())
            }
        }
    }
}

/// Whether a folder without anything is at `path`, such as the mount point of a volume.
pub(super) fn is_empty_folder(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

fn put_pip_in(host: &Host, uv: &Path, target: &Path) {
    let python = VenvLayout::new(target).python();
    let mut bundled = command(host, &python);
    bundled.args(["-I", "-m", "ensurepip", "--default-pip"]);
    if finish(&mut bundled, "ensurepip").is_err() {
        let mut fetched = uv_command(host, uv);
        fetched.args(["pip", "install", "--quiet", "--python"]);
        let _ = finish(fetched.arg(&python).arg("pip"), "uv pip install");
    }
}

/// uv, which must not fetch an interpreter unless the person said that it may.
fn uv_command(host: &Host, uv: &Path) -> Command {
    const DOWNLOADS: &str = "UV_PYTHON_DOWNLOADS";
    let mut command = command(host, uv);
    if host.var(DOWNLOADS).is_none() {
        command.env(DOWNLOADS, "never");
    }
    command
}

/// Runs `command` to its end; a failure has its last words.
fn finish(command: &mut Command, name: &str) -> Result<()> {
    let output = command
        .output()
        .map_err(|error| Error::from(error).context(t!("venv_sync.cannot_run", what = name)))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].map(|text| last_words(&text));
    let why = said
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| output.status.to_string());
    let error = Error::failed(&why).context(t!("venv_sync.making_failed", maker = name));
    Err(if why.contains("ensurepip") {
        error.hint(t!("venv_sync.hint_ensurepip"))
    } else {
        error
    })
}

/// The end of a program's output, short enough for an error message.
fn last_words(output: &[u8]) -> String {
    const LINES: usize = 12;
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

fn too_old(found: &FoundPython) -> Error {
    let [major, minor] = OLDEST;
    Error::failed(t!(
        "venv_sync.python_too_old",
        path = found.path.display(),
        version = found.version,
        oldest = format!("{major}.{minor}")
    ))
    .hint(t!("venv_sync.hint_python"))
}

fn no_interpreter(wanted: Option<&str>) -> Error {
    let message = wanted.map_or_else(
        || t!("venv_sync.no_python"),
        |wanted| t!("venv_sync.no_such_python", wanted = wanted),
    );
    Error::new(Exit::NotFound, message).hint(t!("venv_sync.hint_python"))
}

/// Ctrl-C, SIGTERM and a closed terminal held back while something half-made is on disk.
///
/// A terminal sends Ctrl-C to the maker as well, so it ends, and we clean up. Once dropped, the signals end the
/// process again as they always do.
struct Signals {
    caught: Arc<AtomicBool>,
    released: Arc<AtomicBool>,
}

impl Signals {
    fn hold() -> std::io::Result<Self> {
        let held = Self {
            caught: Arc::default(),
            released: Arc::default(),
        };
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            let (caught, released) = (Arc::clone(&held.caught), Arc::clone(&held.released));
            signal_hook::flag::register_conditional_default(signal, released)?;
            signal_hook::flag::register(signal, caught)?;
        }
        Ok(held)
    }

    fn check(&self) -> Result<()> {
        if self.caught.load(Ordering::Relaxed) {
            Err(Error::failed(t!("venv_sync.interrupted")))
        } else {
            Ok(())
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.released.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venv_sync::tests::{script, skip};

    fn real_host() -> Option<Host> {
        let path = std::env::var_os("PATH")?;
        let host = Host::fake(["x"]).with_var("PATH", path).with_cwd("/");
        let found = FoundPython::find(&host, &PythonWish::Any)?;
        found.is_new_enough().then_some(host)
    }

    #[test]
    fn an_environment_is_made_with_pip_in_it() {
        let Some(host) = real_host() else {
            return skip("no Python on PATH");
        };
        let dir = tempfile::tempdir().expect("temporary folder");
        let target = dir.path().join(".venv");
        let maker = Maker::choose(&host, None).expect("a maker");
        let venv = maker.make(&host, &target).expect("made");
        assert!(venv.python().is_ok());
        assert!(venv.python_version().is_some());
        assert!(crate::hook::has_pip(&venv).expect("readable"));
    }

    #[test]
    fn what_failed_leaves_nothing() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"]).with_cwd(dir.path());
        let target = dir.path().join(".venv");
        let python = which::which("false").expect("every system has it");
        let maker = Maker::Venv { python };
        let error = maker.make(&host, &target).expect_err("fails");
        assert!(error.to_string().contains("false -m venv"), "{error}");
        assert!(!target.exists());
    }

    #[test]
    fn what_is_there_already_is_not_touched() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let python = which::which("true").expect("every system has it");
        let host = Host::fake(["x"]).with_cwd(dir.path());
        let made = Maker::Venv { python }.make(&host, dir.path());
        assert!(made.is_err());
        assert!(dir.path().exists());
    }

    #[test]
    fn uv_makes_it_where_it_is_there_and_fetches_no_python() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let log = dir.path().join("log");
        let uv = r#"echo "$UV_PYTHON_DOWNLOADS $*" >> "$LOG"
            [ "$1" != venv ] || : > "$3/pyvenv.cfg""#;
        script(&dir.path().join("uv"), uv);
        let host = Host::fake(["x"])
            .with_var("PATH", dir.path())
            .with_var("LOG", &log)
            .with_cwd(dir.path());
        let target = dir.path().join(".venv");
        let maker = Maker::choose(&host, None).expect("uv");
        maker.make(&host, &target).expect("made");
        let calls = std::fs::read_to_string(log).expect("calls");
        let target = target.display();
        // Without an interpreter there is no ensurepip, so uv is asked for pip as well.
        assert_eq!(
            calls,
            format!(
                "never venv --quiet {target}\n\
                 never pip install --quiet --python {target}/bin/python pip\n"
            )
        );
    }

    #[test]
    fn without_any_python_there_is_a_hint() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"])
            .with_var("PATH", dir.path())
            .with_var("HOME", dir.path());
        let error = Maker::choose(&host, Some("3.11")).expect_err("none");
        assert_eq!(error.exit(), Exit::NotFound);
        assert_eq!(error.hints().len(), 1);
    }

    #[test]
    fn last_words_are_few() {
        assert_eq!(last_words(b"a\n\nb  \n"), "a\nb");
        assert_eq!(last_words("x\n".repeat(50).as_bytes()).lines().count(), 12);
    }
}
