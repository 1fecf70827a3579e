//! The one transaction by which a finished run enters a project's history.

use chrono::{DateTime, SubsecRound as _, Utc};

use super::archive;
use super::error::StoreError;
use super::history_lock::HistoryLock;
use super::log::file as log_file;
use super::record::Generation;
use super::record::history;
use super::record::{Ending, RunRecord};
use super::record::{FinishedRun, Published, StartedRun};
use super::retention;
use super::retention::Limits;
use super::state::ProjectState;
use crate::files::Folder;
use crate::inventory::{Diff, Snapshot};
use crate::project::{Config, LOGS, Project};

/// Enters `run`, which found the environment as `before` and left it as `after`, into the history of `project`.
///
/// In this order, each step whole or not at all: the log, the record, `env_meta.json`, the snapshot, retention. A crash
/// after the record leaves a generation that is spent: the next one is counted from the highest that is known, and
/// [`recover`](super::recover()) completes the run.
///
/// # Errors
/// [`StoreError`]; then the history is as it was, or complete up to the step that failed. A log that cannot be
/// written is no error: the change matters more ([`Published::log_problem`]).
pub fn publish(
    project: &Project,
    config: &Config,
    run: FinishedRun,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<Published, StoreError> {
    let lock = HistoryLock::acquire(&project.layout())?;
    let state = ProjectState::read(project, &lock)?;
    let (before, after) = state.named(project, before, after);
    publish_under(&lock, state, (project, config), run, (&before, &after))
}

/// As [`publish`], for who has read the `state` of the history under its `lock`; both snapshots have METADATA's names.
pub(super) fn publish_under(
    lock: &HistoryLock,
    mut state: ProjectState,
    (project, config): (&Project, &Config),
    run: FinishedRun,
    (before, after): (&Snapshot, &Snapshot),
) -> Result<Published, StoreError> {
    let layout = project.layout();
    let ended_at = Utc::now();
    let changes = before.diff_to(after);
    let raised = !changes.is_empty();
    let was = state.generation;
    let generation = if raised { was.next() } else { was };

    let (log, mut log_problem) = match write_log(lock.logs(), &run, ended_at) {
        Ok(log) => (log, None),
        Err(problem) => (None, Some(problem)),
    };
    let mut record = record_of(&run, (was, generation), changes, log);
    record.number = Some(state.last_number.later(1));
    let mut enter = |record: &RunRecord| {
        let appended = history::append(lock.logs(), record)
            .map_err(|error| StoreError::at(&layout.runs(), error))?;
        let entered = state.enter(project, record, after, ended_at, lock);
        entered.inspect_err(|_| appended.take_back())
    };
    if let Err(error) = enter(&record) {
        let Some(name) = record.log_path.as_deref().and_then(log_name) else {
            return Err(error);
        };
        // No record points to it, so nobody would find or remove it.
        let _ = lock.logs().remove(name);
        if !matches!(error, StoreError::Full { .. }) {
            return Err(error);
        }
        // What changed matters more than what was said: perhaps there is room for the one.
        record.forget_log();
        enter(&record)?;
        log_problem = Some(error);
    }
    if let Some(part) = run.output.and_then(|output| output.part) {
        part.remove();
    }
    if raised {
        // What is not kept cannot be put back; the change itself counts.
        let _ = archive::keep(project, config, after, generation);
    }
    // The run is entered; what is too old goes now or after the next run.
    let _ = retention::after_run(&layout, Limits::of(config), lock);
    Ok(Published {
        record,
        generation,
        raised,
        log_problem,
    })
}

/// A log that was written.
pub(super) struct WrittenLog {
    path: String,
    bytes: u64,
}

fn write_log(
    logs: &Folder,
    run: &FinishedRun,
    at: DateTime<Utc>,
) -> Result<Option<WrittenLog>, StoreError> {
    let Some(output) = &run.output else {
        return Ok(None);
    };
    let success = run.ending.is_success();
    let StartedRun {
        action,
        id,
        packages,
        ..
    } = &run.started;
    let name = log_file::name(action, id, success, at);
    let text = log_file::text(action, packages, success, at, output);
    logs.write(&name, text.as_bytes())
        .map_err(|error| StoreError::at(&logs.path().join(&name), error))?;
    Ok(Some(WrittenLog {
        path: format!("{LOGS}/{name}"),
        bytes: text.len() as u64,
    }))
}

/// The name in the folder of logs that `log_path` leads to; none where it leads elsewhere.
pub(super) fn log_name(log_path: &str) -> Option<&str> {
    log_path
        .strip_prefix(LOGS)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|name| !name.contains('/'))
}

/// The record of `run`, which led from one generation to the other; its number is given when it is entered.
pub(super) fn record_of(
    run: &FinishedRun,
    (generation_before, generation_after): (Generation, Generation),
    changes: Diff,
    log: Option<WrittenLog>,
) -> RunRecord {
    let started = &run.started;
    let (exit_code, signal) = run.ending.members();
    let stdout = run.output.as_ref().map(|output| output.stdout.len() as u64);
    RunRecord {
        schema: RunRecord::SCHEMA,
        id: started.id,
        number: None,
        action: started.action.clone(),
        packages: started.packages.clone(),
        argv: started.argv.clone(),
        cwd: started.cwd.clone(),
        tool: started.tool,
        started_at: started.started_at.trunc_subsecs(6),
        duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
        exit_code,
        signal,
        interrupted: run.ending == Ending::Interrupted,
        generation_before,
        generation_after,
        changes,
        stdout_bytes: log.as_ref().and(stdout),
        bytes: log.as_ref().map(|log| log.bytes).unwrap_or_default(),
        log_path: log.map(|log| log.path),
        user: user_name(),
        pid: started.pid,
        callers: started.callers.clone(),
        undoes: started.undoes,
        waited_ms: started.waited_ms,
        others: serde_json::Map::new(),
    }
}

/// The name of the person by the user database, else the number. `$USER` may say anything.
fn user_name() -> String {
    let uid = rustix::process::getuid().as_raw();
    let name = uzers::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::files::testing::names;
    use crate::host::Host;
    use crate::store::testing::{finished, install, project, snapshot, started};
    use crate::store::{EnvMeta, MetaState, Recorded, Run, RunLog};

    #[test]
    fn the_person_is_whom_the_system_says() {
        let output = Command::new("id")
            .arg("-un")
            .output()
            .expect("POSIX has it");
        if output.status.success() {
            let name = String::from_utf8(output.stdout).expect("text");
            assert_eq!(user_name(), name.trim_end());
        } else {
            let uid = rustix::process::getuid().as_raw();
            assert_eq!(user_name(), uid.to_string(), "a person without a name");
        }
    }

    #[test]
    fn a_run_that_changed_something_raises_the_generation() {
        let (_dir, project) = project();
        let before = Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        install(&project, "Zope.Interface", "5.4.0");
        let after = Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        let run = finished("install", "Collecting zope\n");
        let published =
            publish(&project, &Config::default(), run, &before, &after).expect("published");
        assert!(published.raised);
        assert_eq!(published.generation, Generation(1));
        assert_eq!(published.record.changes.added[0].name, "Zope.Interface");

        let (meta, state) = EnvMeta::read(&project.layout());
        assert_eq!(state, MetaState::Present);
        assert_eq!(meta.generation(), Generation(1));
        assert_eq!(
            (
                meta.packages[0].name.as_str(),
                meta.packages[0].version.as_str()
            ),
            ("Zope.Interface", "5.4.0")
        );
        assert_eq!(meta.python.as_deref(), Some("3.12.1"));
        assert_eq!(
            meta.last_change.as_ref().expect("a change").run_id,
            published.record.id
        );
        assert_eq!(meta.fingerprint, Some(after.fingerprint()));
        assert_eq!(
            meta.last_action.as_ref().expect("an action").log_path,
            published.record.log_path
        );
        let recorded = Recorded::read(&project).expect("read");
        assert!(
            recorded
                .snapshot()
                .expect("recorded")
                .diff_to(&after)
                .is_empty()
        );

        let log = RunLog::read(&project.layout());
        assert!(log.problems.is_empty(), "{:?}", log.problems);
        assert_eq!(log.runs, [Run::Recorded(Box::new(published.record))]);
        let text = RunLog::log(&project.layout(), &log.runs[0]).expect("a log");
        assert_eq!(text.stdout, "Collecting zope\n");
    }

    #[test]
    fn a_run_that_changed_nothing_changes_only_the_last_action() {
        let (_dir, project) = project();
        let config = Config::default();
        let (none, some) = (snapshot(&[]), snapshot(&[("six", "1")]));
        publish(&project, &config, finished("install", ""), &none, &some).expect("published");
        let (first, _) = EnvMeta::read(&project.layout());
        let run = started("install").finish(Duration::ZERO, Ending::Exited(1), None);
        let published = publish(&project, &config, run, &some, &some).expect("published");
        assert!(!published.raised);
        let (second, _) = EnvMeta::read(&project.layout());
        assert_eq!(
            (second.generation, &second.updated_at),
            (Generation(1), &first.updated_at)
        );
        assert_eq!(second.last_change, first.last_change);
        assert!(!second.last_action.expect("an action").success);
    }

    #[test]
    fn two_publishers_never_lose_a_generation() {
        let (_dir, project) = project();
        let config = Config::default();
        let raised: Vec<u64> = std::thread::scope(|scope| {
            let publishers: Vec<_> = (0..8)
                .map(|publisher| {
                    let (project, config) = (&project, &config);
                    scope.spawn(move || {
                        (0..20)
                            .map(|run| {
                                let name = format!("p{publisher}-{run}");
                                let after = snapshot(&[(&name, "1")]);
                                publish(
                                    project,
                                    config,
                                    finished("install", "x"),
                                    &snapshot(&[]),
                                    &after,
                                )
                                .expect("published")
                                .generation
                                .0
                            })
                            .collect::<Vec<u64>>()
                    })
                })
                .collect();
            publishers
                .into_iter()
                .flat_map(|publisher| publisher.join().expect("no panic"))
                .collect()
        });
        let mut raised = raised;
        raised.sort_unstable();
        assert_eq!(raised, (1..=160).collect::<Vec<u64>>());
        assert_eq!(
            EnvMeta::read(&project.layout()).0.generation(),
            Generation(160)
        );
        let log = RunLog::read(&project.layout());
        assert_eq!((log.runs.len(), log.problems.len()), (160, 0));
        let numbers: Vec<u64> = log
            .runs
            .iter()
            .filter_map(Run::number)
            .map(|one| one.0)
            .collect();
        assert_eq!(numbers, (1..=160).rev().collect::<Vec<u64>>());
    }

    #[test]
    fn a_number_is_given_once_whatever_is_lost() {
        let (_dir, project) = project();
        let layout = project.layout();
        let nothing = Snapshot::default();
        let number = || {
            let run = finished("install", "");
            let published = publish(&project, &Config::default(), run, &nothing, &nothing);
            published
                .expect("published")
                .record
                .number
                .expect("given")
                .0
        };
        assert_eq!([number(), number()], [1, 2]);
        fs::remove_file(layout.env_meta()).expect("removed");
        assert_eq!(number(), 3);
        fs::remove_dir_all(layout.logs()).expect("removed");
        assert_eq!(number(), 4);
        let limits = Limits {
            runs: 1,
            days: 0,
            mib: 0,
            before: None,
        };
        let lock = crate::store::RunLock::try_acquire(&project.venv().layout(), "prune");
        retention::prune(&project, limits, lock.ok().as_ref()).expect("pruned");
        fs::write(
            layout.env_meta(),
            r#"{"updated_at":null,"packages":[],"last_action":null}"#,
        )
        .expect("as AIM-Forge writes it");
        assert_eq!(number(), 5);
        let (meta, _) = EnvMeta::read(&layout);
        assert_eq!(meta.run_number.map(|number| number.0), Some(5));
    }

    #[test]
    fn the_generation_never_goes_back() {
        let config = Config::default();
        let (none, some) = (snapshot(&[]), snapshot(&[("six", "1")]));
        for lost in [
            "{broken",
            "",
            r#"{"updated_at":null,"packages":[],"last_action":null}"#,
            "gone",
        ] {
            let (_dir, project) = project();
            let meta = project.layout().env_meta();
            for _ in 0..3 {
                publish(&project, &config, finished("install", ""), &none, &some)
                    .expect("published");
            }
            if lost == "gone" {
                fs::remove_file(&meta).expect("remove");
            } else {
                fs::write(&meta, lost).expect("write");
            }
            let published =
                publish(&project, &config, finished("list", ""), &some, &some).expect("published");
            assert_eq!(
                (published.raised, published.generation),
                (false, Generation(3)),
                "{lost}"
            );
            assert_eq!(
                EnvMeta::read(&project.layout()).0.generation(),
                Generation(3),
                "{lost}"
            );
            let aside = meta.with_file_name("env_meta.json.broken-1");
            assert_eq!(
                fs::read_to_string(aside).ok().as_deref(),
                ["{broken", ""].into_iter().find(|&text| text == lost)
            );
        }
    }

    /// Run by `a_full_disk_leaves_nothing_torn` in a process of its own.
    #[test]
    fn publishes_without_room() {
        let Some(root) = std::env::var_os("AIM_TEST_NO_ROOM") else {
            return;
        };
        let project = Project::at(std::path::Path::new(&root)).expect("a project");
        let (none, some) = (snapshot(&[]), snapshot(&[("six", "1")]));
        // A log that is too large for the limit: the change is entered without it.
        let run = finished("install", &"x".repeat(200_000));
        let published =
            publish(&project, &Config::default(), run, &none, &some).expect("published");
        assert!(
            matches!(published.log_problem, Some(StoreError::Full { .. })),
            "{:?}",
            published.log_problem
        );
        assert_eq!(published.record.log_path, None);
        // A record that is too large: nothing is entered.
        let mut run = finished("install", "text");
        run.started.argv = vec!["x".repeat(200_000)];
        let failed = publish(&project, &Config::default(), run, &some, &none);
        assert!(matches!(failed, Err(StoreError::Full { .. })), "{failed:?}");
    }

    /// Run by `what_env_meta_has_no_room_for_is_taken_back` in a process of its own.
    #[test]
    fn publishes_without_room_for_env_meta() {
        let Some(root) = std::env::var_os("AIM_TEST_NO_ROOM_FOR_META") else {
            return;
        };
        let project = Project::at(std::path::Path::new(&root)).expect("a project");
        let (none, some) = (snapshot(&[]), snapshot(&[("six", "1")]));
        for _ in 0..3 {
            let run = finished("install", "text");
            let failed = publish(&project, &Config::default(), run, &none, &some);
            assert!(matches!(failed, Err(StoreError::Full { .. })), "{failed:?}");
        }
    }

    #[test]
    fn what_env_meta_has_no_room_for_is_taken_back() {
        let (dir, project) = project();
        let large = "x".repeat(200_000);
        let text = format!(r#"{{"updated_at":null,"packages":[],"note":"{large}"}}"#);
        fs::write(project.layout().env_meta(), text).expect("write");
        without_room(
            "publishes_without_room_for_env_meta",
            "AIM_TEST_NO_ROOM_FOR_META",
            dir.path(),
        );
        assert_eq!(names(&project.layout().logs()), [".lock", "runs.jsonl"]);
        assert_eq!(RunLog::read(&project.layout()).runs.len(), 0);
    }

    /// Runs `test` with the project in `root`, with a limit on the size of files: the nearest thing to a full disk that
    /// needs no rights.
    fn without_room(test: &str, variable: &str, root: &std::path::Path) {
        let script =
            "trap '' XFSZ; ulimit -f 100; exec \"$0\" --exact \"store::publish::tests::$1\"";
        let status = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().expect("this test"))
            .arg(test)
            .env(variable, root)
            .stdout(std::process::Stdio::null())
            .status()
            .expect("start");
        assert!(status.success(), "{status}");
    }

    #[test]
    fn a_full_disk_leaves_nothing_torn() {
        let (dir, project) = project();
        without_room("publishes_without_room", "AIM_TEST_NO_ROOM", dir.path());
        assert_eq!(names(&project.layout().logs()), [".lock", "runs.jsonl"]);
        let log = RunLog::read(&project.layout());
        assert_eq!((log.runs.len(), log.problems.len()), (1, 0));
        assert_eq!(
            EnvMeta::read(&project.layout()).0.generation(),
            Generation(1)
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error_with_its_path() {
        let (dir, project) = project();
        fs::write(dir.path().join(LOGS), "a file").expect("write");
        let nothing = Snapshot::default();
        let failed = publish(
            &project,
            &Config::default(),
            finished("install", ""),
            &nothing,
            &nothing,
        );
        let error = failed.expect_err("no folder of logs").to_string();
        assert!(error.contains(".pip-logs"), "{error}");
        assert_eq!(EnvMeta::read(&project.layout()).1, MetaState::Absent);
    }
}
