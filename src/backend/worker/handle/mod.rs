//! What others hold of a project's workers.
//!
//! [`Job`] is the handle: cheap to clone, it asks the task and waits for its answer. `task_handle` is the same for one
//! worker, `pool` the further workers that branches of a flow run on, `kept` an object that a worker keeps as long as
//! somebody holds it, and `flow_runner` runs the nodes of a flow on them, and `waits` tells what
//! a node waits for.
//!
//! **Invariant:** owns no process and no state of one: everything is asked of `task`.

mod bring;
mod flow_runner;
mod job;
mod kept;
mod pool;
mod task_handle;
mod waits;

pub use job::Job;
#[cfg(test)]
pub(crate) use kept::Kept;
pub use waits::Waits;
