//! The group that a project belongs to, by which a roll-out is compared.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::setting::SettingValue;
use crate::words::t;

/// The name of a group; none is said by the empty text. It is a word of tables and of labels: letters and digits of any
/// language, `-`, `_` and `.`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Group(String);

/// Characters of a name.
const LONGEST: usize = 40;

impl Group {
    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        Some(&*self.0).filter(|name| !name.is_empty())
    }
}

impl TryFrom<String> for Group {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.chars().count() <= LONGEST && text.chars().all(is_word) {
            Ok(Self(text))
        } else {
            Err("not the name of a group")
        }
    }
}

impl From<Group> for String {
    fn from(group: Group) -> Self {
        group.0
    }
}

impl SettingValue for Group {
    fn shown(&self) -> Json {
        self.0.clone().into()
    }

    fn expects() -> String {
        t!("settings.expects.group", most = LONGEST).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word() {
        let group = |text: &str| Group::try_from(text.to_owned());
        for good in ["a", "pilot-2", "2026.11_b", "1차", &"x".repeat(40)] {
            assert_eq!(group(good).expect(good).name(), Some(good));
        }
        for bad in ["a b", "a/b", "a\"b", "a\n", "a=1", &"x".repeat(41)] {
            assert!(group(bad).is_err(), "{bad:?}");
        }
        assert_eq!(group("").expect("none").name(), None);
    }
}
