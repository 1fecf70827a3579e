//! From a folder to its project.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::named::Shared;
use crate::api::v1::{ErrorBody, ProjectInfo};
use crate::backend::answer::{Answer, Query, Refusal};
use crate::backend::state::{resolved, unread};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Folder {
    /// An absolute folder.
    #[param(value_type = String)]
    path: PathBuf,
}

/// `GET /api/v1/resolve?path=`: the nearest known project that the folder lies in. Registers nothing.
#[utoipa::path(
    get,
    path = "/api/v1/resolve",
    tag = "starred",
    summary = "The project that a folder lies in.",
    description = "Registers nothing.",
    params(Folder),
    responses(
        (status = 200, description = "Done", body = ProjectInfo),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn resolve(
    State(daemon): Shared,
    Query(Folder { path }): Query<Folder>,
) -> Answer<ProjectInfo> {
    if !path.is_absolute() {
        return Err(Refusal::bad_request("`path` must be absolute"));
    }
    let known = match resolved(&path) {
        Some(folder) => daemon.projects().containing(&folder).map_err(unread)?,
        None => None,
    };
    let known = known.ok_or_else(|| {
        Refusal::no_such_project(format!("no known project at {}", path.display()))
    })?;
    Ok(Json(daemon.about(&known).await))
}
