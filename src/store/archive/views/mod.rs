//! Views: an earlier generation as an environment of its own, beside today's.
//!
//! Start reading at [`View::of`]. [`Contents`] says what a generation had and what is lost of it; `laying` makes the
//! links to the files that the archive has; `place` is the folder that views are kept in for the next time.
//!
//! It knows files and generations. It never knows what is run in a view, and never touches the environment.
//!
//! **Invariant:** nothing is written through a link: a folder of the archive has no name that leads into it but where
//! no program puts anything, and what Python compiles goes elsewhere (`shims/_aim_view.py`).
//! **Invariant:** a view is there whole or not at all, and is never removed while a process runs in it.

mod contents;
mod error;
mod laying;
mod place;
mod script;
#[cfg(test)]
mod tests;
mod view;

pub use contents::Contents;
pub use error::ViewError;
pub(super) use place::Views;
pub use place::prune_views;
pub use view::View;
