//! Released tools that run pip (poetry, tox, …), in one environment that all tests share and none changes.
//!
//! Made on first use from the wheels that `.ci/fetch` puts into `target/test-wheels/tools`, and kept under `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::sandbox::{Python, skipped};

const NAMES: [&str; 7] = [
    "hatch",
    "nox",
    "pdm",
    "poetry",
    "pre-commit",
    "tox",
    "virtualenv",
];

/// The folder of the tools' programs; where one was not fetched, prints why the test is skipped.
pub(super) fn programs() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let wheels = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-wheels/tools");
        let files = files(&wheels);
        let is_fetched = |name: &&str| {
            let stamp = format!(".{name}==");
            files.iter().any(|file| file.starts_with(&stamp))
        };
        NAMES
            .iter()
            .all(is_fetched)
            .then(|| make(&wheels, &files).join("bin"))
    });
    if made.is_none() {
        skipped("not all tools in target/test-wheels/tools, where `.ci/fetch` puts them");
    }
    made.clone()
}

/// The environment of the tools, made anew when there are other wheels or it was copied from another place.
fn make(wheels: &Path, files: &[String]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).expect("target/tmp");
    let lock = std::fs::File::create(folder.join("tools.lock")).expect("a lock file");
    lock.lock().expect("locked");
    let python = Python::main();
    let tools = folder.join(format!("tools-{}", python.minor()));
    let made_of = format!("{}\n{}\n", tools.display(), files.join("\n"));
    let stamp = tools.join("made-of");
    if std::fs::read_to_string(&stamp).ok().as_ref() != Some(&made_of) {
        let _ = std::fs::remove_dir_all(&tools);
        python.copy_venv(&tools);
        let output = Command::new(tools.join("bin/python"))
            .args(["-I", "-m", "pip", "install", "--quiet", "--no-index"])
            .arg("--find-links")
            .arg(wheels)
            .args(NAMES)
            .output()
            .expect("pip runs");
        assert!(output.status.success(), "{output:?}");
        std::fs::write(stamp, made_of).expect("written");
    }
    tools
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}
