//! How the shell of a session is started: in the project's folder, with variables that tell nothing of the daemon's own
//! terminal; how the environment comes to be active in it is the business of `shells`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::host::Host;
use crate::project::{Project, Venv};
use crate::shells::Start;

/// Variables of the daemon that mean something else in a terminal: they lead Python elsewhere, are the daemon's own, or
/// tell of the terminal that the daemon was started from.
const REMOVED: [&str; 22] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "__PYVENV_LAUNCHER__",
    "VIRTUAL_ENV_PROMPT",
    "_OLD_VIRTUAL_PATH",
    "_OLD_VIRTUAL_PS1",
    "PS1",
    "COLUMNS",
    "LINES",
    "SHLVL",
    "OLDPWD",
    "_",
    "TERMCAP",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TERM_SESSION_ID",
    "WINDOWID",
    "INSIDE_EMACS",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "NOTIFY_SOCKET",
];

/// How names of such variables begin.
const REMOVED_BEGINNINGS: [&str; 7] = [
    "KITTY_",
    "WEZTERM_",
    "VTE_",
    "GNOME_TERMINAL_",
    "KONSOLE_",
    "VSCODE_",
    "_AIM_",
];

/// Variables of ours that are the daemon's, not a terminal's.
const OURS: [&str; 4] = [
    env_vars::TOKEN,
    env_vars::GUARD,
    env_vars::BYPASS,
    env_vars::WORKER_MARK,
];

/// A shell, as it is to be started.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) folder: PathBuf,
    pub(super) variables: Vec<(OsString, OsString)>,
}

impl Shell {
    /// The person's shell in `project`; `files` is the folder with our own files, `session` the session's id.
    pub(super) fn of(host: &Host, project: &Project, files: &Path, session: &str) -> Self {
        let start = Start::of(host, project.venv().root(), files);
        let mut variables = variables(host, project.venv());
        let own = [
            ("PWD", project.root().into()),
            (env_vars::TERMINAL, session.into()),
        ];
        for (name, value) in start.variables.into_iter().chain(own) {
            variables.retain(|(other, _)| other != name);
            variables.push((name.into(), value));
        }
        Self {
            program: start.program,
            args: start.args,
            folder: project.root().to_path_buf(),
            variables,
        }
    }
}

/// The daemon's variables, turned to the environment (compat, section 6).
fn variables(host: &Host, venv: &Venv) -> Vec<(OsString, OsString)> {
    let is_removed = |name: &OsStr| {
        let begins = |with: &&str| name.as_bytes().starts_with(with.as_bytes());
        REMOVED.iter().chain(&OURS).any(|other| name == *other)
            || REMOVED_BEGINNINGS.iter().any(begins)
    };
    let inherited = host.vars().filter(|(name, _)| !is_removed(name));
    let mut variables: Vec<(OsString, OsString)> = inherited
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let has_locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .any(|name| host.var_os(name).is_some_and(|value| !value.is_empty()));
    // A locale that is not there makes shells complain; this one is part of the C library.
    let locale = (!has_locale).then(|| ("LANG", "C.UTF-8".into()));
    let ours = [
        ("TERM", "xterm-256color".into()),
        ("COLORTERM", "truecolor".into()),
        ("TERM_PROGRAM", "aim-toolkit".into()),
    ];
    let environment = venv.variables(host.var_os("PATH"));
    for (name, value) in environment.into_iter().chain(ours).chain(locale) {
        variables.retain(|(other, _)| other != name);
        variables.push((name.into(), value));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn venv(folder: &Path) -> Venv {
        let shut = "include-system-site-packages = false\n";
        std::fs::write(folder.join("pyvenv.cfg"), shut).expect("write");
        Venv::open(folder).expect("an environment")
    }

    #[test]
    fn what_tells_of_another_terminal_is_left_out() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"])
            .with_var("HOME", "/home/kim")
            .with_var("PATH", "/bin")
            .with_var("TMUX", "/tmp/tmux")
            .with_var("VSCODE_PID", "1")
            .with_var("KITTY_WINDOW_ID", "1")
            .with_var("_AIM_VENV", "/other")
            .with_var("VIRTUAL_ENV", "/other")
            .with_var("PYTHONPATH", "/other")
            .with_var("AIM_TOKEN", "secret")
            .with_var("TERM", "dumb")
            .with_var("LC_CTYPE", "ko_KR.UTF-8");
        let mut found = variables(&host, &venv(dir.path()));
        found.sort();
        let path = format!("{}/bin:/bin", dir.path().display());
        let expected = [
            ("COLORTERM", "truecolor"),
            ("HOME", "/home/kim"),
            ("LC_CTYPE", "ko_KR.UTF-8"),
            ("PATH", &path),
            ("PYTHONNOUSERSITE", "1"),
            ("TERM", "xterm-256color"),
            ("TERM_PROGRAM", "aim-toolkit"),
            ("VIRTUAL_ENV", dir.path().to_str().expect("text")),
        ];
        let expected = expected.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(found, expected);
    }
}
