//! A project's worker: always on the environment that is there.
//!
//! Five rooms, from the top down; each imports from those below it alone:
//!
//! | room | what it is |
//! | --- | --- |
//! | `handle` | what others hold: [`Job`], cheap to clone |
//! | `task` | the one owner of a worker's state: its loop waits for the next thing that happens and takes it in |
//! | `start` | how a worker comes to be, and whether it is still on the environment that is there ([`Freshness`]) |
//! | `process` | one Python process |
//! | `protocol` | the lines on its socket |
//!
//! Nodes run one after the other. Before each, the generation on disk is compared with the worker's; on another one a
//! spare becomes the next worker, and the old one ends when its node has.
//!
//! **Invariant:** no node begins on a worker of another generation than `env_meta.json` has at that moment.
//! **Invariant:** no node is run twice, whatever becomes of its worker.
//! **Invariant:** no process before the first use, and none after [`Job::shut_down`].
//! **Invariant:** memory is bounded, whatever a node prints and however slowly it is read.

mod handle;
mod process;
mod protocol;
mod start;
mod task;
#[cfg(test)]
mod tests;

pub use handle::{Job, Waits};
pub(super) use process::kill_orphans;
pub use process::log_path;
pub use protocol::WorkerReply;
pub use start::{Freshness, JobSettings, View};
pub use task::WorkerError;
pub(super) use task::{Turn, failed_within};
