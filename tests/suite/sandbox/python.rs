//! Which Pythons are there, and environments made quickly.
//!
//! `python -m venv` with pip takes seconds, so each Python makes one environment, kept under `target/`, and tests get
//! copies of it: files of site-packages hard-linked (nobody edits them in place), the rest written anew with the
//! copy's own path in shebangs and activation scripts, as `venv` would have written them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// One interpreter, outside any environment.
#[derive(Debug, Clone)]
pub(crate) struct Python {
    path: PathBuf,
    version: (u32, u32),
}

impl Python {
    /// The interpreter that most tests use: `python3` on PATH.
    pub(crate) fn main() -> Self {
        static MAIN: OnceLock<Python> = OnceLock::new();
        MAIN.get_or_init(|| {
            Self::ask(Path::new("python3")).expect("python3 is needed for the tests")
        })
        .clone()
    }

    /// Python `3.minor`, from PATH or pyenv; without one, prints why the test is skipped.
    pub(crate) fn find(minor: u32) -> Option<Self> {
        let found = Self::candidates(minor)
            .into_iter()
            .find_map(|path| Self::ask(&path).filter(|python| python.version == (3, minor)));
        if found.is_none() {
            super::skipped(&format!("no Python 3.{minor} on PATH or under pyenv"));
        }
        found
    }

    /// `3.11`, as in folder names.
    pub(crate) fn minor(&self) -> String {
        format!("{}.{}", self.version.0, self.version.1)
    }

    /// The interpreter's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn candidates(minor: u32) -> Vec<PathBuf> {
        let pyenv = std::env::var_os("PYENV_ROOT")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
        let prefix = format!("3.{minor}.");
        let mut found: Vec<PathBuf> = pyenv
            .and_then(|root| std::fs::read_dir(root.join("versions")).ok())
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .map(|entry| entry.path().join("bin/python3"))
            .collect();
        found.push(PathBuf::from(format!("python3.{minor}")));
        found
    }

    /// What `path` says of itself. The real path, so that a pyenv shim costs once only.
    fn ask(path: &Path) -> Option<Self> {
        let code = "import sys; print(sys.executable); print(sys.version_info[0]); print(sys.version_info[1])";
        let output = Command::new(path).args(["-I", "-c", code]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut lines = text.lines();
        let path = PathBuf::from(lines.next()?);
        let version = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?);
        Some(Self { path, version })
    }

    /// Makes an environment with pip in `target`.
    pub(crate) fn copy_venv(&self, target: &Path) {
        let template = self.template();
        copy_tree(
            &template,
            target,
            &template.to_string_lossy(),
            &target.to_string_lossy(),
        );
    }

    /// The environment that copies are made of; made on first use, by this process or another.
    fn template(&self) -> PathBuf {
        static MADE: Mutex<BTreeMap<PathBuf, PathBuf>> = Mutex::new(BTreeMap::new());
        let mut made = MADE
            .lock()
            .expect("no test panics while it makes an environment");
        if let Some(template) = made.get(&self.path) {
            return template.clone();
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let name: String = self
            .path
            .to_string_lossy()
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        let template = folder.join(format!("venv{name}"));
        std::fs::create_dir_all(folder).expect("target/tmp");
        let lock = std::fs::File::create(folder.join("venv.lock")).expect("a lock file");
        lock.lock().expect("locked");
        // A copied `target/` has environments whose scripts lead to where they were made, and would write there.
        let place = template.to_string_lossy().into_owned();
        let made_for = std::fs::read_to_string(template.join("complete"));
        if made_for.ok().as_deref() != Some(&*place) {
            let _ = std::fs::remove_dir_all(&template);
            let output = Command::new(&self.path)
                .args(["-I", "-m", "venv"])
                .arg(&template)
                .env_remove("PYTHONPATH")
                .output()
                .expect("python runs");
            assert!(output.status.success(), "{output:?}");
            std::fs::write(template.join("complete"), place).expect("write");
        }
        made.insert(self.path.clone(), template.clone());
        template
    }
}

/// Copies `from` to `to`; text files outside site-packages get `new` where they had `old`.
fn copy_tree(from: &Path, to: &Path, old: &str, new: &str) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a type");
        if kind.is_symlink() {
            let link = std::fs::read_link(&source).expect("a link");
            std::os::unix::fs::symlink(link, &target).expect("linked");
        } else if kind.is_dir() {
            if source
                .parent()
                .is_some_and(|parent| parent.ends_with("site-packages"))
            {
                link_tree(&source, &target);
            } else {
                copy_tree(&source, &target, old, new);
            }
        } else if entry.file_name() != "complete" {
            std::fs::copy(&source, &target).expect("copied");
            if let Ok(text) = std::fs::read_to_string(&source)
                && text.contains(old)
            {
                std::fs::write(&target, text.replace(old, new)).expect("written");
            }
        }
    }
}

fn link_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            link_tree(&entry.path(), &target);
        } else if std::fs::hard_link(entry.path(), &target).is_err() {
            std::fs::copy(entry.path(), &target).expect("copied");
        }
    }
}
