//! The daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    aim_toolkit::console::run_main(aim_toolkit::backend::run)
}
