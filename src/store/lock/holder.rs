//! Who holds a lock, or waits for one: a line with the process, and one with its command, in the lock's own file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};

use serde::Serialize;

use crate::files::is_only_name;
use crate::secrets;
use crate::system;

/// Who holds a lock, as the holder wrote it down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its process; none when it could not be read.
    pub pid: Option<u32>,
    /// Its command.
    pub command: String,
    /// When its process began, as the system counts: the same number may mean another one by now, or in a container.
    #[serde(skip)]
    began: Option<u64>,
}

/// Bytes of a command that are written down.
const LONGEST_COMMAND: usize = 4 << 10;
/// Bytes that are read of what a holder wrote.
const LONGEST_TEXT: u64 = 8 << 10;

impl Holder {
    /// The process `pid`, which runs `command`.
    pub fn new(pid: u32, command: impl Into<String>) -> Self {
        Self {
            pid: Some(pid),
            command: command.into(),
            began: system::beginning_of(pid.into()),
        }
    }

    /// This process.
    pub(in crate::store) fn this() -> Self {
        Self::new(std::process::id(), "")
    }

    /// The number of its process in a sentence: `?` where it is not known.
    pub fn pid_shown(&self) -> String {
        self.pid
            .map_or_else(|| "?".to_owned(), |pid| pid.to_string())
    }

    /// Its process, where that is surely the one that wrote it.
    pub(super) fn process(&self) -> Option<u32> {
        let pid = self.pid?;
        let began = self.began?;
        (system::beginning_of(pid.into()) == Some(began)).then_some(pid)
    }

    pub(super) fn read(file: &File) -> Self {
        // What has another name is not our text; where it is half-written or unreadable, nobody knows who it is.
        let mut text = Vec::new();
        if is_only_name(file) {
            let _ = file.take(LONGEST_TEXT).read_to_end(&mut text);
        }
        let text = String::from_utf8_lossy(&text);
        let (process, command) = text.split_once('\n').unwrap_or((&text, ""));
        let mut numbers = process.split_whitespace();
        Self {
            pid: numbers.next().and_then(|pid| pid.parse().ok()),
            began: numbers.next().and_then(|began| began.parse().ok()),
            command: command.trim_end().to_owned(),
        }
    }

    pub(super) fn write(&self, mut file: &File) -> io::Result<()> {
        let command = secrets::hide(&self.command).replace(char::is_control, " ");
        let end = (0..=LONGEST_COMMAND.min(command.len()))
            .rev()
            .find(|&end| command.is_char_boundary(end));
        let command = &command[..end.unwrap_or_default()];
        let pid = self.pid.unwrap_or_default();
        let began = self.began.map(|began| format!(" {began}"));
        write!(file, "{pid}{}\n{command}\n", began.unwrap_or_default())
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("another process")?,
        }
        match self.command.as_str() {
            "" => Ok(()),
            command => write!(f, " ({command})"),
        }
    }
}
