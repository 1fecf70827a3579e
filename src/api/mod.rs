//! What the daemon and its callers say to one another (design, section 7): types, and the two ways to call.
//!
//! [`v1`] has the requests and replies. [`Client`] is for the commands; [`nudge`] is for the shim, which must stay
//! small and must never wait: standard library only, no reply looked at.
//!
//! **Invariant:** [`nudge`] and [`v1`] know nothing of the client's crates.

pub mod v1;
