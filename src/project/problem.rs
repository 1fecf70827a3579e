//! What is wrong with a setting, with its place and in the person's language.

use std::fmt;

use crate::error::brief;
use crate::terminal::printable;
use crate::words::t;

/// Something that a settings file or a variable says and that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The file cannot be read.
    Unread {
        /// The file.
        place: String,
        /// What the system says.
        why: String,
    },
    /// The file is no TOML.
    NotToml {
        /// The file and the line.
        place: String,
        /// What the parser says, in English.
        why: String,
    },
    /// No setting has that name. A newer toolkit may know it, so nothing is wrong by itself.
    Unknown {
        /// The file and the line.
        place: String,
        /// The name.
        name: String,
        /// The setting that was meant, by the look of it.
        meant: Option<&'static str>,
    },
    /// The setting cannot have that value, and keeps the one that it would have without.
    Wrong {
        /// The file and the line, or the variable.
        place: String,
        /// The setting.
        name: String,
        /// What it can be.
        expects: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Unread { place, why } => {
                let why = brief(why.lines().next().unwrap_or_default());
                t!("settings.unread", place = place, why = why)
            }
            Self::NotToml { place, why } => {
                let why = why.lines().next().unwrap_or_default();
                let why = match why {
                    "duplicate key" => t!("settings.name_twice"),
                    _ if why.starts_with("string values must be quoted") => {
                        t!("settings.no_quotes")
                    }
                    other => printable(&brief(other)).into(),
                };
                t!("settings.not_toml", place = place, why = why)
            }
            Self::Unknown { place, name, meant } => {
                let name = printable(&brief(name));
                match meant {
                    Some(meant) => {
                        t!(
                            "settings.unknown_but",
                            place = place,
                            name = name,
                            meant = meant
                        )
                    }
                    None => t!("settings.unknown", place = place, name = name),
                }
            }
            Self::Wrong {
                place,
                name,
                expects,
            } => t!(
                "settings.wrong",
                place = place,
                name = printable(&brief(name)),
                expects = expects
            ),
        };
        f.write_str(&text)
    }
}
