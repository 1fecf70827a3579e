//! Running flows, as AIM-Forge's pages ask for it (compat, sections 10 and 11).
//!
//! A caller that goes away takes its flow with it: the plain call's run lives in the call, the stream's ends when
//! nobody reads its events (D22).

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::named::{ByFolder, ById, Shared, by_folder};
use crate::api::v1::{ErrorBody, ErrorCode, FlowRun};
use crate::backend::answer::{Query, Refusal, unread};
use crate::backend::flow::{
    FlowError, FlowExecution, FlowRequest, Graph, OnError, Runner, Structure, refused, tell,
};
use crate::backend::jobs::refused_at_shutdown;
use crate::backend::state::{Daemon, Door};
use crate::backend::supervise;
use crate::backend::watch::Watched;
use crate::backend::worker::Job;
use crate::json::Pieces;

type Received = Result<Bytes, BytesRejection>;

/// `POST /api/project/execute-flow`: the whole answer when all nodes are done.
#[utoipa::path(
    post,
    path = "/api/project/execute-flow",
    tag = "more",
    summary = "Runs a flow, and answers when it is done (AIM-Forge).",
    description = "",
    request_body = FlowRun,
    responses(
        (status = 200, description = "How each node fared", body = serde_json::Value),
        (status = 404, description = "`no-such-project`, `no-environment`", body = ErrorBody),
        (status = 422, description = "`bad-request`: fields of the body, as AIM-Forge tells them", body = ErrorBody),
    )
)]
pub(super) async fn execute(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    body: Received,
) -> Result<Response, Refused> {
    let flow = Asked::read(&daemon, door, body).await?;
    let on_error = if flow.request.halt_on_error {
        OnError::SkipDownstream
    } else {
        OnError::GoOn
    };
    let run = flow.begin(on_error).map_err(|error| refusal(&error))?;
    let answer = tokio::select! {
        answer = run.answer() => answer,
        () = daemon.closed() => return Err(refused_at_shutdown().into()),
    };
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_LENGTH, answer.len().to_string()),
    ];
    Ok((headers, body_of(answer)).into_response())
}

/// `POST /api/project/execute-flow-stream`: events as it goes. A flow that cannot begin is an event too,
/// also where there is no such project, or none with an environment.
#[utoipa::path(
    post,
    path = "/api/project/execute-flow-stream",
    tag = "more",
    summary = "Runs a flow, and tells of it as it goes (AIM-Forge).",
    description = "",
    request_body = FlowRun,
    responses(
        (
            status = 200,
            description = "Server-sent events, the last `complete` or `error`",
            body = serde_json::Value,
            content_type = "text/event-stream"
        ),
        (status = 422, description = "`bad-request`: fields of the body, as AIM-Forge tells them", body = ErrorBody),
    )
)]
pub(super) async fn stream(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    body: Received,
) -> Result<Response, Refused> {
    let begun = match Asked::read(&daemon, door, body).await {
        Ok(flow) => {
            let on_error = if flow.request.halt_on_error {
                OnError::Stop
            } else {
                OnError::GoOn
            };
            flow.begin(on_error).map_err(|error| refused(&error))
        }
        Err(Refused::For(refusal)) if refusal.status() == StatusCode::NOT_FOUND => {
            Err(refused(&refusal.detail()))
        }
        Err(refused) => return Err(refused),
    };
    let body = match begun {
        Err(event) => body_of(event),
        Ok(run) => {
            let (events, read) = mpsc::unbounded_channel();
            supervise::spawn("a flow's events", async move {
                tokio::select! {
                    () = tell(run, events) => {}
                    () = daemon.closed() => {}
                }
            });
            Body::from_stream(UnboundedReceiverStream::new(read).map(Ok::<_, Infallible>))
        }
    };
    let headers = [
        (CONTENT_TYPE.as_str(), "text/event-stream"),
        (CACHE_CONTROL.as_str(), "no-cache"),
        ("x-accel-buffering", "no"),
    ];
    Ok((headers, body).into_response())
}

/// `GET /api/project/{id}/node/{node}/full-result`: the newest object that a node gave, as far as it is kept.
#[utoipa::path(
    get,
    path = "/api/project/{id}/node/{node}/full-result",
    tag = "more",
    summary = "The newest object that a node gave, as far as it is kept (AIM-Forge).",
    description = "",
    params(ById, ("node" = String, Path, description = "The node's id"), ByFolder),
    responses(
        (status = 200, description = "The object", body = serde_json::Value),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn full_result(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    Path((id, node)): Path<(String, String)>,
    Query(wanted): Query<ByFolder>,
) -> Result<Response, Refusal> {
    let known = match &wanted.path {
        Some(folder) => by_folder(&daemon, folder, door, false)?,
        None => daemon.named(&id, door, false)?,
    };
    let data = match daemon.jobs().of(&known.id) {
        Some(job) => job.full_result(&node).await,
        None => None,
    };
    let Some(data) = data else {
        let error = "No full data available for this node";
        return Ok(
            Json(json!({"success": false, "error": error, "node_id": node})).into_response(),
        );
    };
    let answer = Pieces::of_full_result(&node, &data);
    Ok(([(CONTENT_TYPE, "application/json")], body_of(answer)).into_response())
}

/// A flow that was asked for, of a project that is there.
struct Asked {
    request: FlowRequest,
    structure: Result<Arc<Structure>, FlowError>,
    runner: Watched<Job>,
}

impl Asked {
    async fn read(daemon: &Arc<Daemon>, door: Door, body: Received) -> Result<Self, Refused> {
        let body = body.map_err(|rejection| unread(&rejection))?;
        let request = FlowRequest::parse(&body).map_err(Refused::Fields)?;
        let no_project = || refusal(&FlowError::NoProject(request.project_id.clone()));
        let known = daemon
            .named(&request.project_id, door, true)
            .map_err(|_| no_project())?;
        let file = known.layout().structure();
        let Some(structure) = daemon.structures().read(&file) else {
            return Err(no_project().into());
        };
        let runner = daemon.flow_runner(&known).await?;
        Ok(Self {
            request,
            structure,
            runner,
        })
    }

    fn begin(self, on_error: OnError) -> Result<FlowExecution<Watched<Job>>, FlowError> {
        let start = self.request.start_node_id.as_deref();
        let graph = Graph::new(self.structure?, start)?;
        let (request, runner) = (Arc::new(self.request), Arc::new(self.runner));
        Ok(FlowExecution::new(
            Arc::new(graph),
            request,
            runner,
            on_error,
        ))
    }
}

/// Why a flow did not begin.
pub(super) enum Refused {
    /// For one reason, told as every call tells it.
    For(Refusal),
    /// For fields of the body, told as AIM-Forge's clients know it.
    Fields(Vec<Value>),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::For(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::For(refusal) => refusal.into_response(),
            Self::Fields(errors) => {
                let body = json!({"detail": errors, "code": ErrorCode::BadRequest});
                (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
            }
        }
    }
}

fn refusal(error: &FlowError) -> Refusal {
    let (status, code) = match error.status() {
        404 => (StatusCode::NOT_FOUND, ErrorCode::NoSuchProject),
        400 => (StatusCode::BAD_REQUEST, ErrorCode::BadRequest),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal),
    };
    Refusal::new(status, code, error)
}

fn body_of(text: Pieces) -> Body {
    Body::from_stream(tokio_stream::iter(
        text.into_iter().map(Ok::<_, Infallible>),
    ))
}
