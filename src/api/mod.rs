//! What the daemon and its callers say to one another (design, section 7): types, and the two ways to call.
//!
//! [`v1`] has the requests and replies. [`Client`] is for the commands; [`nudge`] is for the shim, which must stay
//! small and must never wait long. Both look for the daemon at the same [`places`], first where the [`DaemonNote`] in
//! the project's environment says.
//!
//! **Invariant:** [`nudge`], [`v1`], [`Address`] and [`places`] know nothing of the client's crate.

mod address;
mod call;
mod client;
mod daemon_note;
pub mod nudge;
mod place;
mod trusted;
mod unix_socket;
pub mod v1;

pub use address::Address;
pub use call::{health_at, if_offered, in_time, no_daemon, program_at, refresh_failed};
pub use client::Client;
pub use daemon_note::DaemonNote;
pub use place::{Place, places};
pub use trusted::Trusted;
