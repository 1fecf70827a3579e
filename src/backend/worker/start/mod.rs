//! How a worker comes to be: on which environment, with which variables and script, and as a spare before it is needed.
//!
//! [`Plan`] is what a start needs, `Standby` an interpreter that waits, [`Worker`] one that is at work. [`Freshness`]
//! compares what a worker was started with to what is on disk.
//!
//! **Invariant:** a worker is never given out on another generation than the file had right before it looked itself.
//! **Invariant:** knows nothing of queues, nodes and who asks.

mod background;
mod freshness;
mod settings;
mod standby;
mod unrecorded;

pub(crate) use background::Background;
pub use freshness::{Freshness, View};
pub use settings::JobSettings;
pub(crate) use standby::{Misstart, Plan, Spare, Standby, StartFailure, Worker};
pub(crate) use unrecorded::Unrecorded;
