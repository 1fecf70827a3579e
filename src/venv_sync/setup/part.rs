//! One thing that is set up once, and how far that is.

use std::path::PathBuf;

use serde::Serialize;

use crate::console::table::Cell;
use crate::console::{Console, style};
use crate::error::Result;
use crate::host::Host;
use crate::words::t;

/// One thing to set up.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<PathBuf>,
    pub(super) state: State,
    /// Why it cannot be done, or need not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It is to be done.
    Open,
    /// It was as it is to be before.
    Was,
    /// It is now.
    Done,
    /// It is left out here.
    Skipped,
    /// It cannot be done.
    Failed,
}

impl Part {
    pub(super) fn new(state: State) -> Self {
        Self {
            file: None,
            state,
            why: None,
        }
    }

    pub(super) fn at(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    pub(super) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Does it, if it is open.
    pub(super) fn finish(&mut self, work: impl FnOnce() -> Result<()>, console: &mut Console) {
        if !self.is_open() {
            return;
        }
        self.state = match work() {
            Ok(()) => State::Done,
            Err(error) => {
                console.warn(&error);
                for hint in error.hints() {
                    console.hint(hint);
                }
                self.why = Some(error.to_string());
                State::Failed
            }
        };
    }

    /// Its row, for people; `open` says what is to be done.
    pub(super) fn row(&self, name: &str, what: &str, open: &str, host: &Host) -> [Cell; 3] {
        let what = match &self.file {
            Some(file) => host.shown(file),
            None => what.to_owned(),
        };
        let why = || self.why.clone().unwrap_or_default();
        let state = match self.state {
            State::Open => Cell::styled(style::GOOD, open),
            State::Was | State::Done => Cell::styled(style::FAINT, t!("venv_sync.setup.was")),
            State::Skipped => Cell::styled(style::FAINT, why()),
            State::Failed => Cell::styled(style::BAD, why()),
        };
        [Cell::from(name), Cell::styled(style::NAME, what), state]
    }
}
