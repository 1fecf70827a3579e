//! Makes environments, and keeps their record true.

use std::process::ExitCode;

fn main() -> ExitCode {
    aim_toolkit::run_main(aim_toolkit::venv_sync::run)
}
