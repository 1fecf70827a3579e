//! A `pylock.toml` as one side of a comparison (PEP 751; "pylock.toml Specification").

use std::path::Path;
use std::str::FromStr as _;

use pep508_rs::MarkerTree;
use serde::Deserialize;

use super::side::{Listed, Versions};
use crate::error::Result;
use crate::files::read;
use crate::inventory::Markers;

/// Longer than any lock: those of the largest projects have some MiB.
const LONGEST: u64 = 64 << 20;

#[derive(Deserialize)]
struct Lock {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Option<String>,
    marker: Option<String>,
}

/// What the lock at `path` has where `markers` hold.
///
/// # Errors
/// What the system says of it, and that it is no lock.
pub(super) fn read(path: &Path, markers: &Markers) -> Result<Listed> {
    let lock: Lock = toml::from_str(&read::text(path, LONGEST)?)?;
    let mut listed = Listed::default();
    for package in lock.packages {
        let marker = package.marker.as_deref().unwrap_or_default();
        // One that asks for extras or groups is none of PEP 508's; it is taken to hold.
        let holds = MarkerTree::from_str(marker).map_or(true, |marker| markers.hold(&marker));
        if holds {
            let version = package.version.map_or(Versions::Any, Versions::One);
            listed.side.add(&package.name, version);
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::diff::side::Side;

    #[test]
    fn packages_have_names_versions_and_markers() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("pylock.toml");
        let text = "lock-version = '1.0'\ncreated-by = 'x'\n\
            [[packages]]\nname = 'six'\nversion = '1.16.0'\n\
            [[packages]]\nname = 'live'\n[packages.directory]\npath = '.'\n\
            [[packages]]\nname = 'dev'\nversion = '1'\nmarker = \"'dev' in dependency_groups\"\n\
            [[packages]]\nname = 'old'\nversion = '1'\nmarker = \"python_version < '3'\"\n";
        std::fs::write(&path, text).expect("written");
        let listed = read(&path, &Markers::default()).expect("a lock");
        let diff = Side::default().diff_to(&listed.side);
        let names: Vec<_> = diff.added.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["dev", "live", "six"]);
        std::fs::write(&path, "x = 1").expect("written");
        assert!(read(&path, &Markers::default()).is_err());
    }
}
