//! The history as one has it who answers from all of it, and what is typed to name a part of it.

use chrono::{DateTime, Utc};

use super::{Console, describe, time};
use crate::error::{Error, Result};
use crate::project::ProjectLayout;
use crate::store::{
    EnvMeta, FindError, Generation, MetaState, Moment, Past, Run, RunLog, RunRecord,
};
use crate::terminal::printable;
use crate::words::t;

/// Columns of a path in what is told of a run.
const LONGEST_PATH: usize = 30;
/// Runs that are told where it is not clear which is meant.
const CANDIDATES: usize = 5;

/// The whole history.
///
/// # Errors
/// As [`complete`].
pub fn whole(layout: &ProjectLayout) -> Result<RunLog> {
    let log = RunLog::read(layout);
    complete(&log)?;
    Ok(log)
}

/// That no run is missing which is there.
///
/// # Errors
/// Why some may be.
pub fn complete(log: &RunLog) -> Result<()> {
    log.incomplete()
        .map_or(Ok(()), |problem| Err(Error::failed(problem)))
}

/// Says what cannot be read in `log`.
pub fn warn(console: &mut Console, log: &RunLog) {
    for problem in &log.problems {
        console.warn(problem);
    }
}

/// What is recorded last.
///
/// # Errors
/// `Exit::NotFound` where nothing is recorded; when what is cannot be read.
pub fn recorded(layout: &ProjectLayout) -> Result<EnvMeta> {
    match EnvMeta::read(layout) {
        (meta, MetaState::Present) => Ok(meta),
        (_, MetaState::Absent) => Err(Error::not_found(t!("logs.none_yet"))),
        (_, MetaState::Broken(why)) => Err(Error::failed(why).hint(t!("logs.hint_sync"))),
    }
}

/// What `text` names: `now`, a time, a generation (`g12`), a run.
///
/// # Errors
/// `Exit::NotFound`, where there is no such run.
pub fn moment(text: &str, log: &RunLog, now: DateTime<Utc>) -> Result<Moment> {
    if text == "now" {
        return Ok(Moment::Now);
    }
    if let Some(time) = time::moment(text, now) {
        return Ok(Moment::At(time));
    }
    if let Some(Ok(generation)) = text.strip_prefix('g').map(str::parse::<Generation>) {
        return Ok(Moment::Generation(generation));
    }
    match log.find(text) {
        Ok(run) => Ok(Moment::After(run.clone())),
        Err(FindError::Unknown(_)) => {
            let words = t!("console.view.no_time", at = printable(text));
            Err(Error::not_found(words).hint(t!("logs.hint_list")))
        }
        Err(error) => Err(not_found(&error)),
    }
}

/// What was installed at `moment`.
///
/// # Errors
/// `Exit::NotFound`, where the history does not go back so far, or has no such generation yet.
pub fn past(moment: &Moment, meta: &EnvMeta, log: &RunLog) -> Result<Past> {
    let newest = meta.generation();
    if matches!(moment, Moment::Generation(wanted) if *wanted > newest) {
        return Err(Error::not_found(t!("logs.no_generation", newest = newest)));
    }
    Past::at(moment, meta, log).map_err(|too_far| {
        let first = too_far.0.map(|number| number.to_string());
        Error::not_found(t!("logs.too_far", run = first.unwrap_or_default()))
    })
}

/// As [`past`]; of the time before anybody looked, what was found then: nobody knows more.
///
/// # Errors
/// As [`past`].
pub fn known_past(moment: &Moment, meta: &EnvMeta, log: &RunLog) -> Result<Past> {
    let at = past(moment, meta, log)?;
    let first = log.runs.last();
    let first = first.filter(|run| run.record().is_some_and(RunRecord::is_first_look));
    match first {
        Some(run) if at.generation == Generation::default() => {
            past(&Moment::After(run.clone()), meta, log)
        }
        _ => Ok(at),
    }
}

/// The generation at what `text` names, as [`moment`]; also one that only the archive knows.
///
/// # Errors
/// As [`moment`] and [`past`].
pub fn generation(
    text: &str,
    (meta, log): (&EnvMeta, &RunLog),
    now: DateTime<Utc>,
) -> Result<Generation> {
    match moment(text, log, now)? {
        Moment::Generation(wanted) if wanted != Generation::default() => Ok(wanted),
        moment => known_past(&moment, meta, log).map(|past| past.generation),
    }
}

/// Why there is no one run that is meant, with what may help.
pub fn not_found(error: &FindError) -> Error {
    match error {
        FindError::Empty => Error::not_found(t!("logs.none_yet")),
        FindError::Unknown(wanted) => {
            Error::not_found(t!("logs.no_such_run", run = printable(wanted)))
                .hint(t!("logs.hint_list"))
        }
        FindError::NoneFailed => Error::not_found(t!("logs.none_failed")),
        FindError::Ambiguous(runs) => {
            let candidate = |run: &Run| {
                let number = run.number().map(|number| format!("{number}  "));
                let (number, what) = (
                    number.unwrap_or_default(),
                    describe::what(run, LONGEST_PATH),
                );
                format!("{number}{}  {}  {what}", run.id(), time::local(run.at()))
            };
            let error = Error::not_found(t!("logs.ambiguous", n = runs.len()));
            let some = runs.iter().take(CANDIDATES).map(candidate);
            some.fold(error, |error, line| error.hint(printable(&line)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Exit;
    use crate::store::made_runs::{lone, run};

    #[test]
    fn a_run_that_is_not_clear_has_a_hint() {
        for error in [
            FindError::Unknown("x".into()),
            FindError::NoneFailed,
            FindError::Empty,
        ] {
            let error = not_found(&error);
            assert_eq!(error.exit(), Exit::NotFound);
        }
        let numbered = run(1, &json!({"number": 27}));
        let error = not_found(&FindError::Ambiguous(vec![numbered, lone(true)]));
        assert!(error.hints()[0].starts_with("#27  0199ab12-"), "{error:?}");
        assert!(
            error.hints()[1].ends_with("  install requests"),
            "{error:?}"
        );
    }
}
