//! Names for projects: ids, and the file in which the daemon keeps the explicit registrations.
//!
//! Parsing and editing are pure; the daemon alone writes the file (through `store::atomic`), commands only read it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::layout::UserLayout;
use crate::files::read;
use crate::host::Host;

/// A project's name for the daemon: the name of its folder, made unique where two have the same.
///
/// Never empty, `.` or `..`, and without `/`, `\`, NUL and control characters (compat, section 1 and D20).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectId(String);

/// A text that cannot be a project's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a project id: {0:?} (an id is not empty, `.` or `..`, and has no slash, backslash or control character)"
)]
pub struct BadProjectId(pub String);

impl ProjectId {
    /// Longest id, in bytes: a file name's limit on the usual file systems.
    const LONGEST: usize = 255;

    /// `text` as an id.
    ///
    /// # Errors
    /// [`BadProjectId`] for a text that could lead out of a folder or break a line.
    pub fn new(text: impl Into<String>) -> Result<Self, BadProjectId> {
        let text = text.into();
        let bad = text.is_empty()
            || text == "."
            || text == ".."
            || text.len() > Self::LONGEST
            || text
                .chars()
                .any(|c| matches!(c, '/' | '\\') || c.is_control());
        if bad {
            Err(BadProjectId(text))
        } else {
            Ok(Self(text))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ProjectId {
    type Error = BadProjectId;

    fn try_from(text: String) -> Result<Self, BadProjectId> {
        Self::new(text)
    }
}

impl From<ProjectId> for String {
    fn from(id: ProjectId) -> Self {
        id.0
    }
}

/// One registered project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its id.
    pub id: ProjectId,
    /// Its folder, absolute.
    pub path: PathBuf,
}

/// The registrations that people made, as the file has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registry {
    schema: u32,
    #[serde(default)]
    projects: Vec<Registration>,
    /// What a newer toolkit wrote; kept.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            schema: 1,
            projects: Vec::new(),
            others: serde_json::Map::new(),
        }
    }
}

impl Registry {
    /// Longer than anybody's registry, in bytes.
    const LONGEST: u64 = 16 << 20;

    /// The registry in `file`; an empty one where there is no file.
    ///
    /// # Errors
    /// What the system says; `InvalidData` where it is not understood.
    pub fn load(file: &Path) -> io::Result<Self> {
        match read::text(file, Self::LONGEST) {
            Ok(text) => Self::parse(&text)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// That of the person whose process `host` is, for who only looks; an empty one where it cannot be read.
    pub fn of(host: &Host) -> Self {
        UserLayout::of(host)
            .and_then(|user| Self::load(&user.registry()).ok())
            .unwrap_or_default()
    }

    /// The registry that `text` holds.
    ///
    /// # Errors
    /// When it is not JSON of this shape.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The file's text.
    ///
    /// # Panics
    /// Never: strings and paths that came from JSON go back to JSON.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("a registry is plain JSON")
    }

    /// All registrations, in the order they were made.
    pub fn projects(&self) -> &[Registration] {
        &self.projects
    }

    /// The registration of `id`.
    pub fn by_id(&self, id: &ProjectId) -> Option<&Registration> {
        self.projects.iter().find(|project| project.id == *id)
    }

    /// The registration of the project in `path`.
    pub fn by_path(&self, path: &Path) -> Option<&Registration> {
        self.projects.iter().find(|project| project.path == path)
    }

    /// Registers the project in `path` and gives its id: what it has already, else its folder's name, else
    /// that with a number so that no other id in `taken` or in here is the same.
    pub fn add(&mut self, path: &Path, taken: impl Fn(&ProjectId) -> bool) -> ProjectId {
        if let Some(known) = self.by_path(path) {
            return known.id.clone();
        }
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let name: String = name
            .chars()
            .filter(|c| !c.is_control() && *c != '\\')
            .take(60)
            .collect();
        let name = if ProjectId::new(name.clone()).is_ok() {
            name
        } else {
            "project".to_owned()
        };
        let mut id = ProjectId(name.clone());
        let mut number = 1_u64;
        while self.by_id(&id).is_some() || taken(&id) {
            number += 1;
            id = ProjectId(format!("{name}-{number}"));
        }
        self.projects.push(Registration {
            id: id.clone(),
            path: path.to_path_buf(),
        });
        id
    }

    /// Forgets `id`; says whether it was there.
    pub fn remove(&mut self, id: &ProjectId) -> bool {
        let before = self.projects.len();
        self.projects.retain(|project| project.id != *id);
        self.projects.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_lead_elsewhere_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\0b",
            "a\nb",
            &"x".repeat(256),
        ] {
            assert!(ProjectId::new(bad).is_err(), "{bad:?}");
        }
        for good in ["example_project", "프로젝트", "a b", "...", "-"] {
            assert!(ProjectId::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn two_folders_of_one_name_get_two_ids() {
        let mut registry = Registry::default();
        let free = |_: &ProjectId| false;
        assert_eq!(registry.add(Path::new("/a/demo"), free).as_str(), "demo");
        assert_eq!(registry.add(Path::new("/b/demo"), free).as_str(), "demo-2");
        assert_eq!(registry.add(Path::new("/a/demo"), free).as_str(), "demo");
        assert_eq!(
            registry
                .add(Path::new("/c/x"), |id| id.as_str() == "x")
                .as_str(),
            "x-2"
        );
        assert_eq!(registry.add(Path::new("/"), free).as_str(), "project");
    }

    #[test]
    fn unknown_fields_survive() {
        let text = r#"{"schema":1,"projects":[{"id":"a","path":"/a"}],"colour":"blue"}"#;
        let registry = Registry::parse(text).expect("parses");
        assert!(registry.to_text().contains("\"colour\": \"blue\""));
        assert_eq!(
            Registry::parse(&registry.to_text()).expect("parses"),
            registry
        );
    }

    #[test]
    fn a_registry_with_an_id_that_leads_elsewhere_is_not_read() {
        assert!(Registry::parse(r#"{"schema":1,"projects":[{"id":"..","path":"/a"}]}"#).is_err());
    }
}
