//! A flow of four nodes, as its list shows it at several moments.

use std::time::Duration;

use super::*;
use crate::api::v1::WaitFor;
use crate::words::{self, Language};

fn list() -> NodeList {
    let node = |id: &str, title: &str, kind: &str| FlowNode {
        id: id.to_owned(),
        title: title.to_owned(),
        kind: kind.to_owned(),
    };
    NodeList::new(vec![
        node("s", "Start", "start"),
        node("1", "Sum", "code"),
        node("2", "나눗셈", "code"),
        node("3", "Third", "code"),
        node("r", "Result", "result"),
    ])
}

fn result(status: FlowStatus) -> FlowResult {
    FlowResult {
        status,
        error: None,
        execution_time_ms: 12,
        logs: String::new(),
        error_source: None,
    }
}

fn plain(lines: &[String]) -> Vec<String> {
    lines
        .iter()
        .map(|line| strip_str(line).to_string())
        .collect()
}

#[test]
fn ends_are_told_once_with_what_was_printed() {
    let mut list = list();
    let done = FlowResult {
        logs: "one\n\u{1b}[31mtwo\u{1b}[0m\r\n".to_owned(),
        ..result(FlowStatus::Success)
    };
    assert_eq!(
        plain(&list.settles("1", &done)),
        ["  done       Sum (1)     12 ms", "    │ one", "    │ two"]
    );
    let failed = FlowResult {
        error: Some("division by zero\nTraceback".to_owned()),
        logs: "Traceback".to_owned(),
        ..result(FlowStatus::Error)
    };
    assert_eq!(
        plain(&list.settles("2", &failed)),
        [
            "  failed     나눗셈 (2)  12 ms  division by zero",
            "    │ Traceback"
        ]
    );
    let skipped = FlowResult {
        error_source: Some("2".to_owned()),
        ..result(FlowStatus::Skipped)
    };
    assert_eq!(
        plain(&list.settles("3", &skipped)),
        ["  skipped    Third (3)   because of 나눗셈 (2)"]
    );
    assert!(list.settles("r", &result(FlowStatus::Success)).is_empty());
    let counts = Counts {
        done: 1,
        failed: 1,
        skipped: 1,
    };
    assert_eq!(list.counts(), counts);
    words::choose(Language::Korean);
    assert_eq!(
        plain(&list.settles("1", &result(FlowStatus::Success))),
        ["  완료     Sum (1)     12밀리초"]
    );
}

#[test]
fn what_lives_fits_the_terminal() {
    let mut list = list();
    let now = Instant::now();
    list.begins("2", now);
    let later = now + Duration::from_millis(1_500);
    let check = |width, rows, expected: &[&str]| {
        let lines = plain(&list.living(later, width, rows));
        assert_eq!(lines, expected);
        assert!(lines.iter().all(|line| columns(line) <= width), "{lines:?}");
    };
    check(
        80,
        9,
        &[
            "  running    나눗셈 (2)  1.5 s",
            "  waiting    Sum (1)",
            "  waiting    Third (3)",
        ],
    );
    check(80, 2, &["  running    나눗셈 (2)  1.5 s", "  … and 2 more"]);
    check(18, 1, &["  … and 3 more"]);
    check(
        17,
        3,
        &["  running    나…", "  waiting    Sum…", "  waiting    Thi…"],
    );
    check(80, 0, &[]);
    assert!(list.is_counting());
    assert_eq!(plain(&list.cancel()), ["  cancelled  나눗셈 (2)"]);
    assert!(!list.is_counting());
}

#[test]
fn what_a_node_waits_for_is_said_until_it_runs() {
    let mut list = list();
    let now = Instant::now();
    let waiting = Waiting {
        r#for: WaitFor::Worker,
        changed: vec!["numpy".to_owned()],
        ..Waiting::default()
    };
    let first =
        |list: &NodeList, s| plain(&list.living(now + Duration::from_secs(s), 80, 3)).remove(0);
    list.waits("1", waiting.clone(), now);
    list.waits("1", waiting, now + Duration::from_secs(1));
    assert_eq!(
        first(&list, 3),
        "  waiting    Sum (1)     starting a worker: numpy changed (3 s so far)"
    );
    list.begins("1", now);
    assert_eq!(first(&list, 2), "  running    Sum (1)     2.0 s");
}

#[test]
fn results_stand_in_the_order_of_their_nodes() {
    let values = BTreeMap::from([("1", 0), ("r", 1), ("s", 2)].map(|(id, n)| (id.to_owned(), n)));
    let list = list();
    let ids: Vec<&str> = list
        .in_order(&values)
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(ids, ["s", "1", "r"]);
    assert_eq!(list.name("r"), "Result (r)");
    assert_eq!(list.name("\u{1b}"), "␛");
}
