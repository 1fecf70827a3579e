//! A project's worker: always on the environment that is there.
//!
//! [`Job`] is the handle, cheap to clone; behind it one task owns everything: its loop (`task`) waits for the next thing that
//! happens and takes it in. Nodes run one after the other. Before each, the generation on disk (`freshness`) is compared
//! with the worker's; on another one a spare becomes the next worker (`standby`), and the old one ends when its node has.
//!
//! **Invariant:** no node begins on a worker of another generation than `env_meta.json` has at that moment.
//! **Invariant:** no node is run twice, whatever becomes of its worker.
//! **Invariant:** no process before the first use, and none after [`Job::shut_down`].
//! **Invariant:** memory is bounded, whatever a node prints and however slowly it is read.

mod ask;
mod background;
mod cradle;
mod delivery;
mod environment;
mod exit;
mod flow_runner;
mod freshness;
mod job;
mod kept;
mod lane;
mod leftovers;
mod log;
mod objects;
mod pool;
mod process;
mod protocol;
mod reply;
mod script;
mod settings;
mod socket;
mod standby;
mod tail;
mod task;
#[cfg(test)]
mod tests;

pub use ask::WorkerError;
pub use freshness::{Freshness, View};
pub use job::Job;
pub(super) use leftovers::kill_orphans;
pub use log::log_path;
pub use reply::Reply;
pub use settings::JobSettings;
