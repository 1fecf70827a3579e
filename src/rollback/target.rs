//! To what one goes back, as a person is told of it.

use crate::store::Goal;

/// To what a command goes back, in its words.
#[derive(Debug)]
pub struct Target {
    /// To what.
    pub goal: Goal,
    /// What the run that goes back was asked for: `#3`, `g5`.
    pub name: String,
    /// The command line of this.
    pub typed: String,
    /// What is said above the changes.
    pub heading: String,
    /// What is said where nothing would change.
    pub nothing: String,
    /// Startup files that belong to no distribution changed since.
    pub has_startup: bool,
}
