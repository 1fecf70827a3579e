//! A snapshot in one short text.

use std::fmt;
use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::Snapshot;

/// The hash of a snapshot: a version of this rule, `:`, and 128 bits in hexadecimal. Only good for "the same or not".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Rule 1: SipHash-2-4 with a zero key over name, version and editable location, each ended by a zero byte, in
    /// the order of canonical names. The version is the folder's where there is one, in canonical spelling.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut hasher = SipHasher24::new();
        let mut field = |text: &str| {
            hasher.write(text.as_bytes());
            hasher.write(&[0]);
        };
        for one in snapshot.distributions() {
            field(&one.canonical_name());
            field(&super::canonical(&one.version));
            field(one.editable.as_deref().unwrap_or_default());
        }
        Self(format!("1:{:032x}", hasher.finish128().as_u128()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
