//! The line that says what a command waits for: on the terminal that talk goes to, once the wait has lasted half a
//! second, redrawn in place, and erased when the wait ends. Elsewhere there is none.

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::style::{FAINT, paint};
use super::time;
use super::width::{cut, of_talk};
use crate::exec::is_ignored;
use crate::secrets;
use crate::terminal::printable;

/// How long a wait may last before anything is said of it.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often it is asked what is waited for.
const PERIOD: Duration = Duration::from_millis(200);

/// A wait that goes on until this is dropped.
#[derive(Debug, Default)]
#[must_use = "the wait is over when this is dropped"]
pub struct WaitingLine(Option<Arc<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    is_over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What stands on the terminal.
    drawn: String,
    is_over: bool,
}

impl WaitingLine {
    /// Begins to wait. `what` says for what, given the time so far; nothing is drawn while it gives none.
    pub(super) fn begin(
        is_colored: bool,
        mut what: impl FnMut(&str) -> Option<String> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let began = Instant::now();
        let told = Arc::clone(&shared);
        thread(move || {
            let mut pause = PATIENCE;
            while told.lasts(pause) {
                let text = what(&time::so_far(began.elapsed()));
                told.draw(&text.unwrap_or_default(), is_colored);
                pause = PERIOD;
            }
        });
        Self(Some(shared))
    }

    /// For a command that Ctrl-C ends as it ends any program: it takes the line along.
    pub fn until_interrupted(self) -> Self {
        let Some(shared) = self.0.clone().filter(|_| !is_ignored(SIGINT)) else {
            return self;
        };
        if let Ok(mut signals) = Signals::new([SIGINT]) {
            thread(move || {
                for signal in signals.forever() {
                    shared.end();
                    let _ = emulate_default_handler(signal);
                }
            });
        }
        self
    }
}

impl Drop for WaitingLine {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.end();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the wait goes on after `pause`.
    fn lasts(&self, pause: Duration) -> bool {
        let waited = self
            .is_over
            .wait_timeout_while(self.state(), pause, |state| !state.is_over);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.is_over
    }

    fn draw(&self, text: &str, is_colored: bool) {
        let mut state = self.state();
        // A line as wide as the terminal would be one with the next; room for the `^C` that a terminal adds.
        let (columns, _) = of_talk().unwrap_or((80, 24));
        let room = columns.saturating_sub(3);
        let line = cut(&printable(&secrets::hide(text)), room);
        if !state.is_over && line != state.drawn {
            let shown = if is_colored {
                paint(FAINT, &line)
            } else {
                line.clone()
            };
            write(&format!("\r\x1b[K{shown}"));
            state.drawn = line;
        }
    }

    fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        if !std::mem::take(&mut state.drawn).is_empty() {
            write("\r\x1b[K");
        }
        self.is_over.notify_all();
    }
}

fn write(text: &str) {
    // In one piece, so that nothing is seen half drawn. Talk that nobody can hear is no reason to stop.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread of a command, which ends with it"
)]
fn thread(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}
