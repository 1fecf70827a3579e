//! The line that says what a command waits for: on the terminal that talk goes to, once the wait has lasted half a
//! second, redrawn in place, and erased when the wait ends. Where nothing can be drawn anew it is said once, and stays;
//! where there is no terminal, not at all.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::style::{FAINT, paint};
use super::time;
use super::width::{cut, of_talk};
use crate::exec::is_ignored;
use crate::secrets;
use crate::store;
use crate::terminal::printable;
use crate::words::t;

/// How long a wait may last before anything is said of it.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often it is asked what is waited for.
const PERIOD: Duration = Duration::from_millis(200);

/// The line that Ctrl-C takes along.
static TAKEN_ALONG: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
/// Whether the command itself says what Ctrl-C does.
static IS_ATTENDED: AtomicBool = AtomicBool::new(false);

/// How a terminal is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// By a line that is redrawn in place, and erased in the end.
    Redrawn { is_colored: bool },
    /// By a line that stays.
    Once,
}

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
        manner: Manner,
        what: impl FnMut(&str) -> Option<String> + Send + 'static,
    ) -> Self {
        Self::begun(Instant::now(), manner, what)
    }

    /// [`begin`](Self::begin) for a wait that began before now.
    fn begun(
        began: Instant,
        manner: Manner,
        mut what: impl FnMut(&str) -> Option<String> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let told = Arc::clone(&shared);
        thread(move || {
            let mut pause = PATIENCE.saturating_sub(began.elapsed());
            while told.lasts(pause) {
                let text = what(&time::so_far(began.elapsed())).unwrap_or_default();
                match manner {
                    Manner::Redrawn { is_colored } => told.draw(&text, is_colored),
                    Manner::Once if text.is_empty() => {}
                    Manner::Once => return told.say(&text),
                }
                pause = PERIOD;
            }
        });
        Self(Some(shared))
    }

    /// For a command that Ctrl-C ends as it ends any program: it takes the line along.
    pub fn until_interrupted(self) -> Self {
        static LISTENS: Once = Once::new();
        let Some(shared) = &self.0 else {
            return self;
        };
        *taken_along() = Arc::downgrade(shared);
        LISTENS.call_once(|| {
            if !is_ignored(SIGINT)
                && let Ok(signals) = Signals::new([SIGINT])
            {
                thread(move || take_along(signals));
            }
        });
        self
    }
}

/// From here on Ctrl-C does what the command says, and no line ends it any more.
pub fn attend_interrupts() {
    IS_ATTENDED.store(true, Ordering::Relaxed);
}

/// Has every wait for a project's history told.
pub(super) fn tell_of_histories(manner: Manner) {
    store::tell_of_waits(Box::new(move |holder, began| {
        let pid = holder.pid;
        let line = WaitingLine::begun(began, manner, move |time| {
            let words = match pid {
                Some(pid) => t!("console.waiting.history", pid = pid, time = time),
                None => t!("console.waiting.history_of_some", time = time),
            };
            Some(words.into_owned())
        });
        Box::new(line.until_interrupted())
    }));
}

fn taken_along() -> MutexGuard<'static, Weak<Shared>> {
    TAKEN_ALONG.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take_along(mut signals: Signals) {
    for signal in signals.forever() {
        if let Some(shared) = taken_along().upgrade() {
            shared.end();
        }
        if !IS_ATTENDED.load(Ordering::Relaxed) {
            let _ = emulate_default_handler(signal);
        }
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

    fn say(&self, text: &str) {
        if !self.state().is_over {
            write(&format!("{}\n", printable(&secrets::hide(text))));
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
