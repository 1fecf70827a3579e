//! What a worker says, as far as the daemon reads it: its events, and the answers to all requests but nodes.

use serde::Deserialize;

use crate::api::v1::Refresh;
use crate::store::Generation;

/// The part of a line from a worker that the daemon reads.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Envelope {
    /// Of an event, its name.
    #[serde(default)]
    pub(crate) event: Option<String>,
    /// Of a reply, whether it is a good one.
    #[serde(default)]
    pub(crate) ok: bool,
    /// Of an event, the version of the interpreter.
    #[serde(default)]
    pub(crate) python: Option<String>,
}

/// Why a worker could not do what was asked, as it says.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Failure {
    #[serde(default)]
    pub(crate) ok: bool,
    #[serde(default)]
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) traceback: String,
    #[serde(default)]
    pub(crate) generation: Option<Generation>,
}

/// The answer to a node that was not run, since a new process would have other modules.
#[derive(Debug, Deserialize)]
pub(crate) struct Spent {
    pub(crate) spent: Refresh,
}

/// The answer to [`Request::Changed`](super::Request::Changed).
#[derive(Debug, Deserialize)]
pub(crate) struct Changed {
    pub(crate) files: Vec<String>,
}

/// What a worker keeps, as it says.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Store {
    pub(crate) count: usize,
    pub(crate) bytes: u64,
    /// How many had to go for newer ones.
    pub(crate) dropped: u64,
}

/// The answer to [`Request::Release`](super::Request::Release).
#[derive(Debug, Deserialize)]
pub(crate) struct Released {
    pub(crate) store: Store,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_for_its_envelope_alone() {
        let line = r#"{"id":"7","ok":true,"output":{"event":1,"ok":false},"time_ms":0}"#;
        let envelope: Envelope = serde_json::from_str(line).expect("an envelope");
        assert!(envelope.ok && envelope.event.is_none());
    }
}
