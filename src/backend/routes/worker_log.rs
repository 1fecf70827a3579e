//! A worker's log, as it is and as it grows.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::named::{ByFolder, ById, Named, Shared};
use crate::backend::answer::{Query, Refusal};
use crate::backend::state::Daemon;
use crate::backend::supervise;
use crate::files::Growing;

/// How often a followed log is looked at.
const PERIOD: Duration = Duration::from_millis(100);

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// At most so many lines from its end; 200 where it is not said.
    #[serde(default = "usual_lines")]
    lines: usize,
    /// Go on as it grows.
    #[serde(default)]
    follow: bool,
}

fn usual_lines() -> usize {
    200
}

/// `GET …/worker/log?lines=N&follow=true`: plain text, the last lines and, if followed, what comes after them until the
/// caller or the daemon goes.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/worker/log",
    tag = "more",
    summary = "What the worker said.",
    description = "",
    params(ById, ByFolder, Wanted),
    responses(
        (status = 200, description = "Plain text", body = String, content_type = "text/plain"),
    )
)]
pub(super) async fn show(
    State(daemon): Shared,
    Named(known): Named,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let mut log = Growing::at(daemon.worker_log(&known.id));
    let last = log
        .last_lines(wanted.lines)
        .map_err(|error| Refusal::internal("cannot read the worker's log", error))?;
    let body = if wanted.follow {
        let (sender, pieces) = mpsc::channel(4);
        supervise::spawn("a worker's log", follow(daemon, log, last, sender));
        Body::from_stream(ReceiverStream::new(pieces))
    } else {
        Body::from(last)
    };
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
}

async fn follow(
    daemon: Arc<Daemon>,
    mut log: Growing,
    last: Vec<u8>,
    sender: mpsc::Sender<io::Result<Bytes>>,
) {
    let mut piece = Ok(last);
    loop {
        let is_end = piece.is_err();
        let is_empty = piece.as_ref().is_ok_and(Vec::is_empty);
        if !is_empty && (sender.send(piece.map(Bytes::from)).await.is_err() || is_end) {
            return;
        }
        if is_empty {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = sender.closed() => return,
                () = daemon.closed() => return,
            }
        }
        piece = log.more();
    }
}
