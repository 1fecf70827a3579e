//! `aim-worker status` and `list`: workers in a person's words.

use std::borrow::Cow;

use anstyle::Style;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::supervised::{NotRunning, line, line_of_none};
use crate::api::v1::{
    KeptObjects, ProjectInfo, Refresh, WatchMode, Watching, WorkerExit, WorkerState, WorkerStatus,
};
use crate::console::style::{BAD, FAINT, GOOD, NAME, ODD, PLAIN};
use crate::console::table::{Cell, Table, pairs};
use crate::console::{language_server, size, time};
use crate::supervise::Supervised;
use crate::words::t;

/// A worker, and how it learns of changes in its environment. As JSON, the members of both are side by side.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Status {
    #[serde(flatten)]
    pub(super) worker: WorkerStatus,
    /// None for a project that is not in use, and so not watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) watching: Option<Watching>,
    /// The supervised commands of its environment.
    #[serde(default)]
    pub(super) supervised: Vec<Supervised>,
    /// What the project has run by the daemon and does not run now.
    #[serde(default)]
    pub(super) not_running: Vec<NotRunning>,
}

impl Status {
    /// A line each thing.
    pub(super) fn lines(&self, now: DateTime<Utc>) -> Vec<String> {
        pairs(&rows(self, now))
    }
}

type Row<'a> = (Cow<'a, str>, Vec<Cell>);

fn rows(status: &Status, now: DateTime<Utc>) -> Vec<Row<'_>> {
    let Status {
        worker: status,
        watching,
        supervised,
        not_running,
    } = status;
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut row = |label, cell: Cell| rows.push((label, vec![cell]));
    row(
        t!("worker_cli.label.project"),
        status.project.as_str().into(),
    );
    row(t!("worker_cli.label.state"), state(status));
    if let Some(pid) = status.pid {
        let python = status.python.as_deref().unwrap_or("?");
        row(
            t!("worker_cli.label.process"),
            t!("worker_cli.process", pid = pid, python = python).into(),
        );
    }
    row(t!("worker_cli.label.generation"), generation(status));
    if let Some(since) = status.started_at {
        row(t!("worker_cli.label.since"), time::ago(since, now).into());
    }
    if status.restarts > 0 {
        row(
            t!("worker_cli.label.restarts"),
            status.restarts.to_string().into(),
        );
    }
    if status.branch_workers > 0 {
        let more = t!("worker_cli.branch_workers", n = status.branch_workers);
        row(t!("worker_cli.label.branch_workers"), more.into());
    }
    if let Some(objects) = &status.objects {
        row(t!("worker_cli.label.objects"), kept(objects));
    }
    if let Some(refresh) = refresh(status) {
        row(t!("worker_cli.label.last_refresh"), refresh.into());
    }
    if let Some(watching) = watching {
        row(t!("worker_cli.label.changes"), how_watched(watching));
    }
    for server in &status.language_servers {
        let line = language_server::line(server, now);
        row(t!("worker_cli.label.language_server"), line);
    }
    for one in supervised {
        row(t!("worker_cli.label.supervised"), line(one, now));
    }
    for one in not_running {
        row(t!("worker_cli.label.supervised"), line_of_none(one));
    }
    if let Some(exit) = &status.last_exit {
        row(
            t!("worker_cli.label.last_exit"),
            last_exit(exit, now).into(),
        );
    }
    if status.log_lines_lost > 0 {
        let lost = t!("worker_cli.log_lines_lost", n = status.log_lines_lost);
        row(t!("worker_cli.label.log"), Cell::styled(ODD, lost));
    }
    if let Some(error) = &status.last_error {
        row(t!("worker_cli.label.error"), Cell::styled(BAD, error));
    }
    rows
}

/// What workers keep for flows, its bound, and whether that was reached.
fn kept(objects: &KeptObjects) -> Cell {
    let kept = t!(
        "worker_cli.objects",
        n = objects.count,
        size = size::bytes(objects.bytes),
        limit = size::bytes(objects.limit_mib << 20)
    );
    let cell = Cell::from(kept);
    if objects.dropped == 0 {
        return cell;
    }
    let dropped = t!("worker_cli.objects_dropped", n = objects.dropped);
    cell.and(ODD, format!("; {dropped}"))
}

/// How changes that other tools make are noticed, and why not better.
fn how_watched(watching: &Watching) -> Cell {
    let (style, how) = match watching.mode {
        WatchMode::Events => (PLAIN, t!("worker_cli.watching.events")),
        WatchMode::Polling => (ODD, t!("worker_cli.watching.polling")),
        WatchMode::Off => (ODD, t!("worker_cli.watching.off")),
    };
    match &watching.why {
        None => Cell::styled(style, how),
        Some(why) => Cell::styled(ODD, format!("{how}: {why}")),
    }
}

/// The projects that the daemon knows, a row each.
pub(super) fn table(projects: &[ProjectInfo]) -> Table {
    let mut table = Table::new([
        t!("worker_cli.column.project"),
        t!("worker_cli.column.state"),
        t!("worker_cli.column.pid"),
        t!("worker_cli.column.generation"),
        t!("worker_cli.column.folder"),
    ])
    .right([2, 3])
    .gives_way([4]);
    for project in projects {
        let worker = project.worker.as_ref();
        let state = match (worker, &project.environment) {
            (_, None) => Cell::styled(ODD, t!("worker_cli.no_environment")),
            (Some(status), _) if status.state != WorkerState::Stopped => state(status),
            _ => Cell::styled(FAINT, t!("worker_cli.state.stopped_short")),
        };
        let number =
            |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
        table.push([
            Cell::styled(NAME, project.id.as_str()),
            state,
            number(worker.and_then(|status| status.pid).map(u64::from)).into(),
            number(worker.and_then(|status| status.generation)).into(),
            project.path.to_string_lossy().into(),
        ]);
    }
    table
}

/// The state in a word, and what it is busy with.
fn state(status: &WorkerStatus) -> Cell {
    match status.state {
        WorkerState::Stopped => Cell::styled(FAINT, t!("worker_cli.state.stopped")),
        WorkerState::Starting => Cell::styled(ODD, t!("worker_cli.state.starting")),
        WorkerState::Idle => Cell::styled(GOOD, t!("worker_cli.state.idle")),
        WorkerState::Failed => Cell::styled(BAD, t!("worker_cli.state.failed")),
        WorkerState::Busy => {
            let cell = Cell::styled(GOOD, t!("worker_cli.state.busy"));
            match &status.busy_with {
                Some(file) => cell.and(PLAIN, format!(": {file}")),
                None => cell,
            }
        }
    }
}

/// Which environment the worker is on, compared with the one that is there.
fn generation(status: &WorkerStatus) -> Cell {
    let newest = status.env_generation;
    let (style, text): (Style, _) = match status.generation {
        None => (PLAIN, t!("worker_cli.generation.none", newest = newest)),
        Some(has) if has >= newest => (GOOD, t!("worker_cli.generation.newest", has = has)),
        Some(has) if status.stays => (
            ODD,
            t!("worker_cli.generation.stays", has = has, newest = newest),
        ),
        Some(has) => (
            ODD,
            t!("worker_cli.generation.behind", has = has, newest = newest),
        ),
    };
    Cell::styled(style, text)
}

/// What became of the worker when the environment changed last: in the person's language where the word is known.
fn refresh(status: &WorkerStatus) -> Option<Cow<'_, str>> {
    let Some(refresh) = &status.refresh else {
        return status.last_refresh.as_deref().map(Cow::from);
    };
    Some(match refresh {
        Refresh::EnvironmentChanged => t!("worker_cli.refresh.environment_changed"),
        Refresh::Unrecorded { why } => t!("worker_cli.refresh.unrecorded", why = why),
        Refresh::InterpreterChanged => t!("worker_cli.refresh.interpreter_changed"),
        Refresh::FileChanged { file } => t!("worker_cli.refresh.file_changed", file = file),
        Refresh::ComesFirst { file } => t!("worker_cli.refresh.comes_first", file = file),
        Refresh::ImportWorks { file } => t!("worker_cli.refresh.import_works", file = file),
        Refresh::StartupChanged { file } => t!("worker_cli.refresh.startup_changed", file = file),
        Refresh::NoAnswer => t!("worker_cli.refresh.no_answer"),
        Refresh::NothingLoadedChanged => t!("worker_cli.refresh.nothing_loaded_changed"),
        Refresh::ByHand {
            generation,
            env_generation,
        } => t!(
            "worker_cli.refresh.by_hand",
            has = generation,
            newest = env_generation
        ),
        Refresh::Unknown => return status.last_refresh.as_deref().map(Cow::from),
    })
}

fn last_exit(exit: &WorkerExit, now: DateTime<Utc>) -> String {
    let how = match (&exit.signal, exit.code) {
        (Some(signal), _) => signal.clone(),
        (None, Some(code)) => t!("worker_cli.exit_code", code = code).into_owned(),
        (None, None) => "?".to_owned(),
    };
    let when = time::ago(exit.at, now);
    let Some(file) = &exit.was_running else {
        return t!("worker_cli.exit", how = how, pid = exit.pid, when = when).into_owned();
    };
    t!(
        "worker_cli.exit_running",
        how = how,
        pid = exit.pid,
        when = when,
        file = file
    )
    .into_owned()
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use serde_json::{Value, json};

    use super::*;
    use crate::words::{self, Language};

    fn now() -> DateTime<Utc> {
        "2026-03-01T12:00:00Z".parse().expect("a time")
    }

    fn text(status: &Value) -> String {
        let status: Status = serde_json::from_value(status.clone()).expect("a status");
        strip_str(&status.lines(now()).join("\n")).to_string()
    }

    #[test]
    fn states_in_both_languages() {
        let busy = json!({
            "project": "demo", "state": "busy", "busy_with": "nodes/a.py", "pid": 12, "python": "3.11.7",
            "generation": 3, "env_generation": 4, "started_at": "2026-03-01T11:57:00Z", "restarts": 2,
            "last_exit": {"pid": 9, "signal": "SIGKILL", "was_running": "b.py", "at": "2026-03-01T11:00:00Z"},
        });
        assert_eq!(
            text(&busy),
            "project     demo\n\
             state       busy: nodes/a.py\n\
             process     12, Python 3.11.7\n\
             generation  3; the environment is at 4, and so will be the next node\n\
             since       3 min ago\n\
             restarts    2\n\
             last end    SIGKILL, 1 h ago (process 9, running b.py)"
        );
        let failed = json!({
            "project": "demo", "state": "failed", "env_generation": 4, "last_error": "python is gone\u{1b}[2J",
        });
        assert_eq!(
            text(&failed),
            "project     demo\n\
             state       failed; the next node tries again\n\
             generation  none; the environment is at 4\n\
             error       python is gone␛[2J"
        );
        words::choose(Language::Korean);
        assert!(
            text(&busy).contains("상태         실행 중: nodes/a.py\n"),
            "{}",
            text(&busy)
        );
    }

    #[test]
    fn it_says_how_changes_are_noticed_and_what_became_of_the_worker() {
        let status = json!({
            "project": "demo", "state": "idle", "pid": 12, "python": "3.11.7", "generation": 4, "env_generation": 4,
            "last_refresh": "kept: …", "refresh": {"reason": "nothing-loaded-changed"},
            "watching": {"mode": "polling", "why": "nfs tells nothing of other machines"},
        });
        assert_eq!(
            text(&status),
            "project      demo\n\
             state        ready\n\
             process      12, Python 3.11.7\n\
             generation   4, the newest\n\
             last change  kept: no file that it had loaded changed (policy loaded)\n\
             noticed      by looking, before each node and, once the project is used, every \
             10 seconds: nfs tells nothing of other machines"
        );
        words::choose(Language::Korean);
        let korean = text(&json!({
            "project": "demo", "state": "stopped", "watching": {"mode": "events"},
            "last_refresh": "replaced: …", "refresh": {"reason": "file-changed", "file": "used.py"},
        }));
        assert!(
            korean.contains("교체됨: 불러온 파일이 바뀌었습니다 (used.py)"),
            "{korean}"
        );
        assert!(
            korean.ends_with("변경 감지    바로 (시스템 알림)"),
            "{korean}"
        );
    }

    #[test]
    fn the_bound_of_what_is_kept_is_said_aloud() {
        let mut status = json!({
            "project": "demo", "state": "idle", "generation": 4, "env_generation": 4, "branch_workers": 2,
            "objects": {"count": 3, "bytes": 12_582_912, "limit_mib": 512},
        });
        let all = text(&status);
        assert!(
            all.ends_with(
                "branches    2 more for now\n\
                 objects     3 kept for flows, 12.0 MiB (a worker keeps the newest 512 MiB)"
            ),
            "{all}"
        );
        status["objects"]["dropped"] = 5.into();
        let all = text(&status);
        assert!(all.ends_with("; 5 older ones had to go"), "{all}");
        status["log_lines_lost"] = 9.into();
        let all = text(&status);
        assert!(
            all.ends_with("log         9 lines could not be written"),
            "{all}"
        );
    }

    #[test]
    fn a_worker_that_stays_behind_says_so() {
        let status = json!({
            "project": "demo", "state": "idle", "generation": 3, "env_generation": 4, "stays": true,
        });
        assert_eq!(
            text(&status),
            "project     demo\n\
             state       ready\n\
             generation  3; the environment is at 4, and it stays behind until `aim-worker restart`"
        );
    }

    #[test]
    fn every_project_has_a_row() {
        let projects: Vec<ProjectInfo> = serde_json::from_value(json!([
            {"id": "a", "path": "/w/a", "environment": "/w/a/.venv",
             "worker": {"project": "a", "state": "idle", "pid": 7, "generation": 4, "env_generation": 4}},
            {"id": "한국", "path": "/w/b"},
        ]))
        .expect("projects");
        assert_eq!(
            strip_str(&table(&projects).to_text(None)).to_string(),
            "PROJECT  STATE           PID  GENERATION  FOLDER\n\
             a        ready             7           4  /w/a\n\
             한국     no environment                   /w/b\n"
        );
    }
}
