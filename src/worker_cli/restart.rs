//! `aim-worker start`, `stop` and `restart`.

use super::cli::WhenArgs;
use super::reached::Reached;
use crate::api::refresh_failed;
use crate::api::v1::{
    LONGEST_WAIT_S, RestartRequest, Restarted, StopRequest, When, WorkerState, WorkerStatus,
};
use crate::console::{Console, WaitingLine, worker_wait};
use crate::error::Result;
use crate::words::t;

pub(super) fn start(console: &mut Console, reached: &Reached) -> Result<()> {
    let line = waiting(console, reached);
    let status = reached.client.start(reached.address())?;
    drop(line);
    if console.is_json() {
        console.json(&status)?;
    }
    check_alive(&status)?;
    console_note(console, || ready(&status));
    Ok(())
}

pub(super) fn stop(console: &mut Console, reached: &Reached, args: WhenArgs) -> Result<()> {
    let request = StopRequest { when: when(args) };
    let line = waiting(console, reached);
    let status = reached.client.stop(reached.address(), request)?;
    drop(line);
    if console.is_json() {
        return console.json(&status);
    }
    console.note(match status.state {
        WorkerState::Stopped | WorkerState::Failed => t!("worker_cli.stopped"),
        _ => t!("worker_cli.stops_later"),
    });
    Ok(())
}

pub(super) fn restart(console: &mut Console, reached: &Reached, args: WhenArgs) -> Result<()> {
    let request = RestartRequest {
        when: when(args),
        wait_s: Some(LONGEST_WAIT_S),
        reason: Some("aim-worker restart".to_owned()),
    };
    let line = waiting(console, reached);
    let restarted = reached.client.restart(reached.address(), &request)?;
    drop(line);
    if console.is_json() {
        console.json(&restarted)?;
    }
    check_alive(&restarted.worker)?;
    console_note(console, || outcome(&restarted));
    Ok(())
}

/// A wait that Ctrl-C ends; what was asked for still comes.
fn waiting(console: &Console, reached: &Reached) -> WaitingLine {
    worker_wait::asked(console, &reached.client, reached.address()).until_interrupted()
}

fn when(args: WhenArgs) -> When {
    if args.now { When::Now } else { When::Idle }
}

fn check_alive(status: &WorkerStatus) -> Result<()> {
    if status.state == WorkerState::Failed {
        Err(refresh_failed(status.last_error.as_deref().unwrap_or("?")))
    } else {
        Ok(())
    }
}

/// The words for what JSON has said already are left out.
fn console_note(console: &mut Console, words: impl FnOnce() -> String) {
    if !console.is_json() {
        console.note(words());
    }
}

fn ready(status: &WorkerStatus) -> String {
    let pid = status.pid.unwrap_or_default();
    let generation = status.generation.unwrap_or_default();
    t!("worker_cli.ready", pid = pid, generation = generation).into_owned()
}

fn outcome(restarted: &Restarted) -> String {
    match (
        restarted.restarted,
        restarted.old_pid,
        &restarted.worker.busy_with,
    ) {
        (true, Some(old), _) => format!(
            "{} {}",
            ready(&restarted.worker),
            t!("worker_cli.instead_of", pid = old)
        ),
        (true, None, _) => ready(&restarted.worker),
        (false, _, Some(file)) => t!("worker_cli.restarts_after", file = file).into_owned(),
        (false, _, None) => t!("worker_cli.restarts_later").into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::words::{self, Language};

    fn check(reply: Value, english: &str, korean: &str) {
        let restarted: Restarted = serde_json::from_value(reply).expect("a reply");
        words::choose(Language::English);
        assert_eq!(outcome(&restarted), english);
        words::choose(Language::Korean);
        assert_eq!(outcome(&restarted), korean);
    }

    #[test]
    fn outcomes_in_both_languages() {
        let worker = json!({"project": "p", "state": "idle", "pid": 8, "generation": 4, "env_generation": 4});
        check(
            json!({"restarted": true, "old_pid": 7, "new_pid": 8, "worker": worker}),
            "worker 8 is ready at generation 4 in the place of worker 7",
            "워커 8 준비됨, 세대 4 (이전 워커: 7)",
        );
        check(
            json!({"restarted": true, "new_pid": 8, "worker": worker}),
            "worker 8 is ready at generation 4",
            "워커 8 준비됨, 세대 4",
        );
        check(
            json!({"restarted": false, "worker": {"project": "p", "state": "busy", "busy_with": "a.py"}}),
            "the worker is restarted when a.py is done; `aim-worker restart --now` does not wait",
            "실행 중인 노드가 끝나면 재시작합니다: a.py. `aim-worker restart --now`는 기다리지 않습니다",
        );
    }

    #[test]
    fn a_worker_that_did_not_start_is_an_error() {
        let status: WorkerStatus = serde_json::from_value(
            json!({"project": "p", "state": "failed", "last_error": "gone"}),
        )
        .expect("a status");
        let error = check_alive(&status).expect_err("failed");
        assert_eq!(error.to_string(), "environment refresh failed: gone");
    }
}
