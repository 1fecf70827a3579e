//! The daemon's move to another program.

use axum::extract::State;
use axum::{Extension, Json};

use super::named::Shared;
use crate::api::v1::{ErrorBody, MoveRequest, Moving, When};
use crate::backend::answer::{Answer, Body, Refusal};
use crate::backend::state::Door;
use crate::backend::successor::Successor;
use crate::backend::supervise;

/// `POST /api/v1/restart`.
#[utoipa::path(
    post,
    path = "/api/v1/restart",
    tag = "more",
    summary = "Has the daemon move to another program, in the same process.",
    description = "Answered at once; the move comes when no node and no flow runs, or with `now` all the same. \
        Terminals and addresses go along, workers end and are started by the next node. Who calls meanwhile waits. \
        Whether it has come is told by `started_at` of `health`. By the socket only.",
    request_body = MoveRequest,
    responses(
        (status = 200, description = "It will move", body = Moving),
        (status = 400, description = "`bad-request`: it is no `aim-backend` that starts", body = ErrorBody),
        (status = 403, description = "`forbidden`: not by TCP", body = ErrorBody),
    )
)]
pub(super) async fn restart(
    State(daemon): Shared,
    Extension(door): Extension<Door>,
    Body(request): Body<MoveRequest>,
) -> Answer<Moving> {
    if door != Door::Socket {
        return Err(Refusal::forbidden("the daemon is moved by its socket only"));
    }
    let successor = Successor {
        program: request.program,
        is_at_once: request.when == When::Now,
    };
    if !successor.program.is_absolute() {
        return Err(Refusal::bad_request("`program` must be absolute"));
    }
    let asked = successor.clone();
    let checked = supervise::blocking("a successor", move || asked.check()).await;
    let checked = checked.map_err(|panicked| Refusal::internal("the daemon failed", panicked))?;
    checked.map_err(|error| {
        let program = successor.program.display();
        Refusal::bad_request(format!("{program} cannot take the daemon's place: {error}"))
    })?;
    // This call is one of them.
    let waits_for = daemon.calls().at_work().saturating_sub(1);
    let terminals = daemon.terminals().count();
    daemon.move_to(successor);
    Ok(Json(Moving {
        waits_for,
        terminals,
    }))
}
