//! What the handle and the task say to each other.

use tokio::sync::oneshot;

use crate::api::v1::Watching;
use crate::inventory::Gate;

/// What is asked of the task.
#[derive(Debug)]
pub(super) enum Ask {
    /// To look now.
    Look(oneshot::Sender<()>),
    /// To end.
    End(oneshot::Sender<()>),
    /// To panic, as a fault of ours would.
    #[cfg(test)]
    Panic,
}

/// What others may know.
#[derive(Debug, Clone)]
pub(super) struct WatchView {
    /// The gate of the environment when it was last as recorded; none while that is not known, or nobody would tell of
    /// a change.
    pub(super) gate: Option<Gate>,
    pub(super) watching: Watching,
    /// Why what is there is not recorded, for whoever runs a node now; none when it is, or will be in a moment.
    pub(super) behind: Option<String>,
    /// Whether the first look has come to something.
    pub(super) has_looked: bool,
}
