//! Takes secrets out of whatever is kept or sent: run logs, records, what a lock or an unfinished run says, errors.
//!
//! What pip prints to the person stays pip's; what the toolkit writes down goes through here. [`hide`] is for text,
//! [`words`] for command lines, where a name and its value are two words, [`Hiding`] for text that comes in pieces.
//! Three things give a secret away: where it stands (`urls`: before the `@` of a URL, in a query), the name before it
//! (`names`: `password`, `--client-cert`, `Authorization`), and its own look (`tokens`).
//!
//! **Invariant:** what was hidden once is left as it is the second time.
//! **Invariant:** how a text is cut into pieces never lets through what would have been hidden whole.

mod command;
mod names;
mod stream;
mod text;
mod tokens;
mod urls;

pub use command::words;
pub use stream::Hiding;
pub use text::hide;

/// What stands in the place of a secret, as in pip's own output.
const HIDDEN: &str = "****";
