//! What the daemon and its callers say to one another (design, section 7): types, and the two ways to call.
//!
//! [`v1`] has the requests and replies. [`Client`] is for the commands; [`nudge`] is for the shim, which must stay
//! small and must never wait long.
//!
//! **Invariant:** [`nudge`], [`v1`] and [`Address`] know nothing of the client's crate.

mod address;
mod call;
mod client;
pub mod nudge;
mod unix_socket;
pub mod v1;

pub use address::{Address, check_ours};
pub use call::{if_offered, no_daemon, refresh_failed};
pub use client::Client;
