//! What benches, fuzz targets and the integration tests look at inside, besides the programs. No interface: it changes
//! with what they need.

pub use crate::api::Client;
pub use crate::api::nudge::env_changed;
pub use crate::api::v1::{ErrorCode, NodeCode, NodeOutput, NodeRun, RestartRequest};
#[cfg(feature = "backend")]
pub use crate::backend::runtime;
#[cfg(feature = "backend")]
pub use crate::backend::worker::{Freshness, Job, JobSettings};
pub use crate::env_vars::{COMPLETE, EnvVar, OF_PYTHON, OTHERS, OURS};
pub use crate::error::Exit;
pub use crate::exec::{lead_session, open_pair};
pub use crate::hook::install;
pub use crate::host::Host;
pub use crate::inventory::{Gate, Snapshot};
pub use crate::json::Json;
pub use crate::lsp::{Frame, Frames, Message};
pub use crate::project::{Config, Project, ProjectId, Venv};
pub use crate::shim::{Effect, PipCommand};
pub use crate::store::{Ending, RunId, RunLock, StartedRun, Tool, publish, readable};
