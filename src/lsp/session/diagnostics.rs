//! What the client shows of diagnostics that a server sends by itself, so that a change of servers empties nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::lsp::wire::Message;

/// How long a new server has to say something about each file that the old one spoke of.
const PATIENCE: Duration = Duration::from_secs(10);

/// Diagnostics that are shown, and those of a server that is not yet in its place.
#[derive(Debug, Default)]
pub(super) struct Diagnostics {
    /// The files that were spoken of, and whether something is shown there.
    shown: BTreeMap<String, bool>,
    /// The last word of the server to come on each file.
    held: BTreeMap<String, Message>,
    /// What only the former server spoke of, and when it goes.
    left: BTreeSet<String>,
    goes_at: Option<Instant>,
}

impl Diagnostics {
    pub(super) const METHOD: &str = "textDocument/publishDiagnostics";

    /// Notes what the client is about to be shown.
    pub(super) fn show(&mut self, message: &Message) {
        let Some(uri) = message.read::<String>(&["params", "uri"]) else {
            return;
        };
        let found = message.text(&["params", "diagnostics"]);
        let is_something = found.is_some_and(|list| list.len() > 2 && list != "null");
        self.left.remove(&uri);
        self.shown.insert(uri, is_something);
    }

    /// Keeps what the server to come says.
    pub(super) fn hold(&mut self, message: Message) {
        if let Some(uri) = message.read::<String>(&["params", "uri"]) {
            self.held.insert(uri, message);
        }
    }

    /// Whether the server to come has said something about each of `open` that was spoken of.
    pub(super) fn is_held_for(&self, open: &[String]) -> bool {
        let mut spoken_of = open.iter().filter(|uri| self.shown.contains_key(*uri));
        spoken_of.all(|uri| self.held.contains_key(uri))
    }

    /// Forgets what a server said that does not come after all.
    pub(super) fn drop_held(&mut self) {
        self.held.clear();
    }

    /// What the client is to be shown now that the server has changed.
    pub(super) fn release(&mut self, now: Instant) -> Vec<Message> {
        let held = std::mem::take(&mut self.held);
        self.left = std::mem::take(&mut self.shown)
            .into_iter()
            .filter(|(uri, is_something)| *is_something && !held.contains_key(uri))
            .map(|(uri, _)| uri)
            .collect();
        self.goes_at = (!self.left.is_empty()).then_some(now + PATIENCE);
        let released: Vec<Message> = held.into_values().collect();
        for message in &released {
            self.show(message);
        }
        released
    }

    /// What is left of a former server goes when its time has come.
    pub(super) fn clear(&mut self, now: Instant) -> Vec<Message> {
        if self.goes_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.goes_at = None;
        let left = std::mem::take(&mut self.left).into_iter();
        left.map(|uri| Message::notification(Self::METHOD, &json!({"uri": uri, "diagnostics": []})))
            .collect()
    }

    /// When [`Self::clear`] is to be asked.
    pub(super) fn goes_at(&self) -> Option<Instant> {
        self.goes_at
    }
}
