//! What is written to disk: `env_meta.json`, run records, run logs, locks.
//!
//! Start reading at [`publish()`]: the one transaction by which a finished run enters a project's history. Before it
//! stand [`RunLock`] (one changing pip at a time), [`catch_up()`] (what other tools did meanwhile), [`Unfinished`]
//! (what a crash leaves), and [`LogDraft`] (the log while it grows); with it the files of what is installed enter the
//! `archive`, by which [`take_back()`] undoes a run; after it [`EnvMeta`] and [`RunLog`], by which
//! others read.
//!
//! **Invariant:** nothing is edited in place: every file is written anew beside the old one and renamed, except the
//! file of run records, to which whole lines are appended.
//! **Invariant:** who writes below a project holds the project's lock; readers need none.
//! **Invariant:** readers ignore fields that they do not know, writers keep them.

mod allowed;
mod archive;
mod belonging;
mod catch_up;
mod environments;
mod error;
mod history_lock;
mod link;
pub mod lock;
mod log;
#[cfg(test)]
pub(crate) mod made_runs;
mod notes;
mod overlap;
mod own_list;
mod own_settings;
mod past;
pub mod places;
mod publish;
mod record;
mod recover;
mod retention;
mod run_log;
#[cfg(test)]
mod secrets_tests;
mod state;
#[cfg(test)]
mod testing;
mod undo;
mod unfinished;
mod worker_records;

pub use allowed::{Allowed, OrdersStanding};
pub use archive::{
    Brought, Contents, Goal, Origins, Plan, Usage, View, ViewError, commands, keep_all, prune_views,
};
pub use belonging::belong;
pub use catch_up::{catch_up, enter_seen};
pub use environments::{Environments, ListedEnvironment};
pub use error::StoreError;
pub use history_lock::tell_of_waits;
pub use link::{Link, LinkRefused};
pub use lock::{Holder, LockError, RunLock};
pub use log::{Log, LogDraft, readable};
pub use notes::{Notes, OfProcess};
pub use overlap::{Company, publish_own};
pub use own_settings::{Of, OwnSettings};
pub use past::{Moment, Past};
pub use publish::publish;
#[cfg(test)]
pub use record::LoneLog;
pub use record::{
    Ending, Generation, Published, Run, RunId, RunNumber, RunOutput, RunRecord, StartedRun, Tool,
    callers,
};
pub use recover::{complete_last, recover};
pub use retention::{Limits, prune};
pub use run_log::{FindError, LogError, RunLog};
pub use state::{EnvMeta, LastChange, MetaState, RecordWatch, Recorded, Standing};
pub use undo::{TakenBack, take_back};
pub use unfinished::Unfinished;
pub use worker_records::{WorkerRecord, WorkerRecords, WorkerWhat};
