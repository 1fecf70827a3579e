//! The pip that a call was meant for, as a command that runs it.
//!
//! A launcher's original script is not executed: in an environment that was moved its first line leads elsewhere. Its
//! interpreter and options are taken from there, and they run the launcher, which holds the original's code. A call by
//! the hook is repeated as it was given.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::call::{Entry, PipCall};
use super::classify::PipCommand;
use crate::env_vars;
use crate::error::{Error, Exit, Result};
use crate::files::read;
use crate::host::Host;
use crate::launchers::{self, Launcher};
use crate::project::Venv;
use crate::store::Tool;
use crate::words::t;

/// What pip's own launcher does, where ours holds no code: with its path as `sys.argv[0]` (pip takes its name in usage
/// texts from there) and its folder, links resolved, first on `sys.path`, as when Python runs a script. pip 19.3 and
/// 20.0 moved `main`, 26.3 made it `cli`.
const START: &str = "\
import sys
del sys.argv[0]
if sys.path and not sys.path[0]:
    import os
    sys.path[0] = os.path.dirname(os.path.realpath(sys.argv[0]))
try:
    from pip._internal.cli.main import cli as main
except ImportError:
    try:
        from pip._internal.cli.main import main
    except ImportError:
        try:
            from pip._internal.main import main
        except ImportError:
            from pip._internal import main
sys.exit(main())
";
/// The guard's value. It is the same for every run, since build scripts see it and builds are cached by what they see.
const GUARDED: &str = "1";

/// A command that runs pip as if we were not there, and what it is.
#[derive(Debug)]
pub(super) struct RealPip {
    command: Command,
    tool: Tool,
}

impl RealPip {
    /// The pip that `call` was meant for.
    pub(super) fn of(call: &PipCall, host: &Host) -> Result<Self> {
        let (mut command, tool) = match call.entry() {
            Entry::Hook { python, words } => (repeated(python, words), Tool::Pip),
            Entry::Launcher(path) if has_pip(call.venv()) => (started(call, path)?, Tool::Pip),
            Entry::Name if has_pip(call.venv()) => {
                (started(call, &call.venv().script("pip"))?, Tool::Pip)
            }
            Entry::Launcher(_) | Entry::Name => (by_uv(call, host)?, Tool::Uv),
        };
        // The variable stays set: whatever pip starts inherits it, and Python's start runs the hook's line twice.
        command.env(env_vars::GUARD, GUARDED);
        Ok(Self { command, tool })
    }

    /// Who will change the environment.
    pub(super) fn tool(&self) -> Tool {
        self.tool
    }

    /// The program that is run.
    pub(super) fn program(&self) -> &Path {
        Path::new(self.command.get_program())
    }

    /// The command.
    pub(super) fn command(&mut self) -> &mut Command {
        &mut self.command
    }
}

/// Whether pip is in `venv`. Where nobody can tell at this moment it is: then pip itself says what is wrong.
fn has_pip(venv: &Venv) -> bool {
    launchers::has_pip(venv).unwrap_or(true)
}

/// `program` with everything that this process was given, for `exec` to start or to become.
#[expect(clippy::disallowed_methods, reason = "every call of pip begins here")]
fn program(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

fn repeated(python: &Path, words: &[OsString]) -> Command {
    let mut command = program(python);
    if let Some((name, rest)) = words.split_first() {
        command.arg0(name).args(rest);
    }
    command
}

fn started(call: &PipCall, launcher: &Path) -> Result<Command> {
    let script = Script::original(call.venv(), launcher);
    let python = match script.python {
        Some(python) => python,
        None => call
            .venv()
            .python()
            .map_err(|error| Error::new(Exit::CannotRun, error).hint(t!("shim.make_again")))?,
    };
    let mut command = program(python);
    command.args(script.option);
    if script.runs_module {
        command.args(["-m", "pip"]);
    } else if Launcher::is_python_in(launcher) {
        command.arg(launcher);
    } else {
        command.args(["-c", START]).arg(launcher);
    }
    command.args(call.args());
    Ok(command)
}

/// An environment without pip, made by `uv venv`: uv does it, or nobody.
fn by_uv(call: &PipCall, host: &Host) -> Result<Command> {
    let missing = || {
        let python = call.venv().python_path();
        Error::new(Exit::NoCommand, t!("shim.no_pip"))
            .hint(format!("{} -m ensurepip --default-pip", python.display()))
    };
    let search = host.var_os("PATH");
    let cwd = host.cwd().unwrap_or(Path::new("/"));
    let uv = which::which_in("uv", search, cwd).map_err(|_| missing())?;
    if host.terminals().stderr {
        use std::io::Write as _;

        let _ = writeln!(std::io::stderr(), "aim-pip: {}", t!("shim.uv_instead"));
    }
    let mut command = program(uv);
    command.arg("pip");
    let args = call.args();
    match PipCommand::parse(args).action_at {
        // uv takes `--python` after the command only.
        Some(at) => command
            .args(&args[..=at])
            .arg("--python")
            .arg(call.venv().root())
            .args(&args[at + 1..]),
        None => command.args(args),
    };
    Ok(command)
}

/// What a launcher's original says about how pip is run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Script {
    /// Its interpreter, if that is one of this environment.
    python: Option<PathBuf>,
    /// The interpreter's option in the first line.
    option: Option<OsString>,
    /// It runs `python -m pip`, as AIM-Forge's launchers do; then usage texts name that.
    runs_module: bool,
}

impl Script {
    /// More than the lines that matter need.
    const ENOUGH: u64 = 4096;

    /// The script that `launcher` stands for, else that of the environment's `pip`, else the usual one.
    fn original(venv: &Venv, launcher: &Path) -> Self {
        let originals = venv.layout().launchers();
        [launcher.file_name(), Some(OsStr::new("pip"))]
            .into_iter()
            .flatten()
            .find_map(|name| {
                let head = read::head(&originals.join(name), Self::ENOUGH).ok()?;
                Some(Self::parse(&head, &venv.bin()))
            })
            .unwrap_or_default()
    }

    fn parse(head: &[u8], bin: &Path) -> Self {
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let Some(first) = first.strip_prefix(b"#!") else {
            return Self::default();
        };
        let first = first.trim_ascii();
        let (program, option) = match first.iter().position(u8::is_ascii_whitespace) {
            Some(at) => (&first[..at], Some(first[at..].trim_ascii())),
            None => (first, None),
        };
        if let Some(python) = own(program, bin) {
            return Self {
                python: Some(python),
                option: option.map(|option| OsString::from_vec(option.to_vec())),
                runs_module: false,
            };
        }
        // A script of sh, for paths that a first line cannot hold: `'''exec' "/a b/python" "$0" "$@"`.
        lines
            .take(3)
            .find_map(|line| {
                let at = line.windows(4).position(|part| part == b"exec")?;
                let words = line[at + 4..].strip_prefix(b"'").unwrap_or(&line[at + 4..]);
                let (word, rest) = first_word(words.trim_ascii())?;
                Some(Self {
                    python: own(word, bin),
                    option: None,
                    runs_module: rest.trim_ascii().starts_with(b"-m pip "),
                })
            })
            .unwrap_or_default()
    }
}

/// The first word of a line of `sh`, quotes taken off, and what follows.
fn first_word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let quote = line
        .first()
        .copied()
        .filter(|byte| matches!(byte, b'"' | b'\''));
    let rest = &line[usize::from(quote.is_some())..];
    let end = rest
        .iter()
        .position(|byte| quote.map_or(byte.is_ascii_whitespace(), |quote| *byte == quote))?;
    Some((&rest[..end], &rest[end + usize::from(quote.is_some())..]))
}

/// `program`, if it is an interpreter in `bin`, whatever way leads there. That of another folder is what a moved
/// environment's scripts name.
fn own(program: &[u8], bin: &Path) -> Option<PathBuf> {
    let program = PathBuf::from(OsStr::from_bytes(program));
    let folder = program.parent()?;
    let same = folder == bin
        || matches!((folder.canonicalize(), bin.canonicalize()), (Ok(one), Ok(other)) if one == other);
    (same && program.exists()).then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let bin = dir.path().join("a b/bin");
        std::fs::create_dir_all(&bin).expect("folders");
        std::fs::write(bin.join("python3"), "").expect("write");
        (dir, bin)
    }

    fn check(script: &str, option: Option<&str>, runs_module: bool) {
        let (_dir, bin) = bin();
        let python = bin.join("python3");
        let text = script.replace("PYTHON", python.to_str().expect("utf-8"));
        let found = Script::parse(text.as_bytes(), &bin);
        assert_eq!(found.python, Some(python), "{script}");
        assert_eq!(found.option.as_deref(), option.map(OsStr::new), "{script}");
        assert_eq!(found.runs_module, runs_module, "{script}");
    }

    #[test]
    fn what_originals_say() {
        check(
            "#!/bin/sh\n'''exec' \"PYTHON\" \"$0\" \"$@\"\n' '''\n",
            None,
            false,
        );
        check("#!/bin/sh\n'''exec' 'PYTHON' \"$0\" \"$@\"\n", None, false);
        check(
            "#!/usr/bin/env sh\nexec \"PYTHON\" -m pip \"$@\"\n",
            None,
            true,
        );
    }

    #[test]
    fn the_first_lines_interpreter_and_option() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let python = dir.path().join("python3.11");
        std::fs::write(&python, "").expect("write");
        let script = format!("#!{} -I\nimport sys\n", python.display());
        let found = Script::parse(script.as_bytes(), dir.path());
        assert_eq!(found.python, Some(python));
        assert_eq!(found.option, Some("-I".into()));
    }

    #[test]
    fn a_moved_environments_script_says_nothing() {
        let (_dir, bin) = bin();
        for script in [
            "#!/old/place/bin/python3\nimport sys\n",
            "#!/bin/sh\n'''exec' \"/old place/python\" \"$0\" \"$@\"\n",
            "",
            "#!",
            "no script",
        ] {
            assert_eq!(
                Script::parse(script.as_bytes(), &bin),
                Script::default(),
                "{script}"
            );
        }
    }
}
