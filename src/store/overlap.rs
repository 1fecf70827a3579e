//! What a run changed where others went on beside it: without a lock, or past one that stood still.
//!
//! What others entered meanwhile is not the run's. Of the rest, everything is, unless somebody else was at work: then
//! the run has what it says that it did, and leaves the rest to those who still go on, or to the next comparison. So no
//! run has another's change, and each is entered once.
//!
//! What another tool changed before the run began is entered before it begins. Where that could not be (a full disk,
//! nobody with the lock), it is entered here, right before the run: in the snapshot that the run leaves it would count
//! as known.

use std::collections::BTreeSet;

use super::error::StoreError;
use super::history_lock::HistoryLock;
use super::publish::publish_under;
use super::record::{FinishedRun, Generation, Published, RunId, RunRecord, StartedRun, history};
use super::state::ProjectState;
use super::unfinished::Unfinished;
use crate::inventory::{Change, Names, Snapshot, canonical};
use crate::project::{Config, Project};

/// Who else was there while a run went on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Company {
    /// The runs that go on beside it at its end.
    pub others: Vec<RunId>,
    /// Whether one of them may have changed something meanwhile, or one that ended left something open.
    pub is_at_work: bool,
}

/// As [`publish`](super::publish::publish), for a run that may have had `company`, and found the environment as
/// `before` when the generation `since` was recorded; `now` is what is installed.
///
/// # Errors
/// As [`publish`](super::publish::publish).
pub fn publish_own(
    project: &Project,
    config: &Config,
    run: FinishedRun,
    (before, since): (&Snapshot, Option<Generation>),
    now: &Snapshot,
    company: &Company,
) -> Result<Published, StoreError> {
    let layout = project.layout();
    let lock = HistoryLock::acquire(&layout)?;
    let state = ProjectState::read(project, &lock)?;
    let entered = match since {
        Some(since) if state.generation > since => {
            entered_since(&lock, since).map_err(|error| StoreError::at(&layout.runs(), error))?
        }
        _ => None,
    };
    let (before, now) = state.named(project, before, now);
    if entered.is_none() && *company == Company::default() {
        let mut state = state;
        if since == Some(state.generation) {
            state = enter_earlier(&lock, state, (project, config), &run, (&before, &now))?;
        }
        return publish_under(&lock, state, (project, config), run, (&before, &now));
    }
    let recorded = state.snapshot().unwrap_or(&before).clone();
    let open = before
        .with(&entered.unwrap_or_default(), &recorded)
        .diff_to(&now);
    let own = if company.is_at_work {
        let words = Words::of(&run);
        let distributions = open.changes().filter(|change| words.tell_of(change));
        Names {
            distributions: distributions
                .map(|change| canonical(&change.name))
                .collect(),
            startup: false,
        }
    } else {
        open.names()
    };
    if own != open.names() {
        for other in &company.others {
            let _ = Unfinished::share(&project.venv().layout(), other);
        }
    }
    let after = recorded.with(&own, &now);
    publish_under(&lock, state, (project, config), run, (&recorded, &after))
}

/// Enters what differed from the record when `run` began, which found the environment as `before`. Gives the state as
/// it is then.
fn enter_earlier(
    lock: &HistoryLock,
    state: ProjectState,
    (project, config): (&Project, &Config),
    run: &FinishedRun,
    (before, now): (&Snapshot, &Snapshot),
) -> Result<ProjectState, StoreError> {
    let Some(recorded) = state.snapshot().cloned() else {
        return Ok(state);
    };
    let mut then = before.clone();
    if then.has_to_settle(&recorded) {
        then.settle(project.venv(), &recorded)
            .map_err(StoreError::unscanned(project.venv()))?;
    }
    // What the run itself wrote anew cannot be looked into any more, as it was: it counts as the run's alone.
    let mut earlier = recorded.diff_to(&then);
    let own = before.diff_to(now).names();
    earlier.changed.retain(|change| {
        change.from != change.to || !own.distributions.contains(&canonical(&change.name))
    });
    if earlier.is_empty() {
        return Ok(state);
    }
    let then = recorded.with(&earlier.names(), &then);
    let StartedRun {
        argv,
        cwd,
        started_at,
        ..
    } = &run.started;
    let noticed_by = (argv.as_slice(), cwd.clone());
    let seen = FinishedRun::seen(project.venv(), (&recorded, &then), *started_at, noticed_by)
        .map_err(StoreError::unscanned(project.venv()))?;
    publish_under(lock, state, (project, config), seen, (&recorded, &then))?;
    ProjectState::read(project, lock)
}

/// What the runs changed that were entered after the generation `since`; none where there are none.
fn entered_since(lock: &HistoryLock, since: Generation) -> std::io::Result<Option<Names>> {
    let records = history::read::<RunRecord>(lock.logs())?.lines.into_iter();
    let later = records
        .filter_map(|line| line.record.ok())
        .filter(|record| record.generation_after > since && !record.changes.is_empty())
        .map(|record| record.changes.names());
    Ok(later.reduce(|mut all, more| {
        all.distributions.extend(more.distributions);
        all.startup |= more.startup;
        all
    }))
}

/// What a run says that it did.
struct Words {
    /// What pip printed at the end: `name-version`, or the name alone.
    done: BTreeSet<String>,
    /// The names that it was asked for, where it printed no such thing.
    asked: BTreeSet<String>,
}

impl Words {
    /// How pip begins a line that tells what it did; it says so in English everywhere.
    const DONE: [&str; 2] = ["Successfully installed ", "Successfully uninstalled "];

    fn of(run: &FinishedRun) -> Self {
        let text = run.output.as_ref().map(|output| output.stdout.as_str());
        let lines = text.unwrap_or_default().lines().map(str::trim_start);
        let done: BTreeSet<String> = lines
            .filter_map(|line| Self::DONE.iter().find_map(|begin| line.strip_prefix(begin)))
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        let is_told = run.ending.is_success() && text.is_some_and(|text| !text.is_empty());
        let asked = if is_told || !done.is_empty() {
            BTreeSet::new()
        } else {
            run.started
                .packages
                .iter()
                .map(|asked| name_of(asked))
                .collect()
        };
        Self { done, asked }
    }

    fn tell_of(&self, change: &Change) -> bool {
        let name = canonical(&change.name);
        let is_done = |done: &String| {
            let versions = change.to.iter().chain(&change.from);
            let mut names =
                versions.filter_map(|version| done.strip_suffix(version)?.strip_suffix('-'));
            names.any(|done| canonical(done) == name) || canonical(done) == name
        };
        self.asked.contains(&name) || self.done.iter().any(is_done)
    }
}

/// The canonical name at the beginning of a requirement (PEP 508).
fn name_of(requirement: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let end = requirement
        .find(|c| !is_of_name(c))
        .unwrap_or(requirement.len());
    canonical(&requirement[..end])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::testing::{finished, install, project, started};
    use crate::store::{Ending, EnvMeta, Recorded};

    fn scan(project: &Project) -> Snapshot {
        Snapshot::scan(project.venv(), &crate::host::Host::default()).expect("readable")
    }

    fn names(all: &[Change]) -> Vec<&str> {
        all.iter().map(|change| change.name.as_str()).collect()
    }

    /// Enters a run that printed `text`.
    fn enter(
        project: &Project,
        text: &str,
        found: (&Snapshot, u64),
        company: &Company,
    ) -> RunRecord {
        let run = finished("install", text);
        let found = (found.0, Some(Generation(found.1)));
        let now = scan(project);
        let published = publish_own(project, &Config::default(), run, found, &now, company);
        published.expect("published").record
    }

    #[test]
    fn what_another_entered_meanwhile_is_not_entered_again() {
        let (_dir, project) = project();
        let before = scan(&project);
        install(&project, "b", "1");
        let b = enter(&project, "", (&before, 0), &Company::default());
        install(&project, "a", "1");
        let a = enter(&project, "", (&before, 0), &Company::default());
        assert_eq!(
            (names(&b.changes.added), names(&a.changes.added)),
            (vec!["b"], vec!["a"])
        );
        let recorded = Recorded::read(&project).expect("read");
        assert!(recorded.standing(&scan(&project)).is_in_step());
        assert_eq!(
            EnvMeta::read(&project.layout()).0.generation(),
            Generation(2)
        );
    }

    #[test]
    fn what_could_not_be_entered_before_it_began_is_no_part_of_it() {
        let (_dir, project) = project();
        install(&project, "a", "1");
        enter(&project, "", (&Snapshot::default(), 0), &Company::default());
        let site = project.venv().site_packages().remove(0);
        std::fs::remove_dir_all(site.join("a-1.dist-info")).expect("remove");
        install(&project, "earlier", "1");
        let before = scan(&project);
        install(&project, "own", "1");
        let own = enter(&project, "", (&before, 1), &Company::default());
        assert_eq!(
            (names(&own.changes.added), own.changes.len()),
            (vec!["own"], 1)
        );
        let runs = crate::store::RunLog::read(&project.layout()).runs;
        let records: Vec<&RunRecord> = runs.iter().filter_map(|run| run.record()).collect();
        let [_, earlier, _] = records[..] else {
            panic!("{records:?}");
        };
        assert_eq!(earlier.action, "sync");
        assert_eq!(
            (
                names(&earlier.changes.added),
                names(&earlier.changes.removed)
            ),
            (vec!["earlier"], vec!["a"])
        );
        assert_eq!(own.generation_before, earlier.generation_after);
        let recorded = Recorded::read(&project).expect("read");
        assert!(recorded.standing(&scan(&project)).is_in_step());
    }

    #[test]
    fn what_a_copy_made_of_a_file_is_no_earlier_change() {
        let (_dir, project) = project();
        for name in ["a", "b"] {
            install(&project, name, "1");
        }
        enter(&project, "", (&Snapshot::default(), 0), &Company::default());
        let site = project.venv().site_packages().remove(0);
        let again = |name: &str| {
            let folder = site.join(format!("{name}-1.dist-info"));
            std::fs::remove_dir_all(folder).expect("remove");
            install(&project, name, "1");
        };
        again("a");
        again("b");
        let before = scan(&project);
        again("b");
        let run = enter(&project, "", (&before, 1), &Company::default());
        assert_eq!(names(&run.changes.changed), ["b"], "installed again");
        let runs = crate::store::RunLog::read(&project.layout()).runs;
        assert_eq!(runs.len(), 2);
    }

    #[test]
    fn two_at_work_have_what_they_say() {
        let (_dir, project) = project();
        let before = scan(&project);
        for name in ["a-lib", "b", "odd"] {
            install(&project, name, "1.0");
        }
        let first = Company {
            others: vec![RunId::new()],
            is_at_work: true,
        };
        let a = enter(
            &project,
            "Successfully installed A_Lib-1.0\n",
            (&before, 0),
            &first,
        );
        assert_eq!(names(&a.changes.added), ["a-lib"]);
        let second = Company {
            others: Vec::new(),
            is_at_work: true,
        };
        let b = enter(
            &project,
            "Successfully installed b-1.0\n",
            (&before, 0),
            &second,
        );
        assert_eq!(names(&b.changes.added), ["b"]);
        let recorded = Recorded::read(&project).expect("read");
        let standing = recorded.standing(&scan(&project));
        assert_eq!(
            names(&standing.diff().expect("open").added),
            ["odd"],
            "for a sync"
        );
    }

    #[test]
    fn one_that_stands_still_keeps_what_it_did_before() {
        let (_dir, project) = project();
        install(&project, "six", "1");
        let nothing = Snapshot::default();
        enter(&project, "", (&nothing, 0), &Company::default());
        let before_a = scan(&project);
        let site = project.venv().site_packages();
        std::fs::remove_dir_all(site[0].join("six-1.dist-info")).expect("remove");
        let before_b = scan(&project);
        install(&project, "b", "1");
        let still = Company {
            others: vec![RunId::new()],
            is_at_work: false,
        };
        let b = enter(&project, "", (&before_b, 1), &still);
        assert_eq!(
            (names(&b.changes.added), b.changes.removed.len()),
            (vec!["b"], 0)
        );
        let a = enter(&project, "", (&before_a, 1), &Company::default());
        assert_eq!(
            (names(&a.changes.removed), a.changes.added.len()),
            (vec!["six"], 0)
        );
        let recorded = Recorded::read(&project).expect("read");
        assert!(recorded.standing(&scan(&project)).is_in_step());
    }

    #[test]
    fn what_a_run_says() {
        let change = |name: &str, from: Option<&str>, to: Option<&str>| Change {
            name: name.to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        let said = Words::of(&finished(
            "install",
            "  Successfully uninstalled x-1\nSuccessfully installed x-2 y.z-1.0-rc1 held\n",
        ));
        assert!(said.tell_of(&change("x", Some("1"), Some("2"))));
        assert!(said.tell_of(&change("Y_Z", None, Some("1.0-rc1"))));
        assert!(said.tell_of(&change("held", None, Some("3"))));
        assert!(!said.tell_of(&change("z", None, Some("1.0"))));
        let mut quiet = started("install");
        quiet.packages = vec!["Six>=1".into(), "-e ./here".into()];
        let quiet = Words::of(&quiet.finish(Duration::ZERO, Ending::Exited(0), None));
        assert!(quiet.tell_of(&change("six", None, Some("2"))));
        assert!(!quiet.tell_of(&change("here", None, Some("2"))));
    }
}
