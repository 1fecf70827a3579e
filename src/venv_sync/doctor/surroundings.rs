//! Checks of what is around a project: settings, the daemon's socket, the daemon, the worker, the watch.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use super::check::Check;
use crate::api::v1::{Health, WatchMode, Watching, WorkerStatus};
use crate::api::{self, Place};
use crate::console::Console;
use crate::project::Problem;
use crate::store::OrdersStanding;
use crate::system;
use crate::terminal::printable;
use crate::venv_sync::daemon::{self, DaemonState};
use crate::venv_sync::{Ground, status};
use crate::words::t;

const SOCKET: &str = "socket";

pub(super) fn checks(ground: &Ground<'_>, console: &Console) -> Vec<Check> {
    let mut checks = settings(ground);
    checks.extend(orders(ground));
    checks.extend(sockets(ground));
    checks.extend(daemon_and_worker(ground, console));
    checks
}

fn settings(ground: &Ground<'_>) -> Vec<Check> {
    const NAME: &str = "settings";
    if ground.config.problems.is_empty() {
        return vec![Check::good(NAME, t!("venv_sync.doctor.settings"))];
    }
    let problems = ground.config.problems.iter();
    problems
        .map(|problem| {
            let remedy = "aim-venv-sync config --explain".to_owned();
            let message = t!("venv_sync.doctor.setting_wrong", problem = problem);
            if matches!(problem, Problem::Unknown { .. }) {
                Check::odd(NAME, message, remedy) // a newer toolkit may know it
            } else {
                Check::wrong(NAME, message, remedy)
            }
        })
        .collect()
}

/// What the project has run, and whether the person allowed it.
fn orders(ground: &Ground<'_>) -> Option<Check> {
    const NAME: &str = "orders";
    let standing = status::orders_standing(ground);
    let words = status::orders_words(ground, standing)?;
    if standing == OrdersStanding::Allowed {
        return Some(Check::good(NAME, words));
    }
    let remedy = standing.is_to_be_allowed().then(|| ground.typed("allow"));
    Some(Check::odd(NAME, words, remedy))
}

/// Each place where the daemon is looked for, up to the one where it is found: nobody else's socket may be talked to.
fn sockets(ground: &Ground<'_>) -> Vec<Check> {
    let places = api::places(ground.host, Some(&ground.project));
    let mut checks = Vec::new();
    let mut found = places.first();
    for place in &places {
        checks.extend(socket(place));
        if place.is_served() {
            found = Some(place);
            break;
        }
    }
    if checks.is_empty()
        && let Some(place) = found
    {
        let path = place.socket().display();
        checks.push(Check::good(
            SOCKET,
            t!("venv_sync.doctor.socket", path = path),
        ));
    }
    checks
}

/// What is wrong at a place.
fn socket(place: &Place) -> Option<Check> {
    let path = place.socket();
    let shown = path.display();
    let elsewhere = || t!("venv_sync.doctor.remedy_socket").into_owned();
    if path.as_os_str().as_bytes().len() > system::LONGEST_SOCKET_PATH {
        let message = t!("venv_sync.doctor.socket_long", path = shown);
        return Some(Check::wrong(SOCKET, message, elsewhere()));
    }
    if let Ok(there) = path.symlink_metadata()
        && place.check().is_err()
    {
        let message = if there.file_type().is_socket() {
            t!("venv_sync.doctor.socket_foreign", path = shown)
        } else {
            t!("venv_sync.doctor.socket_is_none", path = shown)
        };
        return Some(Check::wrong(SOCKET, message, elsewhere()));
    }
    let folder = path.parent().and_then(|folder| folder.metadata().ok());
    // A folder that others may write in is where anybody can put a socket before us; a sticky one is safe.
    let is_open = folder.is_some_and(|meta| meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0);
    let message = || t!("venv_sync.doctor.socket_open", path = shown);
    is_open.then(|| Check::odd(SOCKET, message(), elsewhere()))
}

fn daemon_and_worker(ground: &Ground<'_>, console: &Console) -> Vec<Check> {
    const NAME: &str = "daemon";
    let daemon = daemon::look(ground, console);
    let words = t!("venv_sync.doctor.daemon", state = daemon.words());
    match &daemon {
        DaemonState::Running {
            worker,
            watching,
            health,
            ..
        } => {
            let mut checks = vec![Check::good(NAME, words)];
            if worker.as_deref().is_some_and(daemon::has_failed) {
                let words = daemon.worker_words(0);
                let message = t!("venv_sync.doctor.worker", state = words);
                checks.push(Check::wrong(
                    "worker",
                    message,
                    "aim-worker logs".to_owned(),
                ));
            }
            checks.extend(worker.as_deref().and_then(worker_log));
            checks.extend(watching.as_ref().map(noticing));
            checks.extend(
                health
                    .iter()
                    .flat_map(|health| of_the_daemon_itself(health)),
            );
            checks
        }
        DaemonState::Absent => vec![Check::odd(NAME, words, "aim-backend serve".to_owned())],
        DaemonState::Unusable { hint, .. } => vec![Check::wrong(NAME, words, hint.clone())],
    }
}

/// What is missing from the log of the project's workers.
fn worker_log(worker: &WorkerStatus) -> Option<Check> {
    let lost = worker.log_lines_lost;
    let message = || t!("venv_sync.doctor.worker_log", n = lost);
    (lost > 0).then(|| Check::odd("worker-log", message(), "aim-worker logs".to_owned()))
}

/// What the daemon has lost of its log, and what failed in it.
fn of_the_daemon_itself(health: &Health) -> Vec<Check> {
    // Another program is not ours to end.
    let again = || {
        let command = "aim-backend stop; aim-backend serve";
        health.is_ours().then(|| command.to_owned())
    };
    let mut checks = Vec::new();
    if health.log_lines_lost > 0 {
        let message = t!("venv_sync.doctor.daemon_log", n = health.log_lines_lost);
        checks.push(Check::odd("daemon-log", message, again()));
    }
    if let Some(last) = &health.faults.last {
        let message = t!(
            "venv_sync.doctor.daemon_faults",
            n = health.faults.count,
            part = printable(&last.part),
            why = printable(&last.why)
        );
        checks.push(Check::wrong("daemon-faults", message, again()));
    }
    checks
}

/// How the daemon notices what other tools change.
fn noticing(watching: &Watching) -> Check {
    const NAME: &str = "watching";
    let why = printable(watching.why.as_deref().unwrap_or_default());
    match watching.mode {
        WatchMode::Events if watching.why.is_none() => {
            Check::good(NAME, t!("venv_sync.doctor.watching"))
        }
        WatchMode::Events if watching.waits => {
            Check::odd(NAME, t!("venv_sync.doctor.watching_fails", why = why), None)
        }
        WatchMode::Events => Check::wrong(
            NAME,
            t!("venv_sync.doctor.watching_fails", why = why),
            "aim-venv-sync sync".to_owned(),
        ),
        WatchMode::Polling => {
            // Both limits are the person's own share; editors use most of it up.
            let raise =
                "sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024";
            let remedy = why.contains("fs.inotify").then(|| raise.to_owned());
            let message = t!("venv_sync.doctor.watching_by_looking", why = why);
            Check::odd(NAME, message, remedy)
        }
        WatchMode::Off => Check::odd(
            NAME,
            t!("venv_sync.doctor.watching_off", why = why),
            "aim-venv-sync config".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venv_sync::doctor::Rating;

    fn check(mode: WatchMode, why: Option<&str>, expected: (Rating, &str, bool)) {
        judge(mode, why, false, expected);
    }

    fn judge(mode: WatchMode, why: Option<&str>, waits: bool, expected: (Rating, &str, bool)) {
        let why = why.map(str::to_owned);
        let found = noticing(&Watching { mode, why, waits });
        assert_eq!(found.outcome, expected.0, "{found:?}");
        assert!(found.message.contains(expected.1), "{found:?}");
        assert_eq!(found.remedy.is_some(), expected.2, "{found:?}");
    }

    #[test]
    fn what_the_daemon_lost_and_what_failed_in_it_is_named() {
        let check = |said: &str, expected: &[(&str, Rating, &str)]| {
            let health = format!(r#"{{"status":"healthy","service":"backend"{said}}}"#);
            let health: Health = serde_json::from_str(&health).expect("a health");
            let found = of_the_daemon_itself(&health);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, (name, outcome, words)) in found.iter().zip(expected) {
                assert_eq!((found.name, found.outcome), (*name, *outcome), "{found:?}");
                assert!(found.message.contains(words), "{found:?}");
            }
        };
        check("", &[]);
        check(
            r#","log_lines_lost":7"#,
            &[("daemon-log", Rating::Odd, "7 lines")],
        );
        let last = r#"{"part":"watch","why":"x\u001b (y.rs:1)","at":"2026-01-01T00:00:00Z"}"#;
        check(
            &format!(r#","faults":{{"count":2,"last":{last}}}"#),
            &[("daemon-faults", Rating::Wrong, "2 faults")],
        );
    }

    #[test]
    fn what_is_missing_from_the_workers_log_is_named() {
        let check = |said: &str, expected: Option<&str>| {
            let status = format!(r#"{{"project":"p","state":"idle"{said}}}"#);
            let found = worker_log(&serde_json::from_str(&status).expect("a status"));
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            if let (Some(found), Some(words)) = (found, expected) {
                assert!(found.message.contains(words), "{found:?}");
            }
        };
        check("", None);
        check(r#","log_lines_lost":7"#, Some("7 lines"));
    }

    #[test]
    fn how_changes_are_noticed() {
        let (good, odd) = (Rating::Good, Rating::Odd);
        check(WatchMode::Events, None, (good, "at once", false));
        let limit = "no inotify watches left (fs.inotify.max_user_watches)";
        check(WatchMode::Polling, Some(limit), (odd, limit, true));
        check(WatchMode::Polling, Some("nfs"), (odd, "nfs", false));
        check(WatchMode::Off, Some("x"), (odd, "not noticed", true));
        let full = (Rating::Wrong, "disk full", true);
        check(WatchMode::Events, Some("disk full"), full);
        judge(
            WatchMode::Events,
            Some("pip runs"),
            true,
            (odd, "pip runs", false),
        );
    }
}
