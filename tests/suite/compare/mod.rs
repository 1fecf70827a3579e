//! The same calls of pip with and without us, compared by all that a caller can see.
//!
//! `twins` are two equal worlds, of which one has our hook. Every subject plays the same calls in both,
//! in the same order, and compares what is `seen`: bytes, status, files, and what pip itself sees. `calls` is the
//! table; `stand_in` makes pips that show or do what a real one cannot be made to at will.
//!
//! **Invariant:** pip's own behaviour is the measure: no expected text of pip stands here.

mod bulk;
mod calls;
mod editable;
mod grammar;
mod index;
mod seen;
mod stand_in;
mod surroundings;
pub(crate) mod terminal;
mod terminals;
mod twins;
pub(crate) mod versions;
