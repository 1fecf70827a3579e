//! Whose an environment is, and which environment is a project's (design, section 4, "Whose environment").
//!
//! Both sides must agree. An environment names projects: by its note, by the file of pipenv and virtualenvwrapper, by
//! the place that it lies in. A project names environments: by the usual places in it, and by a file beside its logs.
//! So no environment, which a clone may bring, makes its runs count for a project of somebody's, and no project takes
//! an environment over.
//!
//! Of the environments that a project names, one is its *environment of record*; of the projects that an environment
//! names, the first that agrees keeps the record. Who has no project keeps its record in its own folder.
//!
//! **Invariant:** this asks the file system alone, and changes nothing.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::layout::ProjectLayout;
use super::venv::Venv;
use crate::files::read;

/// Longer than any note.
const LONGEST: u64 = 64 << 10;

/// The environment of record of the project in `folder`, if it has one: the folder itself, where it is an
/// environment; else, of those that it names, the first that names it in its note, or simply the first.
pub(super) fn environment_of(folder: &Path) -> Option<Venv> {
    if let Ok(venv) = Venv::open(folder) {
        return Some(venv);
    }
    let mut first = None;
    for venv in named_by(folder) {
        if Note::of(&venv).names(folder) {
            return Some(venv);
        }
        first.get_or_insert(venv);
    }
    first
}

/// The folder of the project that keeps the record of `venv`, resolved; none where the environment has no project.
pub(super) fn keeper_of(venv: &Venv) -> Option<PathBuf> {
    sharing(venv).next()
}

/// The folders of all projects whose environment of record is `venv`, resolved: the first keeps the record.
pub(super) fn sharing(venv: &Venv) -> impl Iterator<Item = PathBuf> {
    let agrees =
        |folder: &PathBuf| environment_of(folder).is_some_and(|named| is_same(&named, venv));
    let mut seen = Vec::new();
    claims(venv)
        .filter_map(|folder| folder.canonicalize().ok())
        .filter(move |folder| {
            let is_new = !seen.contains(folder);
            if is_new {
                seen.push(folder.clone());
            }
            is_new
        })
        .filter(agrees)
}

/// The environments that the project in `folder` names, best first.
fn named_by(folder: &Path) -> impl Iterator<Item = Venv> {
    let layout = ProjectLayout::new(folder);
    let elsewhere =
        elsewhere(&layout).filter(|venv| claims_by_file(venv).any(|claim| is_at(&claim, folder)));
    let usual = layout.venvs().into_iter();
    let usual = usual.filter_map(|place| Venv::open(place).ok());
    elsewhere.into_iter().chain(usual).chain(of_direnv(&layout))
}

/// The environment that the file beside the logs names, by its place in the project where it lies inside.
fn elsewhere(layout: &ProjectLayout) -> Option<Venv> {
    let text = read::read(&layout.environment(), LONGEST).ok()?;
    Venv::open(layout.root().join(path(text.trim_ascii_end()))).ok()
}

/// The environments of direnv, the newest Python last.
fn of_direnv(layout: &ProjectLayout) -> Vec<Venv> {
    let (_, begin) = ProjectLayout::DIRENV;
    let Ok(entries) = std::fs::read_dir(layout.direnv()) else {
        return Vec::new();
    };
    let mut places: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().as_bytes().starts_with(begin.as_bytes()))
        .map(|entry| entry.path())
        .collect();
    places.sort();
    places
        .into_iter()
        .filter_map(|place| Venv::open(place).ok())
        .collect()
}

/// The projects that `venv` names, best first. None of them need agree.
fn claims(venv: &Venv) -> impl Iterator<Item = PathBuf> {
    let resolved = venv.root().canonicalize().ok();
    let by_place = [resolved.as_deref(), Some(venv.root())]
        .into_iter()
        .flatten();
    let by_place: Vec<PathBuf> = by_place.filter_map(around).collect();
    claims_by_file(venv).chain(by_place)
}

fn claims_by_file(venv: &Venv) -> impl Iterator<Item = PathBuf> {
    let dot_project = read::read(&venv.layout().dot_project(), LONGEST).ok();
    let dot_project = dot_project.map(|text| path(text.trim_ascii()));
    Note::of(venv).projects.into_iter().chain(dot_project)
}

/// The folder whose project an environment in `place` is, as its name and its place say.
fn around(place: &Path) -> Option<PathBuf> {
    let (name, folder) = (place.file_name()?, place.parent()?);
    if ProjectLayout::VENVS.iter().any(|usual| name == *usual) {
        return Some(folder.to_path_buf());
    }
    let (direnv, begin) = ProjectLayout::DIRENV;
    let is_of_direnv = folder.file_name() == Some(OsStr::new(direnv))
        && name.as_bytes().starts_with(begin.as_bytes());
    is_of_direnv
        .then(|| folder.parent().map(Path::to_path_buf))
        .flatten()
}

pub(super) fn is_same(one: &Venv, other: &Venv) -> bool {
    is_at(one.root(), other.root())
}

/// Whether both lead to the same folder.
fn is_at(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| {
        std::fs::metadata(path)
            .ok()
            .map(|meta| (meta.dev(), meta.ino()))
    };
    one == other || id(one).is_some_and(|one| Some(one) == id(other))
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// An environment's note of its projects: a line each, the first keeps the record. A line is an absolute path; where
/// the environment lies inside, a tab and the way from the environment to the project follow, which counts first: both
/// may have been moved, or copied, together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    lines: Vec<Vec<u8>>,
    projects: Vec<PathBuf>,
}

impl Note {
    /// The note of `venv`; an empty one where it has none that can be read.
    pub fn of(venv: &Venv) -> Self {
        read::read(&venv.layout().project(), LONGEST)
            .map(|text| Self::parse(&text, venv.root()))
            .unwrap_or_default()
    }

    /// As [`Note::of`], for who is about to write.
    ///
    /// # Errors
    /// What the system says, but that there is none.
    pub fn known(venv: &Venv) -> io::Result<Self> {
        match read::read(&venv.layout().project(), LONGEST) {
            Ok(text) => Ok(Self::parse(&text, venv.root())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &[u8], root: &Path) -> Self {
        let mut note = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            let mut parts = line.splitn(2, |byte| *byte == b'\t');
            let absolute = parts.next().map(path).filter(|path| path.is_absolute());
            let Some(absolute) = absolute else { continue };
            let relative = parts.next().filter(|way| !way.is_empty());
            note.projects
                .extend(relative.map(|way| root.join(path(way))));
            note.projects.push(absolute);
            note.lines.push(line.to_vec());
        }
        note
    }

    /// Whether the project in `folder` is in it.
    pub fn names(&self, folder: &Path) -> bool {
        self.projects.iter().any(|project| is_at(project, folder))
    }

    /// Adds the project in `folder`, which is resolved, of the environment `venv`. Says whether that changed anything;
    /// a path that no line can hold does not.
    pub fn add(&mut self, folder: &Path, venv: &Venv) -> bool {
        let bytes = folder.as_os_str().as_bytes();
        if self.names(folder) || bytes.iter().any(|byte| matches!(byte, b'\n' | b'\t')) {
            return false;
        }
        let mut line = bytes.to_vec();
        let place = venv.root().canonicalize();
        let depth = place
            .ok()
            .and_then(|place| Some(place.strip_prefix(folder).ok()?.components().count()));
        if let Some(depth) = depth.filter(|depth| *depth > 0) {
            line.push(b'\t');
            line.extend_from_slice(&vec![".."; depth].join("/").into_bytes());
        }
        self.lines.push(line);
        self.projects.push(folder.to_path_buf());
        true
    }

    /// As it stands in the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.lines
            .iter()
            .flat_map(|line| [line.as_slice(), b"\n"].concat())
            .collect()
    }
}

#[cfg(test)]
mod tests;
