//! Whether the daemon is there, and which version it speaks.

use axum::extract::State;
use axum::{Extension, Json};

use super::named::Shared;
use crate::api::v1::{API_VERSION, Health, PROGRAM, Version};
use crate::backend::state::Door;
use crate::backend::{log, supervise};

/// `GET /api/health`.
#[utoipa::path(
    get,
    path = "/api/health",
    tag = "starred",
    summary = "Whether a backend is there, and which.",
    description = "",
    responses(
        (status = 200, description = "Done", body = Health),
    )
)]
pub(super) async fn health(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
) -> Json<Health> {
    Json(Health {
        status: "healthy".to_owned(),
        service: "backend".to_owned(),
        program: Some(PROGRAM.to_owned()),
        pid: Some(std::process::id()),
        started_at: Some(daemon.started_at()),
        page: daemon
            .page()
            .filter(|_| door == Door::Socket)
            .map(str::to_owned),
        projects_root: daemon.projects().root().map(ToOwned::to_owned),
        log_lines_lost: log::lost(),
        faults: supervise::faults(),
    })
}

/// `GET /api/version`.
#[utoipa::path(
    get,
    path = "/api/version",
    tag = "starred",
    summary = "The version of the calls.",
    description = "The first number changes when an old client would go wrong.",
    responses(
        (status = 200, description = "Done", body = Version),
    )
)]
pub(super) async fn version() -> Json<Version> {
    Json(Version {
        api_version: API_VERSION.to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        python_version: None,
    })
}
