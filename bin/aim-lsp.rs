//! Brings a language server along with its environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    aim_toolkit::run_main(aim_toolkit::lsp_cli::run)
}
