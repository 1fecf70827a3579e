//! One side of a comparison: of each distribution, the versions that it may have.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr as _;

use pep508_rs::VersionOrUrl;
use pep508_rs::pep440_rs::{Operator, Version, VersionSpecifiers};
use pep508_rs::{Requirement, VerbatimUrl};

use crate::inventory::{Change, Diff, canonical};

/// Distributions, by canonical name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Side {
    versions: BTreeMap<String, Versions>,
    /// Whether it is what is to be installed, not what is.
    pub(super) is_list: bool,
}

/// What a list asks for.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) side: Side,
    /// Lines of which nobody can say what they install.
    pub(super) unread: Vec<String>,
}

/// Which versions will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Versions {
    /// This one.
    One(String),
    /// Those that this lets in.
    Some(VersionSpecifiers),
    /// Any.
    Any,
}

impl Side {
    /// `versions` will do for `name`.
    pub(super) fn add(&mut self, name: &str, versions: Versions) {
        self.versions.insert(canonical(name), versions);
    }

    /// The same, as what is to be installed.
    pub(super) fn of_list(mut self) -> Self {
        self.is_list = true;
        self
    }

    /// What is different in `later`.
    pub(super) fn diff_to(&self, later: &Self) -> Diff {
        let change = |name: &String, from: Option<&Versions>, to: Option<&Versions>| Change {
            name: name.clone(),
            from: from.map(Versions::to_string),
            to: to.map(Versions::to_string),
        };
        let mut diff = Diff::default();
        for (name, to) in &later.versions {
            match self.versions.get(name) {
                None => diff.added.push(change(name, None, Some(to))),
                Some(from) if !from.agree(to) => {
                    diff.changed.push(change(name, Some(from), Some(to)));
                }
                Some(_) => {}
            }
        }
        let gone = self.versions.iter();
        let gone = gone.filter(|(name, _)| !later.versions.contains_key(*name));
        diff.removed = gone
            .map(|(name, from)| change(name, Some(from), None))
            .collect();
        diff
    }
}

impl FromIterator<(String, String)> for Side {
    /// Of names and versions.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(all: I) -> Self {
        let mut side = Self::default();
        for (name, version) in all {
            side.add(&name, Versions::One(version));
        }
        side
    }
}

impl Versions {
    /// Those that `wish` lets in.
    pub(super) fn of(wish: &Requirement<VerbatimUrl>) -> Self {
        match &wish.version_or_url {
            None => Self::Any,
            Some(VersionOrUrl::Url(url)) => Self::of_file(url.as_str()),
            Some(VersionOrUrl::VersionSpecifier(wanted)) => {
                let mut parts = wanted.iter();
                match (parts.next(), parts.next()) {
                    (None, _) => Self::Any,
                    (Some(only), None)
                        if matches!(only.operator(), Operator::Equal | Operator::ExactEqual) =>
                    {
                        Self::One(only.version().to_string())
                    }
                    _ => Self::Some(wanted.clone()),
                }
            }
        }
    }

    /// That of the wheel at this place, by its name (binary distribution format); else any.
    pub(super) fn of_file(place: &str) -> Self {
        let (_, version) = wheel(place).unzip();
        version.map_or(Self::Any, |version| Self::One(version.to_owned()))
    }

    fn agree(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::One(one), Self::One(other)) => one == other || is_same(one, other),
            (Self::Some(wanted), Self::One(version)) | (Self::One(version), Self::Some(wanted)) => {
                Version::from_str(version).is_ok_and(|version| wanted.contains(&version))
            }
            (Self::Some(one), Self::Some(other)) => one == other,
        }
    }
}

/// As a person is shown it: `1.0`, `>=1.0,<2`, `*`.
impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(version) => f.write_str(version),
            Self::Some(wanted) => f.write_str(&wanted.to_string().replace(", ", ",")),
            Self::Any => f.write_str("*"),
        }
    }
}

/// Name and version in the name of the wheel at this place.
pub(super) fn wheel(place: &str) -> Option<(&str, &str)> {
    let path = place.split(['#', '?']).next()?;
    let file = path.rsplit('/').next()?.strip_suffix(".whl")?;
    let mut parts = file.split('-');
    Some((parts.next()?, parts.next()?))
}

/// Whether they are two spellings of one version (PEP 440).
fn is_same(one: &str, other: &str) -> bool {
    let parsed = Version::from_str(one)
        .ok()
        .zip(Version::from_str(other).ok());
    parsed.is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(line: &str) -> Versions {
        Versions::of(&Requirement::from_str(line).expect(line))
    }

    #[test]
    fn requirements_let_versions_in() {
        fn check(line: &str, expected: &str) {
            assert_eq!(versions(line).to_string(), expected, "{line}");
        }
        check("six", "*");
        check("six==1.16.0", "1.16.0");
        check("six===1.16.0", "1.16.0");
        check("six==1.*", "==1.*");
        check("six >= 1, < 2", ">=1,<2");
        check(
            "six @ https://h.org/six-1.16.0-py3-none-any.whl#sha256=ab",
            "1.16.0",
        );
        check("six @ https://h.org/six.zip", "*");
    }

    #[test]
    fn what_agrees_is_no_difference() {
        fn check(one: &str, other: &str, expected: bool) {
            let (one, other) = (versions(one), versions(other));
            assert_eq!(one.agree(&other), expected, "{one} {other}");
            assert_eq!(other.agree(&one), expected, "{other} {one}");
        }
        check("x==1.0", "x==1.0", true);
        check("x==1.0", "x==1.0.0", true);
        check("x==1.0", "x==1.1", false);
        check("x==1.5", "x>=1,<2", true);
        check("x==2.5", "x>=1,<2", false);
        check("x==2.5", "x", true);
        check("x>=1", "x>=1", true);
        check("x>=1", "x>=2", false);
    }

    #[test]
    fn a_diff_has_what_came_what_went_and_what_is_another() {
        let side = |lines: &[&str]| {
            let mut side = Side::default();
            for line in lines {
                let wish: Requirement<VerbatimUrl> = Requirement::from_str(line).expect(line);
                side.add(wish.name.as_ref(), Versions::of(&wish));
            }
            side
        };
        let from = side(&["a==1", "b>=2", "c==3"]);
        let diff = from.diff_to(&side(&["b==1.5", "c==3.0", "d==4"]));
        let shown = |changes: &[Change]| -> Vec<String> {
            let words = |one: &Change| format!("{} {:?} {:?}", one.name, one.from, one.to);
            changes.iter().map(words).collect()
        };
        assert_eq!(shown(&diff.added), [r#"d None Some("4")"#]);
        assert_eq!(shown(&diff.removed), [r#"a Some("1") None"#]);
        assert_eq!(shown(&diff.changed), [r#"b Some(">=2") Some("1.5")"#]);
    }
}
