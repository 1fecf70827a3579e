//! Names for runs, numbers for states of an environment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The state of an environment as a number: grows by one with each change, never goes back. 0 before the first.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// No environment has come so far: a number above it is not ours, and to count on from it would end where JSON's
    /// numbers do (2^53).
    const HIGHEST: Self = Self(1 << 52);
    /// Changes of an environment that nothing else tells of, at most: a project that comes from elsewhere with its
    /// `env_meta.json` alone may have had so many.
    const LONGEST_LEAP: u64 = 1_000_000;

    /// Whether a file that names it can be telling the truth.
    pub fn is_believable(self) -> bool {
        self <= Self::HIGHEST
    }

    /// Whether a file can be telling the truth that names it, while runs of the environment are known up to `known`.
    pub fn is_believable_beside(self, known: Self) -> bool {
        self.is_believable() && self.0 <= known.0.saturating_add(Self::LONGEST_LEAP)
    }

    /// The generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Generation {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A run's short name in its environment, for people: counts up by one with each run that is recorded, and is never
/// given twice. Shown as `#27`; a person types `27` or `#27`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct RunNumber(pub u64);

impl RunNumber {
    /// No environment has so many runs: a number above it is not ours (as [`Generation::is_believable`]).
    pub fn is_believable(self) -> bool {
        (1..=Generation::HIGHEST.0).contains(&self.0)
    }

    /// The number of the run `after` runs later.
    #[must_use]
    pub(crate) fn later(self, after: u64) -> Self {
        Self(self.0.saturating_add(after))
    }
}

impl fmt::Display for RunNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl FromStr for RunNumber {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('#').unwrap_or(text).parse().map(Self)
    }
}

/// A run's name: a UUID of version 7 (RFC 9562), so that names sort by time. Written with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

/// A text that is no run's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a run id: {0:?}")]
pub struct BadRunId(pub String);

impl RunId {
    /// A name that no other run has.
    #[expect(clippy::new_without_default, reason = "each call gives another name")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RunId {
    type Err = BadRunId;

    fn from_str(text: &str) -> Result<Self, BadRunId> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| BadRunId(text.to_owned()))
    }
}
