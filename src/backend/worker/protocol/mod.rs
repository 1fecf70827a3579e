//! The lines on a worker's socket: what it is asked, and what it answers (compat, sections 8 to 10).
//!
//! **Invariant:** what a node returns is passed on as text and never parsed on the way.
//! **Invariant:** nothing that a node writes, wherever it writes it, is taken for an answer.

mod daemon_reply;
mod key;
mod reply;
mod request;
mod said;

pub(crate) use daemon_reply::{DaemonReply, object_gone};
pub(crate) use key::{Event, Keys, answer_to, event_of};
pub use reply::WorkerReply;
pub(crate) use reply::of_worker;
pub(crate) use request::{Edge, KeepAs, Request, Show};
pub(crate) use said::{Changed, Envelope, Failure, Released, Spent, Store};
