//! Messages as they come and go: where one ends, and what must be known of it without reading it whole.
//!
//! **Invariant:** what is not understood is passed on or reported, never guessed at; no length that a header claims is
//! believed before the bytes are there.

mod frames;
mod members;
mod message;

pub use frames::{Frame, Frames, header};
pub use message::{Body, Head, Kind, Message};
