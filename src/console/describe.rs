//! A run in a person's words and in a script's.

use super::changes;
use super::style::{self, BAD, FAINT, GOOD, ODD};
use super::table::{Cell, Styled};
use super::time;
use super::width::cut_path;
use crate::inventory::{
    Change, Diff, StartupChange, StartupChangeKind, canonical, requirement_name,
};
use crate::secrets;
use crate::store::{Ending, Run, RunRecord, Tool};
use crate::words::t;

/// What a run did, in one line: why it failed, and what changed, as much as there is room for: `~y 1 → 2  -x 1.0
/// +six 1.16.0  … and 12 more`. What happened to `package`, by its canonical name, stands first.
pub fn outcome(run: &Run, why: Option<Styled>, package: Option<&str>) -> Cell {
    let changes: Vec<Styled> = match run {
        Run::Recorded(record) => all(&record.changes, package).take(MOST_CHANGES).collect(),
        Run::Lone(_) => Vec::new(),
    };
    if changes.is_empty() && why.is_none() {
        return match run {
            Run::Recorded(_) => Cell::styled(FAINT, t!("logs.nothing_changed")),
            Run::Lone(_) => Cell::styled(FAINT, t!("logs.unknown")),
        };
    }
    let why = why.map(|(style, text)| (style, bounded(text)));
    Cell::list(why.into_iter().chain(changes))
}

/// What changed, at most `most` of it: `~y 1 → 2  -x 1.0  +six 1.16.0  … and 12 more`.
pub fn changes(run: &Run, most: usize) -> Cell {
    let Run::Recorded(record) = run else {
        return Cell::styled(FAINT, t!("logs.unknown"));
    };
    let diff = &record.changes;
    let mut cell = all(diff, None).take(most).enumerate().fold(
        Cell::default(),
        |cell, (index, (style, text))| {
            let gap = if index > 0 { "  " } else { "" };
            cell.and(style::PLAIN, gap).and(style, text)
        },
    );
    let count = diff.len() + diff.startup.len();
    if let Some(more) = count.checked_sub(most).filter(|more| *more > 0) {
        cell = cell.and(FAINT, format!("  {}", t!("console.and_more", n = more)));
    }
    cell
}

/// Each change as a line of its own; of very many, the first.
pub fn change_lines(diff: &Diff) -> Vec<Cell> {
    let mut lines: Vec<Cell> = all(diff, None)
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

/// What happened to `first`, then what has another version, what went, what came: newcomers are many, and mostly plain
/// from the command.
fn all(diff: &Diff, first: Option<&str>) -> impl Iterator<Item = Styled> {
    let mut changes: Vec<&Change> = diff.changes().collect();
    changes.sort_by_key(|change| {
        let is_first = first.is_some_and(|first| canonical(&change.name) == first);
        (!is_first, change.from.is_none(), change.to.is_none())
    });
    // Where versions are the same, it was only installed again.
    changes
        .into_iter()
        .map(change)
        .chain(diff.startup.iter().map(startup))
        .map(|(style, text)| (style, bounded(text)))
}

fn startup(file: &StartupChange) -> Styled {
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

/// One change: `~numpy 2.4.6 → 1.26.4`.
pub fn change_line(one: &Change) -> String {
    let (style, words) = change(one);
    style::paint(style, bounded(words))
}

fn change(change: &Change) -> Styled {
    let words = changes::words(change);
    match (&change.from, &change.to) {
        (None, Some(_)) => (GOOD, words),
        (Some(_), None) => (BAD, words),
        _ => (ODD, format!("~{words}")),
    }
}

/// How a run ended: "ok", "failed (exit 1)", "SIGINT", "interrupted".
pub fn ending(run: &Run) -> Cell {
    match run.record().map(RunRecord::ending) {
        Some(Ending::Exited(code)) if code != 0 => {
            Cell::styled(BAD, t!("logs.failed_with", code = code))
        }
        _ => {
            let (style, words) = status(run);
            Cell::styled(style, words)
        }
    }
}

/// As [`ending`], as short as a table wants it: what went wrong stands beside it.
pub fn status(run: &Run) -> Styled {
    let (style, words) = match run.record().map(RunRecord::ending) {
        _ if run.is_success() => (GOOD, t!("logs.ok")),
        Some(Ending::Signaled(signal)) => (BAD, signal_name(signal).into()),
        Some(Ending::Interrupted) => (ODD, t!("logs.interrupted")),
        Some(Ending::Exited(_)) | None => (BAD, t!("logs.failed")),
    };
    (style, words.into_owned())
}

/// How long it took. Of what another tool did nobody knows that.
pub fn took(run: &Run) -> Option<String> {
    let record = run.record().filter(|record| record.action != SYNC)?;
    Some(time::duration(record.duration()))
}

/// The name of a signal.
pub fn signal_name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal)
        .map_or_else(|| t!("logs.signal", n = signal).into_owned(), str::to_owned)
}

/// What was done: pip's command and what it was asked for; for what another tool did, that tool. Paths of more than
/// `most` columns are cut in front.
pub fn what(run: &Run, most: usize) -> String {
    let tool = run
        .record()
        .filter(|record| record.action == SYNC)
        .map(|record| record.tool);
    match tool {
        Some(Tool::Unknown) => return t!("logs.another_tool").into_owned(),
        Some(tool) => return tool.as_str().to_owned(),
        None => {}
    }
    let words = secrets::words(run.packages()).into_iter().map(|word| {
        let (name, rest) = word.split_at(requirement_name(&word).len());
        if word.contains("://") {
            word
        } else if rest.contains('/') {
            cut_path(&word, most).into_owned()
        } else if name.contains('.') {
            // Perhaps the name of a file.
            word
        } else {
            canonical(name) + rest
        }
    });
    let words: Vec<String> = std::iter::once(run.action().to_owned())
        .chain(words)
        .collect();
    bounded(words.join(" "))
}

/// The canonical name of the distribution that a person who typed this asked for, also by a wheel's path.
fn named(typed: &str) -> String {
    let file = typed.rsplit('/').next().unwrap_or(typed);
    let of_wheel = file
        .strip_suffix(".whl")
        .and_then(|stem| stem.split('-').next());
    canonical(of_wheel.unwrap_or_else(|| requirement_name(typed)))
}

/// The canonical names of the distributions that `run` named or changed.
pub fn names(run: &Run) -> impl Iterator<Item = String> {
    let changed = run.changes().map(|change| canonical(&change.name));
    let typed = run.packages().iter();
    changed.chain(typed.map(|typed| named(typed)))
}

/// Who ran `record`, from where and by which tool: `kim from make ← bash (pip, process 77)`.
pub fn who(record: &RunRecord) -> String {
    let user = bounded(record.user.as_str());
    let user = if record.callers.is_empty() {
        user
    } else {
        let callers = bounded(record.callers.join(" ← "));
        t!("logs.called_from", user = user, callers = callers).into_owned()
    };
    t!(
        "logs.who",
        user = user,
        tool = record.tool.as_str(),
        pid = record.pid
    )
    .into_owned()
}

/// The action of a run by which a change of another tool was entered.
pub const SYNC: &str = "sync";

/// The packages as they were typed, without the secrets that records of earlier versions have.
pub fn packages(run: &Run) -> String {
    bounded(secrets::words(run.packages()).join(" "))
}

/// Bytes of one thing of a record that people are shown: more than any plausible command line has.
const LONGEST: usize = 16 << 10;
/// Changes of one run that people are shown.
const MOST_CHANGES: usize = 2_000;

/// The beginning of `text`, which a record says and anybody may have written, and how much is left out. `--json` has
/// all of it.
pub fn bounded(text: impl Into<String>) -> String {
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

/// Whether `run` named the package of this canonical name, as opposed to changing it for another one.
pub fn is_asked_for(run: &Run, name: &str) -> bool {
    let mut typed = run.packages().iter();
    typed.any(|typed| named(typed) == name)
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use serde_json::{Value, json};

    use super::*;
    use crate::store::made_runs::{lone, run};
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
            "~y 1 → 2  ~z 3 (reinstalled)  -x 1.0  +six 1.16.0",
        );
        check(
            &changes(&run, 2),
            "~y 1 → 2  ~z 3 (reinstalled)  … and 2 more",
        );
        words::choose(Language::Korean);
        check(
            &changes(&run, 3),
            "~y 1 → 2  ~z 3 (재설치)  -x 1.0  … 외 1개",
        );
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
    fn what_is_typed_names_a_distribution() {
        for (typed, expected) in [
            ("Flask_Login>=1", "flask-login"),
            ("dist/Flask_Login-1.0-py3-none-any.whl", "flask-login"),
            ("requests[socks]", "requests"),
        ] {
            assert_eq!(named(typed), expected);
        }
    }

    #[test]
    fn nobody_knows_how_long_another_tool_took() {
        let by_pip = run(1, &json!({"duration_ms": 1500}));
        assert_eq!(took(&by_pip).as_deref(), Some("1.5 s"));
        let by_uv = run(
            2,
            &json!({"action": "sync", "tool": "uv", "duration_ms": 0}),
        );
        assert_eq!(took(&by_uv), None);
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
