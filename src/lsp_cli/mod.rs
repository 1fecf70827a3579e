//! `aim-lsp`: an editor's language server, brought along with its environment.
//!
//! Start reading at [`run`]. The proxy itself is [`crate::lsp`]; here is what an editor or a person types.
//!
//! **Invariant:** of standard output, the proxy's client has all.

mod cli;
mod print_config;
mod proxy;
mod status;

pub use cli::{Cli, Command, Editor, PrintConfigArgs, command};

use crate::console::Console;
use crate::error::{Exit, Result};
use crate::host::Host;

/// Does what the command line says.
///
/// # Errors
/// `Exit::NotFound` without a project where one is named, `Exit::Failed` when the client's streams cannot be used.
pub fn run(host: &Host, cli: Cli) -> Result<Exit> {
    let Cli {
        common,
        command,
        server,
    } = cli;
    match command {
        None => proxy::run(host, &common, server),
        Some(Command::PrintConfig(args)) => {
            print_config::print(&mut Console::new(host, &common), host, args)
        }
        Some(Command::Status) => status::print(&mut Console::new(host, &common), host, &common),
    }
}
