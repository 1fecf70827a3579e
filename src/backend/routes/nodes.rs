//! Running one node.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Instant;

use axum::body::{Body as Stream, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::named::{ByFolder, ById, Named, Shared};
use crate::api::v1::{
    ErrorBody, NDJSON, NodeEvent, NodeOutput, NodeRun, OnDisconnect, Stream as OutputStream,
    WaitFor, Waiting,
};
use crate::backend::answer::{Body, Refusal};
use crate::backend::supervise;
use crate::backend::worker::{Job, Turn, WorkerReply, failed_within};
use crate::project::ProjectId;

/// Pieces of output that wait for a slow caller. The job has its own bound behind it.
const QUEUE: usize = 16;

/// Bytes of a reply that go in one part.
const TOGETHER: usize = 16 << 10;

/// `POST …/nodes/run`: lines of [`NodeEvent`], the reply last. A caller that goes away stops the node only where it has
/// asked for that.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/nodes/run",
    tag = "more",
    summary = "Runs one node.",
    description = "",
    params(ById, ByFolder),
    request_body = NodeRun,
    responses(
        (
            status = 200,
            description = "A `NodeEvent` a line, the reply last",
            body = NodeEvent,
            content_type = "application/x-ndjson"
        ),
        (status = 404, description = "`no-such-project`, `no-environment`", body = ErrorBody),
    )
)]
pub(super) async fn run(
    State(daemon): Shared,
    Named(known): Named,
    Body(node): Body<NodeRun>,
) -> Result<Response, Refusal> {
    if node
        .timeout_s
        .is_some_and(|limit| !limit.is_finite() || limit <= 0.0)
    {
        return Err(Refusal::bad_request(
            "bad `timeout_s`: not a positive number",
        ));
    }
    let (job, warning) = daemon.job_of_node(&known).await?;
    let (lines, mut read) = mpsc::channel(QUEUE);
    supervise::spawn("a node's call", async move {
        let goes_on = node.on_disconnect == OnDisconnect::GoOn;
        tokio::select! {
            told = supervise::caught("a node's call", tell(job, &known.id, node, warning, &lines)) => if told.is_err() {
                finish(&lines, failed_within("", None)).await;
            },
            // Dropping the run cancels it.
            () = lines.closed(), if !goes_on => {}
        }
    });
    // The head of the answer is sent with the first part: alone, it would wake the caller for nothing.
    let body = match read.recv().await {
        Some(Part::Last(bytes)) => Stream::from(bytes),
        first => {
            let first = tokio_stream::iter(first);
            let parts = first.chain(ReceiverStream::new(read)).map(Part::into_bytes);
            Stream::from_stream(parts.map(Ok::<_, Infallible>))
        }
    };
    Ok(([(CONTENT_TYPE, NDJSON)], body).into_response())
}

/// Bytes of the answer.
enum Part {
    More(Bytes),
    /// Nothing comes after these.
    Last(Bytes),
}

impl Part {
    fn into_bytes(self) -> Bytes {
        match self {
            Self::More(bytes) | Self::Last(bytes) => bytes,
        }
    }
}

/// Runs `node` to its end, whether or not somebody still reads `lines`. The `warning` comes first.
async fn tell(
    job: Job,
    id: &ProjectId,
    node: NodeRun,
    warning: Option<String>,
    lines: &mpsc::Sender<Part>,
) {
    if let Some(text) = warning {
        let stream = OutputStream::Stderr;
        say(lines, &NodeEvent::Output(NodeOutput { stream, text })).await;
    }
    let (sender, mut output) = mpsc::channel::<NodeOutput>(QUEUE);
    let (turn, file, tells_waiting) = (Turn::default(), node.file.clone(), node.tells_waiting);
    let mut waits = job.waits(&turn);
    let mut run = pin!(job.run_in_turn(node, sender, turn));
    let (began, mut is_waiting) = (Instant::now(), false);
    let reply = loop {
        tokio::select! {
            biased;
            Some(text) = output.recv() => say(lines, &NodeEvent::Output(text)).await,
            reply = &mut run => break reply,
            waiting = waits.next() => {
                let was_waiting = is_waiting;
                is_waiting = waiting.r#for != WaitFor::Nothing;
                if was_waiting || is_waiting {
                    let waited = (!is_waiting).then(|| began.elapsed());
                    job.events().node_waiting(id, &file, &waiting, waited);
                }
                if tells_waiting {
                    say(lines, &NodeEvent::Waiting(waiting)).await;
                }
            }
        }
    };
    if is_waiting {
        let (over, waited) = (Waiting::default(), began.elapsed());
        job.events().node_waiting(id, &file, &over, Some(waited));
    }
    while let Some(text) = output.recv().await {
        say(lines, &NodeEvent::Output(text)).await;
    }
    finish(lines, reply).await;
}

/// The last line: a [`NodeEvent::Reply`], whose reply may be of any size.
async fn finish(lines: &mpsc::Sender<Part>, reply: WorkerReply) {
    let mut line = br#"{"type":"reply","reply":"#.to_vec();
    for piece in reply.pieces() {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return tracing::error!(%error, "a node's output cannot be read"),
        };
        // Small parts are sent together: each part that is sent alone wakes the connection and its reader.
        if line.len() + piece.len() <= TOGETHER {
            line.extend_from_slice(&piece);
            continue;
        }
        let before = std::mem::take(&mut line);
        for bytes in [before.into(), piece] {
            if lines.send(Part::More(bytes)).await.is_err() {
                return; // Nobody reads any more: nobody misses the rest.
            }
        }
    }
    line.extend_from_slice(b"}\n");
    let _ = lines.send(Part::Last(line.into())).await;
}

async fn say(lines: &mpsc::Sender<Part>, event: &NodeEvent) {
    match serde_json::to_vec(event) {
        Ok(mut line) => {
            line.push(b'\n');
            // Nobody reads any more: the node goes on.
            let _ = lines.send(Part::More(line.into())).await;
        }
        Err(error) => tracing::error!(%error, "an event of a node cannot be written"),
    }
}
