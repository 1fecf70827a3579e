//! A part that was looked at, and what was found.

use serde::Serialize;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Rating {
    /// As it should be.
    Good,
    /// Works, but may surprise.
    Odd,
    /// Does not work.
    Wrong,
}

/// One checked part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// A name that does not change, for scripts.
    pub(super) name: &'static str,
    pub(super) outcome: Rating,
    /// What was found, in the person's language.
    pub(super) message: String,
    /// What to type.
    pub(super) remedy: Option<String>,
}

impl Check {
    pub(super) fn good(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            outcome: Rating::Good,
            message: message.into(),
            remedy: None,
        }
    }

    pub(super) fn odd(
        name: &'static str,
        message: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) -> Self {
        Self {
            outcome: Rating::Odd,
            remedy: remedy.into(),
            ..Self::good(name, message)
        }
    }

    pub(super) fn wrong(
        name: &'static str,
        message: impl Into<String>,
        remedy: impl Into<Option<String>>,
    ) -> Self {
        Self {
            outcome: Rating::Wrong,
            ..Self::odd(name, message, remedy)
        }
    }
}
