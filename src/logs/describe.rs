//! A run in a person's words and in a script's.

use crate::console::changes;
use crate::console::style::{self, BAD, FAINT, GOOD, ODD};
use crate::console::table::Cell;
use crate::inventory::{Change, Diff, StartupChange, StartupChangeKind};
use crate::secrets;
use crate::store::{Ending, Run};
use crate::words::t;

/// What changed, at most `most` of it: `+six 1.16.0  -x 1.0  ~y 1 → 2  … and 12 more`.
pub(super) fn changes(run: &Run, most: usize) -> Cell {
    let Run::Recorded(record) = run else {
        return Cell::styled(FAINT, t!("logs.unknown"));
    };
    let diff = &record.changes;
    let mut cell =
        all(diff)
            .take(most)
            .enumerate()
            .fold(Cell::default(), |cell, (index, (style, text))| {
                let gap = if index > 0 { "  " } else { "" };
                cell.and(style::PLAIN, gap).and(style, text)
            });
    let count = diff.len() + diff.startup.len();
    if let Some(more) = count.checked_sub(most).filter(|more| *more > 0) {
        cell = cell.and(FAINT, format!("  {}", t!("console.and_more", n = more)));
    }
    cell
}

/// Each change as a line of its own; of very many, the first.
pub(super) fn change_lines(diff: &Diff) -> Vec<Cell> {
    let mut lines: Vec<Cell> = all(diff)
        .take(MOST_CHANGES)
        .map(|(style, text)| Cell::styled(style, text))
        .collect();
    if let Some(more) = diff
        .len()
        .checked_sub(MOST_CHANGES)
        .filter(|more| *more > 0)
    {
        lines.push(Cell::styled(FAINT, t!("console.and_more", n = more)));
    }
    lines
}

fn all(diff: &Diff) -> impl Iterator<Item = (anstyle::Style, String)> {
    diff.changes()
        .map(change)
        .chain(diff.startup.iter().map(startup))
        .map(|(style, text)| (style, bounded(text)))
}

fn startup(file: &StartupChange) -> (anstyle::Style, String) {
    let (style, sign) = match file.change {
        StartupChangeKind::Added => (GOOD, '+'),
        StartupChangeKind::Removed => (BAD, '-'),
        StartupChangeKind::Changed => (ODD, '~'),
    };
    (
        style,
        format!("{sign}{} {}", file.name, t!("logs.startup_file")),
    )
}

fn change(change: &Change) -> (anstyle::Style, String) {
    let words = changes::words(change);
    match (&change.from, &change.to) {
        (None, Some(_)) => (GOOD, words),
        (Some(_), None) => (BAD, words),
        _ => (ODD, format!("~{words}")),
    }
}

/// How a run ended: "ok", "failed (exit 1)", "SIGINT", "interrupted".
pub(super) fn ending(run: &Run) -> Cell {
    match run {
        Run::Recorded(record) => match record.ending() {
            Ending::Exited(0) => Cell::styled(GOOD, t!("logs.ok")),
            Ending::Exited(code) => Cell::styled(BAD, t!("logs.failed_with", code = code)),
            Ending::Signaled(signal) => Cell::styled(BAD, signal_name(signal)),
            Ending::Interrupted => Cell::styled(ODD, t!("logs.interrupted")),
        },
        Run::Lone(lone) if lone.success => Cell::styled(GOOD, t!("logs.ok")),
        Run::Lone(_) => Cell::styled(BAD, t!("logs.failed")),
    }
}

fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal)
        .map_or_else(|| t!("logs.signal", n = signal).into_owned(), str::to_owned)
}

/// The packages as they were typed, without the secrets that records of earlier versions have.
pub(super) fn packages(run: &Run) -> String {
    bounded(secrets::words(run.packages()).join(" "))
}

/// Bytes of one thing of a record that people are shown: more than any plausible command line has.
const LONGEST: usize = 16 << 10;
/// Changes of one run that people are shown.
const MOST_CHANGES: usize = 2_000;

/// The beginning of `text`, which a record says and anybody may have written, and how much is left out. `--json` has
/// all of it.
pub(super) fn bounded(text: impl Into<String>) -> String {
    let mut text = text.into();
    if text.len() <= LONGEST {
        return text;
    }
    let ends = (0..=LONGEST).rev();
    let end = ends.into_iter().find(|end| text.is_char_boundary(*end));
    let rest = text.split_off(end.unwrap_or_default());
    let more = t!("logs.more_characters", n = rest.chars().count());
    format!("{text} {more}")
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use serde_json::{Value, json};

    use super::super::testing::{lone, run};
    use super::*;
    use crate::words::{self, Language};

    fn check(cell: &Cell, expected: &str) {
        assert_eq!(strip_str(&cell.to_line()).to_string(), expected);
    }

    #[test]
    fn changes_have_a_sign_each() {
        let run = run(
            1,
            &json!({
                "added": [{"name": "six", "from": null, "to": "1.16.0"}],
                "removed": [{"name": "x", "from": "1.0", "to": null}],
                "changed": [{"name": "y", "from": "1", "to": "2"}, {"name": "z", "from": "3", "to": "3"}],
            }),
        );
        check(
            &changes(&run, 9),
            "+six 1.16.0  -x 1.0  ~y 1 → 2  ~z 3 (reinstalled)",
        );
        check(&changes(&run, 2), "+six 1.16.0  -x 1.0  … and 2 more");
        words::choose(Language::Korean);
        check(&changes(&run, 3), "+six 1.16.0  -x 1.0  ~y 1 → 2  … 외 1개");
        check(&changes(&lone(true), 3), "?");
    }

    #[test]
    fn what_is_longer_than_anything_plausible_is_cut_with_a_word() {
        let long = "가".repeat(1 << 20);
        let change = json!([{"name": long, "from": null, "to": "1"}]);
        let run = run(1, &json!({"packages": [long], "added": change}));
        let shown = |cell: &Cell| strip_str(&cell.to_line()).to_string();
        for text in [packages(&run), shown(&changes(&run, 3))] {
            assert!(text.len() < 2 * LONGEST, "{}", text.len());
            assert!(
                text.ends_with("more characters"),
                "{}",
                &text[LONGEST - 2..]
            );
        }
        assert_eq!(bounded("x".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(
            bounded("x".repeat(LONGEST + 7))[LONGEST..],
            *" … and 7 more characters"
        );
    }

    #[test]
    fn a_run_of_very_many_changes_shows_the_first() {
        let many: Vec<Value> = (0..MOST_CHANGES + 5)
            .map(|number| json!({"name": format!("n{number}"), "from": null, "to": "1"}))
            .collect();
        let Run::Recorded(record) = run(1, &json!({"added": many})) else {
            panic!("a record");
        };
        let lines = change_lines(&record.changes);
        assert_eq!(lines.len(), MOST_CHANGES + 1);
        check(&lines[MOST_CHANGES], "… and 5 more");
    }

    #[test]
    fn endings_in_both_languages() {
        let absent = |other: Value| {
            let mut fields = json!({"exit_code": "absent"});
            fields
                .as_object_mut()
                .expect("an object")
                .extend(other.as_object().expect("an object").clone());
            run(1, &fields)
        };
        let cases = [
            (run(1, &json!({})), "ok", "성공"),
            (
                run(1, &json!({"exit_code": 2})),
                "failed (exit 2)",
                "실패 (종료 코드 2)",
            ),
            (absent(json!({"signal": 2})), "SIGINT", "SIGINT"),
            (absent(json!({"signal": 63})), "signal 63", "시그널 63"),
            (
                absent(json!({"interrupted": true})),
                "interrupted",
                "중단됨",
            ),
            (lone(true), "ok", "성공"),
            (lone(false), "failed", "실패"),
        ];
        for (run, english, korean) in &cases {
            words::choose(Language::English);
            check(&ending(run), english);
            words::choose(Language::Korean);
            check(&ending(run), korean);
        }
    }

    #[test]
    fn json_has_the_fields_of_the_file_and_the_status() {
        for (run, status) in [
            (run(1, &json!({})), "success"),
            (run(1, &json!({"exit_code": 1})), "error"),
            (
                run(1, &json!({"exit_code": "absent", "interrupted": true})),
                "interrupted",
            ),
            (lone(false), "error"),
        ] {
            let value = run.as_json().expect("JSON");
            assert_eq!(value["status"], status);
            assert_eq!(value["action"], "install");
            assert!(value["started_at"].is_string());
        }
    }
}
