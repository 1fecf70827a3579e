//! What Prometheus asks for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::named::Shared;
use crate::backend::answer::Refusal;
use crate::backend::metrics::{self, DaemonNow};
use crate::backend::{log, supervise};

/// `GET /metrics`. It keeps no daemon alive that nobody uses.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "more",
    summary = "What happened since the daemon began, and what there is now, for Prometheus.",
    description = "In the text format 0.0.4; `docs/rollout.md` has the names.",
    responses((status = 200, description = "Done", body = String, content_type = "text/plain"))
)]
pub(super) async fn show(State(daemon): Shared) -> Result<Response, Refusal> {
    let now = DaemonNow {
        terminals: daemon.terminals().count(),
        language_servers: daemon.language_servers().status().count,
        faults: supervise::faults().count,
        log_lines_lost: log::lost(),
    };
    let jobs = daemon.jobs().now();
    let asked = Arc::clone(&daemon);
    let text = supervise::blocking("metrics", move || asked.metrics().text(&jobs, now)).await;
    match text {
        Ok(Ok(text)) => Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()),
        Ok(Err(error)) => Err(Refusal::internal("cannot tell what was counted", error)),
        Err(error) => Err(Refusal::internal("cannot tell what was counted", error)),
    }
}
