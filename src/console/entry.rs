//! The way from `main` to an exit status.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use super::args::grammar;
use super::complaint::{complaint, in_our_words};
use super::completion;
use crate::error::{self, Error, Exit, Result};
use crate::host::Host;
use crate::secrets::hide;
use crate::store::Allowed;
use crate::terminal::styled;
use crate::words::{self, Language};

/// The whole `main` of a command: chooses the language, parses the command line, runs `program`, prints its error.
///
/// ```ignore
/// fn main() -> std::process::ExitCode {
///     aim_toolkit::console::run_main(aim_toolkit::logs::run)
/// }
/// ```
///
/// Help and version are clap's (exit 0); what is wrong with the command line is said in our words (exit 2). A reader of
/// our output that went away ends the command quietly.
pub fn run_main<P: Parser>(program: impl FnOnce(&Host, P) -> Result<Exit>) -> ExitCode {
    let host = Host::real();
    words::choose(Language::of(&host));
    Allowed::choose(&host);
    if completion::answer::<P>(&host) {
        return Exit::Done.into();
    }
    let parsed = grammar::<P>()
        .try_get_matches_from(host.args())
        .and_then(|matches| P::from_arg_matches(&matches));
    let args = match parsed {
        Ok(args) => args,
        Err(stop) => {
            if !stop.use_stderr() {
                let text = in_our_words(&stop.render().ansi().to_string()); // help, or the version
                let _ = anstream::stdout().write_all(text.as_bytes());
                return Exit::Done.into();
            }
            if let Some(error) = complaint(&stop) {
                return told(&error);
            }
            let text = stop.render().ansi().to_string();
            let _ = anstream::stderr().write_all(styled(&hide(&text)).as_bytes());
            return Exit::Usage.into();
        }
    };
    match program(&host, args) {
        Ok(exit) => exit.into(),
        Err(error) if error.is_broken_pipe() => Exit::Done.into(),
        Err(error) => told(&error),
    }
}

/// Prints `error`, and gives its exit status.
fn told(error: &Error) -> ExitCode {
    error::report(error, &words::labels(), &mut anstream::stderr());
    error.exit().into()
}
