//! `aim-logs bisect`: which run broke a command, and which of its changes did.
//!
//! Start reading at [`bisect`]. The command is run in views of earlier generations (`attempt`), where `search` says;
//! what comes of it is `told`.

mod attempt;
mod search;
mod told;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::Utc;

use self::attempt::Attempts;
use self::search::{Verdict, between, good_before, narrowed};
use self::told::{Found, Step, label, note};
use super::cli::BisectArgs;
use crate::console::{Console, describe, history, view};
use crate::error::{Error, Exit, Explain as _, Result};
use crate::exec::ChildStatus;
use crate::host::Host;
use crate::inventory::{Broken, Change, Requirements, Snapshot, canonical};
use crate::project::{Project, Venv};
use crate::store::{Contents, EnvMeta, Generation, Run, RunLog, RunRecord, View};
use crate::words::t;

/// Generations that are looked at of which not all is kept, one after another.
const MOST_MISSING: usize = 16;

/// Finds the run that broke the command.
pub(super) fn bisect(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &BisectArgs,
) -> Result<Exit> {
    let Some((program, rest)) = args.command.split_first() else {
        return Err(Error::usage(t!("logs.bisect.no_command")));
    };
    let layout = project.layout();
    let log = history::whole(&layout)?;
    let meta = EnvMeta::read(&layout).0;
    let is_shown = console.is_verbose();
    let attempts = Attempts::of(host, (program, rest), is_shown)?;
    let mut search = Search {
        console,
        host,
        project,
        log: &log,
        meta: &meta,
        args,
        attempts,
        steps: Vec::new(),
        known: BTreeMap::new(),
        said: Vec::new(),
    };
    match search.run() {
        Ok(found) => {
            found.tell(search.console, &log, &search.steps, &search.said)?;
            Ok(Exit::Done)
        }
        Err(Stop::Interrupted) => Ok(Exit::Interrupted),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Why nothing is found.
enum Stop {
    /// The person wants no more.
    Interrupted,
    Failed(Error),
}

/// What a search gives that goes on.
type Going<T> = Result<T, Stop>;

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

struct Search<'a> {
    console: &'a mut Console,
    host: &'a Host,
    project: &'a Project,
    log: &'a RunLog,
    meta: &'a EnvMeta,
    args: &'a BisectArgs,
    attempts: Attempts<'a>,
    steps: Vec<Step>,
    known: BTreeMap<Generation, Verdict>,
    /// What the command said where it failed last.
    said: Vec<u8>,
}

impl<'a> Search<'a> {
    fn run(&mut self) -> Going<Found<'a>> {
        let bad = self.generation(self.args.bad.as_deref().unwrap_or("now"))?;
        let good = match self.args.good.as_deref() {
            Some(good) => Some(self.generation(good)?),
            None => None,
        };
        if let Some(good) = good.filter(|good| *good >= bad) {
            let error = t!("logs.bisect.not_before", good = good, bad = bad);
            return Err(Stop::Failed(Error::usage(error)));
        }
        let points = self.points(good, bad)?;
        let [first, .., last] = points.as_slice() else {
            return Err(Stop::Failed(Error::failed(t!(
                "logs.bisect.nothing_between"
            ))));
        };
        if self.verdict(last)? != Verdict::Bad {
            let error = t!("logs.bisect.not_bad", generation = last.generation);
            return Err(Stop::Failed(
                Error::failed(error).hint(t!("logs.bisect.hint_bad")),
            ));
        }
        let first = match (self.verdict(first)?, good) {
            (Verdict::Good, _) => 0,
            (_, Some(_)) => {
                let error = t!("logs.bisect.not_good", generation = first.generation);
                return Err(Stop::Failed(
                    Error::failed(error).hint(t!("logs.bisect.hint_good")),
                ));
            }
            (_, None) => {
                let nearest = good_before(points.len() - 1, |place| self.verdict(&points[place]));
                match nearest? {
                    Some(place) => place,
                    None => return Err(Stop::Failed(Error::failed(t!("logs.bisect.never_good")))),
                }
            }
        };
        let points = &points[first..];
        let (good, bad) = between(points.len(), |place| self.verdict(&points[place]))?;
        let (good, bad) = (&points[good], &points[bad]);
        let runs: Vec<&RunRecord> = self.runs_between(good.generation, bad.generation);
        let only = self.narrow(good, bad, &runs)?;
        Ok(Found {
            good: good.generation,
            bad: bad.generation,
            runs,
            only,
        })
    }

    /// The generation that is called `at`.
    fn generation(&self, at: &str) -> Going<Generation> {
        Ok(history::generation(at, (self.meta, self.log), Utc::now())?)
    }

    /// What there was after each run between the two, or from the first that is whole where no `good` is named; both
    /// ends are among them.
    fn points(&mut self, good: Option<Generation>, bad: Generation) -> Going<Vec<Contents>> {
        let records = self.log.runs.iter().filter_map(Run::record);
        let mut generations: BTreeSet<Generation> = records
            .flat_map(|record| [record.generation_before, record.generation_after])
            .filter(|one| *one > good.unwrap_or_default() && *one < bad)
            .collect();
        generations.extend(good);
        generations.insert(bad);
        let mut points = Vec::new();
        let (mut passed, mut in_a_row) = (0, 0);
        // Far back nothing is kept any more, and each generation takes the time to see that.
        for generation in generations.into_iter().rev() {
            let is_end = generation == bad || Some(generation) == good;
            if !is_end && in_a_row >= MOST_MISSING {
                continue;
            }
            let contents = Contents::of(self.project.venv(), (self.meta, self.log), generation);
            match contents.map_err(view::no_view) {
                Ok(contents) if contents.lost.is_empty() || self.args.incomplete => {
                    points.push(contents);
                    passed += std::mem::take(&mut in_a_row);
                }
                Ok(contents) if is_end => {
                    let what = view::named(&contents.lost);
                    let lost = t!("console.view.lost", generation = generation, what = what);
                    let error = Error::failed(lost).hint(t!("console.view.hint_incomplete"));
                    return Err(Stop::Failed(error));
                }
                Err(error) if is_end => return Err(Stop::Failed(error)),
                _ => in_a_row += 1,
            }
        }
        if passed > 0 {
            self.console.aside(t!("logs.bisect.without", n = passed));
        }
        points.reverse();
        Ok(points)
    }

    /// Whether the command is good in a view of `contents`.
    fn verdict(&mut self, contents: &Contents) -> Going<Verdict> {
        if let Some(verdict) = self.known.get(&contents.generation) {
            return Ok(*verdict);
        }
        let view = view::made(self.project, contents)?;
        let verdict = self.attempt(view.venv(), contents.generation, Vec::new())?;
        self.known.insert(contents.generation, verdict);
        Ok(verdict)
    }

    /// Runs the command in the view `venv`, of a generation or of `only` some distributions of it, and tells of it.
    fn attempt(
        &mut self,
        venv: &Venv,
        generation: Generation,
        only: Vec<String>,
    ) -> Going<Verdict> {
        let label = label(generation, &only);
        let line = (!self.console.is_verbose()).then(|| {
            let (label, number) = (label.clone(), self.steps.len() + 1);
            self.console.waiting(move |time| {
                let words = t!("logs.bisect.testing", what = label, n = number, time = time);
                Some(words.into_owned())
            })
        });
        let outcome = self.attempts.run(venv);
        drop(line);
        if self.attempts.was_interrupted() {
            return Err(Stop::Interrupted);
        }
        let outcome = outcome.context(t!("logs.bisect.cannot_run"))?;
        let Some(verdict) = outcome.verdict() else {
            let error = Error::failed(t!("logs.bisect.stopped", how = ending(outcome.status)));
            return Err(Stop::Failed(error));
        };
        note(self.console, &label, verdict, Some(&outcome));
        self.steps
            .push(Step::of(generation, only, verdict, &outcome));
        if verdict == Verdict::Bad {
            self.said = outcome.said;
        }
        Ok(verdict)
    }

    /// The runs after `good` that led to `bad`, oldest first.
    fn runs_between(&self, good: Generation, bad: Generation) -> Vec<&'a RunRecord> {
        let records = self.log.runs.iter().rev().filter_map(Run::record);
        let is_between = |record: &&RunRecord| {
            let has_changed = record.generation_before != record.generation_after;
            has_changed && record.generation_after > good && record.generation_after <= bad
        };
        records.filter(is_between).collect()
    }

    /// What of the changes between the two is enough for the command to fail, where they can be taken apart.
    fn narrow(
        &mut self,
        good: &Contents,
        bad: &Contents,
        runs: &[&RunRecord],
    ) -> Going<Vec<Change>> {
        let mut changes: BTreeMap<String, Change> = BTreeMap::new();
        for change in runs.iter().flat_map(|run| run.changes.changes()) {
            let name = canonical(&change.name);
            let first = changes.entry(name).or_insert_with(|| change.clone());
            first.to.clone_from(&change.to);
        }
        let names: Vec<String> = changes.keys().cloned().collect();
        if names.len() > 1 {
            self.console
                .note(t!("logs.bisect.narrowing", n = names.len()));
            let ends = [
                self.broken_in(&view::made(self.project, good)?)?,
                self.broken_in(&view::made(self.project, bad)?)?,
            ];
            let known: HashSet<(String, String)> = ends.into_iter().flatten().map(key).collect();
            let mut asked: BTreeMap<BTreeSet<String>, Verdict> = BTreeMap::new();
            let left = narrowed(&names, |some| -> Going<Verdict> {
                let some: BTreeSet<String> = some.iter().cloned().collect();
                if let Some(verdict) = asked.get(&some) {
                    return Ok(*verdict);
                }
                let verdict = self.mixed(good, bad, &some, &known)?;
                asked.insert(some, verdict);
                Ok(verdict)
            });
            let left: BTreeSet<String> = left?.into_iter().collect();
            changes.retain(|name, _| left.contains(name));
        }
        Ok(changes.into_values().collect())
    }

    /// Whether the command is good where the distributions `some` are as they are in `bad`, and all others as in
    /// `good`. Where requirements do not hold that did before, nobody asks it.
    fn mixed(
        &mut self,
        good: &Contents,
        bad: &Contents,
        some: &BTreeSet<String>,
        known: &HashSet<(String, String)>,
    ) -> Going<Verdict> {
        let view = view::made(self.project, &good.with(some, bad))?;
        let only: Vec<String> = some.iter().cloned().collect();
        let broken = self.broken_in(&view)?;
        if broken.into_iter().map(key).all(|one| known.contains(&one)) {
            return self.attempt(view.venv(), bad.generation, only);
        }
        note(
            self.console,
            &label(bad.generation, &only),
            Verdict::Skip,
            None,
        );
        Ok(Verdict::Skip)
    }

    /// Requirements that do not hold in a view.
    fn broken_in(&self, view: &View) -> Result<Vec<Broken>> {
        let there = Snapshot::scan_named(view.venv(), self.host)?;
        Ok(Requirements::read(view.venv(), &there)?.broken(&there))
    }
}

/// A requirement that does not hold, by who has it and what it needs.
fn key(one: Broken) -> (String, String) {
    (one.name, one.needs)
}

fn ending(status: ChildStatus) -> String {
    match status {
        ChildStatus::Exited(code) => t!("logs.failed_with", code = code).into_owned(),
        ChildStatus::Signaled(signal) => describe::signal_name(signal),
    }
}
