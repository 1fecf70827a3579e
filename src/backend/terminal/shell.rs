//! Which shell a session has, and how it is started: in the project's folder, with the environment active after the
//! person's own files have run (compat, D23), and with nothing of theirs changed.
//!
//! Each kind of shell has a way of its own to be given one more file; `shims/shell` has the files. A shell of another
//! kind gets the variables alone.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use uzers::os::unix::UserExt as _;

use crate::env_vars;
use crate::host::Host;
use crate::project::{Project, Venv};

/// The shells that are there when nothing better is.
const USUAL_SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// Shells that keep people out.
const NO_SHELLS: [&str; 2] = ["nologin", "false"];

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

/// Kinds of shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bash,
    Zsh,
    Fish,
    /// Another one of Bourne's kind, which reads the file that `ENV` names (POSIX, sh).
    Posix,
    Other,
}

impl Shell {
    /// The person's shell in `project`; `files` is the folder with our own files, `session` the session's id.
    pub(super) fn of(host: &Host, project: &Project, files: &Path, session: &str) -> Self {
        let program = program(host);
        let kind = Kind::of(&program);
        let mut variables = variables(host, project.venv());
        let mut set = |name: &str, value: OsString| {
            variables.retain(|(other, _)| other != name);
            variables.push((name.into(), value));
        };
        set("SHELL", program.clone().into());
        set("PWD", project.root().into());
        set(env_vars::TERMINAL, session.into());
        set("_AIM_VENV", project.venv().root().into());
        set("_AIM_SHELL", files.into());
        if let Some(program) = guide(host) {
            set("_AIM_PROGRAM", program.into());
        }
        let args: Vec<OsString> = match kind {
            Kind::Bash => vec![
                "--rcfile".into(),
                files.join("start.bash").into(),
                "-i".into(),
            ],
            Kind::Fish => {
                let file = files.join("start.fish");
                vec![
                    "--init-command".into(),
                    quoted("source ", &file),
                    "-i".into(),
                ]
            }
            Kind::Zsh => {
                if let Some(theirs) = host.var_os("ZDOTDIR") {
                    set("_AIM_ZDOTDIR", theirs.into());
                }
                set("ZDOTDIR", files.into());
                vec!["-i".into()]
            }
            Kind::Posix => {
                if let Some(theirs) = host.var_os("ENV") {
                    set("_AIM_ENV", theirs.into());
                }
                set("ENV", files.join("start.sh").into());
                vec!["-i".into()]
            }
            Kind::Other => vec!["-i".into()],
        };
        Self {
            program,
            args,
            folder: project.root().to_path_buf(),
            variables,
        }
    }
}

impl Kind {
    fn of(program: &Path) -> Self {
        match program.file_name().and_then(OsStr::to_str) {
            Some("bash" | "rbash") => Self::Bash,
            Some("zsh") => Self::Zsh,
            Some("fish") => Self::Fish,
            Some("sh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "oksh" | "yash") => Self::Posix,
            _ => Self::Other,
        }
    }
}

/// The program that the guide above a prompt calls: the one beside this, since a terminal's PATH is the person's.
fn guide(host: &Host) -> Option<PathBuf> {
    let beside = host.exe()?.parent()?.join("aim-venv-sync");
    beside.is_file().then_some(beside)
}

/// `$SHELL`, else what the system's list of users has, else one that is there.
fn program(host: &Host) -> PathBuf {
    let listed = || {
        let user = uzers::get_user_by_uid(rustix::process::geteuid().as_raw())?;
        Some(user.shell().to_path_buf())
    };
    let chosen = host.path_var("SHELL").into_iter().chain(listed());
    let mut shells = chosen.chain(USUAL_SHELLS.map(PathBuf::from));
    let found = shells.find(|shell| is_shell(shell));
    found.unwrap_or_else(|| PathBuf::from(USUAL_SHELLS[1]))
}

fn is_shell(path: &Path) -> bool {
    let keeps_out = NO_SHELLS
        .iter()
        .any(|name| path.file_name() == Some(OsStr::new(name)));
    let may_run = rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    path.is_absolute() && !keeps_out && may_run && path.is_file()
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

/// `command` with a path, as fish reads it.
fn quoted(command: &str, path: &Path) -> OsString {
    let mut bytes = command.as_bytes().to_vec();
    bytes.push(b'\'');
    for byte in path.as_os_str().as_bytes() {
        if b"'\\".contains(byte) {
            bytes.push(b'\\');
        }
        bytes.push(*byte);
    }
    bytes.push(b'\'');
    OsStr::from_bytes(&bytes).to_owned()
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

    #[test]
    fn a_shell_that_is_none_is_passed_over() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let file = dir.path().join("text");
        std::fs::write(&file, "").expect("write");
        for bad in [
            "/no/such/shell",
            "bash",
            "/bin/false",
            "",
            file.to_str().expect("text"),
        ] {
            let found = program(&Host::fake(["x"]).with_var("SHELL", bad));
            assert!(is_shell(&found), "{bad}: {}", found.display());
        }
        let own = dir.path().join("my shell");
        std::os::unix::fs::symlink("/bin/sh", &own).expect("link");
        assert_eq!(program(&Host::fake(["x"]).with_var("SHELL", &own)), own);
        assert_eq!(
            quoted("source ", Path::new("/a'b\\c d")),
            r"source '/a\'b\\c d'"
        );
    }
}
