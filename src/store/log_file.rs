//! The layout of a run log: AIM-Forge's (compat, section 5).

/// The two sections of a run log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Log {
    /// The sections of the log `text`. Where the run's own output holds a line `[stderr]`, the last one counts.
    pub fn parse(text: &str) -> Self {
        let _ = text;
        Self::default()
    }
}
