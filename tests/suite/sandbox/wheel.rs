//! Wheels made on the spot.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Python;

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
