//! The registry of projects.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::named::{ByFolder, ById, NamedIfKnown, Shared};
use crate::api::v1::{ErrorBody, ErrorCode, ProjectInfo, ProjectList, RegisterProject};
use crate::backend::answer::{Answer, Body, Refusal};
use crate::backend::state::{resolved, unread};
use crate::project::Project;

/// `GET /api/v1/projects`.
#[utoipa::path(
    get,
    path = "/api/v1/projects",
    tag = "more",
    summary = "Every project that is known.",
    description = "",
    responses(
        (status = 200, description = "Done", body = ProjectList),
    )
)]
pub(super) async fn list(State(daemon): Shared) -> Answer<ProjectList> {
    let mut projects = Vec::new();
    for known in daemon.projects().all().map_err(unread)? {
        projects.push(daemon.about(&known).await);
    }
    Ok(Json(ProjectList { projects }))
}

/// `POST /api/v1/projects`.
#[utoipa::path(
    post,
    path = "/api/v1/projects",
    tag = "more",
    summary = "Registers a project; one that is known keeps its id.",
    description = "",
    request_body = RegisterProject,
    responses(
        (status = 200, description = "Done", body = ProjectInfo),
        (status = 404, description = "`no-environment`", body = ErrorBody),
    )
)]
pub(super) async fn register(
    State(daemon): Shared,
    Body(RegisterProject { path }): Body<RegisterProject>,
) -> Answer<ProjectInfo> {
    if !path.is_absolute() {
        return Err(Refusal::bad_request("`path` must be absolute"));
    }
    let project = resolved(&path).and_then(|folder| Project::containing(&folder));
    let project = project.ok_or_else(|| {
        let detail = format!("no Python environment in {}", path.display());
        Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoEnvironment, detail)
    })?;
    let known = daemon.register(&project)?;
    Ok(Json(daemon.about(&known).await))
}

/// `GET /api/v1/projects/{id}`.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}",
    tag = "more",
    summary = "One project.",
    description = "",
    params(ById, ByFolder),
    responses(
        (status = 200, description = "Done", body = ProjectInfo),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn show(
    State(daemon): Shared,
    NamedIfKnown(known): NamedIfKnown,
) -> Json<ProjectInfo> {
    Json(daemon.about(&known).await)
}

/// `DELETE /api/v1/projects/{id}`: forgets a registration and ends its worker; the project itself stays as it is.
#[utoipa::path(
    delete,
    path = "/api/v1/projects/{id}",
    tag = "more",
    summary = "Forgets a registration and ends its worker; the project itself stays.",
    description = "",
    params(ById, ByFolder),
    responses(
        (status = 204, description = "Forgotten"),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
        (status = 409, description = "`not-registered`", body = ErrorBody),
    )
)]
pub(super) async fn forget(
    State(daemon): Shared,
    NamedIfKnown(known): NamedIfKnown,
) -> Result<StatusCode, Refusal> {
    if !known.registered {
        let detail = format!(
            "{} is a folder of the projects root, not a registration",
            known.id
        );
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            ErrorCode::NotRegistered,
            detail,
        ));
    }
    daemon.forget(&known).await?;
    Ok(StatusCode::NO_CONTENT)
}
