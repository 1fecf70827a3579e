//! The history of a project's environment, for the page.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::named::{ByFolder, ById, NamedIfKnown, Shared};
use crate::api::v1::{ErrorBody, ErrorCode, RunInfo, RunList};
use crate::backend::answer::{Answer, Query, Refusal};
use crate::backend::supervise::{self, Panicked};
use crate::project::ProjectLayout;
use crate::store::{LogError, RunLog};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// At most so many runs; 50 where it is not said, 500 at most.
    #[serde(default = "usual_limit")]
    limit: usize,
    /// Only runs older than this one; its id.
    before: Option<String>,
}

/// Most runs of one reply.
const MOST: usize = 500;

fn usual_limit() -> usize {
    50
}

/// `GET …/runs`: what `aim-logs list --json` prints.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/runs",
    tag = "more",
    summary = "What was done to the environment, newest first.",
    description = "",
    params(ById, ByFolder, Wanted),
    responses(
        (status = 200, description = "Done", body = RunList),
        (status = 404, description = "`no-such-project`, `no-such-run`", body = ErrorBody),
    )
)]
pub(super) async fn list(
    _: Shared,
    NamedIfKnown(known): NamedIfKnown,
    Query(wanted): Query<Wanted>,
) -> Answer<RunList> {
    let layout = known.layout();
    let listed = supervise::blocking("a history", move || listed(&layout, &wanted)).await;
    listed.map_err(panicked)?.map(Json)
}

fn listed(project: &ProjectLayout, wanted: &Wanted) -> Result<RunList, Refusal> {
    let log = RunLog::read(project);
    let first = match &wanted.before {
        None => 0,
        Some(id) => {
            let place = log.runs.iter().position(|run| run.id() == *id);
            1 + place.ok_or_else(|| no_such_run(id))?
        }
    };
    let rest = &log.runs[first..];
    let shown = &rest[..rest.len().min(wanted.limit.min(MOST))];
    let told = shown.iter().map(|run| {
        let told: RunInfo = serde_json::from_value(run.as_json()?)?;
        let short = log.short_id(run);
        Ok(RunInfo { short, ..told })
    });
    let runs: serde_json::Result<Vec<RunInfo>> = told.collect();
    Ok(RunList {
        runs: runs.map_err(|error| Refusal::internal("cannot write the history", error))?,
        more: shown.len() < rest.len(),
        problems: log.problems.iter().map(ToString::to_string).collect(),
    })
}

/// `GET …/runs/{run}/log`: what the run printed, standard output before standard error.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/runs/{run}/log",
    tag = "more",
    summary = "What a run printed: standard output, then standard error.",
    description = "",
    params(ById, ByFolder, ("run" = String, Path, description = "The run's id.")),
    responses(
        (status = 200, description = "Plain text", body = String, content_type = "text/plain"),
        (status = 404, description = "`no-such-project`, `no-such-run`", body = ErrorBody),
    )
)]
pub(super) async fn log(
    _: Shared,
    NamedIfKnown(known): NamedIfKnown,
    Path((_, run)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let layout = known.layout();
    let text = supervise::blocking("a run's log", move || text(&layout, &run)).await;
    let text = text.map_err(panicked)??;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

fn text(project: &ProjectLayout, id: &str) -> Result<String, Refusal> {
    let history = RunLog::read(project);
    let run = history.runs.iter().find(|run| run.id() == id);
    let run = run.ok_or_else(|| no_such_run(id))?;
    match RunLog::log(project, run) {
        Ok(log) => Ok(log.stdout + &log.stderr),
        Err(error @ LogError::Unreadable { .. }) => {
            Err(Refusal::internal("cannot read the log", error))
        }
        Err(error) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            ErrorCode::NoSuchRun,
            error,
        )),
    }
}

fn no_such_run(id: &str) -> Refusal {
    let detail = format!("no such run: {id}");
    Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoSuchRun, detail)
}

fn panicked(error: Panicked) -> Refusal {
    Refusal::internal("the history cannot be read", error)
}
