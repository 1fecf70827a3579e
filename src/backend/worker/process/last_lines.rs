//! What a process printed while nobody's node ran on it: at once in the worker log, and the last part of it here,
//! within a bound.

use super::log::WorkerLog;
use crate::secrets;

/// Bytes kept.
const LIMIT: usize = 256 << 10;

/// Output that is wanted when something went wrong, of which the end tells most.
#[derive(Debug, Default, Clone)]
pub(crate) struct LastLines {
    log: Option<WorkerLog>,
    bytes: Vec<u8>,
}

impl LastLines {
    /// What is pushed is in `log` at once: whoever follows that sees a slow start as it goes.
    pub(crate) fn shown_in(log: &WorkerLog) -> Self {
        Self {
            log: Some(log.clone()),
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Some(log) = &self.log {
            log.output(bytes);
        }
        self.bytes.extend_from_slice(bytes);
        // Cut when it is twice too long, not with every byte.
        if self.bytes.len() > 2 * LIMIT {
            self.bytes.drain(..self.bytes.len() - LIMIT);
        }
    }

    /// The last line that says something, without secrets: of a traceback, what was raised.
    pub(crate) fn last_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let line = text
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty())?;
        Some(secrets::hide(line).chars().take(300).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let mut tail = LastLines::default();
        for _ in 0..2 * LIMIT {
            tail.push(b"..");
        }
        tail.push(b"\nValueError: x\n  \n");
        assert_eq!(tail.last_line().as_deref(), Some("ValueError: x"));
        assert!(tail.bytes.len() <= 2 * LIMIT);
        assert!(tail.bytes.ends_with(b"\n  \n"));
    }

    #[test]
    fn nothing_printed_has_no_last_line() {
        assert_eq!(LastLines::default().last_line(), None);
    }

    #[test]
    fn a_last_line_has_no_secret() {
        let mut last = LastLines::default();
        last.push(b"OSError: https://kim:hunter2@host/\n");
        assert_eq!(
            last.last_line().as_deref(),
            Some("OSError: https://kim:****@host/")
        );
    }
}
