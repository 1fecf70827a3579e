//! What became of a worker when its environment changed, as a word that a reader puts into its own language.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a worker when its environment changed last, by the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Refresh {
    /// Replaced: the environment changed.
    EnvironmentChanged,
    /// Replaced: the environment changed, and that could not be recorded, so that no generation tells of it.
    Unrecorded {
        /// Why not.
        why: String,
    },
    /// Replaced: the environment has another interpreter.
    InterpreterChanged,
    /// Replaced: a file that it had loaded changed.
    FileChanged {
        /// Its path.
        file: String,
    },
    /// Replaced: a file comes first now where it had loaded another one.
    ComesFirst {
        /// The path of what comes first.
        file: String,
    },
    /// Replaced: what it had looked for in vain is there now.
    ImportWorks {
        /// The path of what is there.
        file: String,
    },
    /// Replaced: a file changed that Python reads at its start alone.
    StartupChanged {
        /// Its path.
        file: String,
    },
    /// Replaced: it does not answer.
    NoAnswer,
    /// Kept: no file that it had loaded changed.
    NothingLoadedChanged,
    /// Kept: the policy is to wait for a restart by hand.
    ByHand {
        /// The generation that the worker has.
        generation: u64,
        /// The generation that the environment had.
        env_generation: u64,
    },
    /// What only a newer daemon knows.
    #[serde(other)]
    Unknown,
}

impl Refresh {
    /// Whether the worker stayed.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::NothingLoadedChanged | Self::ByHand { .. })
    }

    /// The file by which the worker is replaced.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::FileChanged { file }
            | Self::ComesFirst { file }
            | Self::ImportWorks { file }
            | Self::StartupChanged { file } => Some(file),
            _ => None,
        }
    }

    /// `kept: …` or `replaced: …`, as [`WorkerStatus::last_refresh`](super::WorkerStatus::last_refresh) has it.
    pub fn sentence(&self) -> String {
        let what = if self.is_kept() { "kept" } else { "replaced" };
        format!("{what}: {self}")
    }
}

/// The reason in English, for logs and for readers that do not know the word.
impl fmt::Display for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvironmentChanged => f.write_str("the environment changed"),
            Self::Unrecorded { why } => {
                write!(
                    f,
                    "the environment changed, which could not be recorded: {why}"
                )
            }
            Self::InterpreterChanged => f.write_str("the interpreter changed"),
            Self::FileChanged { file } => write!(f, "{file} changed, which it had loaded"),
            Self::ComesFirst { file } => {
                write!(
                    f,
                    "{file} comes first now, where it had loaded another file"
                )
            }
            Self::ImportWorks { file } => {
                write!(f, "{file} is there now, which it had looked for in vain")
            }
            Self::StartupChanged { file } => {
                write!(f, "{file} changed, which Python reads at its start")
            }
            Self::NoAnswer => f.write_str("the worker does not answer"),
            Self::NothingLoadedChanged => {
                f.write_str("no file that it had loaded changed (policy loaded)")
            }
            Self::ByHand {
                generation,
                env_generation,
            } => write!(
                f,
                "it waits for a restart by hand (policy manual) and is stale: generation {generation}, the environment \
                 is at {env_generation}"
            ),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_what_belongs_to_it() {
        let file = "used.py".to_owned();
        let changed = Refresh::FileChanged { file };
        let json = serde_json::json!({"reason": "file-changed", "file": "used.py"});
        assert_eq!(serde_json::to_value(&changed).expect("JSON"), json);
        assert_eq!(
            changed.sentence(),
            "replaced: used.py changed, which it had loaded"
        );
        let read: Refresh = serde_json::from_value(json).expect("a reason");
        assert_eq!(read, changed);
        let newer = serde_json::json!({"reason": "too-warm", "degrees": 90});
        let read: Refresh = serde_json::from_value(newer).expect("an unknown reason");
        assert_eq!(read, Refresh::Unknown);
        assert!(
            Refresh::NothingLoadedChanged
                .sentence()
                .starts_with("kept: ")
        );
    }
}
