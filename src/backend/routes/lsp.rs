//! Language servers of pages (compat, section 13).

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use serde::Deserialize;

use super::named::Shared;
use crate::api::v1::{ErrorBody, LspCalls, LspDone, LspHealths, LspLines, LspStatus};
use crate::backend::answer::{Answer, Query, Refusal};
use crate::backend::language_servers::{Kind, Order};
use crate::backend::projects::Known;
use crate::backend::state::{Daemon, Door};
use crate::backend::supervise;
use crate::backend::web_socket::upgrade;

/// Nothing is negotiated: what is spoken is JSON-RPC.
const SUBPROTOCOL: &str = "jsonrpc";

/// The query of every call about a project.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Of {
    /// The project, by its id or its folder.
    project_id: Option<String>,
    /// `pyright` or `ruff`.
    lsp_type: Option<String>,
    /// How many lines at most.
    lines: Option<usize>,
}

/// The query of `GET /api/lsp/logs`.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Most {
    /// How many messages at most, 1 to 2000.
    n: Option<usize>,
}

impl Of {
    fn project(&self, daemon: &Daemon, door: Door) -> Result<Known, Refusal> {
        let none = || Refusal::no_such_project("no project is named: project_id=");
        let id = self.project_id.as_deref().ok_or_else(none)?;
        daemon.named(id, door, true)
    }

    fn kind(&self) -> Result<Option<Kind>, Refusal> {
        self.lsp_type.as_deref().map(kind).transpose()
    }
}

fn kind(name: &str) -> Result<Kind, Refusal> {
    Kind::named(name)
        .ok_or_else(|| Refusal::bad_request("a language server is `pyright` or `ruff`"))
}

/// `GET /api/lsp/{type}`, which becomes a WebSocket. Whatever is wrong is said after that.
#[utoipa::path(
    get,
    path = "/api/lsp/{type}",
    tag = "more",
    summary = "A language server in a project, as a WebSocket.",
    description = "`python` (or `pyright`) and `ruff`. A frame is one JSON-RPC message: from the page as text or \
        binary, with or without its header; to the page as text. Close codes: 1000 the server has ended, 1001 the \
        daemon ends, 1007 not UTF-8, 1009 too long, 4001 restarting (come again), 4002 no server, with the reason and \
        an error of the protocol before, 4404 no such project, 4408 idle.",
    params(("type" = String, Path, description = "`python` or `ruff`."), Of),
    responses(
        (status = 101, description = "A WebSocket from here on"),
        (status = 400, description = "`bad-request`", body = ErrorBody),
        (status = 426, description = "`bad-request`: a WebSocket is wanted", body = ErrorBody),
    )
)]
pub(super) async fn come(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    Path(name): Path<String>,
    Query(of): Query<Of>,
    request: Request,
) -> Result<Response, Refusal> {
    let kind = kind(&name)?;
    let (response, upgrade) = upgrade(request, SUBPROTOCOL)?;
    let project = of
        .project(&daemon, door)
        .map_err(|refusal| refusal.detail().to_owned())
        .and_then(|known| {
            let project = known.project();
            let folder = known.folder.display();
            let project = project.ok_or_else(|| format!("no Python environment in {folder}"))?;
            Ok((known.id, project))
        });
    supervise::spawn("a language server's page", async move {
        let came = async {
            daemon
                .language_servers()
                .come(upgrade.free().await?, kind, project)
        };
        if let Err(error) = came.await {
            tracing::warn!(%error, "a page could not be given a language server");
        }
    });
    Ok(response)
}

/// `GET /api/lsp/health`.
#[utoipa::path(
    get,
    path = "/api/lsp/health",
    tag = "more",
    summary = "How a project's language servers are.",
    description = "With `lsp_type` one of them, else both, by `pyright` and `ruff`.",
    params(Of),
    responses(
        (status = 200, description = "Done", body = LspHealths),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn health(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    Query(of): Query<Of>,
) -> Answer<serde_json::Value> {
    let known = of.project(&daemon, door)?;
    let health = |kind| daemon.language_servers().health(&known.id, kind);
    let value = match of.kind()? {
        Some(kind) => serde_json::json!(health(kind)),
        None => serde_json::json!(LspHealths {
            pyright: health(Kind::Python),
            ruff: health(Kind::Ruff),
        }),
    };
    Ok(Json(value))
}

/// `GET /api/lsp/status`.
#[utoipa::path(
    get,
    path = "/api/lsp/status",
    tag = "more",
    summary = "Every language server of a page.",
    description = "",
    responses((status = 200, description = "Done", body = LspStatus))
)]
pub(super) async fn status(State(daemon): Shared) -> Json<LspStatus> {
    Json(daemon.language_servers().status())
}

/// `POST /api/lsp/restart/{type}`.
#[utoipa::path(
    post,
    path = "/api/lsp/restart/{type}",
    tag = "more",
    summary = "Closes a project's language servers of one kind by 4001, upon which pages come again.",
    description = "",
    params(("type" = String, Path, description = "`pyright` or `ruff`."), Of),
    responses(
        (status = 200, description = "Done", body = LspDone),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn restart(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    Path(name): Path<String>,
    Query(of): Query<Of>,
) -> Answer<LspDone> {
    let which = (of.project(&daemon, door)?, kind(&name)?);
    Ok(Json(ordered(
        &daemon,
        which,
        Order::Restart,
        ("restarted", "restart"),
    )))
}

/// `POST /api/lsp/stop/{type}`.
#[utoipa::path(
    post,
    path = "/api/lsp/stop/{type}",
    tag = "more",
    summary = "Ends a project's language servers of one kind.",
    description = "",
    params(("type" = String, Path, description = "`pyright` or `ruff`."), Of),
    responses(
        (status = 200, description = "Done", body = LspDone),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn stop(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    Path(name): Path<String>,
    Query(of): Query<Of>,
) -> Answer<LspDone> {
    let which = (of.project(&daemon, door)?, kind(&name)?);
    Ok(Json(ordered(
        &daemon,
        which,
        Order::Stop,
        ("stopped", "stop"),
    )))
}

/// Gives an order, and tells what became of it in the words of AIM-Forge.
fn ordered(
    daemon: &Daemon,
    (known, kind): (Known, Kind),
    order: Order,
    (past, verb): (&str, &str),
) -> LspDone {
    let (servers, name) = (daemon.language_servers(), kind.name());
    let before = servers.health(&known.id, kind);
    let success = servers.order(&known.id, kind, order) > 0;
    LspDone {
        success,
        message: if success {
            format!("Successfully {past} {name} LSP")
        } else {
            format!("Failed to {verb} {name} LSP: no page has one")
        },
        before,
        after: servers.health(&known.id, kind),
    }
}

/// `GET /api/lsp/logs`.
#[utoipa::path(
    get,
    path = "/api/lsp/logs",
    tag = "more",
    summary = "The last messages between pages and language servers: whose, which, how long. Not what is in them.",
    description = "",
    params(Most),
    responses((status = 200, description = "Done", body = LspCalls))
)]
pub(super) async fn logs(State(daemon): Shared, Query(most): Query<Most>) -> Json<LspCalls> {
    let most = most.n.unwrap_or(200).clamp(1, 2_000);
    let events = daemon.language_servers().calls(most);
    Json(LspCalls {
        count: events.len(),
        events,
    })
}

/// `GET /api/lsp/stdio`.
#[utoipa::path(
    get,
    path = "/api/lsp/stdio",
    tag = "more",
    summary = "What a language server said beside its messages, the last lines.",
    description = "",
    params(Of),
    responses(
        (status = 200, description = "Done", body = LspLines),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn stdio(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    Query(of): Query<Of>,
) -> Answer<LspLines> {
    let known = of.project(&daemon, door)?;
    let kind = of.kind()?.unwrap_or(Kind::Python);
    let most = of.lines.unwrap_or(200).clamp(1, 2_000);
    let lines = daemon.language_servers().said(&known.id, kind, most);
    Ok(Json(LspLines {
        count: lines.len(),
        lines,
    }))
}
