//! The person's shell, started with an environment active after their own files have run (compat, D23), and with
//! nothing of theirs changed: in a terminal of the daemon's, and in a view.
//!
//! Start reading at [`Start::of`]. Each kind of shell has a way of its own to be given one more file; `shims/shell` has
//! the files. A shell of another kind gets the variables alone.
//!
//! It starts nothing itself, and never knows whose terminal it is.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use uzers::os::unix::UserExt as _;

use crate::host::Host;

/// Our own files for shells; [`Start`] needs them all in one folder.
pub const FILES: [(&str, &str); 8] = [
    ("activate.sh", include_str!("../shims/shell/activate.sh")),
    ("guide.bash", include_str!("../shims/shell/guide.bash")),
    ("guide.fish", include_str!("../shims/shell/guide.fish")),
    ("guide.zsh", include_str!("../shims/shell/guide.zsh")),
    ("start.bash", include_str!("../shims/shell/start.bash")),
    ("start.fish", include_str!("../shims/shell/start.fish")),
    ("start.sh", include_str!("../shims/shell/start.sh")),
    (".zshenv", include_str!("../shims/shell/zshenv")),
];

/// The shells that are there when nothing better is.
const USUAL_SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// Shells that keep people out.
const NO_SHELLS: [&str; 2] = ["nologin", "false"];

/// How the person's shell is started.
#[derive(Debug)]
pub struct Start {
    /// The shell.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables that it has beside those of the environment.
    pub variables: Vec<(&'static str, OsString)>,
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

impl Start {
    /// The person's shell in the environment whose folder is `venv`; `files` is the folder of [`FILES`].
    pub fn of(host: &Host, venv: &Path, files: &Path) -> Self {
        let program = program(host);
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("SHELL", program.clone().into()),
            ("_AIM_VENV", venv.into()),
            ("_AIM_SHELL", files.into()),
        ];
        variables.extend(guide(host).map(|guide| ("_AIM_PROGRAM", guide.into())));
        let mut keep = |name, kept| {
            let theirs = host.var_os(name);
            variables.extend(theirs.map(|theirs| (kept, theirs.into())));
        };
        let args: Vec<OsString> = match Kind::of(&program) {
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
                keep("ZDOTDIR", "_AIM_ZDOTDIR");
                variables.push(("ZDOTDIR", files.into()));
                vec!["-i".into()]
            }
            Kind::Posix => {
                keep("ENV", "_AIM_ENV");
                variables.push(("ENV", files.join("start.sh").into()));
                vec!["-i".into()]
            }
            Kind::Other => vec!["-i".into()],
        };
        Self {
            program,
            args,
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
    host.beside("aim-venv-sync")
}

/// `$SHELL`, else what the system's list of users has, else one that is there.
pub fn program(host: &Host) -> PathBuf {
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
