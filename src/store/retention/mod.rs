//! How much of the history stays.

mod due;
mod limits;
mod prune;

pub use limits::Limits;
pub(crate) use prune::after_run;
pub use prune::prune;
