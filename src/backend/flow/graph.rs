//! Which nodes a flow runs, and after which others.
//!
//! A flow is everything that is connected to its start node, edges followed both ways: a node that only feeds a
//! reachable one runs too (compat, section 10). Nodes are known by their place in a fixed order, sources before
//! targets.
//!
//! **Invariant:** the same file gives the same order: where two nodes could come next, the earlier one in the file
//! does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::error::FlowError;
use super::structure::{Edge, Node, NodeKind, Structure};

/// The nodes of one flow in the order in which they may run.
#[derive(Debug)]
pub struct Graph {
    structure: Arc<Structure>,
    steps: Vec<Step>,
    start: usize,
}

/// A node at its place in the order.
#[derive(Debug)]
struct Step {
    node: usize,
    /// Edges into it in the file's order, each with the place of its source.
    incoming: Vec<(usize, usize)>,
    /// Places of its targets, one for each edge out of it.
    outgoing: Vec<usize>,
}

impl Graph {
    /// The flow of `structure` that `start` belongs to; without `start`, that of the only start node.
    ///
    /// # Errors
    /// No or several start nodes, an unknown one, a cycle.
    pub fn new(structure: Arc<Structure>, start: Option<&str>) -> Result<Self, FlowError> {
        let start = find_start(&structure, start)?;
        let Neighbours { incoming, outgoing } = Neighbours::of(&structure);
        let members = component(&incoming, &outgoing, &structure, start);
        let order = order(&members, &incoming, &outgoing, &structure.edges)?;
        let mut places = vec![usize::MAX; structure.nodes.len()];
        for (place, &node) in order.iter().enumerate() {
            places[node] = place;
        }
        let edges = &structure.edges;
        let step = |&node: &usize| Step {
            node,
            incoming: incoming[node]
                .iter()
                .map(|&edge| (places[edges[edge].source], edge))
                .collect(),
            outgoing: outgoing[node]
                .iter()
                .map(|&edge| places[edges[edge].target])
                .collect(),
        };
        let steps = order.iter().map(step).collect();
        Ok(Self {
            steps,
            start: places[start],
            structure,
        })
    }

    /// How many nodes it has. Places go from 0 up to this.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Never: a flow has at least its start node.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The place of the node that the flow starts from.
    pub fn start(&self) -> usize {
        self.start
    }

    /// The node at `place`.
    pub fn node(&self, place: usize) -> &Node {
        &self.structure.nodes[self.steps[place].node]
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        (0..self.len()).map(|place| self.node(place))
    }

    /// The nodes in the file's order.
    pub fn nodes_of_file(&self) -> impl Iterator<Item = &Node> {
        let mut nodes: Vec<usize> = self.steps.iter().map(|step| step.node).collect();
        nodes.sort_unstable();
        nodes.into_iter().map(|node| &self.structure.nodes[node])
    }

    /// Edges into the node at `place` in the file's order, each with its source's place.
    pub fn incoming(&self, place: usize) -> impl ExactSizeIterator<Item = (usize, &Edge)> {
        let edges = &self.structure.edges;
        self.steps[place]
            .incoming
            .iter()
            .map(|&(source, edge)| (source, &edges[edge]))
    }

    /// Places that the node at `place` feeds, once for each edge.
    pub fn outgoing(&self, place: usize) -> &[usize] {
        &self.steps[place].outgoing
    }
}

fn find_start(structure: &Structure, wanted: Option<&str>) -> Result<usize, FlowError> {
    let nodes = &structure.nodes;
    if let Some(id) = wanted {
        let found = nodes.iter().position(|node| &*node.id == id);
        return found.ok_or_else(|| FlowError::StartNotFound(id.to_owned()));
    }
    let starts: Vec<usize> = (0..nodes.len())
        .filter(|&node| nodes[node].kind == NodeKind::Start)
        .collect();
    match starts[..] {
        [] => Err(FlowError::NoStart),
        [start] => Ok(start),
        _ => {
            let ids = starts.iter().map(|&node| nodes[node].id.to_string());
            Err(FlowError::ManyStarts(ids.collect()))
        }
    }
}

/// For each node, the places of the edges at it, in the file's order.
struct Neighbours {
    incoming: Vec<Vec<usize>>,
    outgoing: Vec<Vec<usize>>,
}

impl Neighbours {
    fn of(structure: &Structure) -> Self {
        let mut incoming = vec![Vec::new(); structure.nodes.len()];
        let mut outgoing = incoming.clone();
        for (place, edge) in structure.edges.iter().enumerate() {
            outgoing[edge.source].push(place);
            incoming[edge.target].push(place);
        }
        Self { incoming, outgoing }
    }
}

/// The nodes connected to `start`, in the file's order.
fn component(
    incoming: &[Vec<usize>],
    outgoing: &[Vec<usize>],
    structure: &Structure,
    start: usize,
) -> Vec<usize> {
    let mut is_member = vec![false; structure.nodes.len()];
    is_member[start] = true;
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        for &edge in incoming[node].iter().chain(&outgoing[node]) {
            let Edge { source, target, .. } = structure.edges[edge];
            for end in [source, target] {
                if !std::mem::replace(&mut is_member[end], true) {
                    open.push(end);
                }
            }
        }
    }
    (0..is_member.len())
        .filter(|&node| is_member[node])
        .collect()
}

/// `members` with sources before targets (Kahn's algorithm).
fn order(
    members: &[usize],
    incoming: &[Vec<usize>],
    outgoing: &[Vec<usize>],
    edges: &[Edge],
) -> Result<Vec<usize>, FlowError> {
    let mut waits_for: Vec<usize> = incoming.iter().map(Vec::len).collect();
    let is_free = |node: &&usize| incoming[**node].is_empty();
    let mut free: BinaryHeap<_> = members
        .iter()
        .filter(is_free)
        .map(|&node| Reverse(node))
        .collect();
    let mut order = Vec::with_capacity(members.len());
    while let Some(Reverse(node)) = free.pop() {
        order.push(node);
        for &edge in &outgoing[node] {
            let target = edges[edge].target;
            waits_for[target] -= 1;
            if waits_for[target] == 0 {
                free.push(Reverse(target));
            }
        }
    }
    if order.len() < members.len() {
        return Err(FlowError::Cycle);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of `nodes` (an id that begins with `s` is a start node) and `edges` such as `a>b`.
    fn graph(nodes: &str, edges: &str, start: Option<&str>) -> Result<Graph, FlowError> {
        let node = |id: &str| {
            let kind = if id.starts_with('s') {
                "start"
            } else {
                "custom"
            };
            format!(r#"{{"id":"{id}","type":"{kind}"}}"#)
        };
        let edge = |edge: &str| {
            let (source, target) = edge.split_once('>').expect("an edge");
            format!(r#"{{"source":"{source}","target":"{target}"}}"#)
        };
        let nodes: Vec<_> = nodes.split_whitespace().map(node).collect();
        let edges: Vec<_> = edges.split_whitespace().map(edge).collect();
        let text = format!(
            r#"{{"nodes":[{}],"edges":[{}]}}"#,
            nodes.join(","),
            edges.join(",")
        );
        let structure = Structure::parse(text.as_bytes()).expect("an object");
        Graph::new(Arc::new(structure), start)
    }

    #[track_caller]
    fn check(nodes: &str, edges: &str, start: Option<&str>, expected: &str) {
        let order = graph(nodes, edges, start).map(|graph| {
            let ids: Vec<_> = graph.nodes().map(|node| &*node.id).collect();
            ids.join(" ")
        });
        let said = order.unwrap_or_else(|error| error.to_string());
        assert_eq!(said, expected);
    }

    #[test]
    fn everything_connected_runs_sources_first_and_by_the_files_order() {
        check("s b a", "s>a s>b", None, "s b a");
        check("c b a s", "s>a a>b b>c", None, "s a b c");
        check("s a b c", "s>b a>b b>c", None, "s a b c");
        check("s a x y", "s>a x>y", None, "s a");
        check("s a x y", "s>a x>y", Some("y"), "x y");
        check("s1 s2 a", "s1>a s2>a", Some("s1"), "s1 s2 a");
        check("s a", "s>a s>gone gone>a s>a", None, "s a");
        check("s", "", None, "s");
    }

    #[test]
    fn a_flow_that_cannot_begin_says_why() {
        check("a", "", None, "No start node found in project");
        check("s s2", "", None, "Multiple start nodes found: ['s', 's2']");
        check("s a", "s>a", Some("b"), "Start node b not found");
        check(
            "s a b",
            "s>a a>b b>a",
            None,
            "Cycle detected in the flow graph",
        );
        check("s a", "s>a a>a", None, "Cycle detected in the flow graph");
        check("s a x y", "s>a x>y y>x", None, "s a");
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack_and_no_long_time() {
        let count = 50_000;
        let nodes: Vec<_> = (0..count).map(|n| format!("n{n}")).collect();
        let edges: Vec<_> = (1..count).map(|n| format!("n{}>n{}", n - 1, n)).collect();
        let graph = graph(&nodes.join(" "), &edges.join(" "), Some("n7")).expect("a chain");
        assert_eq!((graph.len(), graph.start()), (count, 7));
    }
}
