//! Reads the history of an environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    aim_toolkit::run_main(aim_toolkit::logs::run)
}
