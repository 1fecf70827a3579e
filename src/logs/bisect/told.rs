//! What a bisect says: of each attempt a line, and at the end the run, its changes and the undo to type.

use std::time::Duration;

use anstream::adapter::strip_str;
use chrono::Utc;
use serde::Serialize;
use serde_json::json;

use super::super::show;
use super::attempt::Outcome;
use super::search::Verdict;
use crate::console::{Console, describe, style, time};
use crate::error::Result;
use crate::exec::ChildStatus;
use crate::inventory::Change;
use crate::store::{Generation, Run, RunLog, RunRecord};
use crate::terminal::printable;
use crate::words::t;

/// Lines of what the command said that are shown at the end.
const LAST_LINES: usize = 10;
/// Distributions that the line of an attempt names, at most.
const MOST: usize = 3;

/// One attempt.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    generation: Generation,
    /// Distributions that are as in this generation, all others as in the one before; all are where none is named.
    only: Vec<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    duration_ms: u64,
}

/// What is found.
pub(super) struct Found<'a> {
    pub(super) good: Generation,
    pub(super) bad: Generation,
    /// The runs in between that changed something, oldest first; one, where each generation could be told.
    pub(super) runs: Vec<&'a RunRecord>,
    /// What of their changes is enough; none where it cannot be told.
    pub(super) only: Vec<Change>,
}

impl Step {
    pub(super) fn of(
        generation: Generation,
        only: Vec<String>,
        verdict: Verdict,
        outcome: &Outcome,
    ) -> Self {
        Self {
            generation,
            only,
            verdict: match verdict {
                Verdict::Good => "good",
                Verdict::Bad => "bad",
                Verdict::Skip => "skip",
            },
            exit_code: match outcome.status {
                ChildStatus::Exited(code) => Some(code),
                ChildStatus::Signaled(_) => None,
            },
            duration_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What an attempt is called: `g12`, `g12 numpy`.
pub(super) fn label(generation: Generation, only: &[String]) -> String {
    let mut words = vec![style::paint(style::NAME, format!("g{generation}"))];
    words.extend(only.iter().take(MOST).cloned());
    if let Some(more) = only.len().checked_sub(MOST).filter(|more| *more > 0) {
        words.push(t!("console.and_more", n = more).into_owned());
    }
    words.join(" ")
}

/// Says what came of the attempt `label`; nobody was asked where there is no `outcome`.
pub(super) fn note(
    console: &mut Console,
    label: &str,
    verdict: Verdict,
    outcome: Option<&Outcome>,
) {
    let (style, words) = match verdict {
        Verdict::Good => (style::GOOD, t!("logs.bisect.good")),
        Verdict::Bad => (style::BAD, t!("logs.bisect.bad")),
        Verdict::Skip => (style::ODD, t!("logs.bisect.skipped")),
    };
    let took = outcome.map_or(Duration::ZERO, |outcome| outcome.took);
    let words = style::paint(style, words);
    let took = style::paint(style::FAINT, time::duration(took));
    console.note(format!("{label}  {words}  {took}"));
}

impl Found<'_> {
    /// Says what was found, after `steps`, and what the command `said` where it failed last.
    pub(super) fn tell(
        &self,
        console: &mut Console,
        log: &RunLog,
        steps: &[Step],
        said: &[u8],
    ) -> Result<()> {
        let undo = self.undo(log);
        let run = |record: &RunRecord| Run::Recorded(Box::new(record.clone()));
        if console.is_json() {
            let runs = self.runs.iter().map(|record| run(record).as_json());
            return console.json(&json!({
                "good": self.good,
                "bad": self.bad,
                "runs": runs.collect::<Result<Vec<_>, _>>()?,
                "changes": self.only,
                "steps": steps,
                "undo": undo,
            }));
        }
        tell_end(console, said);
        console.line(self.heading())?;
        for record in &self.runs {
            for line in show::header(&run(record), Utc::now()) {
                console.line(line)?;
            }
        }
        let count: usize = self.runs.iter().map(|run| run.changes.len()).sum();
        if !self.only.is_empty() && self.only.len() < count {
            let only = self.only.iter().map(describe::change_line);
            let only = only.collect::<Vec<_>>().join("  ");
            console.line(t!("logs.bisect.enough", what = only))?;
        }
        if let Some(undo) = undo {
            console.hint(t!("logs.bisect.hint_undo", command = undo));
        }
        Ok(())
    }

    fn heading(&self) -> String {
        let names = self.runs.iter().map(|run| run.name());
        let names = style::paint(style::NAME, names.collect::<Vec<_>>().join(", "));
        let words = match self.runs.as_slice() {
            [] => t!("logs.bisect.unknown_run", good = self.good, bad = self.bad),
            [_] => t!("logs.bisect.found", run = names),
            _ => t!("logs.bisect.one_of", runs = names),
        };
        words.into_owned()
    }

    /// What to type; none where there are several runs, or the one is taken back.
    fn undo(&self, log: &RunLog) -> Option<String> {
        let [run] = self.runs.as_slice() else {
            return None;
        };
        let name = run.name();
        let typed = format!("aim-logs undo {}", name.trim_start_matches('#'));
        (!log.taken_back().contains_key(&run.id)).then_some(typed)
    }
}

/// The last lines of what the command said.
fn tell_end(console: &mut Console, said: &[u8]) {
    let said = String::from_utf8_lossy(said);
    let lines = said.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.collect();
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        let line = printable(&strip_str(line).to_string());
        console.note(style::paint(style::FAINT, format!("  {line}")));
    }
}
