//! The list of a flow's nodes: what is final as lines to print once, what is not as lines to draw again.
//!
//! Knows no terminal and no clock but what it is given.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anstream::adapter::strip_str;
use anstyle::Style;

use crate::api::v1::{FlowNode, FlowResult, FlowStatus, Waiting};
use crate::console::style::{BAD, FAINT, GOOD, NAME, ODD, paint};
use crate::console::width::{columns, cut};
use crate::console::{time, worker_wait};
use crate::terminal::printable;
use crate::words::t;

/// Columns after which names are no longer lined up.
const WIDEST_NAME: usize = 32;

/// Stands before what a node printed.
const MARGIN: &str = "    │ ";

/// A flow's nodes.
#[derive(Debug, Default)]
pub(super) struct NodeList {
    /// In the order in which they may run.
    nodes: Vec<ListedNode>,
    places: HashMap<String, usize>,
    counts: Counts,
    name_width: usize,
}

/// How many nodes with code came to which end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

#[derive(Debug)]
struct ListedNode {
    id: String,
    title: String,
    is_code: bool,
    state: NodeState,
}

#[derive(Debug, PartialEq, Eq)]
enum NodeState {
    Waiting,
    /// For its worker, or for another node to end there.
    WaitingFor(Waiting, Instant),
    Running(Instant),
    Settled,
}

impl NodeList {
    /// A flow of `nodes`, none of which has begun.
    pub(super) fn new(nodes: Vec<FlowNode>) -> Self {
        let mut list = Self::default();
        for node in nodes {
            list.places.insert(node.id.clone(), list.nodes.len());
            list.nodes.push(ListedNode {
                is_code: node.kind == "code",
                id: node.id,
                title: node.title,
                state: NodeState::Waiting,
            });
        }
        let names = list.nodes.iter().filter(|node| node.is_code);
        let widths = names.map(|node| columns(&name_of(node)));
        list.name_width = widths
            .filter(|width| *width <= WIDEST_NAME)
            .max()
            .unwrap_or(0);
        list
    }

    /// A node waits that is to run.
    pub(super) fn waits(&mut self, id: &str, waiting: Waiting, now: Instant) {
        if let Some(node) = self.entry(id) {
            let since = match node.state {
                NodeState::WaitingFor(_, since) => since,
                _ => now,
            };
            node.state = NodeState::WaitingFor(waiting, since);
        }
    }

    /// A node runs.
    pub(super) fn begins(&mut self, id: &str, now: Instant) {
        if let Some(node) = self.entry(id) {
            node.state = NodeState::Running(now);
        }
    }

    /// A node is done with; the lines that say so. A result node needs none: its output is shown, and where it has none
    /// the node before it has said why.
    pub(super) fn settles(&mut self, id: &str, result: &FlowResult) -> Vec<String> {
        let mut is_code = true;
        if let Some(node) = self.entry(id) {
            node.state = NodeState::Settled;
            is_code = node.is_code;
        }
        if !is_code && !result.is_own_failure() {
            return Vec::new();
        }
        if is_code {
            let count = match result.status {
                FlowStatus::Success => &mut self.counts.done,
                FlowStatus::Error => &mut self.counts.failed,
                FlowStatus::Skipped => &mut self.counts.skipped,
            };
            *count += 1;
        }
        let took = time::duration(std::time::Duration::from_millis(result.execution_time_ms));
        let error = result.error.as_deref().unwrap_or_default();
        let error = printable(error.lines().next().unwrap_or_default());
        let name = self.name(id);
        let mut lines = vec![match (result.status, &result.error_source) {
            (FlowStatus::Success, _) => self.line(GOOD, &t!("worker_cli.flow.done"), &name, &took),
            // What it would have said itself, had it run.
            (_, Some(source)) => {
                let why = t!("worker_cli.flow.because", node = self.name(source));
                self.line(ODD, &t!("worker_cli.flow.skipped"), &name, &printable(&why))
            }
            (FlowStatus::Error, None) => {
                let rest = format!("{took}  {}", paint(BAD, error));
                self.line(BAD, &t!("worker_cli.flow.failed"), &name, &rest)
            }
            (FlowStatus::Skipped, None) => {
                self.line(ODD, &t!("worker_cli.flow.skipped"), &name, &error)
            }
        }];
        if is_code {
            let printed = result.logs.lines();
            lines.extend(printed.map(|line| {
                let line = printable(&strip_str(line).to_string());
                format!("{}{line}", paint(FAINT, MARGIN))
            }));
        }
        lines
    }

    /// Nobody waits any more: the lines that say which nodes were cut short.
    pub(super) fn cancel(&mut self) -> Vec<String> {
        let word = t!("worker_cli.flow.cut_short");
        let running = self
            .nodes
            .iter()
            .filter(|node| matches!(node.state, NodeState::Running(_)));
        let lines = running
            .map(|node| self.line(ODD, &word, &name_of(node), ""))
            .collect();
        for node in &mut self.nodes {
            node.state = NodeState::Settled;
        }
        lines
    }

    /// What is not final, in at most `rows` lines of at most `width` columns: what runs first, then what waits.
    pub(super) fn living(&self, now: Instant, width: usize, rows: usize) -> Vec<String> {
        let code = || self.nodes.iter().filter(|node| node.is_code);
        let running = code().filter_map(|node| match &node.state {
            NodeState::Running(since) => {
                let took = time::duration(now.saturating_duration_since(*since));
                Some((NAME, t!("worker_cli.flow.running"), name_of(node), took))
            }
            NodeState::WaitingFor(waiting, since) => {
                let so_far = time::so_far(now.saturating_duration_since(*since));
                let why = worker_wait::words(Some(waiting), &so_far).unwrap_or_default();
                let word = t!("worker_cli.flow.waiting");
                Some((FAINT, word, name_of(node), printable(&why)))
            }
            NodeState::Waiting | NodeState::Settled => None,
        });
        let waiting = code()
            .filter(|node| node.state == NodeState::Waiting)
            .map(|node| {
                (
                    FAINT,
                    t!("worker_cli.flow.waiting"),
                    name_of(node),
                    String::new(),
                )
            });
        let all: Vec<(Style, Cow<'_, str>, String, String)> = running.chain(waiting).collect();
        let shown = if all.len() > rows {
            rows.saturating_sub(1)
        } else {
            all.len()
        };
        let mut lines: Vec<String> = all[..shown]
            .iter()
            .map(|(style, word, name, rest)| {
                let plain = strip_str(&self.line(*style, word, name, rest)).to_string();
                if columns(&plain) > width {
                    cut(&plain, width)
                } else {
                    self.line(*style, word, name, rest)
                }
            })
            .collect();
        if all.len() > shown && rows > 0 {
            let more = t!("worker_cli.flow.more", n = all.len() - shown);
            lines.push(paint(FAINT, cut(&more, width)));
        }
        lines
    }

    /// Whether a time grows that the list shows.
    pub(super) fn is_counting(&self) -> bool {
        let mut states = self.nodes.iter().map(|node| &node.state);
        states.any(|state| matches!(state, NodeState::Running(_) | NodeState::WaitingFor(..)))
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// A node's title with its id, which commands are given.
    pub(super) fn name(&self, id: &str) -> String {
        match self.places.get(id) {
            Some(&place) => name_of(&self.nodes[place]),
            None => printable(id),
        }
    }

    /// `values` in the order of the nodes that they belong to.
    pub(super) fn in_order<'v, V>(&self, values: &'v BTreeMap<String, V>) -> Vec<(&'v str, &'v V)> {
        let mut values: Vec<_> = values
            .iter()
            .map(|(id, value)| (id.as_str(), value))
            .collect();
        values.sort_by_key(|(id, _)| self.places.get(*id).copied());
        values
    }

    fn entry(&mut self, id: &str) -> Option<&mut ListedNode> {
        let place = *self.places.get(id)?;
        self.nodes.get_mut(place)
    }

    /// State, name and what there is to say, lined up.
    fn line(&self, style: Style, state: &str, name: &str, rest: &str) -> String {
        let state_room = " ".repeat(state_width().saturating_sub(columns(state)));
        let state = paint(style, state);
        if rest.is_empty() {
            return format!("  {state}{state_room}  {name}");
        }
        let name_room = " ".repeat(self.name_width.saturating_sub(columns(name)));
        format!("  {state}{state_room}  {name}{name_room}  {rest}")
    }
}

fn name_of(node: &ListedNode) -> String {
    printable(&format!("{} ({})", node.title, node.id))
}

/// Columns of the widest word for a state.
fn state_width() -> usize {
    [
        t!("worker_cli.flow.done"),
        t!("worker_cli.flow.failed"),
        t!("worker_cli.flow.skipped"),
        t!("worker_cli.flow.running"),
        t!("worker_cli.flow.waiting"),
        t!("worker_cli.flow.cut_short"),
    ]
    .iter()
    .map(|word| columns(word))
    .max()
    .unwrap_or(0)
}

#[cfg(test)]
mod tests;
