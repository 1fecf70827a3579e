//! Stands in front of pip.

use std::process::ExitCode;

fn main() -> ExitCode {
    aim_toolkit::shim::main()
}
