//! One Python process: its start, its sockets, its output, its end, and the end of what it leaves behind.
//!
//! **Invariant:** knows nothing of nodes and of what the lines of the protocol mean.
//! **Invariant:** no process of a worker outlives the daemon.

mod child;
mod exit;
mod last_lines;
mod leftovers;
mod log;
mod parent_thread;
mod socket;

pub(crate) use child::{Process, ProcessEvent};
pub(crate) use exit::{ending, signal_name};
pub(crate) use last_lines::LastLines;
pub(in crate::backend) use leftovers::kill_orphans;
pub(crate) use log::WorkerLog;
pub use log::log_path;
