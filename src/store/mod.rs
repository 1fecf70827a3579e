//! What is written to disk: `env_meta.json`, run records, run logs, locks.
//!
//! Start reading at [`publish()`]: the one transaction by which a finished run enters a project's history. Before it
//! stand [`RunLock`] (one changing pip at a time), [`catch_up()`] (what other tools did meanwhile), [`Unfinished`] (what a crash leaves), and [`LogDraft`] (the log
//! while it grows); after it [`EnvMeta`] and [`RunLog`], by which others read.
//!
//! **Invariant:** nothing is edited in place: every file is written anew beside the old one and renamed, except the
//! file of run records, to which whole lines are appended.
//! **Invariant:** who writes below a project holds the project's lock; readers need none.
//! **Invariant:** readers ignore fields that they do not know, writers keep them.

pub mod atomic;
mod catch_up;
mod env_meta;
mod error;
mod finished_run;
mod history;
mod limits;
pub mod lock;
mod log_draft;
mod log_file;
mod log_screen;
mod log_text;
mod owner;
mod publish;
mod recover;
mod retention;
mod retention_gate;
mod run;
mod run_id;
mod run_log;
mod run_record;
mod snapshot_file;
mod state;
#[cfg(test)]
mod testing;
mod time;
mod tool;
mod unfinished;

pub use catch_up::catch_up;
pub use env_meta::{EnvMeta, LastAction, LastChange, MetaState, Package};
pub use error::StoreError;
pub use finished_run::{FinishedRun, Published, StartedRun};
pub use limits::Limits;
pub use lock::{Holder, LockError, RunLock};
pub use log_draft::{LogDraft, RunOutput};
pub use log_file::Log;
pub use log_text::readable;
pub use owner::make_folder;
pub use publish::publish;
pub use recover::recover;
pub use retention::{Pruned, prune};
pub use run::{LoneLog, Run};
pub use run_id::{BadRunId, Generation, RunId};
pub use run_log::{FindError, LogError, Problem, RunLog};
pub use run_record::{Ending, RunRecord};
pub use snapshot_file::Recorded;
pub use tool::Tool;
pub use unfinished::Unfinished;
