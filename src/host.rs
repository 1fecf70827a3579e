//! The process as one value: arguments, environment, working folder, terminal.
//!
//! Rooms take a [`Host`] instead of asking the process, so that tests run in parallel with a made-up one
//! (`Host::fake`) and never touch the real environment.
//! **Invariant:** only [`Host::real`] reads the process.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::env_vars;

/// Which of the three standard streams are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub stdout: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
}

/// What a command knows of the process that it runs in.
#[derive(Debug, Clone, Default)]
pub struct Host {
    args: Vec<OsString>,
    vars: BTreeMap<OsString, OsString>,
    cwd: Option<PathBuf>,
    exe: Option<PathBuf>,
    terminals: Terminals,
}

impl Host {
    /// The real process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the process"
    )]
    pub fn real() -> Self {
        Self {
            args: std::env::args_os().collect(),
            vars: std::env::vars_os().collect(),
            cwd: std::env::current_dir().ok(),
            exe: std::env::current_exe().ok(),
            terminals: Terminals {
                stdin: std::io::stdin().is_terminal(),
                stdout: std::io::stdout().is_terminal(),
                stderr: std::io::stderr().is_terminal(),
            },
        }
    }

    /// All arguments; the first is the name the program was called by.
    pub fn args(&self) -> &[OsString] {
        &self.args
    }

    /// A variable, as it is. An empty value counts as set.
    pub fn var_os(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        self.vars.get(name.as_ref()).map(OsString::as_os_str)
    }

    /// A variable that has a non-empty UTF-8 value.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name)
            .and_then(OsStr::to_str)
            .filter(|value| !value.is_empty())
    }

    /// A variable that names a path; empty counts as not set.
    pub fn path_var(&self, name: &str) -> Option<PathBuf> {
        self.var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    /// A variable that says yes or no ([`env_vars::truthy`]); not set means no.
    pub fn flag(&self, name: &str) -> bool {
        self.var_os(name)
            .is_some_and(|value| env_vars::truthy(&value.to_string_lossy()))
    }

    /// Every variable.
    pub fn vars(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The working folder; `None` when it is gone.
    pub fn cwd(&self) -> Option<&Path> {
        self.cwd.as_deref()
    }

    /// The program's file, with links resolved where the system does so; `None` when it does not tell.
    pub fn exe(&self) -> Option<&Path> {
        self.exe.as_deref()
    }

    /// The program of ours called `name` that lies beside this one, if it is there.
    pub fn beside(&self, name: &str) -> Option<PathBuf> {
        let beside = self.exe()?.parent()?.join(name);
        beside.is_file().then_some(beside)
    }

    /// `path` as seen from the working folder: absolute paths stay, others are joined to it; without a `.` in it.
    pub fn absolute(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        match &self.cwd {
            Some(cwd) => cwd.join(path).components().collect(),
            None => path.to_path_buf(),
        }
    }

    /// `path` as the person would say it: from the working folder where it lies below, else from the home (`~/…`).
    pub fn shown(&self, path: &Path) -> String {
        let below = |folder: PathBuf| {
            let folder = folder.canonicalize().unwrap_or(folder);
            let below = path.strip_prefix(folder).ok()?;
            (!below.as_os_str().is_empty()).then(|| below.display().to_string())
        };
        if let Some(below) = self.cwd().map(Path::to_path_buf).and_then(below) {
            return below;
        }
        match self.path_var("HOME").and_then(below) {
            Some(below) => format!("~/{below}"),
            None => path.display().to_string(),
        }
    }

    /// Which standard streams are terminals.
    pub fn terminals(&self) -> Terminals {
        self.terminals
    }

    /// The same process without the variables of such names.
    #[must_use]
    pub fn without(&self, is_left_out: impl Fn(&OsStr) -> bool) -> Self {
        let mut host = self.clone();
        host.vars.retain(|name, _| !is_left_out(name));
        host
    }

    /// The same process with one more variable.
    #[must_use]
    pub fn with_var(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }
}

/// Made-up processes.
#[cfg(test)]
impl Host {
    /// A made-up process, called with `args` (the first is its own name), without variables or terminals.
    pub(crate) fn fake<I, S>(args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        Self {
            args: args.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The same process in another working folder.
    #[must_use]
    pub(crate) fn with_cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// The same process, run from another file.
    #[must_use]
    pub(crate) fn with_exe(mut self, exe: impl Into<PathBuf>) -> Self {
        self.exe = Some(exe.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_set_but_says_nothing() {
        let host = Host::fake(["x"]).with_var("A", "");
        assert!(host.var_os("A").is_some());
        assert_eq!(host.var("A"), None);
        assert_eq!(host.path_var("A"), None);
        assert!(!host.flag("A"));
    }

    #[test]
    fn paths_are_seen_from_the_working_folder() {
        let host = Host::fake(["x"]).with_cwd("/w");
        assert_eq!(host.absolute("a/b"), Path::new("/w/a/b"));
        assert_eq!(host.absolute("/a"), Path::new("/a"));
    }
}
