//! What an idle worker is asked before it may stay on another environment (policy `loaded`).

use tokio::time::Instant;

use crate::backend::worker::start::View;

/// A question that is not answered yet.
#[derive(Debug)]
pub(super) struct Question {
    /// The environment that it is about.
    pub(super) view: View,
    pub(super) about: About,
    /// A worker that says nothing until then is replaced.
    pub(super) deadline: Instant,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum About {
    /// Which loaded files have changed.
    Changed,
    /// To look at the folders again.
    Folders,
}
