//! What a caller can see of a call: status, output, and files.
//!
//! What must differ between two worlds is taken out: their own paths, names that chance made, times. What is ours by
//! design (hook, history) is looked through.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ExitStatus, Output};

use crate::sandbox::Sandbox;

/// Packages whose files are too many to read each time; they are compared by name, size and mode.
const LARGE: &[&str] = &["pip", "setuptools", "pkg_resources", "_distutils_hack"];
/// What pip puts before names that chance makes, eight characters each.
const CHANCE: &[&str] = &[
    "pip-ephem-wheel-cache-",
    "pip-install-",
    "pip-req-build-",
    "pip-build-env-",
    "pip-wheel-",
    "pip-unpack-",
    "pip-modern-metadata-",
    "pip-standalone-pip-",
    "pip-uninstall-",
    "pip-build-tracker-",
    "pip-req-tracker-",
    "pip-metadata-",
    "pip-resolver-",
    "pip-temp-",
];

/// What one call showed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// Each file of environment, project and temporary folder, with mode and content.
    pub(super) files: BTreeMap<String, String>,
}

impl Seen {
    /// What there is to see in a world after a call.
    pub(super) fn of(sandbox: &Sandbox, output: &Output) -> Self {
        Self {
            status: output.status,
            stdout: redacted(sandbox, &output.stdout),
            stderr: redacted(sandbox, &output.stderr),
            files: files(sandbox),
        }
    }

    /// What differs, one text each.
    pub(super) fn differences(&self, with: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.status != with.status {
            found.push(format!(
                "  {} without us, {} with us",
                self.status, with.status
            ));
        }
        for (name, one, other) in [
            ("stdout", &self.stdout, &with.stdout),
            ("stderr", &self.stderr, &with.stderr),
        ] {
            if one != other {
                found.push(format!("  {name}: {}", first_difference(one, other)));
            }
        }
        let names = self.files.keys().chain(with.files.keys());
        let names: std::collections::BTreeSet<_> = names.collect();
        for name in names {
            let (one, other) = (self.files.get(name), with.files.get(name));
            if one != other {
                found.push(format!(
                    "  file {name}: {one:?} without us, {other:?} with us"
                ));
            }
        }
        found
    }
}

/// `bytes` without what must differ between two worlds.
pub(super) fn redacted(sandbox: &Sandbox, bytes: &[u8]) -> Vec<u8> {
    let root = sandbox.root();
    let root = root.to_str().expect("utf-8").as_bytes();
    let mut text = replaced(bytes, root, b"ROOT", 0);
    for prefix in CHANCE {
        text = replaced(&text, prefix.as_bytes(), prefix.as_bytes(), 8);
    }
    text
}

/// `bytes` with `new` for every `old` and the `more` bytes after it.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8], more: usize) -> Vec<u8> {
    let (mut result, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(new);
        rest = &rest[(at + old.len() + more).min(rest.len())..];
    }
    result.extend_from_slice(rest);
    result
}

/// The lines around the first byte that differs.
pub(super) fn first_difference(without: &[u8], with: &[u8]) -> String {
    let same = without.iter().zip(with).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let part = &bytes[same.saturating_sub(60)..bytes.len().min(same + 200)];
        String::from_utf8_lossy(part).into_owned()
    };
    format!(
        "at byte {same} of {} and {}\n    without us {:?}\n    with us    {:?}",
        without.len(),
        with.len(),
        around(without),
        around(with)
    )
}

fn files(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    // Also a part of other paths: `--root` puts the whole path below it.
    let chance = sandbox.root();
    let chance = chance.file_name().expect("a name").to_string_lossy();
    for (name, folder) in [
        ("env", sandbox.venv()),
        ("project", sandbox.project().to_path_buf()),
        ("tmp", sandbox.root().join("tmp")),
    ] {
        let entries = walkdir::WalkDir::new(&folder)
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_ours(entry.path()));
        for entry in entries.skip(1) {
            let entry = entry.expect("readable");
            let path = entry.path();
            if name == "project" && path.starts_with(sandbox.venv()) {
                continue;
            }
            let below = path.strip_prefix(&folder).expect("below").to_string_lossy();
            let name = format!("{name}/{}", below.replace(&*chance, "CHANCE"));
            found.insert(name, described(sandbox, path));
        }
    }
    found
}

/// Whether this is a part of us that stands for nothing of pip's.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    matches!(
        &*name,
        ".aim" | ".pip-logs" | "env_meta.json" | "00_aim_pip.pth" | "_aim_pip_hook"
    )
}

fn described(sandbox: &Sandbox, path: &Path) -> String {
    let meta = path.symlink_metadata().expect("metadata");
    if meta.is_symlink() {
        let target = std::fs::read_link(path).expect("a link");
        let target = redacted(sandbox, target.as_os_str().as_encoded_bytes());
        return format!("-> {}", String::from_utf8_lossy(&target));
    }
    if meta.is_dir() {
        return format!("{:o}", meta.permissions().mode());
    }
    let mut text = format!("{:o}", meta.permissions().mode());
    if path.extension().is_some_and(|end| end == "pyc") {
        return text; // holds its source's time
    }
    let below = path.strip_prefix(sandbox.site_packages()).ok();
    let is_large = below
        .and_then(|below| below.components().next())
        .is_some_and(|first| LARGE.iter().any(|name| first.as_os_str() == *name));
    if is_large {
        let _ = write!(text, " {} bytes", meta.len());
    } else {
        let bytes = std::fs::read(path).expect("readable");
        let mut bytes = redacted(sandbox, &bytes);
        if path.file_name().is_some_and(|name| name == "RECORD") {
            bytes = without_hashes(&bytes); // of files that hold their own path
        }
        text.push(' ');
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text
}

/// A RECORD's paths, a line each.
fn without_hashes(record: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(record);
    let paths: Vec<&str> = text
        .lines()
        .map(|line| line.rsplitn(3, ',').last().unwrap_or(line))
        .collect();
    paths.join("\n").into_bytes()
}
