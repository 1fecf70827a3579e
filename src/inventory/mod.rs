//! What is installed in an environment: found without an interpreter, compared, and summed up.
//!
//! Start reading at [`Snapshot::scan`]. A [`Snapshot`] is what is there at one moment, a [`Diff`] what changed between
//! two, a [`Fingerprint`] a snapshot in one short text, a [`Gate`] the cheapest question of all: "may something have
//! changed since?".
//!
//! **Invariant:** reads folders and small files only; starts nothing, writes nothing, never fails.

mod conda;
mod diff;
mod distribution;
mod fingerprint;
mod gate;
mod metadata;
mod scan;
mod snapshot;

pub use diff::{Change, Diff};
pub use distribution::{Distribution, canonical};
pub use fingerprint::Fingerprint;
pub use gate::Gate;
pub use snapshot::Snapshot;
