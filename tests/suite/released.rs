//! Released programs (poetry and tox, language servers), each kind in one environment that all tests share and none
//! changes.
//!
//! Made on first use from the wheels that `.ci/fetch` puts into a folder of `target/test-wheels`, and kept under
//! `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::sandbox::{Python, skipped};

/// Programs of one kind.
pub(crate) struct Released {
    /// Their folder in `target/test-wheels`.
    folder: &'static str,
    names: &'static [&'static str],
    made: OnceLock<Option<PathBuf>>,
}

impl Released {
    /// The distributions `names`, whose wheels are in `folder`.
    pub(crate) const fn new(folder: &'static str, names: &'static [&'static str]) -> Self {
        Self {
            folder,
            names,
            made: OnceLock::new(),
        }
    }

    /// The folder of the programs; where one was not fetched, prints why the test is skipped.
    pub(crate) fn programs(&self) -> Option<PathBuf> {
        let made = self.made.get_or_init(|| {
            let wheels = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-wheels");
            let wheels = wheels.join(self.folder);
            let files = files(&wheels);
            let is_fetched = |name: &&str| {
                let stamp = format!(".{name}==");
                files.iter().any(|file| file.starts_with(&stamp))
            };
            let is_whole = self.names.iter().all(is_fetched);
            is_whole.then(|| self.make(&wheels, &files).join("bin"))
        });
        if made.is_none() {
            let folder = self.folder;
            skipped(&format!(
                "not all of target/test-wheels/{folder} is there, where `.ci/fetch` puts it"
            ));
        }
        made.clone()
    }

    /// The environment, made anew when there are other wheels or it was copied from another place.
    fn make(&self, wheels: &Path, files: &[String]) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        std::fs::create_dir_all(folder).expect("target/tmp");
        let lock = std::fs::File::create(folder.join(format!("{}.lock", self.folder)));
        let lock = lock.expect("a lock file");
        lock.lock().expect("locked");
        let python = Python::main();
        let made = folder.join(format!("{}-{}", self.folder, python.minor()));
        let made_of = format!("{}\n{}\n", made.display(), files.join("\n"));
        let stamp = made.join("made-of");
        if std::fs::read_to_string(&stamp).ok().as_ref() != Some(&made_of) {
            let _ = std::fs::remove_dir_all(&made);
            python.copy_venv(&made);
            let output = Command::new(made.join("bin/python"))
                .args(["-I", "-m", "pip", "install", "--quiet", "--no-index"])
                .arg("--find-links")
                .arg(wheels)
                .args(self.names)
                .output()
                .expect("pip runs");
            assert!(output.status.success(), "{output:?}");
            std::fs::write(stamp, made_of).expect("written");
        }
        made
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
