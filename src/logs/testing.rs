//! Made-up runs, and projects with made-up histories, for this room's tests.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::inventory::{Distribution, Snapshot};
use crate::project::{Config, Project};
use crate::store::{Ending, LogDraft, LoneLog, Run, RunId, RunRecord, StartedRun, Tool, publish};

pub(super) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

/// A record of `pip install six` in which the fields of `other` stand instead.
pub(super) fn record(number: u8, other: &Value) -> RunRecord {
    let mut value = json!({
        "schema": 1,
        "id": format!("0199ab12-cd34-7000-8000-0000000000{number:02x}"),
        "action": "install",
        "packages": ["six"],
        "argv": ["pip", "install", "six"],
        "cwd": "/work/demo",
        "tool": "pip",
        "started_at": format!("2026-03-01T12:{number:02}:00+00:00"),
        "duration_ms": 1234,
        "exit_code": 0,
        "generation_before": 3,
        "generation_after": 4,
        "added": [{"name": "six", "from": null, "to": "1.16.0"}],
        "removed": [],
        "changed": [],
        "log_path": null,
        "bytes": 0,
        "user": "kim",
        "pid": 77,
    });
    let fields = value.as_object_mut().expect("an object");
    for (name, value) in other.as_object().expect("an object") {
        fields.insert(name.clone(), value.clone());
    }
    fields.retain(|_, value| value != "absent");
    serde_json::from_value(value).expect("a record")
}

pub(super) fn run(number: u8, other: &Value) -> Run {
    Run::Recorded(record(number, other).into())
}

pub(super) fn lone(success: bool) -> Run {
    Run::Lone(LoneLog {
        log_path: ".pip-logs/20250101000000_install_success.log".into(),
        action: "install".into(),
        packages: vec!["requests".into()],
        success,
        at: at("2025-01-01T00:00:00Z"),
        bytes: 12,
    })
}

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
        undoes: None,
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
