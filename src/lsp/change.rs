//! A change of the environment, and what became of it.

use std::path::PathBuf;
use std::time::Duration;

/// The environment is another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Its generation now.
    pub generation: u64,
    /// Why no message can help: another interpreter, say, or the server's own files.
    pub needs_new_server: bool,
    /// Whether path files (`.pth`) or the like may be others, so that packages are found elsewhere.
    pub moves_paths: bool,
    /// The environment's own folders of packages.
    pub places: Vec<PathBuf>,
}

impl Change {
    /// Both changes as one, where `before` has not been followed yet.
    #[must_use]
    pub(super) fn after(self, before: Option<&Self>) -> Self {
        Self {
            needs_new_server: self.needs_new_server
                || before.is_some_and(|before| before.needs_new_server),
            moves_paths: self.moves_paths || before.is_some_and(|before| before.moves_paths),
            ..self
        }
    }
}

/// How a server was brought along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was told.
    Injected,
    /// Another one has its place.
    Replaced,
    /// It looks by itself.
    Nothing,
}

/// What is worth a line in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The server knows the environment of this generation.
    Synced {
        /// The generation.
        generation: u64,
        /// How.
        how: Outcome,
        /// Since the change was heard of.
        took: Duration,
    },
    /// It was told and showed no sign of it; another one is started.
    NoSign,
    /// Another one was started and did not get ready.
    Late,
    /// A server has ended that was not to end.
    Ended {
        /// Its last words.
        words: String,
        /// How many in a row that makes.
        in_a_row: u32,
    },
}

impl Told {
    /// What [`Told::Late`] is in words.
    pub(super) const SILENT: &'static str = "it does not answer to initialize";
}

impl Outcome {
    /// As it stands in a note and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Injected => "injected",
            Self::Replaced => "replaced",
            Self::Nothing => "nothing",
        }
    }
}
