//! Replies that the daemon gives in a worker's stead.

use serde::Serialize;

use super::reply::WorkerReply;
use crate::api::v1::NodeCode;
use crate::json::Json;
use crate::store::Generation;

/// A reply that the daemon gives in a worker's stead.
#[derive(Debug, Serialize)]
pub(crate) struct DaemonReply<'a> {
    pub(crate) id: &'a str,
    /// Always false.
    pub(crate) ok: bool,
    /// For people, and for AIM-Forge, which knows `worker-exit`.
    pub(crate) error: &'a str,
    /// For programs.
    pub(crate) code: NodeCode,
    /// Where the node was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) traceback: Option<&'a str>,
    /// More than `error` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
    /// Exit status of the worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    /// Signal that the worker died of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<&'a str>,
    /// Generation that the worker was at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<Generation>,
}

impl<'a> DaemonReply<'a> {
    pub(crate) fn new(id: &'a str, error: &'a str, code: NodeCode) -> Self {
        Self {
            id,
            ok: false,
            error,
            code,
            traceback: None,
            detail: None,
            exit_code: None,
            signal: None,
            generation: None,
        }
    }

    /// The reply as JSON.
    ///
    /// # Panics
    /// Never: strings and numbers always become JSON.
    fn into_json(self) -> Json {
        let text = serde_json::to_string(&self).expect("strings and numbers become JSON");
        Json::parse(text).expect("what serde wrote is JSON")
    }
}

/// The reply of a worker that is no more, to what was asked of the process `pid`.
pub(crate) fn object_gone(pid: u32) -> WorkerReply {
    let gone = format!("worker {pid}, which had the object, is gone");
    DaemonReply::new("", &gone, NodeCode::ObjectGone).into()
}

impl From<DaemonReply<'_>> for WorkerReply {
    fn from(reply: DaemonReply<'_>) -> Self {
        reply.into_json().into()
    }
}
