//! A part that was looked at, and what was found.

use serde::Serialize;

use crate::secrets;

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
            message: secrets::hide(&message.into()).into_owned(),
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
            remedy: remedy
                .into()
                .map(|remedy| secrets::hide(&remedy).into_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_check_tells_a_secret() {
        let told = "invalid index-url https://kim:hunter2@host/";
        for check in [
            Check::good("x", told),
            Check::odd("x", told, told.to_owned()),
            Check::wrong("x", told, told.to_owned()),
        ] {
            let text = serde_json::to_string(&check).expect("JSON");
            assert!(!text.contains("hunter2") && text.contains("host"), "{text}");
        }
    }
}
