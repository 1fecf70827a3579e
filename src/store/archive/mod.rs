//! The archive of an environment: the files of every distribution that was installed there, so that they are still
//! to be had when an installer has removed them.
//!
//! Start reading at [`keep()`], by which a published change comes in: what is new gets further names (hard links) below
//! `<venv>/.aim/archive`, and a list says which distributions the generation has. [`Plan`] says what going back to
//! a [`Goal`] would do, [`Swap`] does it; a [`View`] has the files of an earlier generation beside today's.
//!
//! It knows files, RECORD and generations. It never knows who installed something or why, never asks or tells a
//! person, and never starts a program.
//!
//! **Invariant:** a file in the archive is never written to: it may be the environment's own, or a cache's.
//! **Invariant:** no RECORD and no list leads out of the environment; no link is followed.
//! **Invariant:** once a [`Swap`] is written down, it is done to its end, by whoever comes next.

mod brought;
mod coming;
mod commands;
mod goal;
mod installed_files;
mod keep;
mod let_go;
mod list;
mod origins;
mod plan;
mod prune;
mod shelf;
mod swap;
mod views;

pub use brought::Brought;
pub use commands::commands;
pub use goal::Goal;
pub(super) use keep::keep;
pub use keep::keep_all;
pub(super) use let_go::let_go;
pub use origins::Origins;
pub use plan::Plan;
pub use prune::Usage;
pub(super) use swap::Swap;
pub use views::{Contents, View, ViewError, prune_views};
