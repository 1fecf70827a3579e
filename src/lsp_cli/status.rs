//! `aim-lsp status`: the language servers that run through a proxy.

use chrono::Utc;
use serde::Serialize;

use crate::api::v1::LanguageServer;
use crate::console::table::Table;
use crate::console::{self, CommonArgs, Console, language_server};
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::lsp::running_in;
use crate::project::{Project, Registry};
use crate::words::t;

#[derive(Serialize)]
struct Running {
    /// The project's folder.
    project: String,
    #[serde(flatten)]
    state: LanguageServer,
}

pub(super) fn print(console: &mut Console, host: &Host, common: &CommonArgs) -> Result<Exit> {
    let mut all = Vec::new();
    for project in projects(host, common)? {
        let folder = project.root().display().to_string();
        let states = running_in(&project).into_iter();
        all.extend(states.map(|state| Running {
            project: folder.clone(),
            state,
        }));
    }
    if console.is_json() {
        console.json(&all)?;
    } else if all.is_empty() {
        console.note(t!("lsp_cli.none"));
    } else {
        console.text(table(&all).to_text(console.width()))?;
    }
    Ok(Exit::Done)
}

/// The project that is named; without a name, that of the working folder and all that are registered.
fn projects(host: &Host, common: &CommonArgs) -> Result<Vec<Project>> {
    if common.project.is_some() || common.env.is_some() {
        return Ok(vec![console::project(host, common, |_| None)?]);
    }
    let mut all: Vec<Project> = Project::of_host(host).into_iter().collect();
    for registration in Registry::of(host).projects() {
        if let Some(project) = Project::at(&registration.path)
            && !all.iter().any(|known| known.has(project.venv()))
        {
            all.push(project);
        }
    }
    Ok(all)
}

fn table(all: &[Running]) -> Table {
    let headings = [
        t!("lsp_cli.column.project"),
        t!("lsp_cli.column.server"),
        t!("lsp_cli.column.generation"),
        t!("lsp_cli.column.state"),
        t!("lsp_cli.column.synced"),
    ];
    let mut table = Table::new(headings).right([2]).gives_way([0]);
    let now = Utc::now();
    for Running { project, state } in all {
        table.push([
            project.as_str().into(),
            state.server.as_str().into(),
            state.generation.to_string().as_str().into(),
            language_server::state(state),
            language_server::synced(state, now).as_str().into(),
        ]);
    }
    table
}
