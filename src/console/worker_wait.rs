//! What a command waits for that wants a worker, as the daemon says it, in words.

use std::sync::{Arc, Mutex, PoisonError};

use super::output::Console;
use super::waiting::WaitingLine;
use crate::api::v1::{WaitFor, Waiting};
use crate::api::{Address, Client};
use crate::words::t;

/// Distributions that are named.
const NAMED: usize = 3;

/// A wait of which the daemon tells by itself, which is kept in `told`.
pub fn told(console: &Console, told: &Arc<Mutex<Option<Waiting>>>) -> WaitingLine {
    let told = Arc::clone(told);
    console.waiting(move |time| {
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        words(told.as_ref(), time)
    })
}

/// A wait for the worker of the project at `address`, of which the daemon is asked.
pub fn asked(console: &Console, client: &Client, address: Address) -> WaitingLine {
    let client = client.clone();
    console.waiting(move |time| {
        let status = client.worker(address.clone()).ok();
        words(status.and_then(|status| status.waiting).as_ref(), time)
    })
}

/// What is waited for; none where it is nothing any more.
pub fn words(waiting: Option<&Waiting>, time: &str) -> Option<String> {
    let nothing = Waiting {
        r#for: WaitFor::Other,
        ..Waiting::default()
    };
    let waiting = waiting.unwrap_or(&nothing);
    let what = match (waiting.changed.as_slice(), &waiting.file) {
        ([], file) => file.clone(),
        (names, _) if names.len() > NAMED => Some(format!("{}, …", names[..NAMED].join(", "))),
        (names, _) => Some(names.join(", ")),
    };
    let words = match (waiting.r#for, what) {
        (WaitFor::Nothing, _) => return None,
        (WaitFor::Node, Some(file)) => t!("console.waiting.node", file = file, time = time),
        (WaitFor::Worker, Some(what)) => t!("console.waiting.changed", what = what, time = time),
        (WaitFor::Worker, None) => t!("console.waiting.worker", time = time),
        (WaitFor::Node | WaitFor::Other, _) => t!("console.waiting.daemon", time = time),
    };
    Some(words.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::words::{self as language, Language};

    #[test]
    fn what_is_waited_for_in_both_languages() {
        fn check(waiting: &serde_json::Value, english: &str, korean: &str) {
            let waiting: Option<Waiting> = serde_json::from_value(waiting.clone()).expect("what");
            for (chosen, expected) in [(Language::English, english), (Language::Korean, korean)] {
                language::choose(chosen);
                let said = words(waiting.as_ref(), "12 s").unwrap_or_default();
                assert_eq!(said, expected);
            }
        }
        check(
            &json!({"for": "node", "file": "nodes/long.py"}),
            "waiting for nodes/long.py (12 s so far) · aim-worker interrupt ends it",
            "nodes/long.py 실행이 끝나기를 기다리는 중 (12 s째) · aim-worker interrupt로 중단할 수 있습니다",
        );
        check(
            &json!({"for": "worker", "changed": ["numpy"]}),
            "starting a worker: numpy changed (12 s so far)",
            "워커를 시작하는 중: numpy 변경됨 (12 s째)",
        );
        check(
            &json!({"for": "worker", "changed": ["a", "b", "c", "d"]}),
            "starting a worker: a, b, c, … changed (12 s so far)",
            "워커를 시작하는 중: a, b, c, … 변경됨 (12 s째)",
        );
        check(
            &json!({"for": "worker", "file": "used.py"}),
            "starting a worker: used.py changed (12 s so far)",
            "워커를 시작하는 중: used.py 변경됨 (12 s째)",
        );
        check(
            &json!({"for": "worker"}),
            "starting a worker (12 s so far)",
            "워커를 시작하는 중 (12 s째)",
        );
        for unknown in [json!(null), json!({"for": "made-up-later"})] {
            check(
                &unknown,
                "waiting for the daemon (12 s so far)",
                "데몬의 응답을 기다리는 중 (12 s째)",
            );
        }
        check(&json!({"for": "nothing"}), "", "");
    }
}
