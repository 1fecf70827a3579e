//! The scheduler: what runs next, and what becomes of what depends on it.
//!
//! A [`FlowExecution`] is pulled: [`FlowExecution::next`] goes on until one more node is settled. Nodes without code
//! are settled on the spot; the others go to the [`Runner`], as many at once as the request allows, earlier places
//! first.
//!
//! **Invariant:** a node begins after all of its sources have settled, and at most once.
//! **Invariant:** when failures halt, nothing that depends on a failed node begins, however far downstream (D1).
//! **Invariant:** dropping the run cancels whatever is under way (D22).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::display::display;
use super::graph::Graph;
use super::in_flight::InFlight;
use super::inputs::{self, Incoming, Shown};
use super::outcome::{FlowOutcome, NodeStatus, Settled, shown_object};
use super::request::FlowRequest;
use super::runner::{EdgeValue, Listener, NodeCall, NodeDone, Output, Progress, Runner};
use super::structure::NodeKind;
use crate::json::JsonText;
use crate::json::Pieces;

/// What a failed node means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// They run, without its value.
    GoOn,
    /// What depends on it is skipped, the rest runs.
    SkipDownstream,
    /// What is under way ends, everything else is skipped: as the stream call has it.
    Stop,
}

/// A flow that is under way.
pub struct FlowExecution<R: Runner> {
    graph: Arc<Graph>,
    request: Arc<FlowRequest>,
    runner: Arc<R>,
    on_error: OnError,
    started_at: DateTime<Utc>,
    /// By place: edges into it whose source has not settled.
    waits_for: Vec<usize>,
    /// By place: the failed node that it depends on.
    culprits: Vec<Option<usize>>,
    settled: Vec<Option<Settled<R::Object>>>,
    /// Free places that need no runner, as far as one knows before looking.
    at_hand: BinaryHeap<Reverse<usize>>,
    /// Free places that do.
    calls: BinaryHeap<Reverse<usize>>,
    in_flight: InFlight<Settled<R::Object>>,
    stopped_by: Option<usize>,
    /// With [`Self::stopped_by`]: places below are settled.
    swept: usize,
    /// Told how the places at the runner fare.
    listener: Option<UnboundedSender<(usize, Progress)>>,
}

impl<R: Runner> FlowExecution<R> {
    /// A run of `graph` that has not begun.
    pub fn new(
        graph: Arc<Graph>,
        request: Arc<FlowRequest>,
        runner: Arc<R>,
        on_error: OnError,
    ) -> Self {
        let count = graph.len();
        let mut run = Self {
            waits_for: (0..count)
                .map(|place| graph.incoming(place).len())
                .collect(),
            culprits: vec![None; count],
            settled: std::iter::repeat_with(|| None).take(count).collect(),
            at_hand: BinaryHeap::new(),
            calls: BinaryHeap::new(),
            in_flight: InFlight::new(request.max_workers),
            stopped_by: None,
            swept: 0,
            listener: None,
            started_at: Utc::now(),
            graph,
            request,
            runner,
            on_error,
        };
        for place in (0..count)
            .filter(|&place| run.waits_for[place] == 0)
            .collect::<Vec<_>>()
        {
            run.free(place);
        }
        run
    }

    /// Goes on until one more node is settled, and gives its place; `None` when all are.
    ///
    /// Nothing is lost when this future is dropped; nothing moves while nobody polls it.
    pub async fn next(&mut self) -> Option<usize> {
        if self.stopped_by.is_none() {
            while let Some(Reverse(place)) = self.at_hand.pop() {
                match self.at_once(place) {
                    Some(settled) => return Some(self.settle(place, settled)),
                    None => self.calls.push(Reverse(place)),
                }
            }
            while self.in_flight.has_room()
                && let Some(Reverse(place)) = self.calls.pop()
            {
                self.begin(place);
            }
        }
        match self.in_flight.next().await {
            Some((place, settled)) => Some(self.settle(place, settled)),
            None => self.sweep(),
        }
    }

    /// How the places fare that go to the runner from now on; of nodes with code only.
    pub fn progress(&mut self) -> UnboundedReceiver<(usize, Progress)> {
        let (listener, progress) = unbounded_channel();
        self.listener = Some(listener);
        progress
    }

    /// What was asked for.
    pub(super) fn request(&self) -> &FlowRequest {
        &self.request
    }

    /// The flow.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The node at `place`, once it is settled.
    pub fn settled(&self, place: usize) -> Option<&Settled<R::Object>> {
        self.settled[place].as_ref()
    }

    /// Runs to the end and gives the answer of the plain call.
    pub async fn answer(mut self) -> Pieces {
        while self.next().await.is_some() {}
        self.outcome().answer()
    }

    /// All that is settled.
    pub(super) fn outcome(&self) -> FlowOutcome<'_, R::Object> {
        FlowOutcome {
            graph: &self.graph,
            settled: &self.settled,
            project_id: &self.request.project_id,
            started_at: self.started_at,
        }
    }

    /// All sources of `place` have settled.
    fn free(&mut self, place: usize) {
        let needs_runner =
            self.graph.node(place).kind == NodeKind::Code && self.culprits[place].is_none();
        let queue = if needs_runner {
            &mut self.calls
        } else {
            &mut self.at_hand
        };
        queue.push(Reverse(place));
    }

    /// Settles `place`, and frees what waited for it alone.
    fn settle(&mut self, place: usize, settled: Settled<R::Object>) -> usize {
        let culprit = match settled.status {
            NodeStatus::Success => None,
            NodeStatus::Error => Some(place),
            NodeStatus::Skipped => self.culprits[place],
        };
        self.settled[place] = Some(settled);
        let graph = self.graph.clone();
        for &target in graph.outgoing(place) {
            self.waits_for[target] -= 1;
            if self.on_error == OnError::SkipDownstream && culprit.is_some() {
                let known = self.culprits[target].into_iter();
                self.culprits[target] = known.chain(culprit).min();
            }
            if self.waits_for[target] == 0 {
                self.free(target);
            }
        }
        if self.on_error == OnError::Stop && self.stopped_by.is_none() {
            self.stopped_by = culprit;
        }
        place
    }

    /// A node's result, where no runner is needed for it.
    fn at_once(&self, place: usize) -> Option<Settled<R::Object>> {
        let node = self.graph.node(place);
        if let Some(culprit) = self.culprits[place] {
            let culprit = &self.graph.node(culprit).id;
            let error = format!("Skipped due to error in dependency {culprit}");
            return Some(Settled::not_run(NodeStatus::Skipped, &error, culprit));
        }
        match node.kind {
            NodeKind::Code => None,
            NodeKind::Start => {
                let output = Output::plain(JsonText::null());
                Some(Settled::success(
                    output,
                    0,
                    "Start node - flow initiated",
                    None,
                ))
            }
            NodeKind::TextInput => {
                let (value, is_stored) = inputs::of_text_input(self.stored(place));
                let logs = if is_stored {
                    "Text Input node - using stored value"
                } else {
                    "Text Input node - no stored value"
                };
                Some(Settled::success(Output::plain(value), 0, logs, None))
            }
            NodeKind::Result => {
                match inputs::of_result(&self.incoming(place), self.stored(place)) {
                    Shown::Is(output) if output.referred().is_none() => {
                        let shown = display(&output.json);
                        Some(Settled::success(output, 0, PASSED, Some(&shown)))
                    }
                    _ => None,
                }
            }
        }
    }

    /// Hands the node at `place` to the runner.
    fn begin(&mut self, place: usize) {
        let incoming = self.incoming(place);
        let runner = self.runner.clone();
        if self.graph.node(place).kind == NodeKind::Result {
            let shown = inputs::of_result(&incoming, self.stored(place));
            let (asked, known) = match shown {
                Shown::Is(output) => (None, Some(output)),
                Shown::Ask(edges) => (Some(self.call(place, edges)), None),
            };
            self.in_flight.begin(place, async move {
                let (output, time_ms) = match (known, asked) {
                    (Some(output), _) => (output, 0),
                    (None, Some(call)) => match runner.run(call).await {
                        NodeDone {
                            result: Ok(output),
                            time_ms,
                            ..
                        } => (output, time_ms),
                        failed => return Settled::ran(failed),
                    },
                    (None, None) => unreachable!("a result is known or asked for"),
                };
                let shown = match output.referred() {
                    None => display(&output.json),
                    Some(object) => {
                        shown_object(runner.display(object).await.as_deref(), &output.json)
                    }
                };
                Settled::success(output, time_ms, PASSED, Some(&shown))
            });
        } else {
            let call = self.call(place, inputs::of_code(&incoming));
            self.in_flight
                .begin(place, async move { Settled::ran(runner.run(call).await) });
        }
    }

    /// The call for the node at `place`. Where nothing flows in, the start node gets the request's parameters and any
    /// other an empty object, so that a function's defaults hold (compat, section 9).
    fn call(&self, place: usize, edges: Vec<EdgeValue<R::Object>>) -> NodeCall<R::Object> {
        let node = self.graph.node(place);
        let input = edges.is_empty().then(|| {
            if place == self.graph.start() {
                self.request.params.clone()
            } else {
                JsonText::empty_object()
            }
        });
        NodeCall {
            node: node.id.clone(),
            file: (node.kind == NodeKind::Code).then(|| node.file.clone()),
            edges,
            input,
            timeout: self.request.timeout,
            keep: format!("{}_{}", node.id, unique_ms()),
            listener: self
                .listener
                .clone()
                .filter(|_| node.kind == NodeKind::Code)
                .map(|to| Listener { place, to }),
        }
    }

    /// What flows into `place`: sources that failed or were skipped bring nothing.
    fn incoming(&self, place: usize) -> Vec<Incoming<'_, R::Object>> {
        let edges = self.graph.incoming(place);
        edges
            .filter_map(|(source, edge)| {
                Some(Incoming {
                    source: &self.graph.node(source).id,
                    edge,
                    output: self.settled[source].as_ref()?.output.as_ref()?,
                })
            })
            .collect()
    }

    fn stored(&self, place: usize) -> Option<&JsonText> {
        self.request.node_values.get(&*self.graph.node(place).id)
    }

    /// After a stop: settles the next node that has not run.
    fn sweep(&mut self) -> Option<usize> {
        let culprit = self.stopped_by?;
        let place = (self.swept..self.graph.len()).find(|&place| self.settled[place].is_none());
        self.swept = place.unwrap_or(self.graph.len());
        let place = place?;
        let (node, source) = (self.graph.node(place), self.graph.node(culprit));
        let is_fed = self
            .graph
            .incoming(place)
            .any(|(source, _)| source == culprit);
        let status = if node.kind == NodeKind::Result && is_fed {
            NodeStatus::Error
        } else {
            NodeStatus::Skipped
        };
        let error = format!("Execution stopped due to error in node: {}", source.title);
        self.settled[place] = Some(Settled::not_run(status, &error, &source.id));
        Some(place)
    }
}

const PASSED: &str = "Result node - passing through data";

/// Unix milliseconds, but never the same number twice, so that two objects of a node never share an id.
pub(crate) fn unique_ms() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0);
    let next = |last: u64| now.max(last + 1);
    // The closure always gives a value, so both arms have the last one.
    let (Ok(last) | Err(last)) = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
        Some(next(last))
    });
    next(last)
}
