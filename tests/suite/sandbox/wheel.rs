//! Wheels: made on the spot, or fetched before.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Python, skipped};

/// Makes a wheel in `folder` with the demo's own script.
pub(super) fn make(
    python: &Python,
    folder: &Path,
    name: &str,
    version: &str,
    files: &[(&str, &str)],
) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/make_wheel.py");
    let mut command = Command::new(python.path());
    command
        .args(["-I", "-S"])
        .arg(script)
        .arg(folder)
        .args([name, version]);
    for (path, text) in files {
        command.arg("--file").arg(format!("{path}={text}"));
    }
    let output = command.output().expect("python runs");
    assert!(output.status.success(), "{output:?}");
    PathBuf::from(String::from_utf8(output.stdout).expect("utf-8").trim_end())
}

/// A wheel of a real distribution that was fetched before, by the beginning of its name; without it, prints why the
/// test is skipped.
pub(crate) fn stored_wheel(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-wheels");
    let found = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(name) && file.ends_with(".whl")
        });
    if found.is_none() {
        skipped(&format!(
            "no wheel {name}* in target/test-wheels, where `.ci/fetch` puts it"
        ));
    }
    found
}
