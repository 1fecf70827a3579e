//! A project's worker: its state, start, stop, restart.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::named::{ByFolder, ById, Named, Shared};
use crate::api::v1::{
    ErrorBody, ErrorCode, InterruptRequest, Interrupted, LONGEST_WAIT_S, RestartRequest, Restarted,
    StopRequest, WorkerState, WorkerStatus,
};
use crate::backend::answer::{Answer, Body, Query, Refusal};
use crate::backend::jobs::refused_at_shutdown;
use crate::backend::projects::Known;
use crate::backend::state::Daemon;
use crate::backend::worker::WorkerError;
use crate::lsp::running_in;
use crate::store::Generation;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The generation that the caller waits for. Also a reason to look, as `env-changed` is.
    generation: Option<u64>,
    /// How long to wait for a worker that is ready at `generation`, in seconds, at most 300. Without it the
    /// answer comes at once.
    wait_s: Option<f64>,
}

/// `GET …/worker`; with `generation` and `wait_s`, a long poll.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/worker",
    tag = "starred",
    summary = "The state of the worker, and the long poll for it.",
    description = "",
    params(ById, ByFolder, Wanted),
    responses(
        (status = 200, description = "Done", body = WorkerStatus),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn show(
    State(daemon): Shared,
    Named(known): Named,
    Query(wanted): Query<Wanted>,
) -> Answer<WorkerStatus> {
    let wait = longest(wanted.wait_s)?.unwrap_or(Duration::ZERO);
    let status = match wanted.generation {
        Some(generation) => ready_at(&daemon, &known, generation, wait).await,
        None => daemon.worker(&known).await,
    };
    Ok(Json(with_language_servers(status, &known)))
}

/// The same with the language servers of the project, which tell of themselves in its environment.
pub(super) fn with_language_servers(status: WorkerStatus, known: &Known) -> WorkerStatus {
    let project = known.project();
    WorkerStatus {
        language_servers: project
            .map(|project| running_in(&project))
            .unwrap_or_default(),
        ..status
    }
}

/// `POST …/worker/start`.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/worker/start",
    tag = "more",
    summary = "Starts the worker, if it does not run, and waits until it is ready.",
    description = "",
    params(ById, ByFolder),
    responses(
        (status = 200, description = "Done", body = WorkerStatus),
        (status = 404, description = "`no-such-project`, `no-environment`", body = ErrorBody),
        (status = 409, description = "`worker-stopped`", body = ErrorBody),
        (status = 502, description = "`environment-refresh-failed`", body = ErrorBody),
        (status = 503, description = "`shutting-down`", body = ErrorBody),
    )
)]
pub(super) async fn start(State(daemon): Shared, Named(known): Named) -> Answer<WorkerStatus> {
    let status = daemon.job(&known).await?.start_worker().await;
    status.map(Json).map_err(failed)
}

/// `POST …/worker/stop`.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/worker/stop",
    tag = "more",
    summary = "Stops the worker; the next node starts it again.",
    description = "",
    params(ById, ByFolder),
    request_body = StopRequest,
    responses(
        (status = 200, description = "Done", body = WorkerStatus),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn stop(
    State(daemon): Shared,
    Named(known): Named,
    Body(request): Body<StopRequest>,
) -> Json<WorkerStatus> {
    if let Some(job) = daemon.jobs().of(&known.id) {
        job.stop(request.when).await;
    }
    Json(daemon.worker(&known).await)
}

/// `POST …/worker/interrupt`. Starts nothing: a project that is not in use has nothing to interrupt.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/worker/interrupt",
    tag = "more",
    summary = "Ends nodes.",
    description = "",
    params(ById, ByFolder),
    request_body = InterruptRequest,
    responses(
        (status = 200, description = "Done", body = Interrupted),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn interrupt(
    State(daemon): Shared,
    Named(known): Named,
    Body(request): Body<InterruptRequest>,
) -> Json<Interrupted> {
    let interrupted = match daemon.jobs().of(&known.id) {
        Some(job) => job.interrupt(request.file.as_deref()).await,
        None => 0,
    };
    Json(Interrupted { interrupted })
}

/// `POST …/worker/restart`.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/worker/restart",
    tag = "starred",
    summary = "Puts a fresh worker in the place of the present one.",
    description = "",
    params(ById, ByFolder),
    request_body = RestartRequest,
    responses(
        (status = 200, description = "Done", body = Restarted),
        (status = 404, description = "`no-such-project`, `no-environment`", body = ErrorBody),
        (status = 409, description = "`worker-stopped`", body = ErrorBody),
        (status = 502, description = "`environment-refresh-failed`", body = ErrorBody),
        (status = 503, description = "`shutting-down`", body = ErrorBody),
    )
)]
pub(super) async fn restart(
    State(daemon): Shared,
    Named(known): Named,
    Body(request): Body<RestartRequest>,
) -> Answer<Restarted> {
    longest(request.wait_s)?;
    let restarted = daemon.job(&known).await?.restart(request).await;
    restarted.map(Json).map_err(failed)
}

/// The worker's state once it is ready at `generation`, has failed, or is not running, after `wait` at the latest.
pub(super) async fn ready_at(
    daemon: &Daemon,
    known: &Known,
    generation: u64,
    wait: Duration,
) -> WorkerStatus {
    let Some(job) = daemon.jobs().of(&known.id) else {
        return daemon.worker(known).await;
    };
    job.env_changed(Generation(generation)).await;
    // Asked for after the nudge, so that it shows what the nudge has begun.
    let now = job.status().await;
    let is_settled = |status: &WorkerStatus| {
        matches!(status.state, WorkerState::Failed | WorkerState::Stopped)
            || status.is_ready_at(generation)
    };
    if wait.is_zero() || is_settled(&now) {
        return now;
    }
    let mut states = job.watch();
    tokio::select! {
        _ = states.wait_for(is_settled) => {}
        () = tokio::time::sleep(wait) => {}
        () = daemon.closed() => {}
    }
    job.status().await
}

/// A wait that a caller asked for.
pub(super) fn longest(wait_s: Option<f64>) -> Result<Option<Duration>, Refusal> {
    wait_s
        .map(|wait| Duration::try_from_secs_f64(wait.min(LONGEST_WAIT_S)))
        .transpose()
        .map_err(|error| Refusal::bad_request(format!("bad `wait_s`: {error}")))
}

fn failed(error: WorkerError) -> Refusal {
    match error {
        WorkerError::RefreshFailed(_) => Refusal::new(
            StatusCode::BAD_GATEWAY,
            ErrorCode::EnvironmentRefreshFailed,
            error,
        ),
        WorkerError::Stopped => Refusal::new(StatusCode::CONFLICT, ErrorCode::WorkerStopped, error),
        WorkerError::ShuttingDown => refused_at_shutdown(),
        WorkerError::DaemonFailed => Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Internal,
            error,
        ),
    }
}
