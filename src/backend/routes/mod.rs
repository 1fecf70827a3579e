//! The calls, one file per resource.

mod env;
mod events;
mod flow;
mod health;
mod lsp;
mod metrics;
mod named;
mod node_files;
mod node_text;
mod nodes;
mod openapi;
mod projects;
mod resolve;
mod restart;
mod runs;
mod terminals;
mod worker;
mod worker_log;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{delete, get, post};

pub use self::openapi::described;
use super::answer::Refusal;
use super::metrics as counted;
use super::page;
use super::state::{Daemon, Door};
use crate::api::v1::ErrorCode;

/// Bytes of a body, but for a node's.
const BODY_LIMIT: usize = 1 << 20;

/// Bytes of a node's file, as JSON may write them.
const TEXT_LIMIT: usize = 32 << 20;

/// Bytes of a node's input.
const NODE_LIMIT: usize = 512 << 20;

/// Every call, as seen through `door`.
pub(super) fn router(daemon: Arc<Daemon>, door: Door) -> Router {
    let project = Router::new()
        .route("/", get(projects::show).delete(projects::forget))
        .route("/env-changed", post(env::changed))
        .route("/worker", get(worker::show))
        .route("/worker/restart", post(worker::restart))
        .route("/worker/start", post(worker::start))
        .route("/worker/stop", post(worker::stop))
        .route("/worker/interrupt", post(worker::interrupt))
        .route("/worker/log", get(worker_log::show))
        .route("/nodes", get(node_files::list))
        .route(
            "/nodes/text",
            get(node_text::show)
                .put(node_text::save)
                .layer(DefaultBodyLimit::max(TEXT_LIMIT)),
        )
        .route("/runs", get(runs::list))
        .route("/runs/{run}/log", get(runs::log))
        .route(
            "/nodes/run",
            post(nodes::run).layer(DefaultBodyLimit::max(NODE_LIMIT)),
        );
    Router::new()
        .route("/", get(page::show))
        .route("/assets/{*name}", get(page::asset))
        .route("/api/health", get(health::health))
        .route("/api/version", get(health::version))
        .route("/api/openapi.json", get(openapi::show))
        .route(counted::PATH, get(metrics::show))
        .route("/api/v1/restart", post(restart::restart))
        .route("/api/v1/events", get(events::follow))
        .route("/api/v1/terminals", get(terminals::list))
        .route("/api/v1/terminals/{session}", delete(terminals::end))
        .route("/api/ws/terminal/{id}", get(terminals::come))
        .route("/api/lsp/health", get(lsp::health))
        .route("/api/lsp/status", get(lsp::status))
        .route("/api/lsp/logs", get(lsp::logs))
        .route("/api/lsp/stdio", get(lsp::stdio))
        .route("/api/lsp/restart/{type}", post(lsp::restart))
        .route("/api/lsp/stop/{type}", post(lsp::stop))
        .route("/api/lsp/{type}", get(lsp::come))
        .route("/api/v1/resolve", get(resolve::resolve))
        .route(
            "/api/v1/projects",
            get(projects::list).post(projects::register),
        )
        .nest("/api/v1/projects/{id}", project)
        .nest("/api/project", flows())
        .fallback(no_such_call)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(note))
        .layer(Extension(door))
        .with_state(daemon)
}

/// The calls that AIM-Forge's pages make.
fn flows() -> Router<Arc<Daemon>> {
    let limit = || DefaultBodyLimit::max(NODE_LIMIT);
    Router::new()
        .route("/execute-flow", post(flow::execute).layer(limit()))
        .route("/execute-flow-stream", post(flow::stream).layer(limit()))
        .route("/{id}/node/{node}/full-result", get(flow::full_result))
}

async fn no_such_call(request: Request) -> Refusal {
    let detail = format!(
        "no such call: {} {}",
        request.method(),
        request.uri().path()
    );
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoSuchCall, detail)
}

async fn wrong_method(request: Request) -> Refusal {
    let detail = format!("{} is not for {}", request.method(), request.uri().path());
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::MethodNotAllowed,
        detail,
    )
}

/// A line in the log for each call. Without the query: a token may stand there.
async fn note(request: Request, next: Next) -> Response {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return next.run(request).await;
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let begun = Instant::now();
    let response = next.run(request).await;
    let (status, us) = (response.status().as_u16(), begun.elapsed().as_micros());
    tracing::debug!(%method, path, status, us = u64::try_from(us).unwrap_or(u64::MAX), "call");
    response
}
