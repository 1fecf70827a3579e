//! Where a distribution came from that was asked for by a place rather than by a name: `direct_url.json` (PEP 610).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// Its name in a metadata folder.
pub(crate) const DIRECT_URL: &str = "direct_url.json";
/// Longer than any of them.
pub(crate) const LONGEST_DIRECT_URL: u64 = 64 << 10;

/// The place that an installer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectUrl {
    /// As the file has it, secrets and all.
    pub url: String,
    /// Where in it the project lies.
    pub subdirectory: Option<String>,
    /// What lies there.
    pub kind: DirectKind,
}

/// What lies at the place of a [`DirectUrl`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectKind {
    /// A file, with what is known of its sums, by their algorithms.
    Archive(BTreeMap<String, String>),
    /// A folder.
    Folder {
        /// Whether it was installed in editable form.
        is_editable: bool,
    },
    /// A repository.
    Repository {
        /// Its system: `git`.
        system: String,
        /// The branch, tag or commit that was asked for.
        asked: Option<String>,
        /// What that was then.
        commit: String,
    },
}

#[derive(Deserialize)]
struct Written {
    url: String,
    subdirectory: Option<String>,
    archive_info: Option<Archive>,
    dir_info: Option<Folder>,
    vcs_info: Option<Repository>,
}

#[derive(Deserialize)]
struct Archive {
    /// `sha256=…`, as installers wrote it before they had several.
    hash: Option<String>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Folder {
    #[serde(default)]
    editable: bool,
}

#[derive(Deserialize)]
struct Repository {
    vcs: String,
    requested_revision: Option<String>,
    commit_id: String,
}

impl DirectUrl {
    /// What the file with this `text` tells; none where it tells nothing that can be understood.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(text).ok()?;
        let kind = match (written.archive_info, written.dir_info, written.vcs_info) {
            (_, Some(folder), _) => DirectKind::Folder {
                is_editable: folder.editable,
            },
            (_, _, Some(repository)) => DirectKind::Repository {
                system: repository.vcs,
                asked: repository.requested_revision,
                commit: repository.commit_id,
            },
            (Some(archive), ..) => DirectKind::Archive(archive.sums()),
            (None, None, None) => return None,
        };
        Some(Self {
            url: written.url,
            subdirectory: written.subdirectory,
            kind,
        })
    }

    /// The path, where it is on this machine.
    pub fn path(&self) -> Option<String> {
        path_of_url(&self.url)
    }

    /// Whether it was installed in editable form.
    pub fn is_editable(&self) -> bool {
        matches!(self.kind, DirectKind::Folder { is_editable: true })
    }
}

impl Archive {
    fn sums(self) -> BTreeMap<String, String> {
        let mut sums = self.hashes;
        if let (true, Some((algorithm, sum))) = (
            sums.is_empty(),
            self.hash.as_deref().and_then(|hash| hash.split_once('=')),
        ) {
            sums.insert(algorithm.to_owned(), sum.to_owned());
        }
        sums
    }
}

/// The path in a `file://` URL, percent-decoded.
pub(crate) fn path_of_url(url: &str) -> Option<String> {
    let path = url.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
    Some(decoded.map_or_else(|_| path.to_owned(), Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<DirectKind> {
        DirectUrl::parse(text.as_bytes()).map(|direct| direct.kind)
    }

    fn archive(sums: &[(&str, &str)]) -> DirectKind {
        let sums = sums.iter();
        let sums = sums.map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned()));
        DirectKind::Archive(sums.collect())
    }

    #[test]
    fn each_kind_is_told() {
        let url = r#""url": "https://h.org/x""#;
        let check = |info: &str, expected: Option<DirectKind>| {
            assert_eq!(kind(&format!("{{{url}, {info}}}")), expected, "{info}");
        };
        check(r#""archive_info": {}"#, Some(archive(&[])));
        check(
            r#""archive_info": {"hash": "sha256=ab"}"#,
            Some(archive(&[("sha256", "ab")])),
        );
        check(
            r#""archive_info": {"hash": "md5=cd", "hashes": {"sha256": "ab"}}"#,
            Some(archive(&[("sha256", "ab")])),
        );
        check(
            r#""dir_info": {}"#,
            Some(DirectKind::Folder { is_editable: false }),
        );
        check(
            r#""dir_info": {"editable": true}"#,
            Some(DirectKind::Folder { is_editable: true }),
        );
        check(
            r#""vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": "0a"}"#,
            Some(DirectKind::Repository {
                system: "git".into(),
                asked: Some("main".into()),
                commit: "0a".into(),
            }),
        );
        check(r#""vcs_info": {"vcs": "git"}"#, None);
        check(r#""more": 1"#, None);
        assert_eq!(kind("torn"), None);
    }

    #[test]
    fn paths_are_of_this_machine() {
        for (url, expected) in [
            ("file:///home/a%20b/%ED%95%9C", Some("/home/a b/한")),
            ("file://localhost/x", Some("/x")),
            ("file:///100%", Some("/100%")),
            ("file:///a%+1", Some("/a%+1")),
            ("file:///%ff%20", Some("/%ff%20")),
            ("https://example.org/x", None),
        ] {
            assert_eq!(path_of_url(url).as_deref(), expected, "{url}");
        }
    }
}
