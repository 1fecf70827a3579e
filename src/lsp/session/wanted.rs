//! Changes that are still to be followed.

use std::time::Instant;

use crate::lsp::change::Change;
use crate::lsp::strategy::Sign;

/// A change that is still to be followed.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) generation: u64,
    pub(super) since: Instant,
    /// As it came, where the client was not ready for it.
    pub(super) change: Option<Change>,
}

/// The current server was told, and is to show that it heard.
#[derive(Debug)]
pub(super) struct Injection {
    pub(super) wanted: Wanted,
    pub(super) sign: Sign,
    pub(super) until: Instant,
}

impl Injection {
    pub(super) fn deadline(&self) -> Instant {
        self.until
    }
}
