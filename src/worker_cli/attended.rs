//! Work at the daemon that a person waits for: what is told of it and Ctrl-C, in one queue.
//!
//! One thread reads what the daemon says, another waits for Ctrl-C, and whoever has the [`Attended`] decides. Leaving
//! is enough to cancel: the process ends, its connection with it, and the daemon ends what ran for it. A second Ctrl-C
//! ends the process wherever it stands.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use crate::console::attend_interrupts;
use crate::error::{Error, Exit, Result};
use crate::exec::is_ignored;
use crate::words::t;

/// Pieces that may wait for a slow terminal; more make the daemon wait.
const QUEUE: usize = 64;

/// What comes next.
pub(super) enum Arrival<T, R> {
    /// The daemon told something.
    Told(T),
    /// It is over.
    Ended(Result<R>),
    /// Ctrl-C.
    Interrupted,
    /// Nothing happened within the patience.
    Nothing,
}

/// Work that is under way.
pub(super) struct Attended<T, R> {
    happenings: Receiver<Arrival<T, R>>,
}

impl<T: Send + 'static, R: Send + 'static> Attended<T, R> {
    /// Begins `work`, which gives what it is told to the function it gets.
    ///
    /// # Errors
    /// When Ctrl-C cannot be caught.
    pub(super) fn begin(
        work: impl FnOnce(&mut dyn FnMut(T) -> Result<()>) -> Result<R> + Send + 'static,
    ) -> Result<Self> {
        let (sender, happenings) = sync_channel(QUEUE);
        catch_interrupts(sender.clone())?;
        #[expect(
            clippy::disallowed_methods,
            reason = "a thread of a command, which ends with it"
        )]
        std::thread::spawn(move || {
            let gone = |_| Error::failed(t!("api.lost"));
            let ended = work(&mut |told| sender.send(Arrival::Told(told)).map_err(gone));
            // Nobody waits for it any more when this fails.
            let _ = sender.send(Arrival::Ended(ended));
        });
        Ok(Self { happenings })
    }

    /// Waits for what comes next, for as long as `patience` if there is a limit to it.
    pub(super) fn next(&self, patience: Option<Duration>) -> Arrival<T, R> {
        let lost = || Arrival::Ended(Err(Error::failed(t!("api.lost"))));
        match patience {
            None => self.happenings.recv().unwrap_or_else(|_| lost()),
            Some(patience) => match self.happenings.recv_timeout(patience) {
                Ok(happening) => happening,
                Err(RecvTimeoutError::Timeout) => Arrival::Nothing,
                Err(RecvTimeoutError::Disconnected) => lost(),
            },
        }
    }
}

/// A caller that has us ignore Ctrl-C, as a shell does for a job in the background, has it ignored.
fn catch_interrupts<T: Send + 'static, R: Send + 'static>(
    sender: SyncSender<Arrival<T, R>>,
) -> Result<()> {
    if is_ignored(SIGINT) {
        return Ok(());
    }
    attend_interrupts();
    let is_second = Arc::new(AtomicBool::new(false));
    let status = i32::from(Exit::Interrupted as u8);
    signal_hook::flag::register_conditional_shutdown(SIGINT, status, Arc::clone(&is_second))?;
    signal_hook::flag::register(SIGINT, is_second)?;
    let mut signals = Signals::new([SIGINT])?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of a command, which ends with it"
    )]
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = sender.send(Arrival::Interrupted);
        }
    });
    Ok(())
}
