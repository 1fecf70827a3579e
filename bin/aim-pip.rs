//! Stands in front of pip.

use std::process::ExitCode;

use aim_toolkit::host::Host;

fn main() -> ExitCode {
    aim_toolkit::shim::main(&Host::real())
}
