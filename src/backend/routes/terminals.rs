//! Terminals: one on a page, by a WebSocket; which there are; the end of one.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::named::{ByFolder, ById, Named, Shared};
use crate::api::v1::{ErrorBody, ErrorCode, TerminalList};
use crate::backend::answer::{Query, Refusal};
use crate::backend::supervise;
use crate::backend::terminal::{Farewell, SUBPROTOCOL, Wish};
use crate::backend::web_socket::upgrade;

/// The query of a page that comes.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wished {
    /// The session to be taken up again; without it a new one begins.
    session: Option<String>,
    /// How far the page has seen the session's stream.
    offset: Option<u64>,
    /// What `ready` called the page's last visit, so that it is known whether another page has been there since.
    visit: Option<u64>,
    /// Columns of the page's terminal.
    cols: Option<u64>,
    /// Rows of the page's terminal.
    rows: Option<u64>,
    /// `1`: the project's events are told, too.
    events: Option<u8>,
}

/// `GET /api/ws/terminal/{id}`, which becomes a WebSocket. What is wrong with the wish is said after that, by the code
/// and reason of the close frame, so that a browser sees it.
#[utoipa::path(
    get,
    path = "/api/ws/terminal/{id}",
    tag = "more",
    summary = "A terminal in a project, as a WebSocket.",
    description = "What the two sides say is under \"Terminals\".",
    params(ById, ByFolder, Wished),
    responses(
        (status = 101, description = "A WebSocket from here on"),
        (status = 426, description = "`bad-request`: a WebSocket is wanted", body = ErrorBody),
    )
)]
pub(super) async fn come(
    State(daemon): Shared,
    named: Result<Named, Refusal>,
    Query(wished): Query<Wished>,
    request: Request,
) -> Result<Response, Refusal> {
    let (response, upgrade) = upgrade(request, SUBPROTOCOL)?;
    let project = named
        .map_err(|refusal| Farewell::NoProject(refusal.detail().to_owned()))
        .and_then(|Named(known)| {
            let none = || {
                let folder = known.folder.display();
                Farewell::NoProject(format!("no Python environment in {folder}"))
            };
            let project = known.project().ok_or_else(none)?;
            Ok((known.id, project))
        });
    let wish = Wish {
        session: wished.session,
        seen: wished.offset,
        visit: wished.visit,
        size: wished.cols.zip(wished.rows),
        wants_events: wished.events == Some(1),
    };
    supervise::spawn("a terminal's page", async move {
        let came = async {
            daemon
                .terminals()
                .come(upgrade.free().await?, project, wish)
        };
        if let Err(error) = came.await {
            tracing::warn!(%error, "a page could not be shown a terminal");
        }
    });
    Ok(response)
}

/// `GET /api/v1/terminals`.
#[utoipa::path(
    get,
    path = "/api/v1/terminals",
    tag = "more",
    summary = "Every terminal session.",
    description = "",
    responses((status = 200, description = "Done", body = TerminalList))
)]
pub(super) async fn list(State(daemon): Shared) -> Json<TerminalList> {
    let terminals = daemon.terminals().all().await;
    Json(TerminalList { terminals })
}

/// `DELETE /api/v1/terminals/{session}`.
#[utoipa::path(
    delete,
    path = "/api/v1/terminals/{session}",
    tag = "more",
    summary = "Ends a terminal session and what runs in it.",
    description = "",
    params(("session" = String, Path, description = "The session's id.")),
    responses(
        (status = 204, description = "It is ending"),
        (status = 404, description = "`no-such-session`", body = ErrorBody),
    )
)]
pub(super) async fn end(
    State(daemon): Shared,
    Path(session): Path<String>,
) -> Result<StatusCode, Refusal> {
    if daemon.terminals().end(&session) {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = "no such terminal session";
    Err(Refusal::new(
        StatusCode::NOT_FOUND,
        ErrorCode::NoSuchSession,
        detail,
    ))
}
