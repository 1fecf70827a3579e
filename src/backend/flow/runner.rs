//! What the engine asks of whoever runs the code of nodes.
//!
//! The engine decides what runs when and with which inputs; a [`Runner`] decides where: it is the worker pool, and in
//! tests a few lines. Python objects never come here; an [`Object`] is a name and a place that only the runner reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::structure::NodeId;
use crate::api::v1::Waiting;
use crate::json::JsonText;

/// Runs nodes and keeps their objects.
pub trait Runner: Send + Sync + 'static {
    /// An object that a worker keeps. The runner keeps it for as long as a clone of this is held.
    type Object: Object;

    /// Runs one node to its end and never twice. Several calls may be under way at once. Dropping the future cancels
    /// the node.
    fn run(
        &self,
        call: NodeCall<Self::Object>,
    ) -> impl Future<Output = NodeDone<Self::Object>> + Send;

    /// An object as people see it: JSON with indent 2 or `str()`, cut at 30 000 characters; `None` when it is gone.
    fn display(&self, object: &Self::Object) -> impl Future<Output = Option<String>> + Send;

    /// The newest object that `node` gave, as JSON, else as the text of `str()`; `None` when it gave none.
    fn full_result(&self, node: &str) -> impl Future<Output = Option<JsonText>> + Send;
}

/// Something that a worker keeps because JSON cannot carry it, or should not.
pub trait Object: Clone + Send + Sync + 'static {
    /// Its id: [`NodeCall::keep`] of the call that gave it.
    fn id(&self) -> &str;
}

/// One node to run.
#[derive(Debug)]
pub struct NodeCall<O> {
    /// The node.
    pub node: NodeId,
    /// Its file, relative to the project. `None`: there is no code, what was put together of the edges is the output
    /// (a result node whose sources gave objects).
    pub file: Option<Arc<str>>,
    /// What flows into it; the worker puts the input together (compat, section 10).
    pub edges: Vec<EdgeValue<O>>,
    /// Its input when no edge brings one.
    pub input: Option<JsonText>,
    /// How long it may take once it runs.
    pub timeout: Duration,
    /// The id under which an output is kept that does not go out as JSON. Never given twice.
    pub keep: String,
    /// Who is told how it fares meanwhile.
    pub listener: Option<Listener>,
}

/// How a node fares that was handed to the runner and is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// What it waits for is another thing now; told after a moment.
    Waits(Waiting),
    /// It runs.
    Runs,
}

/// Who is told how the node at a place of the flow fares.
#[derive(Debug, Clone)]
pub struct Listener {
    pub(super) place: usize,
    pub(super) to: UnboundedSender<(usize, Progress)>,
}

impl Listener {
    /// Tells it.
    pub fn tell(&self, progress: Progress) {
        // Nobody who wants to know is no reason to stop.
        let _ = self.to.send((self.place, progress));
    }
}

/// What an edge brings.
#[derive(Debug, Clone)]
pub struct EdgeValue<O> {
    /// The source's output.
    pub value: Value<O>,
    /// The member of it that is meant, where it is an object and has that.
    pub handle: Option<Arc<str>>,
    /// The parameter that it becomes; `None`: the input itself. A later edge with the same name wins.
    pub into: Option<Arc<str>>,
}

/// A node's output on its way.
#[derive(Debug, Clone)]
pub enum Value<O> {
    /// As JSON text.
    Json(JsonText),
    /// As an object that stays where it is.
    Object(O),
}

/// What a node gave.
#[derive(Debug, Clone)]
pub struct Output<O> {
    /// What answers show: the value, or for an object its reference (`{"type":"reference",…}`).
    pub json: JsonText,
    /// The object, when the value is one that the worker keeps.
    pub object: Option<O>,
    /// Whether `json` is the value as far as JSON can show it, beside the object: `NaN` is `null` there, a tuple a
    /// list.
    pub is_whole: bool,
}

impl<O> Output<O> {
    /// A value that JSON carries.
    pub fn plain(json: JsonText) -> Self {
        Self {
            json,
            object: None,
            is_whole: true,
        }
    }

    /// The object that answers show a reference to.
    pub fn referred(&self) -> Option<&O> {
        self.object.as_ref().filter(|_| !self.is_whole)
    }
}

/// How a node ended.
#[derive(Debug)]
pub struct NodeDone<O> {
    /// Its output, or why it has none.
    pub result: Result<Output<O>, NodeError>,
    /// How long it ran, in whole milliseconds.
    pub time_ms: u64,
    /// What it printed.
    pub printed: String,
    /// A line about its environment that comes before that.
    pub warning: Option<String>,
}

/// Why a node failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeError {
    /// What happened, in a line; `str()` of the exception.
    pub message: String,
    /// Python's traceback, where there is one.
    pub traceback: Option<String>,
}
