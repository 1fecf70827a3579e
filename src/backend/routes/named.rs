//! What calls take from the daemon and from their own path.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::http::request::Parts;
use serde::Deserialize;

use crate::backend::answer::{Query, Refusal};
use crate::backend::projects::Known;
use crate::backend::state::{Daemon, Door};

/// The daemon.
pub(super) type Shared = State<Arc<Daemon>>;

/// The project that a call is about: by its query `path=`, a folder, else by `{id}` in its path. A folder that is not
/// known yet is registered on the way, if the call comes by the socket; so a command works in any project.
pub(super) struct Named(pub(super) Known);

impl FromRequestParts<Arc<Daemon>> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, daemon: &Arc<Daemon>) -> Result<Self, Refusal> {
        named(parts, daemon, true).await.map(Self)
    }
}

/// As [`Named`], but registers nothing.
pub(super) struct NamedIfKnown(pub(super) Known);

impl FromRequestParts<Arc<Daemon>> for NamedIfKnown {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, daemon: &Arc<Daemon>) -> Result<Self, Refusal> {
        named(parts, daemon, false).await.map(Self)
    }
}

async fn named(
    parts: &mut Parts,
    daemon: &Arc<Daemon>,
    may_register: bool,
) -> Result<Known, Refusal> {
    let door = parts.extensions.get::<Door>().copied().unwrap_or(Door::Tcp);
    let Query(ByFolder { path }) = Query::from_request_parts(parts, daemon).await?;
    if let Some(folder) = path {
        return by_folder(daemon, &folder, door, may_register);
    }
    let unnamed = || Refusal::no_such_project("no project is named");
    let path = RawPathParams::from_request_parts(parts, daemon).await;
    let path = path.map_err(|rejection| Refusal::no_such_project(rejection.body_text()))?;
    let (_, id) = path
        .iter()
        .find(|(name, _)| *name == "id")
        .ok_or_else(unnamed)?;
    daemon.named(id, door, may_register)
}

/// The query of a call that may be about a folder.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ByFolder {
    /// The project by its folder instead, absolute; goes before the id, for which anything may stand then, `-` say.
    pub(super) path: Option<String>,
}

/// What stands in the path of a project's call, for its description; [`named`] reads it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "described only")]
pub(super) struct ById {
    /// The project's id. (A percent-encoded folder is understood as well, where the framework lets it through.)
    id: String,
}

/// The project in `folder`, which must be absolute.
pub(super) fn by_folder(
    daemon: &Daemon,
    folder: &str,
    door: Door,
    may_register: bool,
) -> Result<Known, Refusal> {
    if !folder.starts_with('/') {
        return Err(Refusal::bad_request("`path` must be absolute"));
    }
    daemon.named(folder, door, may_register)
}
