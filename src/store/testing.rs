//! Made-up projects and runs for the tests of this room.

use std::path::Path;
use std::time::Duration;

use super::record::FinishedRun;
use super::*;
use crate::inventory::{Distribution, Snapshot};
use crate::project::{Config, Project, Venv};

/// A project with an empty environment. Gone when the folder is dropped.
pub(super) fn project() -> (tempfile::TempDir, Project) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let site = dir.path().join(".venv/lib/python3.12/site-packages");
    std::fs::create_dir_all(&site).expect("folders");
    std::fs::write(dir.path().join(".venv/pyvenv.cfg"), "version = 3.12.1\n").expect("write");
    let project = Project::of_venv(Venv::open(dir.path().join(".venv")).expect("an environment"));
    (dir, project)
}

/// Makes the dist-info of `name`, as an installer does.
pub(super) fn install(project: &Project, name: &str, version: &str) {
    let site = project.venv().site_packages().remove(0);
    let folder = site.join(format!(
        "{}-{version}.dist-info",
        name.replace(['-', '.'], "_")
    ));
    std::fs::create_dir_all(&folder).expect("folder");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    std::fs::write(folder.join("METADATA"), metadata).expect("write");
    std::fs::write(folder.join("RECORD"), name).expect("write");
}

/// A snapshot of `name version` lines.
pub(super) fn snapshot(all: &[(&str, &str)]) -> Snapshot {
    all.iter()
        .map(|(name, version)| Distribution::new(*name, *version))
        .collect()
}

/// A run that has begun.
pub(super) fn started(action: &str) -> StartedRun {
    StartedRun {
        id: RunId::new(),
        action: action.into(),
        packages: vec!["six".into()],
        argv: vec!["pip".into(), action.into(), "six".into()],
        cwd: Path::new("/w").into(),
        tool: Tool::Pip,
        started_at: chrono::Utc::now(),
        pid: std::process::id(),
        callers: Vec::new(),
        undoes: None,
        waited_ms: 0,
    }
}

/// A run that ended well and printed `text`.
pub(super) fn finished(action: &str, text: &str) -> FinishedRun {
    let output = RunOutput {
        stdout: text.into(),
        ..RunOutput::default()
    };
    started(action).finish(Duration::from_millis(1500), Ending::Exited(0), Some(output))
}

/// A record of a run that led to `generation`.
pub(super) fn record(action: &str, generation: u64) -> RunRecord {
    let run = finished(action, "");
    publish::record_of(
        &run,
        (Generation(generation - 1), Generation(generation)),
        crate::inventory::Diff::default(),
        None,
    )
}

/// A project with an environment and a folder of logs.
pub(super) fn project_with_logs() -> (tempfile::TempDir, Project) {
    let (dir, project) = project();
    std::fs::create_dir(project.layout().logs()).expect("folder");
    (dir, project)
}

/// Enters a run that printed a text and changed nothing.
pub(super) fn remember(project: &Project, action: &str) {
    let nothing = Snapshot::default();
    let run = finished(action, "text");
    super::publish(project, &Config::default(), run, &nothing, &nothing).expect("published");
}
