//! What is said to a worker and what it answers: one JSON object a line (compat, section 8, and `worker/aim_worker.py`).
//!
//! A reply is passed on as the worker wrote it; only what the daemon itself must know is read out of it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::v1::NodeRun;
use crate::json::Json;
use crate::project::{Config, RestartPolicy};
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

/// What a worker says when an interrupt is raised in its node.
pub(crate) const INTERRUPTED: &str = r#"{"event":"interrupted"}"#;

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

/// The request that makes a spare the worker of a project.
pub(crate) fn activate(project: &Path, generation: Generation, config: &Config) -> String {
    #[derive(Serialize)]
    struct Activate<'a> {
        id: &'a str,
        op: &'a str,
        generation: Generation,
        project_root: &'a str,
        shm: bool,
        object_limit: u64,
        stamps: bool,
    }
    line(&Activate {
        id: "activate",
        op: "activate",
        generation,
        project_root: &project.to_string_lossy(),
        shm: cfg!(target_os = "linux"),
        object_limit: config.worker_object_limit_mib.value << 20,
        stamps: config.worker_policy.value == RestartPolicy::Loaded,
    })
}

/// Asks which of the files that the worker has loaded are others now.
pub(crate) fn modules() -> String {
    r#"{"id":"modules","op":"modules"}"#.to_owned()
}

/// What it answers.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Modules {
    /// Missing where the worker was started under another policy, and cannot tell.
    #[serde(default)]
    pub(crate) changed: Option<Vec<String>>,
}

/// What a worker keeps, as it says.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Store {
    pub(crate) count: usize,
    pub(crate) bytes: u64,
    /// How many had to go for newer ones.
    pub(crate) dropped: u64,
}

/// What it answers when it was told to let go of objects.
#[derive(Debug, Deserialize)]
pub(crate) struct Released {
    pub(crate) store: Store,
}

/// Tells the worker that it stays, and is on `generation` from now on.
pub(crate) fn invalidate(generation: Generation) -> String {
    format!(r#"{{"id":"invalidate","op":"invalidate","generation":{generation}}}"#)
}

/// A request without its id, which is put before it when its turn has come ([`numbered`]).
#[derive(Debug)]
pub(crate) struct Request(String);

/// `request` with its id, as a line.
pub(crate) fn numbered(id: &str, request: &Request) -> String {
    format!(r#"{{"id":"{id}",{}"#, request.0)
}

impl Request {
    fn of(members: &impl Serialize) -> Self {
        Self(line(members).split_off(1))
    }

    /// Runs a node.
    pub(crate) fn exec_node(project: &Path, node: &NodeRun) -> Self {
        #[derive(Serialize)]
        struct ExecNode<'a> {
            op: &'a str,
            file: &'a str,
            project_root: &'a str,
            input: &'a Json,
        }
        Self::of(&ExecNode {
            op: "exec_node",
            file: &node.file,
            project_root: &project.to_string_lossy(),
            input: &node.input,
        })
    }

    /// Runs a node of a flow. `given` are more members, as they stand in the request: its edges, or its input.
    pub(crate) fn flow_node(project: &Path, file: Option<&str>, given: &str, keep: &str) -> Self {
        let quoted = |text: &str| line(&text);
        Self(format!(
            r#""op":"exec_node","file":{},"project_root":{},{given},"keep":{{"ref":{}}}}}"#,
            file.map_or_else(|| "null".to_owned(), quoted),
            quoted(&project.to_string_lossy()),
            quoted(keep),
        ))
    }

    /// Asks something about a kept object.
    pub(crate) fn object(op: &str, object: &str) -> Self {
        Self(format!(r#""op":"{op}","ref":{}}}"#, line(&object)))
    }

    /// Keeps an object that another worker put into shared memory.
    pub(crate) fn import(object: &str, path: &str, layout: &RawValue) -> Self {
        Self(format!(
            r#""op":"import","ref":{},"path":{},"layout":{layout}}}"#,
            line(&object),
            line(&path),
        ))
    }
}

/// Lets go of objects.
pub(crate) fn release(objects: &[String]) -> String {
    format!(
        r#"{{"id":"release","op":"release","refs":{}}}"#,
        line(&objects)
    )
}

/// Says that shared memory was opened and need not be kept any longer. There is no answer.
pub(crate) fn close_fd(descriptor: u32) -> String {
    format!(r#"{{"op":"close_fd","fd":{descriptor}}}"#)
}

/// A reply that the daemon gives in a worker's stead.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal<'a> {
    pub(crate) id: &'a str,
    /// Always false.
    pub(crate) ok: bool,
    /// For people, and for AIM-Forge, which knows `worker-exit`.
    pub(crate) error: &'a str,
    /// For programs.
    pub(crate) code: &'a str,
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

impl<'a> Refusal<'a> {
    pub(crate) fn new(id: &'a str, error: &'a str, code: &'a str) -> Self {
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

    pub(crate) fn into_json(self) -> Json {
        Json::parse(line(&self)).expect("what serde wrote is JSON")
    }
}

/// The reply of a worker that is no more, to what was asked of the process `pid`.
pub(crate) fn object_gone(pid: u32) -> Json {
    let gone = format!("worker {pid}, which had the object, is gone");
    Refusal::new("", &gone, "object-gone").into_json()
}

fn line(request: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(request).expect("strings and numbers always become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_one_line_each() {
        let node = NodeRun {
            file: "a\nb.py".into(),
            input: Json::parse("{\n\"a\": 1}").expect("JSON"),
            ..NodeRun::default()
        };
        let line = numbered("7", &Request::exec_node(Path::new("/p"), &node));
        assert_eq!(
            line,
            r#"{"id":"7","op":"exec_node","file":"a\nb.py","project_root":"/p","input":{ "a": 1}}"#
        );
    }

    #[test]
    fn a_reply_is_read_for_its_envelope_alone() {
        let line = r#"{"id":"7","ok":true,"output":{"event":1,"ok":false},"time_ms":0}"#;
        let envelope: Envelope = serde_json::from_str(line).expect("an envelope");
        assert!(envelope.ok && envelope.event.is_none());
    }
}
