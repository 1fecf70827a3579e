//! The nudge: an environment has changed.

use std::time::Duration;

use axum::Json;
use axum::extract::State;

use super::named::{ByFolder, ById, NamedIfKnown, Shared};
use super::worker::{longest, ready_at, with_language_servers};
use crate::api::v1::{EnvChanged, ErrorBody, WorkerStatus};
use crate::backend::answer::{Answer, Body};
use crate::backend::events::RunName;
use crate::store::EnvMeta;

/// `POST …/env-changed`. Answers at once, or with `wait_s` when the worker is ready. A project whose worker was never
/// used has nothing to bring up to date, and one that is not known is left alone.
#[utoipa::path(
    post,
    path = "/api/v1/projects/{id}/env-changed",
    tag = "starred",
    summary = "The environment of a project has changed: the nudge.",
    description = "At once or, with `wait_s`, when the worker is ready, failed or does not run. Starts nothing.",
    params(ById, ByFolder),
    request_body = EnvChanged,
    responses(
        (status = 200, description = "Done", body = WorkerStatus),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn changed(
    State(daemon): Shared,
    NamedIfKnown(known): NamedIfKnown,
    Body(change): Body<EnvChanged>,
) -> Answer<WorkerStatus> {
    let wait = longest(change.wait_s)?.unwrap_or(Duration::ZERO);
    tracing::info!(
        project = %known.id,
        generation = change.generation,
        run = change.run_id.as_deref().unwrap_or_default(),
        "environment changed"
    );
    // Only what the file says counts. A wrong number in the call is told to nobody.
    let meta = EnvMeta::read(&known.layout()).0;
    let generation = meta.generation();
    if let Some(id) = change.run_id {
        let last = meta
            .last_change
            .filter(|last| last.run_id.to_string() == id);
        let run = RunName {
            id,
            number: last.and_then(|last| last.number),
        };
        let events = daemon.events();
        events.run_finished(&known.id, generation, run.clone());
        events.env_changed(&known.id, generation, Some(run));
    } else {
        daemon.events().env_changed(&known.id, generation, None);
    }
    let status = ready_at(&daemon, &known, change.generation, wait).await;
    Ok(Json(with_language_servers(status, &known)))
}
