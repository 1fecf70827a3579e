//! The description of all calls, made from them: `openapi.json`, and `docs/api.md` for people.
//!
//! What holds for every call stands in `openapi.md` beside this file, which both begin with. The calls that another
//! backend needs to offer have the tag `starred`.

use axum::Json;
use utoipa::openapi::{self, ContentBuilder, OpenApi, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use super::{
    env, events, flow, health, lsp, metrics, node_files, node_text, nodes, projects, resolve,
    restart, runs, terminals, worker, worker_log,
};
use crate::api::v1::{API_VERSION, ErrorBody, Event, NodeCode, NodeEvent};

/// `GET /api/openapi.json`.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "more",
    summary = "This description (OpenAPI 3.1).",
    description = "",
    responses((status = 200, description = "Done", body = serde_json::Value))
)]
pub(super) async fn show() -> Json<OpenApi> {
    Json(description())
}

/// All calls.
fn description() -> OpenApi {
    Calls::openapi()
}

/// All calls as JSON (`openapi.json`).
///
/// # Errors
/// None that is known.
pub fn described() -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(description())
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "aim-backend", description = include_str!("openapi.md")),
    modifiers(&EveryCall),
    components(schemas(ErrorBody, Event, NodeEvent, NodeCode)),
    tags(
        (name = "starred", description = "What every backend offers."),
        (name = "more", description = "What aim-backend offers besides.")
    ),
    paths(
        health::health,
        health::version,
        resolve::resolve,
        env::changed,
        worker::show,
        worker::restart,
        projects::list,
        projects::register,
        projects::show,
        projects::forget,
        worker::start,
        worker::stop,
        worker::interrupt,
        worker_log::show,
        node_files::list,
        node_text::show,
        node_text::save,
        nodes::run,
        runs::list,
        runs::log,
        restart::restart,
        events::follow,
        metrics::show,
        lsp::come,
        lsp::health,
        lsp::status,
        lsp::restart,
        lsp::stop,
        lsp::logs,
        lsp::stdio,
        terminals::come,
        terminals::list,
        terminals::end,
        flow::execute,
        flow::stream,
        flow::full_result,
        show,
    )
)]
struct Calls;

/// What every call has in common: a name of its own, and that it can be refused.
struct EveryCall;

impl Modify for EveryCall {
    fn modify(&self, api: &mut OpenApi) {
        API_VERSION.clone_into(&mut api.info.version);
        for (path, item) in &mut api.paths.paths {
            let calls = [
                ("get", &mut item.get),
                ("post", &mut item.post),
                ("delete", &mut item.delete),
            ];
            for (method, call) in calls {
                let Some(call) = call else { continue };
                call.operation_id = Some(name(method, path));
                let responses = &mut call.responses.responses;
                responses.insert("default".to_owned(), refusal().into());
            }
        }
    }
}

/// `get_projects_id_worker`: no two calls have the same (OpenAPI, "operationId").
fn name(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api/").trim_start_matches("v1/");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    std::iter::once(method)
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

fn refusal() -> openapi::Response {
    let body = Ref::from_schema_name("ErrorBody");
    let content = ContentBuilder::new().schema(Some(body)).build();
    ResponseBuilder::new()
        .description("Refused; `code` says why")
        .content("application/json", content)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_calls_have_one_name() {
        let api = description();
        let mut names: Vec<String> = api
            .paths
            .paths
            .values()
            .flat_map(|item| [&item.get, &item.post, &item.delete])
            .flatten()
            .filter_map(|call| call.operation_id.clone())
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert!(count > 15 && names.len() == count, "{names:?}");
    }

    /// The paths that the table of routes names; those of a group are ends of whole paths.
    #[test]
    fn every_route_is_described() {
        let described = description().paths.paths;
        let routes = include_str!("mod.rs").split(".route(").skip(1);
        let paths = routes.filter_map(|route| route.split('"').nth(1));
        let paths: Vec<&str> = paths
            .filter(|path| *path != "/" && !path.starts_with("/assets/"))
            .collect();
        assert!(paths.len() > 15, "{paths:?}");
        for path in paths {
            let is_described = described.keys().any(|key| key.ends_with(path));
            assert!(is_described, "{path}");
        }
    }
}
