//! The lines on a worker's socket: what it is asked, and what it answers (compat, sections 8 to 10).
//!
//! **Invariant:** what a node returns is passed on as text and never parsed on the way.

mod daemon_reply;
mod reply;
mod request;
mod said;

pub(crate) use daemon_reply::{DaemonReply, object_gone};
pub use reply::WorkerReply;
pub(crate) use reply::of_worker;
pub(crate) use request::{Edge, KeepAs, Request};
pub(crate) use said::{Envelope, Failure, INTERRUPTED, Modules, Released, Store};
