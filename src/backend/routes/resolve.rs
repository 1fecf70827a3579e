//! From a folder to its project.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::named::Shared;
use crate::api::v1::ProjectInfo;
use crate::backend::answer::{Answer, Query, Refusal};
use crate::backend::state::{resolved, unread};

#[derive(Deserialize)]
pub(super) struct Folder {
    path: PathBuf,
}

/// `GET /api/v1/resolve?path=`: the nearest known project that the folder lies in. Registers nothing.
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
