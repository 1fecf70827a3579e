//! The nodes of a project's flow as `structure.json` has them: which there are, and what is stored with them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::nearest;
use crate::console::candidate::Value;
use crate::console::completion::project;
use crate::error::{Error, Result};
use crate::files::read;
use crate::json::Json;
use crate::terminal::printable;
use crate::words::{nearest as nearest_word, t};

/// What the structure says of its nodes. One that cannot be read has none here: what is wrong with it is for the daemon
/// to say.
#[derive(Default, Deserialize)]
pub(super) struct Stored {
    nodes: Vec<StoredNode>,
}

#[derive(Deserialize)]
struct StoredNode {
    id: String,
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    data: StoredData,
}

#[derive(Default, Deserialize)]
struct StoredData {
    title: Option<String>,
    value: Option<Json>,
}

impl Stored {
    /// Of the project that the line is about which is being typed.
    fn of_line() -> Self {
        project().map_or_else(Self::default, |project| {
            Self::read(&project.layout().structure())
        })
    }

    /// Of the file `structure`.
    pub(super) fn read(structure: &Path) -> Self {
        let text = fs_err::read(structure).unwrap_or_default();
        serde_json::from_slice(read::without_mark(&text)).unwrap_or_default()
    }

    /// That the nodes exist that were `named`.
    ///
    /// # Errors
    /// `Exit::Usage`, with the ids that there are.
    pub(super) fn check<'n>(&self, mut named: impl Iterator<Item = &'n String>) -> Result<()> {
        let ids = || self.nodes.iter().map(|node| node.id.as_str());
        let Some(unknown) = named.find(|named| ids().all(|id| id != named.as_str())) else {
            return Ok(());
        };
        if self.nodes.is_empty() {
            return Ok(());
        }
        let all: Vec<_> = self.nodes.iter().map(StoredNode::shown).collect();
        let error = Error::usage(t!("worker_cli.flow.no_node", id = printable(unknown)));
        let error = nearest::hinted(error, nearest_word(unknown, ids()));
        Err(error.hint(t!("worker_cli.flow.ids", ids = all.join(", "))))
    }

    /// The values that are stored with the nodes, which AIM-Forge's page sends along with each run (compat, sections 3
    /// and 11).
    pub(super) fn into_values(self) -> BTreeMap<String, Json> {
        let nodes = self.nodes.into_iter();
        nodes
            .filter_map(|node| Some((node.id, node.data.value?)))
            .collect()
    }
}

impl StoredNode {
    fn is_of(&self, kind: &str) -> bool {
        self.r#type.as_deref() == Some(kind)
    }

    fn title(&self) -> Option<&str> {
        self.data.title.as_deref().filter(|title| !title.is_empty())
    }

    fn shown(&self) -> String {
        match self.title() {
            Some(title) => printable(&format!("{} ({title})", self.id)),
            None => printable(&self.id),
        }
    }
}

/// The nodes that a shell offers to start from.
pub(super) fn starts() -> Vec<Value> {
    let title = |node: &StoredNode| node.title().unwrap_or_default().to_owned();
    let stored = Stored::of_line();
    let (starts, others): (Vec<_>, Vec<_>) =
        stored.nodes.iter().partition(|node| node.is_of("start"));
    let all = starts.into_iter().chain(others);
    all.map(|node| (node.id.clone(), title(node))).collect()
}

/// The nodes that a shell offers to give a value, each with its `=`.
pub(super) fn valued() -> Vec<Value> {
    let stored = Stored::of_line();
    let takes = |node: &&StoredNode| node.is_of("textInput") || node.is_of("result");
    let valued = stored.nodes.iter().filter(takes);
    let meaning = |node: &StoredNode| {
        let value = node.data.value.as_ref().map(Json::as_str);
        node.title().or(value).unwrap_or_default().to_owned()
    };
    valued
        .map(|node| (format!("{}=", node.id), meaning(node)))
        .collect()
}
