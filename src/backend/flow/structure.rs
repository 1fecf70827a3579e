//! A project's graph as its file has it: `structure.json` (compat, section 3), read tolerantly.
//!
//! The file is the editor's; the engine only reads it, and only what running needs. A member of an unexpected type is
//! taken as absent, a node without an id and an edge without its ends are left out.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::files::read;

/// A node's id: any text.
pub type NodeId = Arc<str>;

/// What the engine does with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// Where a flow begins; gives nothing.
    Start,
    /// A text that a person typed; comes with the request.
    TextInput,
    /// Shows what flows into it.
    Result,
    /// Has a file whose function is called; every other type, known or not.
    Code,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// What is done with it.
    pub kind: NodeKind,
    /// Its title in the editor.
    pub title: String,
    /// Its file, relative to the project's folder. The worker refuses one that leads out of it.
    pub file: Arc<str>,
}

impl Node {
    /// Whether it counts in a stream's progress: what computes, not what feeds and shows (compat, section 11).
    pub fn is_main(&self) -> bool {
        const OTHERS: [&str; 3] = ["Text Input", "Start Node", "Result Node"];
        self.kind == NodeKind::Code && !OTHERS.iter().any(|name| self.title.contains(name))
    }
}

/// An edge between two nodes that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Place of the source in [`Structure::nodes`].
    pub source: usize,
    /// Place of the target.
    pub target: usize,
    /// Which member of the source's output, if it has it.
    pub source_handle: Option<Arc<str>>,
    /// Which parameter of the target.
    pub target_handle: Option<Arc<str>>,
}

/// The nodes and edges of a project, in the file's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Structure {
    /// Nodes, each id once: the last of an id wins, at the first's place.
    pub nodes: Vec<Node>,
    /// Edges whose ends are both there.
    pub edges: Vec<Edge>,
}

impl Structure {
    /// Reads the text of a `structure.json`.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn parse(text: &[u8]) -> serde_json::Result<Self> {
        let file: File<'_> = object(serde_json::from_slice(read::without_mark(text))?)?;
        let mut nodes: Vec<Node> = Vec::new();
        let mut places: HashMap<NodeId, usize> = HashMap::new();
        for node in list(file.nodes).into_iter().filter_map(node) {
            if let Some(&place) = places.get(&node.id) {
                nodes[place] = node;
            } else {
                places.insert(node.id.clone(), nodes.len());
                nodes.push(node);
            }
        }
        let edges = list(file.edges)
            .into_iter()
            .filter_map(|raw| edge(raw, &places))
            .collect();
        Ok(Self { nodes, edges })
    }
}

/// Members stay text until one knows that they are of the right type.
#[derive(Deserialize)]
struct File<'t> {
    #[serde(borrow, default)]
    nodes: Option<&'t RawValue>,
    #[serde(borrow, default)]
    edges: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct NodeText<'t> {
    #[serde(borrow, default)]
    id: Option<&'t RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'t RawValue>,
    #[serde(borrow, default)]
    data: Option<&'t RawValue>,
}

#[derive(Deserialize, Default)]
struct DataText<'t> {
    #[serde(borrow, default)]
    title: Option<&'t RawValue>,
    #[serde(borrow, default)]
    file: Option<&'t RawValue>,
    #[serde(borrow, default, rename = "componentType")]
    component: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct EdgeText<'t> {
    #[serde(borrow, default)]
    source: Option<&'t RawValue>,
    #[serde(borrow, default)]
    target: Option<&'t RawValue>,
    #[serde(borrow, default, rename = "sourceHandle")]
    source_handle: Option<&'t RawValue>,
    #[serde(borrow, default, rename = "targetHandle")]
    target_handle: Option<&'t RawValue>,
}

fn node(raw: &RawValue) -> Option<Node> {
    let node: NodeText<'_> = object(raw).ok()?;
    let id = id(node.id)?;
    let data: DataText<'_> = node
        .data
        .and_then(|data| object(data).ok())
        .unwrap_or_default();
    let title = text(data.title).unwrap_or_else(|| format!("Node {id}"));
    let kind = match text(node.kind).as_deref() {
        Some("start") => NodeKind::Start,
        Some("result") => NodeKind::Result,
        Some("textInput") => NodeKind::TextInput,
        _ if text(data.component).as_deref() == Some("TextInput") => NodeKind::TextInput,
        Some("custom") if title.starts_with("Text Input") => NodeKind::TextInput,
        _ => NodeKind::Code,
    };
    let file = text(data.file).filter(|file| !file.is_empty());
    let file = file.unwrap_or_else(|| file_of(&id, &title)).into();
    Some(Node {
        id,
        kind,
        title,
        file,
    })
}

/// The file of a node that names none: as templates are named (compat, section 3).
fn file_of(id: &str, title: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    format!("{id}_{}.py", title.chars().map(plain).collect::<String>())
}

fn edge(raw: &RawValue, places: &HashMap<NodeId, usize>) -> Option<Edge> {
    let edge: EdgeText<'_> = object(raw).ok()?;
    // An empty handle names nothing, as in Python's `if handle:`.
    let handle = |raw| text(raw).filter(|name| !name.is_empty()).map(Arc::from);
    Some(Edge {
        source: *places.get(&id(edge.source)?)?,
        target: *places.get(&id(edge.target)?)?,
        source_handle: handle(edge.source_handle),
        target_handle: handle(edge.target_handle),
    })
}

/// An object's members. (Serde would take a list for them too.)
fn object<'t, T: Deserialize<'t>>(raw: &'t RawValue) -> serde_json::Result<T> {
    if !raw.get().starts_with('{') {
        return Err(serde::de::Error::custom("not an object"));
    }
    serde_json::from_str(raw.get())
}

fn list(raw: Option<&RawValue>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

/// An id: a string, or a whole number that somebody wrote without quotes.
fn id(raw: Option<&RawValue>) -> Option<NodeId> {
    let raw = raw?;
    let number = || {
        serde_json::from_str::<i64>(raw.get())
            .ok()
            .map(|number| number.to_string())
    };
    text(Some(raw)).or_else(number).map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one node of a file, whose `id` is `1`.
    #[track_caller]
    fn check(rest: &str, kind: NodeKind, title: &str, file: &str) {
        let text = format!(r#"{{"nodes":[{{"id":"1",{rest}}}]}}"#);
        let structure = Structure::parse(text.as_bytes()).expect("an object");
        let expected = Node {
            id: "1".into(),
            kind,
            title: title.to_owned(),
            file: file.into(),
        };
        assert_eq!(structure.nodes, [expected]);
    }

    #[test]
    fn a_node_is_known_by_type_component_and_title() {
        check(
            r#""type":"start","data":{"title":"S"}"#,
            NodeKind::Start,
            "S",
            "1_S.py",
        );
        check(
            r#""type":"result","data":{}"#,
            NodeKind::Result,
            "Node 1",
            "1_Node_1.py",
        );
        check(
            r#""type":"textInput","data":null"#,
            NodeKind::TextInput,
            "Node 1",
            "1_Node_1.py",
        );
        check(
            r#""type":"custom","data":{"title":"x","componentType":"TextInput"}"#,
            NodeKind::TextInput,
            "x",
            "1_x.py",
        );
        check(
            r#""type":"custom","data":{"title":"Text Input 2"}"#,
            NodeKind::TextInput,
            "Text Input 2",
            "1_Text_Input_2.py",
        );
        check(
            r#""type":"note","data":{"title":"Text Input"}"#,
            NodeKind::Code,
            "Text Input",
            "1_Text_Input.py",
        );
        check(
            r#""type":7,"data":{"title":"합/계 b"}"#,
            NodeKind::Code,
            "합/계 b",
            "1_합_계_b.py",
        );
        check(
            r#""data":{"title":"a","file":"sub/a.py"}"#,
            NodeKind::Code,
            "a",
            "sub/a.py",
        );
        check(
            r#""data":{"title":["a"],"file":3}"#,
            NodeKind::Code,
            "Node 1",
            "1_Node_1.py",
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let text = br#"{"nodes": [{"id": 1}, 5, {}, {"id": "b"}, {"id": "1", "type": "start"}, {"id": null}, ["x"]],
            "edges": [{"source": "1", "target": "b", "sourceHandle": "", "targetHandle": "x"}, null,
                      {"source": "1", "target": "gone"}, {"source": "b"}], "project_id": [], "new": {}}"#;
        let structure = Structure::parse(text).expect("an object");
        let ids: Vec<_> = structure
            .nodes
            .iter()
            .map(|node| (&*node.id, node.kind))
            .collect();
        assert_eq!(ids, [("1", NodeKind::Start), ("b", NodeKind::Code)]);
        let edge = Edge {
            source: 0,
            target: 1,
            source_handle: None,
            target_handle: Some("x".into()),
        };
        assert_eq!(structure.edges, [edge]);
        assert_eq!(
            Structure::parse(b"{}").expect("an object"),
            Structure::default()
        );
        assert_eq!(
            Structure::parse(br#"{"nodes":{},"edges":3}"#).expect("an object"),
            Structure::default()
        );
        let marked = "\u{feff}{\r\n\"nodes\": []\r\n}\r\n";
        assert_eq!(
            Structure::parse(marked.as_bytes()).expect("an object"),
            Structure::default()
        );
        for broken in ["", "null", "[1]", "{\"nodes\":["] {
            assert!(Structure::parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
