//! Every run that a project remembers, newest first: ours by their records, AIM-Forge's by their logs.
//!
//! Start reading at [`RunLog::read`]; `find` knows the names of runs, `text` what they printed.
//!
//! **Invariant:** reading never fails as a whole: what cannot be read is a [`Problem`](problem::Problem) of the
//! history.

mod find;
mod lone_logs;
mod problem;
mod read;
mod text;

pub use find::FindError;
pub use read::RunLog;
pub use text::LogError;
