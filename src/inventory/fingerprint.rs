//! A snapshot in one short text.

use std::fmt;
use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::distribution::Distribution;

/// The hash of a snapshot: a version of this rule, `:`, and 128 bits in hexadecimal. Only good for "the same or not".
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Rule 1: SipHash-2-4 with a zero key over name, version and editable location, each ended by a zero byte, in the
    /// order of canonical names. The version is the folder's where there is one, in canonical
    /// spelling.
    pub(super) fn of<'d>(distributions: impl Iterator<Item = &'d Distribution>) -> Self {
        let mut hasher = SipHasher24::new();
        let mut field = |text: &str| {
            hasher.write(text.as_bytes());
            hasher.write(&[0]);
        };
        let mut all: Vec<_> = distributions
            .map(|one| {
                let version = super::canonical(one.listed_version());
                (one.canonical_name(), version, one.editable.as_deref())
            })
            .collect();
        // The order of several of one name is the folder's, and every copy has another.
        all.sort();
        for (name, version, editable) in all {
            field(&name);
            field(&version);
            field(editable.unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use super::super::Snapshot;
    use super::*;

    #[test]
    fn the_rule_stays_as_it_is() {
        let empty = Snapshot::default();
        assert_eq!(
            empty.fingerprint().as_str(),
            "1:f4f2ced447ab02427de0a38047d74950"
        );
        let two: Snapshot = [
            Distribution::new("Six", "1.16.0"),
            Distribution::new("my.lib", "1").editable_at("/w"),
        ]
        .into_iter()
        .collect();
        assert_eq!(
            two.fingerprint().as_str(),
            "1:81abfe4c58906b63b473200129fd0c1f"
        );
    }

    #[test]
    fn fields_do_not_run_into_one_another() {
        let of = |name: &str, version: &str| -> Fingerprint {
            [Distribution::new(name, version)]
                .into_iter()
                .collect::<Snapshot>()
                .fingerprint()
        };
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_eq!(of("A_b", "1"), of("a-b", "1"));
    }
}
