//! Flows: the nodes of a project run in the order of its graph (compat, sections 10 and 11).
//!
//! [`Structure`] is the file, [`Graph`] the nodes of one flow in order, [`FlowExecution`] the scheduler that asks a
//! [`Runner`] for each node, and its two voices are [`FlowExecution::answer`] and [`tell`]. Start reading at `run.rs`.
//!
//! **Invariant:** knows nothing of workers, processes, sockets and HTTP.
//! **Invariant:** outputs are passed on as text; no time is spent on what is in them.

mod display;
mod error;
mod graph;
mod in_flight;
mod inputs;
mod outcome;
mod request;
mod run;
mod runner;
mod stream;
mod structure;
mod structures;
#[cfg(test)]
mod tests;

pub use error::FlowError;
pub use graph::Graph;
pub use inputs::object_of;
pub use outcome::{NodeStatus, Settled};
pub use request::FlowRequest;
pub(crate) use run::unique_ms;
pub use run::{FlowExecution, OnError};
pub use runner::{
    EdgeValue, Listener, NodeCall, NodeDone, NodeError, Object, Output, Progress, Runner, Value,
};
pub use stream::{refused, tell};
pub use structure::{Edge, Node, NodeId, NodeKind, Structure};
pub use structures::Structures;
