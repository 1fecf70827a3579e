//! The command line of `aim-lsp`.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::console::{CommonArgs, examples, grammar};
use crate::words::t;

/// `aim-lsp`: a language server, in step with its environment.
#[derive(Debug, Parser)]
#[command(
    name = "aim-lsp",
    version,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    override_usage = "aim-lsp [--project P] -- COMMAND…\n       aim-lsp print-config EDITOR\n       aim-lsp status",
    about = t!("lsp_cli.help.about").into_owned(),
    after_help = examples(&[
        ("aim-lsp -- pyright-langserver --stdio", t!("lsp_cli.help.example_proxy")),
        ("aim-lsp print-config neovim", t!("lsp_cli.help.example_config")),
        ("aim-lsp status", t!("lsp_cli.help.example_status")),
    ])
)]
pub struct Cli {
    /// What to do beside being a language server.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The language server, as an editor would start it.
    #[arg(last = true, value_name = "COMMAND", help = t!("lsp_cli.help.server").into_owned())]
    pub server: Vec<OsString>,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What `aim-lsp` can do beside.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What to paste into an editor's settings.
    #[command(
        about = t!("lsp_cli.help.print_config").into_owned(),
        after_help = examples(&[("aim-lsp print-config vscode", t!("lsp_cli.help.example_config_vscode"))])
    )]
    PrintConfig(PrintConfigArgs),
    /// The language servers that run through `aim-lsp`.
    #[command(
        about = t!("lsp_cli.help.status").into_owned(),
        after_help = examples(&[("aim-lsp status --json", t!("lsp_cli.help.example_status_json"))])
    )]
    Status,
}

/// Which editor.
#[derive(Debug, Clone, Copy, Args)]
pub struct PrintConfigArgs {
    /// The editor.
    #[arg(value_enum, value_name = "EDITOR", help = t!("lsp_cli.help.editor").into_owned())]
    pub editor: Editor,
}

/// An editor that can be pointed at `aim-lsp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Editor {
    Vscode,
    Neovim,
    Helix,
    Zed,
    Emacs,
    Jupyterlab,
    Marimo,
}

/// The grammar of `aim-lsp`, for completions and the manual page.
pub fn command() -> clap::Command {
    grammar::<Cli>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn what_follows_the_dashes_is_the_servers() {
        let cli = Cli::parse_from([
            "aim-lsp",
            "--project",
            "p",
            "--",
            "x",
            "--project",
            "status",
        ]);
        assert_eq!(cli.server, ["x", "--project", "status"]);
        assert_eq!(cli.common.project.as_deref(), Some("p"));
        assert!(cli.command.is_none());
        assert!(Cli::try_parse_from(["aim-lsp", "pyright"]).is_err());
    }
}
