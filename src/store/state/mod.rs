//! Where a project stands: `env_meta.json`, and the snapshot that the next comparison begins with.

mod enter;
mod env_meta;
mod record_watch;
mod recorded;
mod snapshot_file;

pub(crate) use enter::ProjectState;
pub(in crate::store) use env_meta::Package;
pub use env_meta::{EnvMeta, LastChange, MetaState};
pub use record_watch::RecordWatch;
pub use recorded::{Recorded, Standing};
