//! Made-up runs, and projects with made-up histories, for this room's tests.

use std::time::Duration;

use chrono::Utc;

use crate::inventory::{Distribution, Snapshot};
use crate::project::{Config, Project};
use crate::store::{Ending, LogDraft, RunId, StartedRun, Tool, publish};

/// A project with an environment and no history.
pub(super) fn project() -> (tempfile::TempDir, Project) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().canonicalize().expect("resolved");
    for folder in [".venv", ".pip-logs"] {
        std::fs::create_dir(root.join(folder)).expect("folder");
    }
    std::fs::write(root.join(".venv/pyvenv.cfg"), "").expect("write");
    let project = Project::at(&root).expect("a project");
    (dir, project)
}

/// `pip install six`, as it begins.
pub(super) fn started(id: RunId) -> StartedRun {
    StartedRun {
        id,
        action: "install".into(),
        packages: vec!["six".into()],
        argv: ["pip", "install", "six"].map(String::from).to_vec(),
        cwd: "/work".into(),
        tool: Tool::Pip,
        started_at: Utc::now(),
        pid: 7,
        callers: Vec::new(),
        undoes: None,
        waited_ms: 0,
    }
}

/// The end of `run`, which printed what is in `draft` and changed nothing.
pub(super) fn finish(project: &Project, run: StartedRun, draft: LogDraft) {
    let nothing = Snapshot::default();
    end(project, run, draft, &nothing);
}

/// A whole run that installed six and printed to both streams; its id.
pub(super) fn installed(project: &Project) -> RunId {
    let run = started(RunId::new());
    let id = run.id;
    let mut draft = LogDraft::begin(&project.layout(), &id);
    draft.stdout(b"Collecting six\n");
    draft.stderr(b"WARNING: old pip\n");
    let six = Snapshot::from_iter([Distribution::new("six", "1.16.0")]);
    end(project, run, draft, &six);
    id
}

fn end(project: &Project, run: StartedRun, draft: LogDraft, after: &Snapshot) {
    let output = Some(draft.into_output());
    let run = run.finish(Duration::from_secs(1), Ending::Exited(0), output);
    let before = Snapshot::default();
    publish(project, &Config::default(), run, &before, after).expect("published");
}
