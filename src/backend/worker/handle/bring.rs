//! Objects on their way from one worker to another, through shared memory.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::kept::Kept;
use super::pool::Taken;
use crate::api::v1::NodeCode;
use crate::backend::flow::{EdgeValue, NodeCall, NodeError, Object, Value};
use crate::backend::worker::protocol::{Failure, Request, WorkerReply};
use crate::backend::worker::task::Control;
use crate::json::Json;

/// Asks the worker that has `object` something about it.
pub(super) async fn ask(object: &Kept, about: impl FnOnce(String) -> Request) -> WorkerReply {
    let request = about(object.id().to_owned());
    object.task().ask_about(request, object.pid()).await
}

/// The object that comes on `edge`, if it is one.
pub(super) fn object(edge: &EdgeValue<Kept>) -> Option<&Kept> {
    match &edge.value {
        Value::Object(object) => Some(object),
        Value::Json(_) => None,
    }
}

/// By their names, objects as they are called where they were brought.
pub(super) type Brought = HashMap<String, Kept>;

/// Where a worker has put an object.
#[derive(Deserialize)]
struct Exported {
    fd: u32,
    layout: Box<RawValue>,
}

/// Brings the objects that are in other workers to the one that was taken.
pub(super) async fn bring(call: &NodeCall<Kept>, taken: &Taken) -> Result<Brought, NodeError> {
    let mut brought = Brought::new();
    let objects = call.edges.iter().filter_map(object);
    let Some(home) = objects.clone().next().map(Kept::pid) else {
        return Ok(brought);
    };
    for object in objects.filter(|object| object.pid() != home) {
        if brought.contains_key(object.id()) {
            continue;
        }
        if object.task().has_ended() {
            return Err(gone(object));
        }
        let reply = ask(object, |r#ref| Request::Export { r#ref })
            .await
            .into_json();
        let Ok(exported) = reply.read::<Exported>() else {
            return Err(if is_gone(&reply) {
                gone(object)
            } else {
                error_of(&reply)
            });
        };
        let path = format!("/proc/{}/fd/{}", object.pid(), exported.fd);
        // A name of its own: another node may be given the same object there, and let go of it earlier.
        let name = format!("{} for {}", object.id(), call.keep);
        let request = Request::Import {
            r#ref: name.clone(),
            path,
            layout: exported.layout,
        };
        let imported = taken.task.ask_about(request, home).await.into_json();
        let close = Control::Close {
            pid: object.pid(),
            descriptor: exported.fd,
        };
        let _ = object.task().ask.send(close).await;
        if !imported.read::<Failure>().is_ok_and(|reply| reply.ok) {
            let at_home = call.edges.iter().find_map(self::object);
            return Err(match at_home.filter(|_| is_gone(&imported)) {
                Some(object) => gone(object),
                None => error_of(&imported),
            });
        }
        let there = Kept::new(name, home, taken.task.clone());
        brought.insert(object.id().to_owned(), there);
    }
    Ok(brought)
}

/// Whether a reply says that the worker that had an object has ended.
pub(super) fn is_gone(reply: &Json) -> bool {
    #[derive(Deserialize)]
    struct Coded {
        #[serde(default)]
        code: Option<NodeCode>,
    }
    reply
        .read::<Coded>()
        .is_ok_and(|reply| reply.code == Some(NodeCode::ObjectGone))
}

/// What is said of an object that went with its worker: which node has to run again.
pub(super) fn gone(object: &Kept) -> NodeError {
    // An object's name is its node's, `_`, and a number (compat, section 10).
    let id = object.id();
    let node = id.rsplit_once('_').map_or(id, |(node, _)| node);
    NodeError {
        message: format!(
            "The object that node {node} gave is gone: worker {}, which had it, has ended (the environment changed, or \
             it was restarted or stopped). Run node {node} again",
            object.pid()
        ),
        traceback: None,
    }
}

/// What a worker's reply says of what went wrong.
pub(super) fn error_of(reply: &Json) -> NodeError {
    let failure: Failure = reply.read().unwrap_or_default();
    NodeError {
        message: failure.error,
        traceback: Some(failure.traceback).filter(|text| !text.is_empty()),
    }
}
