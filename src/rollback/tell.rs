//! What a person is told of going back, before and after.

use serde_json::json;

use super::target::Target;
use crate::console::{Console, changes, describe, few};
use crate::error::Result;
use crate::inventory::{Broken, Change};
use crate::store::{Goal, Plan, TakenBack};
use crate::terminal::printable;
use crate::words::t;

/// Files or names that are told one by one, at most.
const MOST: usize = 10;

/// What will change, and what stands against it.
pub(super) fn plan(console: &mut Console, target: &Target, plan: &Plan) {
    if console.is_json() {
        return;
    }
    if plan.is_empty() {
        console.note(&target.nothing);
    } else {
        console.note(&target.heading);
    }
    for line in describe::change_lines(&plan.changes) {
        console.note(format!("  {}", line.to_line()));
    }
    if target.has_startup {
        console.aside(t!("rollback.startup"));
    }
    for (name, by) in &plan.later {
        let by = by.map(|number| number.to_string()).unwrap_or_default();
        console.warn(t!("rollback.later", name = printable(name), run = by));
    }
    some(console, &plan.edited, |path| {
        t!("rollback.edited", path = printable(path)).into_owned()
    });
    some(console, &plan.breaks, would_break);
    for lost in &plan.lost {
        console.warn(t!("rollback.lost", what = version(lost, lost.to.as_ref())));
    }
}

/// What would be done, for `--dry-run`.
pub(super) fn not_done(console: &mut Console, target: &Target, all: &Plan) -> Result<()> {
    if console.is_json() {
        return console.json(&as_json(target, all));
    }
    plan(console, target, all);
    console.note(t!("console.nothing_changed"));
    Ok(())
}

/// That nothing was to be done.
pub(super) fn nothing(console: &mut Console, target: &Target, plan: &Plan) -> Result<()> {
    if console.is_json() {
        return console.json(&as_json(target, plan));
    }
    Ok(())
}

/// What was impossible, and which requirements do not hold that were not told of before.
pub(super) fn done(console: &mut Console, plan: &Plan, done: &TakenBack, broken: &[Broken]) {
    some(console, &done.failed, |path| {
        t!("rollback.failed", path = printable(path)).into_owned()
    });
    let is_told = |one: &&Broken| {
        let mut told = plan.breaks.iter();
        told.any(|told| (&told.name, &told.needs) == (&one.name, &one.needs))
    };
    let news: Vec<_> = broken.iter().filter(|one| !is_told(one)).collect();
    some(console, &news, |one| changes::broken(one));
}

fn would_break(one: &Broken) -> String {
    t!(
        "rollback.breaks",
        name = printable(&one.name),
        version = printable(&one.version),
        needs = printable(&one.needs)
    )
    .into_owned()
}

/// Warns of each, or of the first and how many there are.
fn some<T>(console: &mut Console, all: &[T], words: impl Fn(&T) -> String) {
    for line in few(all, MOST, words) {
        console.warn(line);
    }
}

/// A distribution in one of its versions.
pub(super) fn version(change: &Change, version: Option<&String>) -> String {
    let version = version.map(String::as_str).unwrap_or_default();
    printable(&format!("{} {version}", change.shown_name()))
}

/// The same for a script.
pub(super) fn as_json(target: &Target, plan: &Plan) -> serde_json::Value {
    let later = plan.later.iter();
    let later: Vec<_> = later
        .map(|(name, by)| json!({ "name": name, "number": by }))
        .collect();
    let mut value = json!({
        "changes": plan.changes,
        "later": later,
        "lost": plan.lost,
        "stuck": plan.stuck,
        "edited": plan.edited,
        "breaks": plan.breaks,
    });
    match &target.goal {
        Goal::Before(run) => {
            value["number"] = json!(run.number);
            value["run_id"] = json!(run.id);
        }
        Goal::Past(past) => value["generation"] = json!(past.generation),
    }
    value
}
