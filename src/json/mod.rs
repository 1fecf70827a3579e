//! JSON as text that nobody on the way parses.

pub mod indent;
#[cfg(feature = "backend")]
mod rope;
#[cfg(feature = "backend")]
mod text;
mod value;

#[cfg(feature = "backend")]
pub use rope::Pieces;
#[cfg(feature = "backend")]
pub(crate) use rope::Rope;
#[cfg(feature = "backend")]
pub use text::JsonText;
pub use value::Json;
