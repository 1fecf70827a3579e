//! Where the daemon's child processes come from: one thread that lives as long as the daemon.
//!
//! Linux tells a child of the end of its parent *thread* (`PR_SET_PDEATHSIG`), and the runtime's threads come and go. So
//! one thread starts all processes, and the kernel kills them when the daemon goes, however it goes.
//!
//! **Invariant:** no worker outlives the daemon on Linux. Elsewhere it ends when its socket closes, unless a node's C code
//! keeps it from noticing.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, mpsc};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::backend::supervise;
use crate::system;

struct Start {
    command: Command,
    runtime: Handle,
    started: oneshot::Sender<io::Result<Child>>,
}

static THREAD: LazyLock<Option<mpsc::Sender<Start>>> = LazyLock::new(|| {
    let (sender, asked) = mpsc::channel::<Start>();
    let spawned = supervise::thread("processes", move || {
        for start in asked {
            let _runtime = start.runtime.enter();
            let mut command = start.command;
            // A runtime that is on its way out may panic; this thread is for all.
            let child = catch_unwind(AssertUnwindSafe(|| command.spawn()))
                .unwrap_or_else(|_| Err(io::Error::other("the daemon is shutting down")));
            // An asker that has gone drops the child, which kills it.
            let _ = start.started.send(child);
        }
    });
    spawned.ok().map(|()| sender)
});

/// Starts `command`, which ends with the daemon.
///
/// # Errors
/// When it does not start.
pub(crate) async fn spawn(mut command: Command) -> io::Result<Child> {
    system::end_with_parent(command.as_std_mut());
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (started, answer) = oneshot::channel();
    let start = Start {
        command,
        runtime: Handle::current(),
        started,
    };
    let thread = THREAD.as_ref().ok_or_else(gone)?;
    thread.send(start).map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}
