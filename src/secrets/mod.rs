//! Takes secrets out of whatever is kept or sent: run logs, records, what a lock or an unfinished run says, errors.
//!
//! What pip prints to the person stays pip's; what the toolkit writes down goes through here. [`hide`] is for text,
//! [`words`] for command lines, where a name and its value are two words, [`Hiding`] for text that comes in pieces,
//! [`mask`] for a line of which parts may still be drawn over, [`public_url()`] for
//! a URL that has to work without them.
//! Three things give a secret away: where it stands (`urls`: before the `@` of a URL, in a query), the name before it
//! (`names`: `password`, `--client-cert`, `Authorization`), and its own look (`tokens`). `line` asks all three; where
//! the width of a terminal broke a secret in two, `wrap` puts it together again.
//!
//! **Invariant:** what was hidden once is left as it is the second time.
//! **Invariant:** how a text is cut into pieces never lets through what would have been hidden whole.

mod command;
mod frame;
mod line;
mod names;
mod public_url;
mod stream;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod urls;
mod wrap;

pub use command::words;
pub use public_url::public_url;
pub use stream::Hiding;
pub use text::{hide, mask};

/// What stands in the place of a secret, as in pip's own output.
const HIDDEN: &str = "****";
