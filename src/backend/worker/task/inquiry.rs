//! What a worker is asked before it may stay on another environment.

use tokio::time::Instant;

use crate::backend::worker::start::View;

/// A question that the idle worker was asked, before the next node.
pub(super) struct Inquiry {
    /// The environment that it is about.
    pub(super) view: View,
    pub(super) asked: Asked,
    /// A worker that says nothing until then is replaced.
    pub(super) deadline: Instant,
}

#[derive(Clone, Copy)]
pub(super) enum Asked {
    /// Which loaded files have changed.
    Modules,
    /// To look at the folders again.
    Invalidate,
}
