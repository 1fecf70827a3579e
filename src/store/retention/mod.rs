//! How much of the history stays.

mod due;
mod excess;
mod limits;
mod prune;

pub use limits::Limits;
pub use prune::prune;
pub(crate) use prune::{after_crash, after_run};
