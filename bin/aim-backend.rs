//! The daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    aim_toolkit::run_main(aim_toolkit::backend::run)
}
