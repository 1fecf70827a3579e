//! One Python environment, known by its folder alone.
//!
//! Nothing here starts an interpreter: what is asked of an environment before pip runs must cost microseconds.
//! An environment is a folder with a `pyvenv.cfg` (PEP 405), which venv, virtualenv and uv write, or with the
//! `conda-meta/history` that conda keeps.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::layout::VenvLayout;
use crate::files::momentary::{found, readable, there};
use crate::files::read;

/// Longer than any `pyvenv.cfg`.
const LONGEST_SETTINGS: u64 = 64 << 10;

/// A Python environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venv {
    root: PathBuf,
}

/// Why a folder cannot be used as an environment.
#[derive(Debug, thiserror::Error)]
pub enum VenvError {
    /// There is no `pyvenv.cfg`, and nothing of conda's.
    #[error("{} is not a Python environment (it has no pyvenv.cfg)", .0.display())]
    NotAnEnvironment(PathBuf),
    /// Its interpreter is missing, or a link to one that is gone.
    #[error("the environment's interpreter is gone: {}", .0.display())]
    PythonGone(PathBuf),
    /// The system does not let us look, so nobody knows.
    #[error("cannot look at {}: {source}", .path.display())]
    Unseen {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl VenvError {
    fn unseen(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Unseen {
            path: path.to_path_buf(),
            source,
        }
    }

    /// Whether it is known that the environment is of no use: then it may be put aside and made again.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unseen { .. })
    }
}

impl Venv {
    /// The environment in `root`, if it has a `pyvenv.cfg` or is conda's. Its interpreter may be gone: see
    /// [`Venv::python`].
    ///
    /// # Errors
    /// [`VenvError::NotAnEnvironment`], [`VenvError::Unseen`].
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, VenvError> {
        let root = root.into();
        let layout = VenvLayout::new(&root);
        let mut unseen = None;
        for mark in [layout.pyvenv_cfg(), layout.conda_history()] {
            match readable(mark.metadata()) {
                Ok(Some(found)) if found.is_file() => return Ok(Self { root }),
                Ok(_) => {}
                Err(error) => unseen = unseen.or(Some(VenvError::unseen(&mark)(error))),
            }
        }
        Err(unseen.unwrap_or(VenvError::NotAnEnvironment(root)))
    }

    /// The environment's folder, as it was named (not resolved: a linked environment keeps its name).
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the toolkit keeps things in this environment.
    pub fn layout(&self) -> VenvLayout {
        VenvLayout::new(&self.root)
    }

    /// `bin`, where interpreters and scripts are.
    pub fn bin(&self) -> PathBuf {
        self.layout().bin()
    }

    /// Where conda keeps a file for each of its packages, if this is an environment of conda's.
    pub fn conda_meta(&self) -> Option<PathBuf> {
        Some(self.layout().conda_meta()).filter(|folder| folder.is_dir())
    }

    /// The program `name` in `bin`, whether it is there or not.
    pub fn script(&self, name: impl AsRef<Path>) -> PathBuf {
        self.layout().script(name)
    }

    /// Where makers of environments write what they made (PEP 405); conda's have none.
    pub fn pyvenv_cfg(&self) -> PathBuf {
        self.layout().pyvenv_cfg()
    }

    /// Where the interpreter is, whether it is there or not: `bin/python`. Where the environment was made anew over an
    /// older one, that is still the older Python (`python3.13 -m venv` leaves what is there), and `bin/python3.13` is
    /// the environment's.
    pub fn python_path(&self) -> PathBuf {
        let usual = self.layout().python();
        self.made_later(&usual).unwrap_or(usual)
    }

    fn made_later(&self, usual: &Path) -> Option<PathBuf> {
        let target = usual.canonicalize().ok()?;
        let name = target.file_name()?;
        let version = self.python_version()?;
        let is_of_another = name.as_encoded_bytes().contains(&b'.') && !is_of(name, &version);
        let own = self.script(format!("python{}", line_of(&version)));
        (is_of_another && own.exists()).then_some(own)
    }

    /// The interpreter, [`Venv::python_path`].
    ///
    /// # Errors
    /// [`VenvError::PythonGone`] when it is missing or a dangling link, [`VenvError::Unseen`].
    pub fn python(&self) -> Result<PathBuf, VenvError> {
        let python = self.python_path();
        match readable(python.metadata()) {
            Ok(Some(_)) => Ok(python),
            Ok(None) => Err(VenvError::PythonGone(python)),
            Err(error) => Err(VenvError::unseen(&python)(error)),
        }
    }

    /// A value of `pyvenv.cfg` (PEP 405: `key = value` lines, keys without regard to case).
    ///
    /// # Errors
    /// What is of the moment.
    pub fn setting(&self, key: &str) -> io::Result<Option<String>> {
        Ok(self.settings()?.of(key).map(str::to_owned))
    }

    /// `pyvenv.cfg`.
    ///
    /// # Errors
    /// What is of the moment.
    pub(super) fn settings(&self) -> io::Result<Settings> {
        let text = found(read::text(&self.pyvenv_cfg(), LONGEST_SETTINGS))?;
        Ok(Settings(text))
    }

    /// The interpreter's version as `pyvenv.cfg` tells it (`version` by venv, `version_info` by virtualenv and uv), or
    /// conda's file of its Python; three numbers at most: `3.11.7`. None, too, where it cannot be read now.
    pub fn python_version(&self) -> Option<String> {
        self.known_python_version().ok().flatten()
    }

    /// As [`Venv::python_version`], for who would take a file that cannot be read for one that tells nothing.
    ///
    /// # Errors
    /// What is of the moment.
    pub fn known_python_version(&self) -> io::Result<Option<String>> {
        self.version_by(&self.settings()?)
    }

    fn version_by(&self, settings: &Settings) -> io::Result<Option<String>> {
        let told = settings.of("version").or(settings.of("version_info"));
        let version = match told {
            Some(version) => Some(version.to_owned()),
            None => self.conda_python()?,
        };
        Ok(version.and_then(|version| numbers(&version)))
    }

    /// From the name of conda's file, `python-<version>-<build>.json`.
    fn conda_python(&self) -> io::Result<Option<String>> {
        let files = found(std::fs::read_dir(self.layout().conda_meta()))?;
        for file in files.into_iter().flatten() {
            let Ok(name) = file?.file_name().into_string() else {
                continue;
            };
            let version = name
                .strip_prefix("python-")
                .and_then(|rest| rest.split_once('-'));
            if let Some((version, _)) = version
                && version.starts_with(|first: char| first.is_ascii_digit())
            {
                return Ok(Some(version.to_owned()));
            }
        }
        Ok(None)
    }

    /// The folders that distributions are installed in: the `lib*/python*/site-packages` (purelib and platlib) of the
    /// environment's Python, resolved so that none is counted twice. Those of another Python, which an environment has
    /// that was made anew over an older one, do not count, but where it has no others. Sorted; empty for a broken
    /// environment.
    pub fn site_packages(&self) -> Vec<PathBuf> {
        let version = self.python_version();
        self.find_site_packages(version.as_deref(), |_| Ok(()))
            .unwrap_or_default()
            .own
    }

    /// As [`Venv::site_packages`], for who would take a folder that cannot be read for one that is not there.
    ///
    /// # Errors
    /// What the system says, but that a folder is missing.
    pub fn all_site_packages(&self) -> io::Result<Vec<PathBuf>> {
        self.site_packages_by(&self.settings()?)
    }

    pub(super) fn site_packages_by(&self, settings: &Settings) -> io::Result<Vec<PathBuf>> {
        let version = self.version_by(settings)?;
        Ok(self.find_site_packages(version.as_deref(), Err)?.own)
    }

    /// The folders of distributions of another Python than the environment's: nothing is imported from them.
    pub fn left_over(&self) -> Vec<PathBuf> {
        let version = self.python_version();
        self.find_site_packages(version.as_deref(), |_| Ok(()))
            .unwrap_or_default()
            .of_others
    }

    fn find_site_packages(
        &self,
        version: Option<&str>,
        failed: impl Fn(io::Error) -> io::Result<()>,
    ) -> io::Result<SitePackages> {
        // The usual `lib64` is a link to `lib`, which need not be listed and resolved again to see that.
        let is_link_to_lib =
            |lib: &Path| std::fs::read_link(lib).is_ok_and(|target| target == Path::new("lib"));
        let mut found = Vec::new();
        for lib in self.layout().libs() {
            if is_link_to_lib(&lib) {
                continue;
            }
            let entries = match there(std::fs::read_dir(&lib)) {
                Ok(entries) => entries,
                Err(error) => {
                    failed(error)?;
                    continue;
                }
            };
            for entry in entries.into_iter().flatten() {
                match entry {
                    Ok(entry) if is_python(&entry.file_name()) => {
                        match there(entry.path().join(VenvLayout::SITE_PACKAGES).canonicalize()) {
                            Ok(folder) => {
                                let is_own = version
                                    .is_none_or(|version| is_of(&entry.file_name(), version));
                                found.extend(folder.map(|folder| (folder, is_own)));
                            }
                            Err(error) => failed(error)?,
                        }
                    }
                    Ok(_) => {}
                    Err(error) => failed(error)?,
                }
            }
        }
        found.sort();
        found.dedup_by(|next, first| next.0 == first.0);
        let has_own = found.iter().any(|(_, is_own)| *is_own);
        let (own, of_others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|(_, is_own)| *is_own || !has_own);
        let folders = |found: Vec<(PathBuf, bool)>| found.into_iter().map(|(folder, _)| folder);
        Ok(SitePackages {
            own: folders(own).collect(),
            of_others: folders(of_others).collect(),
        })
    }
}

/// The text of a `pyvenv.cfg`; none where there is no such file.
pub(super) struct Settings(Option<String>);

impl Settings {
    /// The value of `key`.
    pub(super) fn of(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .flat_map(|text| text.lines())
            .find_map(|line| {
                let (name, value) = line.split_once('=')?;
                name.trim().eq_ignore_ascii_case(key).then(|| value.trim())
            })
    }

    /// Whether there is such a file: not in an environment of conda's.
    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

/// The numbers at the beginning of a version, three at most: of `3.11.7.final.0` they are `3.11.7`.
fn numbers(version: &str) -> Option<String> {
    let numbers: Vec<&str> = version
        .split('.')
        .take(3)
        .take_while(|part| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty())
        .collect();
    (numbers.len() >= 2).then(|| numbers.join("."))
}

/// The folders of distributions in an environment.
#[derive(Debug, Default)]
struct SitePackages {
    own: Vec<PathBuf>,
    of_others: Vec<PathBuf>,
}

/// Whether a folder of that name in `lib`, or an interpreter, is that of Python `version`: `python3.13`, `python3.13t`
/// or `pypy3.13` for `3.13.2`.
fn is_of(name: &OsStr, version: &str) -> bool {
    let name = name.to_string_lossy();
    let name = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    name.strip_prefix(line_of(version))
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `3.13` of `3.13.2`.
fn line_of(version: &str) -> &str {
    let end = version.match_indices('.').nth(1);
    end.map_or(version, |(at, _)| &version[..at])
}

/// Whether a folder of that name in `lib` is an interpreter's.
fn is_python(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("python") || name.starts_with("pypy")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn venv(cfg: &str) -> (tempfile::TempDir, Venv) {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("pyvenv.cfg"), cfg).expect("write");
        let venv = Venv::open(dir.path()).expect("an environment");
        (dir, venv)
    }

    #[test]
    fn versions_of_all_makers() {
        for (cfg, expected) in [
            ("home = /usr\nversion = 3.11.7\n", Some("3.11.7")),
            ("version_info = 3.13.0.final.0\n", Some("3.13.0")),
            ("VERSION=3.8.18", Some("3.8.18")),
            ("version = 3", None),
            ("home = /usr\n", None),
        ] {
            assert_eq!(venv(cfg).1.python_version().as_deref(), expected, "{cfg:?}");
        }
    }

    #[test]
    fn an_environment_of_condas_is_one_too() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let meta = dir.path().join("conda-meta");
        std::fs::create_dir(&meta).expect("folder");
        assert!(Venv::open(dir.path()).is_err(), "no history");
        for file in [
            "history",
            "python-dateutil-2.9.0-pyhd8_0.json",
            "python-3.11.8-hab_0_cpython.json",
        ] {
            std::fs::write(meta.join(file), "").expect("write");
        }
        let venv = Venv::open(dir.path()).expect("an environment");
        assert_eq!(venv.python_version().as_deref(), Some("3.11.8"));
        assert_eq!(venv.conda_meta(), Some(meta));
    }

    #[test]
    fn a_link_to_lib_is_not_counted_twice() {
        let (dir, venv) = venv("");
        let site = dir.path().join("lib/python3.11/site-packages");
        std::fs::create_dir_all(&site).expect("folders");
        std::os::unix::fs::symlink("lib", dir.path().join("lib64")).expect("link");
        assert_eq!(
            venv.site_packages(),
            [site.canonicalize().expect("resolved")]
        );
    }

    #[test]
    fn what_another_python_left_does_not_count() {
        let (dir, venv) = venv("version = 3.12.1");
        let site = |name: &str| dir.path().join("lib").join(name).join("site-packages");
        let make = |name: &str| {
            std::fs::create_dir_all(site(name)).expect("folders");
            site(name).canonicalize().expect("resolved")
        };
        let old = make("python3.1");
        assert_eq!(venv.site_packages(), [old.as_path()], "it has no others");
        assert!(venv.left_over().is_empty());
        let own = [make("pypy3.12"), make("python3.12"), make("python3.12t")];
        let older = make("python3.11");
        assert_eq!(venv.all_site_packages().expect("read"), own);
        assert_eq!(venv.left_over(), [old, older]);
    }

    #[test]
    fn an_interpreter_that_is_a_dangling_link_is_gone() {
        let (dir, venv) = venv("");
        std::fs::create_dir(dir.path().join("bin")).expect("bin");
        std::os::unix::fs::symlink("/nowhere/python", dir.path().join("bin/python")).expect("link");
        assert!(matches!(venv.python(), Err(VenvError::PythonGone(_))));
    }

    #[test]
    fn a_folder_without_pyvenv_cfg_is_no_environment() {
        let dir = tempfile::tempdir().expect("temporary folder");
        assert!(matches!(
            Venv::open(dir.path()),
            Err(VenvError::NotAnEnvironment(_))
        ));
    }
}
