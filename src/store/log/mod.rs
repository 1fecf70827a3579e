//! A run log: written while the run goes on, cleaned of what only a terminal understands, read again.

pub(crate) mod draft;
pub(crate) mod file;
mod reason;
mod screen;
mod text;

pub use draft::LogDraft;
pub use file::Log;
pub(crate) use reason::last_reason;
pub use text::readable;
