//! A run, from its beginning to its line in `runs.jsonl`.

mod callers;
mod finished_run;
pub(crate) mod history;
mod lines;
mod part_file;
mod run;
mod run_id;
mod run_output;
mod run_record;
pub(crate) mod time;
mod tool;

pub use callers::callers;
pub use finished_run::{FinishedRun, Published, StartedRun};
pub(crate) use part_file::{PartFile, is_growing};
pub use run::{LoneLog, Run};
pub use run_id::{Generation, RunId, RunNumber};
pub use run_output::RunOutput;
pub use run_record::{Ending, RunRecord};
pub use tool::Tool;
