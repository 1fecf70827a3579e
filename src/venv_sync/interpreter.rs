//! Finding the interpreter that a person means by `--python X`: a path, a name (`python3.11`) or a version (`3.11`).
//!
//! A name on `PATH` is believed only after it ran: pyenv leaves names there that end with an error.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::env_vars;
use crate::host::Host;
use crate::project::VenvLayout;

/// Oldest Python that an environment may have (design, section 10).
pub(super) const OLDEST: [u32; 2] = [3, 8];

/// Which Python was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PythonWish {
    /// No wish: the first that is on `PATH`.
    Any,
    /// An interpreter, or the folder of an installation.
    Path(PathBuf),
    /// A program on `PATH`.
    Name(String),
    /// A version, as many numbers as were given.
    Version(Vec<u32>),
}

impl PythonWish {
    /// What `text` asks for.
    pub(super) fn parse(text: &str) -> Self {
        if text.contains('/') {
            return Self::Path(PathBuf::from(text));
        }
        numbers(text).map_or_else(|| Self::Name(text.to_owned()), Self::Version)
    }

    /// Whether an interpreter of version `found` (`3.11.7`) is what was asked for.
    pub(super) fn accepts(&self, found: &str) -> bool {
        match self {
            Self::Version(wanted) => numbers(found).is_some_and(|found| found.starts_with(wanted)),
            _ => true,
        }
    }

    fn candidates(&self, host: &Host) -> Vec<PathBuf> {
        let on_path = |name: &str| on_path(host, name);
        match self {
            Self::Any => ["python3", "python"]
                .into_iter()
                .filter_map(on_path)
                .collect(),
            Self::Path(path) => {
                let path = host.absolute(path);
                let inside = VenvLayout::new(&path).python();
                vec![if inside.exists() { inside } else { path }]
            }
            Self::Name(name) => on_path(name).into_iter().collect(),
            Self::Version(wanted) => {
                let exact = match wanted[..] {
                    [major, minor, ..] => format!("python{major}.{minor}"),
                    _ => format!("python{}", wanted[0]),
                };
                [exact.as_str(), "python3", "python"]
                    .into_iter()
                    .filter_map(on_path)
                    .chain(of_pyenv(host, wanted))
                    .collect()
            }
        }
    }
}

/// An interpreter that ran and told its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundPython {
    /// Its program.
    pub(super) path: PathBuf,
    /// Its version, three numbers.
    pub(super) version: String,
}

impl FoundPython {
    /// The first interpreter that `wish` accepts.
    pub(super) fn find(host: &Host, wish: &PythonWish) -> Option<Self> {
        wish.candidates(host)
            .into_iter()
            .filter_map(|path| Self::probe(host, path))
            .find(|found| wish.accepts(&found.version))
    }

    /// Runs `path` to learn its version; `None` when it does not run or is no Python.
    pub(super) fn probe(host: &Host, path: PathBuf) -> Option<Self> {
        let output = command(host, &path)
            .args(["-I", "-S", "-c"])
            .arg("import sys; print('%d.%d.%d' % sys.version_info[:3])")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let version = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (output.status.success() && numbers(&version)?.len() == 3).then_some(Self { path, version })
    }

    /// Whether the toolkit works with environments of this version.
    pub(super) fn is_new_enough(&self) -> bool {
        numbers(&self.version).is_some_and(|version| version[..] >= OLDEST[..])
    }
}

/// A program of the person's `PATH`.
pub(super) fn on_path(host: &Host, name: &str) -> Option<PathBuf> {
    let cwd = host.cwd().unwrap_or(Path::new("/"));
    which::which_in(name, host.var_os("PATH"), cwd).ok()
}

/// `program`, to be run in the person's environment with nothing to read, and left alone by shim and hook.
#[expect(
    clippy::disallowed_methods,
    reason = "every program of this room begins here"
)]
pub(super) fn command(host: &Host, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(host.vars())
        .env(env_vars::GUARD, "1")
        .stdin(Stdio::null());
    command
}

/// The numbers of a version text; `None` when it is anything else.
fn numbers(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// Interpreters that pyenv has for a version, newest first. They need not be on `PATH`.
fn of_pyenv(host: &Host, wanted: &[u32]) -> Vec<PathBuf> {
    let Some(root) = host
        .path_var("PYENV_ROOT")
        .or_else(|| Some(host.path_var("HOME")?.join(".pyenv")))
    else {
        return Vec::new();
    };
    let mut found: Vec<(Vec<u32>, PathBuf)> = std::fs::read_dir(root.join("versions"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version = numbers(entry.file_name().to_str()?)?;
            Some((version, VenvLayout::new(&entry.path()).python()))
        })
        .filter(|(version, python)| version.starts_with(wanted) && python.exists())
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, python)| python).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venv_sync::tests::script;

    fn check(text: &str, expected: &PythonWish) {
        assert_eq!(PythonWish::parse(text), *expected, "{text:?}");
    }

    #[test]
    fn paths_names_and_versions_are_told_apart() {
        check("3", &PythonWish::Version(vec![3]));
        check("3.11", &PythonWish::Version(vec![3, 11]));
        check("3.11.7", &PythonWish::Version(vec![3, 11, 7]));
        check("python3.11", &PythonWish::Name("python3.11".into()));
        check("pypy3", &PythonWish::Name("pypy3".into()));
        check("3.11rc1", &PythonWish::Name("3.11rc1".into()));
        check("./python", &PythonWish::Path("./python".into()));
    }

    #[test]
    fn a_version_accepts_its_own_line_only() {
        let wish = PythonWish::parse("3.1");
        assert!(wish.accepts("3.1.4"));
        assert!(!wish.accepts("3.11.7"));
        assert!(PythonWish::Any.accepts("3.11.7"));
    }

    /// A folder with programs that say a version, as interpreters do, or fail.
    fn programs(entries: &[(&str, Option<&str>)]) -> (tempfile::TempDir, Host) {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (name, version) in entries {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("inside")).expect("folders");
            let body = version.map_or_else(|| "exit 127".into(), |v| format!("echo {v}"));
            script(&path, &body);
        }
        let host = Host::fake(["x"])
            .with_var("PATH", dir.path().join("bin"))
            .with_var("PYENV_ROOT", dir.path().join("pyenv"))
            .with_cwd(dir.path());
        (dir, host)
    }

    #[test]
    fn a_name_that_does_not_run_is_passed_over() {
        let (dir, host) = programs(&[
            ("bin/python3.11", None),
            ("bin/python3", Some("3.9.1")),
            ("pyenv/versions/3.11.2/bin/python", Some("3.11.2")),
            ("pyenv/versions/3.11.10/bin/python", Some("3.11.10")),
        ]);
        let find = |text: &str| {
            FoundPython::find(&host, &PythonWish::parse(text)).map(|found| found.version)
        };
        assert_eq!(find("3.11").as_deref(), Some("3.11.10"));
        assert_eq!(find("3.11.2").as_deref(), Some("3.11.2"));
        assert_eq!(find("3.9").as_deref(), Some("3.9.1"));
        assert_eq!(find("3.12"), None);
        assert_eq!(find("python3").as_deref(), Some("3.9.1"));
        let folder = dir.path().join("pyenv/versions/3.11.2");
        assert_eq!(
            find(folder.to_str().expect("UTF-8")).as_deref(),
            Some("3.11.2")
        );
        let any = FoundPython::find(&host, &PythonWish::Any).expect("one");
        assert_eq!(any.version, "3.9.1");
    }

    #[test]
    fn old_ones_are_known_for_what_they_are() {
        let of = |version: &str| FoundPython {
            path: PathBuf::new(),
            version: version.into(),
        };
        assert!(of("3.8.0").is_new_enough());
        assert!(of("3.14.1").is_new_enough());
        assert!(!of("3.7.16").is_new_enough());
        assert!(!of("2.7.18").is_new_enough());
    }
}
