//! How files are read and written.
//!
//! **Invariant:** knows nothing of what is in a file.

pub mod atomic;
mod growing;
mod owner;
pub mod read;
#[cfg(test)]
pub(crate) mod testing;

pub use growing::Growing;
pub(crate) use owner::hand_over;
pub use owner::make_folder;
