//! What the command-line programs share: the common options, the way from `main` to an exit status, output, tables,
//! times, and the project that is meant.
//!
//! A command is a clap type with [`CommonArgs`] in it and a function; its `main` is one line ([`run_main`]).
//!
//! **Invariant:** data goes to standard output, talk to standard error, both through [`Console`]; nobody else writes
//! there.
//! **Invariant:** colour repeats a meaning that the words already have.

mod args;
pub mod candidate;
pub mod cause;
pub mod changes;
mod complaint;
pub mod completion;
mod daemon;
pub mod describe;
mod entry;
mod few;
pub mod history;
pub mod language_server;
mod output;
mod pager;
mod place;
mod reach;
pub mod shell;
pub mod size;
pub mod style;
pub mod table;
pub mod time;
pub mod turn;
pub mod view;
mod waiting;
pub mod width;
pub mod worker_wait;

pub use args::{CommonArgs, examples, grammar};
pub use daemon::{needed as needed_daemon, program as daemons_program};
pub use entry::run_main;
pub use few::few;
pub use output::Console;
#[cfg(test)]
pub(crate) use output::testing;
pub use place::{is_path, project, say_which};
pub use reach::connect;
pub use waiting::{WaitingLine, attend_interrupts};
