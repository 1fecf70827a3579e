//! JSON as text that nobody on the way parses.
//!
//! Two types hold it, because two kinds of memory do. [`Json`] is a member of what the API takes and gives, checked
//! when it is read, in memory of its own. [`JsonText`] is what goes through flows: the bytes that a worker shared, up
//! to 100 MB, vouched for by the worker, which many events and answers hold at once.

mod escape;
mod indent;
#[cfg(feature = "backend")]
mod pieces;
#[cfg(feature = "backend")]
mod text;
mod value;

pub(crate) use escape::safe_on_terminal;
#[cfg(feature = "backend")]
pub(crate) use escape::{escape, first_special, unescape};
pub(crate) use indent::laid_out;
#[cfg(feature = "backend")]
pub(crate) use indent::laid_out_as_python;
#[cfg(feature = "backend")]
pub(crate) use pieces::JsonWriter;
#[cfg(feature = "backend")]
pub use pieces::Pieces;
#[cfg(feature = "backend")]
pub use text::JsonText;
pub use value::Json;
