//! What a shell offers where a run or a package is to be typed.

use std::collections::BTreeSet;

use anstream::adapter::strip_str;
use chrono::Utc;

use crate::console::candidate::Value;
use crate::console::completion::project;
use crate::console::describe;
use crate::console::time;
use crate::store::{Run, RunLog};
use crate::words::t;

/// Runs that are offered: more than anybody reads through.
const MOST_RUNS: usize = 200;

/// What names a run: a word for one, else its number, or its short id where it has none; newest first.
pub(super) fn runs() -> Vec<Value> {
    let log = history();
    let has_failed = log.runs.iter().any(|run| !run.is_success());
    let last = (!log.runs.is_empty()).then(|| ("last", t!("logs.completion.last")));
    let failed = has_failed.then(|| ("last-failed", t!("logs.completion.last_failed")));
    let words = last.into_iter().chain(failed);
    let words = words.map(|(word, meaning)| (word.to_owned(), meaning.into_owned()));
    let name = |run: &Run| {
        let number = run.number().map(|number| number.0.to_string());
        number.unwrap_or_else(|| log.short_id(run))
    };
    let runs = log.runs.iter().take(MOST_RUNS);
    words
        .chain(runs.map(|run| (name(run), meaning(run))))
        .collect()
}

/// The packages that a run named or changed.
pub(super) fn packages() -> Vec<Value> {
    let names: BTreeSet<String> = history().runs.iter().flat_map(describe::names).collect();
    names
        .into_iter()
        .map(|name| (name, String::new()))
        .collect()
}

/// The programs that called a run.
pub(super) fn programs() -> Vec<Value> {
    let log = history();
    let records = log.runs.iter().filter_map(Run::record);
    let names: BTreeSet<&String> = records.flat_map(|record| &record.callers).collect();
    names
        .into_iter()
        .map(|name| (name.clone(), String::new()))
        .collect()
}

/// A run as a person remembers it: `install six, 3 h ago, ok`.
fn meaning(run: &Run) -> String {
    let command = format!("{} {}", run.action(), describe::packages(run));
    let ago = time::ago(run.at(), Utc::now());
    let ending = describe::ending(run).to_line();
    format!("{}, {ago}, {}", command.trim(), strip_str(&ending))
}

fn history() -> RunLog {
    project().map_or_else(RunLog::default, |project| RunLog::read(&project.layout()))
}
