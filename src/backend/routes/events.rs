//! Events as they happen, as server-sent events (HTML standard, section 9.2).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use super::named::{Shared, by_folder};
use crate::api::v1::Event;
use crate::backend::answer::{Query, Refusal};
use crate::backend::events::Mark;
use crate::backend::state::{Daemon, Door};
use crate::backend::supervise;
use crate::project::ProjectId;

/// A comment goes out when nothing else has for so long, so that nobody on the way takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events on their way to one reader; the others wait in the ring.
const QUEUE: usize = 4;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only of the project with this id.
    project: Option<String>,
    /// Only of the project in this folder.
    path: Option<String>,
}

/// `GET /api/v1/events?project=` or `?path=`: from now on, or after the event that the header `Last-Event-ID` names,
/// until the caller or the daemon goes. A gap is told whatever the project.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "more",
    summary = "What happens, as it happens.",
    description = "From now on, or after the event that the header `Last-Event-ID` names.",
    params(Wanted),
    responses(
        (
            status = 200,
            description = "Server-sent events, the data of each an `Event`",
            body = Event,
            content_type = "text/event-stream"
        ),
    )
)]
pub(super) async fn follow(
    State(daemon): Shared,
    axum::Extension(door): axum::Extension<Door>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, axum::Error>>>, Refusal> {
    let project = match (&wanted.path, &wanted.project) {
        (Some(folder), _) => Some(by_folder(&daemon, folder, door, false)?.id),
        (None, Some(named)) => Some(daemon.named(named, door, false)?.id),
        (None, None) => None,
    };
    let events = daemon.events();
    let mark = match headers.get("last-event-id") {
        Some(id) => id.to_str().ok().and_then(|id| events.after(id)),
        None => Some(events.now()),
    };
    let (sender, told) = mpsc::channel(QUEUE);
    // Firefox takes an answer for begun when something of its body is there, and would wait for the first event.
    let begun = sse::Event::default().comment("from here on");
    let _ = sender.try_send(Ok(begun));
    supervise::spawn("events", pass_on(daemon, mark, project, sender));
    let alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    Ok(Sse::new(ReceiverStream::new(told)).keep_alive(alive))
}

async fn pass_on(
    daemon: Arc<Daemon>,
    mut mark: Option<Mark>,
    project: Option<ProjectId>,
    to: mpsc::Sender<Result<sse::Event, axum::Error>>,
) {
    let events = daemon.events();
    loop {
        let told = tokio::select! {
            told = events.next_of(mark, project.as_ref()) => told,
            () = to.closed() => return,
            () = daemon.closed() => return,
        };
        mark = Some(told.mark);
        let event = &told.event;
        let text = sse::Event::default()
            .event(event.kind.name())
            .id(events.id(told.mark))
            .json_data(&**event);
        tokio::select! {
            sent = to.send(text) => if sent.is_err() { return },
            () = daemon.closed() => return,
        }
    }
}
