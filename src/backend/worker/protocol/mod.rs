//! The lines on a worker's socket: what it is asked, and what it answers (compat, sections 8 to 10).
//!
//! **Invariant:** what a node returns is passed on as text and never parsed on the way.

pub(crate) mod reply;
pub(crate) mod request;

pub use reply::Reply;
