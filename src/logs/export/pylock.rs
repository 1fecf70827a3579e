//! An export as a `pylock.toml` (PEP 751; "pylock.toml Specification").

use std::collections::BTreeMap;

use serde::Serialize;

use super::pins::{File, Pin, Source};
use crate::error::Result;
use crate::inventory::path_of_url;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Lock<'a> {
    #[serde(rename = "lock-version")]
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requires_python: Option<String>,
    created_by: &'static str,
    packages: Vec<Package<'a>>,
}

#[derive(Default, Serialize)]
struct Package<'a> {
    name: &'a str,
    /// None of what a source tree makes: the tree may say another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcs: Option<Repository<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<Directory<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<LockedFile<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdist: Option<LockedFile<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wheels: Vec<LockedFile<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Repository<'a> {
    r#type: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_revision: Option<&'a str>,
    commit_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subdirectory: Option<&'a str>,
}

#[derive(Serialize)]
struct Directory<'a> {
    path: &'a str,
    editable: bool,
}

#[derive(Serialize)]
struct LockedFile<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    /// Of a file of this machine: uv takes no `file://` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subdirectory: Option<&'a str>,
    hashes: &'a BTreeMap<String, String>,
}

/// Whether a lock can have `pin`: of a file, it has to know the sum.
pub(super) fn takes(pin: &Pin) -> bool {
    pin.is_tree() || pin.file().is_some_and(|file| !file.sums.is_empty())
}

/// Those of `pins` that a lock can have, for the Python of this `version`.
///
/// # Errors
/// None that is known.
pub(super) fn text<'a>(
    version: Option<&str>,
    pins: impl Iterator<Item = &'a Pin>,
) -> Result<String> {
    let line = version.map(|version| version.split('.').take(2).collect::<Vec<_>>().join("."));
    let lock = Lock {
        version: "1.0",
        requires_python: line.map(|line| format!("=={line}.*")),
        created_by: "aim-toolkit",
        packages: pins.filter(|pin| takes(pin)).map(package).collect(),
    };
    Ok(toml::to_string(&lock)?)
}

fn package(pin: &Pin) -> Package<'_> {
    let mut package = Package {
        name: &pin.name,
        version: (!pin.is_tree()).then_some(pin.version.as_str()),
        ..Package::default()
    };
    match &pin.source {
        Source::Index(file) => match file {
            Some(file) if file.is_wheel() => {
                package.wheels.push(locked(file, None));
            }
            other => package.sdist = other.as_ref().map(|file| locked(file, None)),
        },
        Source::Archive { file, subdirectory } => {
            package.archive = Some(locked(file, subdirectory.as_deref()));
        }
        Source::Folder { path, is_editable } => {
            package.directory = Some(Directory {
                path,
                editable: *is_editable,
            });
        }
        Source::Repository {
            system,
            url,
            asked,
            commit,
            subdirectory,
        } => {
            package.vcs = Some(Repository {
                r#type: system,
                url,
                requested_revision: asked.as_deref(),
                commit_id: commit,
                subdirectory: subdirectory.as_deref(),
            });
        }
    }
    package
}

fn locked<'a>(file: &'a File, subdirectory: Option<&'a str>) -> LockedFile<'a> {
    let path = path_of_url(file.place());
    LockedFile {
        url: path.is_none().then_some(file.place()),
        path,
        subdirectory,
        hashes: &file.sums,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_table() {
        let sums = || BTreeMap::from([("sha256".to_owned(), "ab".to_owned())]);
        let file = |url: &str| File {
            url: url.into(),
            sums: sums(),
        };
        let sources = [
            Source::Index(Some(file("https://h.org/a-1.whl"))),
            Source::Index(Some(file("file:///w%20w/a-1.tar.gz"))),
            Source::Archive {
                file: file("https://h.org/a.zip"),
                subdirectory: Some("s".into()),
            },
            Source::Folder {
                path: "/work/a".into(),
                is_editable: true,
            },
            Source::Repository {
                system: "git".into(),
                url: "https://h.org/r".into(),
                asked: None,
                commit: "0a".into(),
                subdirectory: None,
            },
            Source::Index(None),
        ];
        let pins = sources.map(|source| Pin {
            name: "a".into(),
            version: "1".into(),
            source,
        });
        let text = text(Some("3.11.7"), pins.iter()).expect("a lock");
        let lock: toml::Table = text.parse().expect("TOML");
        assert_eq!(lock["lock-version"].as_str(), Some("1.0"));
        assert_eq!(lock["requires-python"].as_str(), Some("==3.11.*"));
        let packages = lock["packages"].as_array().expect("packages");
        assert_eq!(packages.len(), 5, "{text}");
        let hash = Some("ab");
        assert_eq!(packages[0]["wheels"][0]["hashes"]["sha256"].as_str(), hash);
        assert_eq!(packages[1]["sdist"]["hashes"]["sha256"].as_str(), hash);
        let path = packages[1]["sdist"]["path"].as_str();
        assert_eq!(path, Some("/w w/a-1.tar.gz"));
        assert_eq!(packages[2]["archive"]["subdirectory"].as_str(), Some("s"));
        assert_eq!(packages[3]["directory"]["editable"].as_bool(), Some(true));
        assert!(packages[3].get("version").is_none());
        assert_eq!(packages[4]["vcs"]["commit-id"].as_str(), Some("0a"));
    }
}
