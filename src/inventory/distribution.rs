//! One installed distribution, as a scan sees it.

use std::ffi::OsStr;
use std::hash::Hasher as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::project::CONDA_META;

/// When and how large a file was: enough to see that an installer wrote it anew.
///
/// Neither inode nor change time is in it: a copied environment is the same environment, and hard links (which the
/// toolkit makes) change both. [`Seen`] has them, and decides only whether to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenStamp {
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Size in bytes.
    pub size: u64,
}

/// All that `stat` tells of the metadata's files, in one number. While it is the same nothing was written there;
/// where it is another, the content has to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Seen(u64);

impl Seen {
    /// Of the files whose `numbers` (times, sizes, inodes) these are.
    pub(super) fn of(numbers: impl IntoIterator<Item = i64>) -> Self {
        let mut hasher = SipHasher13::new();
        for number in numbers {
            hasher.write_i64(number);
        }
        Self(hasher.finish())
    }
}

/// What the metadata's files hold, in one number: the same for every copy. Only good for "the same or not".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Content(u64);

impl Content {
    /// Of these parts, in this order.
    pub(super) fn of<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> Self {
        let mut hasher = SipHasher13::new();
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        Self(hasher.finish())
    }

    /// Of this and `other`.
    pub(super) fn with(self, other: Self) -> Self {
        Self::of([&self.0.to_le_bytes()[..], &other.0.to_le_bytes()[..]])
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
    /// Its metadata's file or folder, such as `six-1.16.0.dist-info`: below site-packages, or from the root where it
    /// lies elsewhere. Unknown for what was read from `env_meta.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<String>,
    /// Stamp of its RECORD, or of its metadata where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stamp: Option<WrittenStamp>,
    /// Whether name and version are METADATA's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) named: bool,
    /// What `stat` told of its metadata; unknown in what earlier toolkits wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<Seen>,
    /// What its metadata holds, where somebody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content>,
    /// The folder of others that it was found by; none where it is the environment's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outside: Option<String>,
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
            seen: None,
            content: None,
            outside: None,
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

    /// Its metadata's file or folder, if it was found by a scan.
    pub fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// Whether conda installed it, and not for Python: no index has it.
    pub fn is_condas(&self) -> bool {
        let folder = self.folder().map(Path::new);
        folder.is_some_and(|folder| folder.starts_with(CONDA_META))
    }

    /// Whether it is known by name and version alone.
    pub(super) fn is_listed_only(&self) -> bool {
        self.folder.is_none()
    }

    /// The version as its folder has it, or as it is where no folder is known.
    pub(super) fn listed_version(&self) -> &str {
        let folder = self.folder.as_deref().and_then(name_and_version);
        match folder {
            Some((_, version)) if !version.is_empty() => version,
            _ => &self.version,
        }
    }

    /// Whether nothing was written to its metadata since `before`, of the same folder, was seen: no look is needed.
    pub(super) fn is_untouched_since(&self, before: &Self) -> bool {
        match (self.seen, before.seen) {
            (Some(now), Some(then)) => now == then,
            _ => self.stamp == before.stamp,
        }
    }

    /// Whether `other`, of the same name, was installed by another installation than this one.
    pub(super) fn differs(&self, other: &Self) -> bool {
        let version = match (&self.folder, &other.folder) {
            (Some(here), Some(there)) => here != there,
            _ => canonical(&self.version) != canonical(&other.version),
        };
        let written = match (self.content, other.content) {
            (Some(here), Some(there)) => here != there,
            _ => match (self.stamp, other.stamp) {
                (Some(here), Some(there)) => here != there,
                _ => false,
            },
        };
        let own_version =
            self.named && other.named && canonical(&self.version) != canonical(&other.version);
        version || own_version || written || self.editable != other.editable
    }
}

/// The name at the beginning of a requirement (PEP 508): `Requests[socks]>=2` names `Requests`.
pub fn requirement_name(typed: &str) -> &str {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let typed = typed.trim_start();
    typed
        .find(|c| !is_name(c))
        .map_or(typed, |end| &typed[..end])
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

/// The kinds of metadata that a name in a folder of packages tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `<name>-<version>.dist-info`, a folder (binary distribution format).
    DistInfo,
    /// `<name>[-<version>[-py<X.Y>]].egg-info`, a folder or a file (setuptools, distutils).
    EggInfo,
    /// `<name>-<version>-py<X.Y>.egg`, a folder or a zip file (`easy_install`).
    Egg,
}

/// The kind of `name` and what stands before its ending, which importlib reads in any case.
pub(super) fn kind(name: &str) -> Option<(Kind, &str)> {
    let (stem, ending) = name.rsplit_once('.')?;
    let kind = [
        ("dist-info", Kind::DistInfo),
        ("egg-info", Kind::EggInfo),
        ("egg", Kind::Egg),
    ]
    .into_iter()
    .find(|(known, _)| ending.eq_ignore_ascii_case(known));
    Some((kind?.1, stem))
}

/// The parts of a metadata folder's name; the version is empty where the name has none.
///
/// The name ends at the first `-` that a digit follows (every version begins with one, PEP 440), else at the first
/// `-`. Eggs have the Python's version after their own.
pub(crate) fn name_and_version(folder: &str) -> Option<(&str, &str)> {
    let (_, name) = folder.rsplit_once('/').unwrap_or(("", folder));
    let (kind, stem) = kind(name)?;
    let bytes = stem.as_bytes();
    let split = (1..bytes.len())
        .find(|&at| bytes[at - 1] == b'-' && bytes[at].is_ascii_digit())
        .or_else(|| stem.find('-').map(|at| at + 1));
    let Some(split) = split else {
        return Some((stem, ""));
    };
    let (name, version) = (&stem[..split - 1], &stem[split..]);
    let version = match version.find("-py") {
        Some(end) if kind != Kind::DistInfo => &version[..end],
        _ => version,
    };
    (!name.is_empty()).then_some((name, version))
}

/// Whether pip takes `name` for a distribution's (PEP 508): not what it calls a folder that it is about to remove.
pub(super) fn is_valid(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(inner)
}

/// Whether a name in site-packages is that of something which pip has put aside, to remove it or to put it back.
pub fn is_set_aside(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_requirements() {
        for (typed, name) in [
            ("six", "six"),
            ("Requests[socks]>=2", "Requests"),
            ("a.b_c-d==1", "a.b_c-d"),
            ("pkg @ https://x/y", "pkg"),
            ("", ""),
        ] {
            assert_eq!(requirement_name(typed), name);
        }
    }

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

    #[test]
    fn names_and_versions_are_in_the_folders_name() {
        for (folder, expected) in [
            ("six-1.16.0.dist-info", Some(("six", "1.16.0"))),
            (
                "ruamel.yaml-0.17.21.dist-info",
                Some(("ruamel.yaml", "0.17.21")),
            ),
            (
                "torch-2.1.0+cu118.dist-info",
                Some(("torch", "2.1.0+cu118")),
            ),
            (
                "foo_2-1!2.0.post1.dist-info",
                Some(("foo_2", "1!2.0.post1")),
            ),
            ("foo-bar-1.0.dist-info", Some(("foo-bar", "1.0"))),
            ("old-1.0-1.dist-info", Some(("old", "1.0-1"))),
            ("PyYAML-5.3.1-py3.8.egg-info", Some(("PyYAML", "5.3.1"))),
            (
                "PyYAML-5.3.1-py3.8-linux-x86_64.egg-info",
                Some(("PyYAML", "5.3.1")),
            ),
            ("PyYAML-5.3.1-py3.8.egg", Some(("PyYAML", "5.3.1"))),
            ("UPPER-1.0.DIST-INFO", Some(("UPPER", "1.0"))),
            ("/a-1/b/lib.egg-info", Some(("lib", ""))),
            ("bare.egg-info", Some(("bare", ""))),
            ("-1.0.dist-info", None),
            ("six", None),
        ] {
            assert_eq!(name_and_version(folder), expected, "{folder}");
        }
    }

    #[test]
    fn only_what_pip_takes_for_a_name_is_one() {
        for (name, expected) in [
            ("six", true),
            ("ruamel.yaml", true),
            ("a", true),
            ("~ix", false),
            ("inv!lid", false),
            ("a_", false),
            ("", false),
        ] {
            assert_eq!(is_valid(name), expected, "{name}");
        }
    }
}
