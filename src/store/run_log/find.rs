//! The names of a run: its number, its id, how long ago it was.

use super::read::RunLog;
use crate::store::record::{Run, RunNumber};

/// Why no run was found.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FindError {
    /// No run is called so.
    #[error("no run {0:?}")]
    Unknown(String),
    /// The ids of several begin so, newest first.
    #[error("{} runs begin so", .0.len())]
    Ambiguous(Vec<Run>),
    /// No run failed.
    #[error("no run failed")]
    NoneFailed,
    /// There is no run at all.
    #[error("no run yet")]
    Empty,
}

/// An id is never shown shorter: the first eight digits of a version 7 UUID are its time to the minute.
const SHORTEST_ID: usize = 8;

impl RunLog {
    /// The run that `wanted` names: its number (`27`, `#27`), `last`, `last~2` (the second before the last),
    /// `last-failed`, its id, a unique beginning of that, or the name of its log's file.
    ///
    /// Where digits are the number of one run and the beginning of another's id, they are the number: that is what
    /// lists show.
    ///
    /// # Errors
    /// [`FindError`].
    pub fn find(&self, wanted: &str) -> Result<&Run, FindError> {
        let newest = self.runs.first().ok_or(FindError::Empty)?;
        if let Some(run) = self.runs.iter().find(|run| run.log_name() == Some(wanted)) {
            return Ok(run);
        }
        let wanted = wanted.trim().to_ascii_lowercase();
        let unknown = || FindError::Unknown(wanted.clone());
        if wanted == "last" {
            return Ok(newest);
        }
        if wanted == "last-failed" {
            let failed = self.runs.iter().find(|run| !run.is_success());
            return failed.ok_or(FindError::NoneFailed);
        }
        if let Some(before) = wanted.strip_prefix("last~") {
            let place: usize = before.parse().map_err(|_| unknown())?;
            return self.runs.get(place).ok_or_else(unknown);
        }
        if let Ok(number) = wanted.parse::<RunNumber>()
            && let Some(run) = self.runs.iter().find(|run| run.number() == Some(number))
        {
            return Ok(run);
        }
        let found: Vec<&Run> = self
            .runs
            .iter()
            .filter(|run| run.id().starts_with(&wanted))
            .collect();
        match found.as_slice() {
            _ if wanted.is_empty() => Err(unknown()),
            [] => Err(unknown()),
            [run] => Ok(run),
            several => match several.iter().find(|run| run.id() == wanted) {
                Some(run) => Ok(run),
                None => Err(FindError::Ambiguous(
                    several.iter().copied().cloned().collect(),
                )),
            },
        }
    }

    /// The shortest beginning of the id of `run`, of at least eight characters, that names no other run.
    pub fn short_id(&self, run: &Run) -> String {
        let id = run.id();
        let shared = |other: &Run| {
            let other = other.id();
            if other == id {
                0
            } else {
                id.bytes()
                    .zip(other.bytes())
                    .take_while(|(a, b)| a == b)
                    .count()
            }
        };
        let shared = self.runs.iter().map(shared).max().unwrap_or(0);
        let length = (shared + 1).max(SHORTEST_ID);
        id.chars()
            .take(length)
            .collect::<String>()
            .trim_end_matches('-')
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::places;
    use crate::store::record::history;
    use crate::store::testing::{project_with_logs, record, remember};

    #[test]
    fn runs_are_found_by_the_beginning_of_their_id() {
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        assert_eq!(RunLog::read(&layout).find("last"), Err(FindError::Empty));
        remember(&project, "one");
        remember(&project, "two");
        let log = RunLog::read(&layout);
        assert_eq!(log.find("last").expect("newest").action(), "two");
        for run in &log.runs {
            assert_eq!(log.find(&run.id()), Ok(run));
            assert_eq!(log.find(&run.id().to_uppercase()), Ok(run));
            let short = log.short_id(run);
            assert!(short.len() >= SHORTEST_ID);
            assert_eq!(log.find(&short), Ok(run));
        }
        assert!(matches!(log.find("0"), Err(FindError::Ambiguous(ids)) if ids.len() == 2));
        assert!(matches!(log.find("zz"), Err(FindError::Unknown(_))));
        assert!(matches!(log.find(""), Err(FindError::Unknown(_))));
    }

    #[test]
    fn runs_are_found_by_number_and_by_how_long_ago() {
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        for action in ["one", "two", "three"] {
            remember(&project, action);
        }
        let log = RunLog::read(&layout);
        for (wanted, action) in [
            ("1", "one"),
            ("#3", "three"),
            ("last~0", "three"),
            ("last~2", "one"),
            (" LAST ", "three"),
        ] {
            assert_eq!(log.find(wanted).expect(wanted).action(), action, "{wanted}");
        }
        for wanted in ["4", "#0", "last~3", "last~x", "#"] {
            let unknown = log.find(wanted);
            assert!(matches!(unknown, Err(FindError::Unknown(_))), "{wanted}");
        }
        assert_eq!(log.find("last-failed"), Err(FindError::NoneFailed));
    }

    #[test]
    fn digits_are_a_number_before_they_are_the_beginning_of_an_id() {
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        for (number, id) in [(1, "10000000"), (10, "20000000"), (11, "20000001")] {
            let mut record = record(&number.to_string(), 1);
            record.id = format!("{id}-0000-7000-8000-000000000000")
                .parse()
                .expect("an id");
            record.number = Some(RunNumber(number));
            let logs = places::logs(&layout).expect("the folder of logs");
            history::append(&logs, &record).expect("append");
        }
        let log = RunLog::read(&layout);
        let found = |wanted| {
            log.find(wanted)
                .expect("one")
                .number()
                .map(|number| number.0)
        };
        assert_eq!(found("1"), Some(1));
        assert_eq!(found("10"), Some(10), "also the beginning of the id of 1");
        assert_eq!(found("100"), Some(1));
        assert!(matches!(log.find("2"), Err(FindError::Ambiguous(runs)) if runs.len() == 2));
    }
}
