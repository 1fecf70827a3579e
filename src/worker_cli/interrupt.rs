//! `aim-worker interrupt`: ends nodes, not the worker.

use super::cli::InterruptArgs;
use super::node;
use super::reached::Reached;
use crate::api::v1::InterruptRequest;
use crate::console::Console;
use crate::error::Result;
use crate::host::Host;
use crate::words::t;

/// Interrupts what runs, or only the nodes of a file. That nothing ran is as good: it is what was wanted.
pub(super) fn interrupt(
    console: &mut Console,
    host: &Host,
    reached: &Reached,
    args: &InterruptArgs,
) -> Result<()> {
    let root = reached.project.root();
    let file = args.file.as_deref();
    let file = file.map(|file| node::file(host, root, file)).transpose()?;
    let request = InterruptRequest { file };
    let done = reached.client.interrupt(reached.address(), &request)?;
    if console.is_json() {
        return console.json(&done);
    }
    console.note(match (done.interrupted, &request.file) {
        (0, None) => t!("worker_cli.nothing_runs"),
        (0, Some(file)) => t!("worker_cli.not_running", file = file),
        (1, _) => t!("worker_cli.interrupted_one"),
        (n, _) => t!("worker_cli.interrupted", n = n),
    });
    Ok(())
}
