//! What a run printed, as it is kept.

use std::path::PathBuf;

/// The text that a run printed, cleaned and cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOutput {
    /// Standard output; with standard error in true order where both were the same terminal or pipe.
    pub stdout: String,
    /// Standard error, where it was another one.
    pub stderr: String,
    /// The part file, which goes when the log is written.
    pub(crate) part: Option<PathBuf>,
}

impl RunOutput {
    /// Lets go of the output of a run that does not enter the history, its part file included.
    pub fn discard(self) {
        let Some(part) = self.part else { return };
        let _ = std::fs::remove_file(&part);
        if let Some(logs) = part.parent() {
            let _ = std::fs::remove_dir(logs); // only if it was made for this run alone
        }
    }
}
