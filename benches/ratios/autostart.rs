//! A command that starts the daemon, beside one that finds it.

use std::process::Command;

use crate::measure::{row, run, turns};
use crate::sandbox::Sandbox;

pub(crate) fn rows() {
    let sandbox = Sandbox::ready();
    sandbox.write("trivial.py", "def main():\n    return 1\n");
    let command = |program: &str, args: &[&str]| {
        let mut command: Command = sandbox.command(program);
        command.env("AIM_AUTOSTART", "1").args(args);
        command
    };
    let node = || command("aim-worker", &["run", "trivial.py"]);
    // Both start the project's worker; only one of them the daemon, too.
    let (found, started) = turns(
        25,
        || {
            run(&mut command("aim-worker", &["start"]));
            run(&mut command("aim-worker", &["stop"]));
            run(&mut node())
        },
        || {
            run(&mut command("aim-backend", &["stop"]));
            run(&mut node())
        },
    );
    run(&mut command("aim-backend", &["stop"]));
    row(
        "a node with a cold daemon / with one that runs",
        found,
        started,
        "at most 60 ms more",
    );
}
