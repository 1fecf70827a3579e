//! The command line of `aim-backend`.

use clap::{Parser, Subcommand};

use super::restart::MoveArgs;
use super::serve::{self, ServeArgs};
use super::service::ServiceCommand;
use super::terminals::TerminalsCommand;
use super::{restart, service, status, stop, terminals};
use crate::console::{CommonArgs, Console, examples, grammar};
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::words::t;

/// `aim-backend`: the daemon.
#[derive(Debug, Parser)]
#[command(
    name = "aim-backend",
    version,
    arg_required_else_help = true,
    about = t!("backend.help.about").into_owned(),
    after_help = examples(&[
        ("aim-backend serve", t!("backend.help.example_serve")),
        ("aim-backend serve --projects-root ~/projects", t!("backend.help.example_root")),
        ("aim-backend serve --listen 127.0.0.1:8000", t!("backend.help.example_listen")),
        ("aim-backend stop", t!("backend.help.example_stop")),
    ])
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `aim-backend` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves until it is told to stop.
    #[command(
        about = t!("backend.help.serve").into_owned(),
        after_help = examples(&[
            ("aim-backend serve", t!("backend.help.example_serve")),
            ("aim-backend serve --projects-root ~/projects", t!("backend.help.example_root")),
            ("aim-backend serve --listen 127.0.0.1:8000", t!("backend.help.example_listen")),
        ])
    )]
    Serve(ServeArgs),
    /// Whether a daemon runs, and what it does.
    #[command(
        about = t!("backend.help.status").into_owned(),
        after_help = examples(&[("aim-backend status --json", t!("backend.help.example_status"))])
    )]
    Status,
    /// Which terminal sessions there are.
    #[command(
        about = t!("backend.help.terminals").into_owned(),
        after_help = examples(&[
            ("aim-backend terminals", t!("backend.help.example_terminals")),
            ("aim-backend terminals end 3f9a21", t!("backend.help.example_terminals_end")),
        ])
    )]
    Terminals {
        /// What to do with one; without it they are listed.
        #[command(subcommand)]
        command: Option<TerminalsCommand>,
    },
    /// Ends the daemon and its workers.
    #[command(
        about = t!("backend.help.stop").into_owned(),
        after_help = examples(&[("aim-backend stop", t!("backend.help.example_stop"))])
    )]
    Stop,
    /// Moves the daemon to this program.
    #[command(
        about = t!("backend.help.restart").into_owned(),
        after_help = examples(&[
            ("aim-backend restart", t!("backend.help.example_restart")),
            ("aim-backend restart --now", t!("backend.help.example_restart_now")),
        ])
    )]
    Restart(MoveArgs),
    /// Has the system's service manager start the daemon.
    #[command(
        about = t!("backend.help.service").into_owned(),
        after_help = examples(&[
            ("aim-backend service install", t!("backend.help.example_service_install")),
            ("aim-backend service status", t!("backend.help.example_service_status")),
        ])
    )]
    Service {
        /// What to do.
        #[command(subcommand)]
        command: ServiceCommand,
    },
}

/// The grammar of `aim-backend`, for completions and the manual page.
pub fn command() -> clap::Command {
    grammar::<Cli>()
}

/// Does what the command line asks for.
///
/// # Errors
/// What a person must know; the exit status is in it.
pub fn run(host: &Host, cli: Cli) -> Result<Exit> {
    let mut console = Console::new(host, &cli.common);
    match cli.command {
        Command::Serve(args) => serve::run(host, &args, &mut console),
        Command::Status => status::run(host, &mut console),
        Command::Terminals { command } => terminals::run(host, command, &mut console),
        Command::Stop => stop::run(host, &mut console),
        Command::Restart(args) => restart::run(host, args, &mut console),
        Command::Service { command } => service::run(host, &command, &mut console),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Option<Cli> {
        let matches = command().try_get_matches_from(args).ok()?;
        <Cli as clap::FromArgMatches>::from_arg_matches(&matches).ok()
    }

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn an_origin_is_for_the_tcp_side() {
        let serve = |args: &[&str]| parse(&[&["aim-backend", "serve"], args].concat()).is_some();
        assert!(serve(&[
            "--listen",
            "127.0.0.1:0",
            "--allow-origin",
            "http://localhost:5173"
        ]));
        assert!(!serve(&["--allow-origin", "http://localhost:5173"]));
        assert!(!serve(&[
            "--listen",
            "127.0.0.1:0",
            "--allow-origin",
            "localhost"
        ]));
        assert!(!serve(&["--listen", "everywhere"]));
    }
}
