//! How files are read and written.
//!
//! **Invariant:** knows nothing of what is in a file.
//! **Invariant:** what is ours below a project or an environment is reached by a [`Folder`] alone, which follows no
//! link; by a path only what the person named.

pub mod atomic;
mod folder;
mod found;
mod growing;
mod identity;
mod link;
pub mod momentary;
mod owner;
pub mod read;
mod stamp;
#[cfg(test)]
pub(crate) mod testing;
mod walk;

pub use folder::{Folder, is_only_name};
pub use growing::Growing;
pub use identity::Identity;
pub use owner::is_superuser;
pub use stamp::Stamp;
pub use walk::Walk;
