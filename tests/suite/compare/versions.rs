//! A few calls on each pip that people still have.

use std::path::{Path, PathBuf};

use super::twins::Remembered::{Never, Once};
use super::twins::{Remembered, Twins};
use crate::sandbox::{Python, Ran, Sandbox};

/// The first two show each pip's own way with its name and its script; the rest is what people do.
const CALLS: &[(&str, Remembered)] = &[
    ("BIN/pip --version", Never),
    ("BIN/pip install", Once),
    ("BIN/python -m pip install --no-such-option", Once),
    ("BIN/python BIN/pip install nothing-there", Once),
    ("BIN/pip install greeting nothing-there > /dev/full", Once),
    ("BIN/pip install greeting 2>&1", Once),
    ("BIN/pip list --format=freeze", Never),
    ("BIN/pip uninstall -y greeting", Once),
    ("BIN/python -m pip install -q ./project", Once),
    ("BIN/pip uninstall -y built <&-", Once),
    (
        "BIN/pip install greeting | true; echo ${PIPESTATUS[*]}",
        Once,
    ),
];

/// The versions, each with the newest Python (3.x) that it is sure to run on.
pub(crate) const VERSIONS: &[(&str, u32)] = &[
    ("19.3", 8),
    ("20.3", 9),
    ("21.3", 10),
    ("23.0", 11),
    ("24.0", 12),
    ("25.", 13),
    ("26.", 13),
];

#[test]
fn the_pips_of_seven_years() {
    for (version, minor) in VERSIONS {
        let (Some(wheel), Some(python)) = (wheel(version), Python::find(*minor)) else {
            continue;
        };
        let mut twins = Twins::prepared(&python, |sandbox| replace_pip(sandbox, &wheel));
        twins.wheel("greeting", "1.0");
        twins.write("project/pyproject.toml", super::calls::PYPROJECT);
        twins.write("project/backend.py", super::calls::BACKEND);
        for (line, remembered) in CALLS {
            twins.play(line, *remembered);
        }
        println!("pip {version} on Python 3.{minor}");
        twins.assert_equal();
    }
}

/// The wheel of pip `version…` that `.ci/fetch` has brought; without one, prints why the test is skipped.
pub(crate) fn wheel(version: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-wheels");
    let found = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("readable").path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&format!("pip-{version}"))
        });
    if found.is_none() {
        println!("skipped: no wheel of pip {version} in target/test-wheels (.ci/fetch brings it)");
    }
    found
}

/// Lets the pip in `wheel` install itself in place of the environment's.
pub(crate) fn replace_pip(sandbox: &Sandbox, wheel: &Path) {
    let mut command = sandbox.command(sandbox.bin("python"));
    command
        .arg(wheel.join("pip"))
        .args(["install", "-q", "--force-reinstall", "--no-deps"])
        .arg(wheel);
    Ran::of(&mut command).ok();
}
