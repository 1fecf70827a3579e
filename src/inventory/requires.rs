//! What installed distributions require of each other, and which of it does not hold: what `pip check` says, without an
//! interpreter.
//!
//! Read from `Requires-Dist` (core metadata specification; PEP 508 for the requirement, PEP 440 for its versions). As
//! pip does it, what an extra would bring is not asked for, and a line that nobody understands says nothing.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::str::FromStr as _;

use pep508_rs::pep440_rs::Version;
use pep508_rs::{Requirement, VerbatimUrl, VersionOrUrl};

use super::distribution::{Distribution, canonical};
use super::markers::Markers;
use super::metadata;
use super::snapshot::Snapshot;
use crate::project::Venv;

/// A requirement that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Broken {
    /// Who has it, as it writes its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it needs: `urllib3<1.27`.
    pub needs: String,
    /// The name of that, normalised.
    pub needed: String,
    /// The version that is there; none where nothing is.
    pub found: Option<String>,
}

/// A distribution that requires another one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Requirer {
    /// Its name, normalised.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it needs: `urllib3<3,>=1.21.1`.
    pub needs: String,
}

/// What the distributions of an environment require of others, as far as it applies there.
#[derive(Debug)]
pub struct Requirements {
    /// Each with who has it, in the order of their names.
    all: Vec<(Distribution, Requirement<VerbatimUrl>)>,
}

impl Requirements {
    /// Those of what is `installed` in `venv`.
    ///
    /// # Errors
    /// When metadata is there and cannot be read.
    pub fn read(venv: &Venv, installed: &Snapshot) -> io::Result<Self> {
        let sites = venv.all_site_packages()?;
        let markers = Markers::of(venv);
        let mut all = Vec::new();
        for one in installed.shown() {
            let lines = required_by(one, &sites)?;
            let wishes = lines.iter().filter_map(|line| wish(line, &markers));
            all.extend(wishes.map(|wish| (one.clone(), wish)));
        }
        Ok(Self { all })
    }

    /// Those that do not hold where `there` is what is installed: of the distributions that it has still.
    pub fn broken(&self, there: &Snapshot) -> Vec<Broken> {
        let there = there.shown().map(|one| (one.canonical_name(), one));
        let there: HashMap<String, &Distribution> = there.collect();
        let has = |owner: &Distribution| {
            let found = there.get(&owner.canonical_name());
            found.is_some_and(|found| found.folder() == owner.folder())
        };
        let all = self.all.iter().filter(|(owner, _)| has(owner));
        all.filter_map(|(owner, wish)| judged(owner, wish, &there))
            .collect()
    }

    /// Who requires the distribution of the canonical name `name`.
    pub fn of(&self, name: &str) -> Vec<Requirer> {
        let all = self.all.iter();
        let of_name = all.filter(|(_, wish)| canonical(wish.name.as_ref()) == name);
        of_name
            .map(|(owner, wish)| Requirer {
                name: owner.canonical_name(),
                version: owner.version.clone(),
                needs: shown(wish),
            })
            .collect()
    }
}

fn required_by(one: &Distribution, sites: &[PathBuf]) -> io::Result<Vec<String>> {
    let Some(folder) = one.folder() else {
        return Ok(Vec::new());
    };
    for site in sites {
        let lines = metadata::headers(&site.join(folder), "Requires-Dist")?;
        if !lines.is_empty() {
            return Ok(lines);
        }
    }
    Ok(Vec::new())
}

fn judged(
    one: &Distribution,
    wish: &Requirement<VerbatimUrl>,
    there: &HashMap<String, &Distribution>,
) -> Option<Broken> {
    let needed = canonical(wish.name.as_ref());
    let found = there.get(&needed);
    let holds = found.is_some_and(|found| match &wish.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(wanted)) => {
            Version::from_str(&found.version).is_ok_and(|version| wanted.contains(&version))
        }
        Some(VersionOrUrl::Url(_)) | None => true,
    });
    (!holds).then(|| Broken {
        name: one.name.clone(),
        version: one.version.clone(),
        needs: shown(wish),
        needed,
        found: found.map(|found| found.version.clone()),
    })
}

/// What a line asks for, where it asks for anything here.
fn wish(line: &str, markers: &Markers) -> Option<Requirement<VerbatimUrl>> {
    let wish = Requirement::<VerbatimUrl>::from_str(line).ok()?;
    markers.hold(&wish.marker).then_some(wish)
}

/// A requirement as pip takes it, without markers and extras: `urllib3<1.27`.
fn shown(wish: &Requirement<VerbatimUrl>) -> String {
    let wanted = match &wish.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(wanted)) => wanted.to_string().replace(", ", ","),
        Some(VersionOrUrl::Url(_)) | None => String::new(),
    };
    format!("{}{wanted}", wish.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    #[test]
    fn what_does_not_hold_is_told_and_nothing_else() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().join(".venv");
        let site = root.join("lib/python3.11/site-packages");
        std::fs::create_dir_all(&site).expect("folders");
        std::fs::write(root.join("pyvenv.cfg"), "version = 3.11.7\n").expect("write");
        let installed = [
            (
                "botocore",
                "1.29.0",
                &[
                    "urllib3 (<1.27,>=1.25.4)",
                    "jmespath<2.0.0,>=0.7.1",
                    "colorama ; sys_platform == 'win32'",
                    "old ; python_version < \"3\"",
                    "crt ; extra == 'crt'",
                    "what is this?",
                    "Six",
                    "pre >= 1",
                    "there @ https://example.org/there-1.0.zip",
                ][..],
            ),
            ("urllib3", "2.0.7", &[]),
            ("six", "1.16.0", &[]),
            ("pre", "2.0rc1", &[]),
            ("there", "0.1", &[]),
        ];
        for (name, version, requires) in installed {
            let info = site.join(format!("{name}-{version}.dist-info"));
            std::fs::create_dir(&info).expect("folder");
            let mut text = format!("Name: {name}\nVersion: {version}\n");
            for line in requires {
                text.extend(["Requires-Dist: ", line, "\n"]);
            }
            text.push_str("\nRequires-Dist: text\n");
            std::fs::write(info.join("METADATA"), text).expect("write");
        }
        let venv = Venv::open(&root).expect("an environment");
        let now = Snapshot::scan(&venv, &Host::fake(["x"])).expect("scanned");
        let requirements = Requirements::read(&venv, &now).expect("read");
        let found = requirements.broken(&now);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.needs.as_str(), one.found.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("urllib3>=1.25.4,<1.27", Some("2.0.7")),
                ("jmespath>=0.7.1,<2.0.0", None)
            ]
        );
        assert!(found.iter().all(|one| one.name == "botocore"));
        let who = requirements.of("urllib3");
        let who: Vec<_> = who
            .iter()
            .map(|one| (one.name.as_str(), one.needs.as_str()))
            .collect();
        assert_eq!(who, [("botocore", "urllib3>=1.25.4,<1.27")]);
        for nobodys in ["crt", "colorama", "botocore"] {
            assert_eq!(requirements.of(nobodys), []);
        }
    }
}
