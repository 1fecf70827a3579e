//! The distributions of an export: each at the version that it had, and where it came from.

use std::collections::BTreeMap;
use std::path::Path;

use percent_encoding::AsciiSet;

use crate::inventory::{DirectKind, DirectUrl, Distribution, Snapshot};
use crate::secrets::public_url;
use crate::store::{Origins, Past};
use crate::words::t;

/// One distribution at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    /// In canonical form.
    pub(super) name: String,
    pub(super) version: String,
    pub(super) source: Source,
}

/// Where a distribution comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// An index, and the file that pip takes from there where it was asked.
    Index(Option<File>),
    /// A file that was named by its place.
    Archive {
        file: File,
        subdirectory: Option<String>,
    },
    /// A folder of this machine.
    Folder { path: String, is_editable: bool },
    /// A repository at one commit.
    Repository {
        system: String,
        url: String,
        asked: Option<String>,
        commit: String,
        subdirectory: Option<String>,
    },
}

/// A file that can be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) url: String,
    /// Its sums, by their algorithms.
    pub(super) sums: BTreeMap<String, String>,
}

/// What is exported, and what has to be said of it.
#[derive(Debug, Default)]
pub(super) struct Pins {
    pub(super) all: Vec<Pin>,
    /// What cannot be expressed, and why, in a person's words.
    pub(super) problems: Vec<String>,
}

/// Nobody lists it: whoever installs from the list has one.
const INSTALLER: &str = "pip";

impl Pins {
    /// Those of `past`, of an environment where `now` is installed.
    pub(super) fn of(past: &Past, origins: &Origins, now: &Snapshot) -> Self {
        let mut pins = Self::default();
        for (name, version) in &past.versions {
            if name == INSTALLER {
                continue;
            }
            let direct = origins.find(name, version);
            let problem = if now.find(name).is_some_and(Distribution::is_condas) {
                Some(t!("logs.export.is_condas", name = name))
            } else if version.is_empty() && direct.is_none() {
                Some(t!("logs.export.no_version", name = name))
            } else {
                None
            };
            match problem {
                Some(problem) => pins.problems.push(problem.into_owned()),
                None => pins.add(name, version, direct),
            }
        }
        pins
    }

    /// Adds this version, which came from the place `direct`, or says why not.
    pub(super) fn add(&mut self, name: &str, version: &str, direct: Option<&DirectUrl>) {
        let source = match direct {
            None => Source::Index(None),
            Some(direct) => {
                let Some(url) = public_url(&direct.url) else {
                    self.problems
                        .push(t!("logs.export.secret_place", name = name).into_owned());
                    return;
                };
                if url != direct.url {
                    self.problems
                        .push(t!("logs.export.without_login", name = name).into_owned());
                }
                source(direct, url)
            }
        };
        self.all.push(Pin {
            name: name.to_owned(),
            version: version.to_owned(),
            source,
        });
    }
}

fn source(direct: &DirectUrl, url: String) -> Source {
    let subdirectory = direct.subdirectory.clone();
    match &direct.kind {
        DirectKind::Archive(sums) => Source::Archive {
            file: File {
                url,
                sums: sums.clone(),
            },
            subdirectory,
        },
        DirectKind::Folder { is_editable } => {
            let above = direct.path().unwrap_or(url);
            Source::Folder {
                path: subdirectory.map_or(above.clone(), |below| format!("{above}/{below}")),
                is_editable: *is_editable,
            }
        }
        DirectKind::Repository {
            system,
            asked,
            commit,
        } => Source::Repository {
            system: system.clone(),
            url,
            asked: asked.clone(),
            commit: commit.clone(),
            subdirectory,
        },
    }
}

impl File {
    /// Whether it is a wheel, by its name (binary distribution format).
    pub(super) fn is_wheel(&self) -> bool {
        let ending = Path::new(self.place()).extension();
        ending.is_some_and(|ending| ending == "whl")
    }

    /// Its URL without a fragment.
    pub(super) fn place(&self) -> &str {
        self.url.split('#').next().unwrap_or_default()
    }
}

impl Pin {
    /// The file that it is installed from, where that is known.
    pub(super) fn file(&self) -> Option<&File> {
        match &self.source {
            Source::Index(file) => file.as_ref(),
            Source::Archive { file, .. } => Some(file),
            Source::Folder { .. } | Source::Repository { .. } => None,
        }
    }

    /// Whether it is what its source tree makes of it, which has no sum.
    pub(super) fn is_tree(&self) -> bool {
        matches!(
            self.source,
            Source::Folder { .. } | Source::Repository { .. }
        )
    }

    /// Its name and version as pip takes them.
    pub(super) fn requirement(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }
}

/// What stands in a URL's path as it is.
const PATH: &AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// `path` as a `file://` URL.
pub(super) fn file_url(path: &str) -> String {
    format!(
        "file://{}",
        percent_encoding::utf8_percent_encode(path, PATH)
    )
}
