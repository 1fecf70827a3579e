//! The server that is made ready beside the current one.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::names::Number;
use super::wanted::Wanted;

/// How long a server has to answer to `initialize`.
pub(super) const TO_INITIALIZE: Duration = Duration::from_secs(30);
/// How long one that has been told everything has to say something about each open file.
const TO_SPEAK: Duration = Duration::from_secs(10);

/// A server that nobody sees yet.
#[derive(Debug)]
pub(super) struct Next {
    number: Number,
    /// The change for which it was started.
    wanted: Option<Wanted>,
    /// What it has registered.
    pub(super) registrations: Vec<Value>,
    /// The tokens (JSON) that it has asked for.
    pub(super) tokens: BTreeSet<String>,
    is_told: bool,
    deadline: Instant,
}

impl Next {
    pub(super) fn begun(number: Number, now: Instant, wanted: Option<Wanted>) -> Self {
        Self {
            number,
            wanted,
            registrations: Vec::new(),
            tokens: BTreeSet::new(),
            is_told: false,
            deadline: now + TO_INITIALIZE,
        }
    }

    pub(super) fn number(&self) -> Number {
        self.number
    }

    pub(super) fn wanted(&self) -> Option<&Wanted> {
        self.wanted.as_ref()
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it knows what is open, and must hear what the current one hears.
    pub(super) fn is_told(&self) -> bool {
        self.is_told
    }

    /// It has been told all that the client has said.
    pub(super) fn told(&mut self, now: Instant) {
        self.is_told = true;
        self.deadline = now + TO_SPEAK;
    }

    /// What it was started for.
    pub(super) fn into_wanted(self) -> Option<Wanted> {
        self.wanted
    }
}
