//! What a run printed, as it is kept.

use super::part_file::PartFile;
use crate::files::Folder;
use crate::project::{LOGS, ProjectLayout};

/// The text that a run printed, cleaned and cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOutput {
    /// Standard output; with standard error in true order where both were the same terminal or pipe.
    pub stdout: String,
    /// Standard error, where it was another one.
    pub stderr: String,
    /// The part file, which goes when the log is written.
    pub(crate) part: Option<PartFile>,
}

impl RunOutput {
    /// Lets go of the output of a run that does not enter the history, its part file included.
    pub fn discard(self, project: &ProjectLayout) {
        let Some(part) = self.part else { return };
        part.remove();
        if let Ok(project) = Folder::open(project.keeper()) {
            let _ = project.remove_folder(LOGS); // only if it was made for this run alone
        }
    }
}
