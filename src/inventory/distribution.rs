//! One installed distribution, as a scan sees it.

use std::os::unix::fs::MetadataExt as _;

use serde::{Deserialize, Serialize};

/// When and how large a file was: enough to see that an installer wrote it anew.
///
/// Neither inode nor change time is in it: a copied environment is the same environment, and hard links (which the
/// toolkit makes) change both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenStamp {
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Size in bytes.
    pub size: u64,
}

impl WrittenStamp {
    pub(super) fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            mtime_ns: meta
                .mtime()
                .saturating_mul(1_000_000_000)
                .saturating_add(meta.mtime_nsec()),
            size: meta.size(),
        }
    }
}

/// An installed distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// Its name: from its folder after a scan, as its METADATA writes it after [`Snapshot::name_all`].
    ///
    /// [`Snapshot::name_all`]: super::Snapshot::name_all
    pub name: String,
    /// Its version; like the name, from its folder first.
    pub version: String,
    /// Where the project lies that is installed in editable form (PEP 610: `dir_info.editable`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub editable: Option<String>,
    /// Its metadata's file or folder in site-packages, such as `six-1.16.0.dist-info`; unknown for what was read
    /// from `env_meta.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<String>,
    /// Stamp of its RECORD, or of its metadata where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<WrittenStamp>,
    /// Whether name and version are METADATA's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) named: bool,
}

impl Distribution {
    /// A distribution known by name and version alone, as `env_meta.json` has it.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            editable: None,
            folder: None,
            stamp: None,
            named: true,
        }
    }

    /// The same one, installed in editable form from `location`.
    #[must_use]
    pub fn editable_at(mut self, location: impl Into<String>) -> Self {
        self.editable = Some(location.into());
        self
    }

    /// The name by which two distributions are the same one (PEP 503).
    pub fn canonical_name(&self) -> String {
        canonical(&self.name)
    }

    /// Its metadata's file or folder in site-packages, if it was found by a scan.
    pub fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// The version as its folder has it, or as it is where no folder is known.
    pub(super) fn listed_version(&self) -> &str {
        let folder = self.folder.as_deref().and_then(name_and_version);
        match folder {
            Some((_, version)) if !version.is_empty() => version,
            _ => &self.version,
        }
    }

    /// Whether `other`, which has the same name, comes from another installation than this one.
    pub(super) fn differs(&self, other: &Self) -> bool {
        let version = match (&self.folder, &other.folder) {
            (Some(here), Some(there)) => here != there,
            _ => canonical(&self.version) != canonical(&other.version),
        };
        let stamp = match (self.stamp, other.stamp) {
            (Some(here), Some(there)) => here != there,
            _ => false,
        };
        version || stamp || self.editable != other.editable
    }
}

/// `name` in the form in which names are compared (PEP 503): lower case, runs of `-`, `_` and `.` as one `-`.
pub fn canonical(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' => {
                if !text.ends_with('-') {
                    text.push('-');
                }
            }
            c => text.push(c.to_ascii_lowercase()),
        }
    }
    text
}

/// The parts of a metadata folder's name; the version is empty where the name has none.
///
/// The name ends at the first `-` that a digit follows (every version begins with one, PEP 440), else at the first
/// `-`. Eggs have the Python's version after their own.
pub(super) fn name_and_version(folder: &str) -> Option<(&str, &str)> {
    let (stem, is_egg) = match folder.strip_suffix(".dist-info") {
        Some(stem) => (stem, false),
        None => (folder.strip_suffix(".egg-info")?, true),
    };
    let bytes = stem.as_bytes();
    let split = (1..bytes.len())
        .find(|&at| bytes[at - 1] == b'-' && bytes[at].is_ascii_digit())
        .or_else(|| stem.find('-').map(|at| at + 1));
    let Some(split) = split else {
        return Some((stem, ""));
    };
    let (name, version) = (&stem[..split - 1], &stem[split..]);
    let version = match version.find("-py") {
        Some(end) if is_egg => &version[..end],
        _ => version,
    };
    (!name.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_pep_503_says() {
        for (name, expected) in [
            ("Friendly-Bard", "friendly-bard"),
            ("FRIENDLY._-bard", "friendly-bard"),
            ("ruamel.yaml", "ruamel-yaml"),
            ("six", "six"),
            ("", ""),
        ] {
            assert_eq!(canonical(name), expected);
        }
    }
}
