//! How long runs are kept: by number, age and size, whichever is met first; oldest go first, the newest run never goes.
//!
//! After a run, a history that is over a limit is cut a little below it: it is written anew once in many runs.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::due;
use super::excess::{Ageing, KeptRun, beyond};
use super::limits::Limits;
use crate::files::Folder;
use crate::files::atomic::UNDER_WAY;
use crate::project::{LOGS, Project, ProjectLayout};
use crate::store::archive;
use crate::store::error::StoreError;
use crate::store::history_lock::HistoryLock;
use crate::store::lock::RunLock;
use crate::store::log::file::Header;
use crate::store::places;
use crate::store::record::history::{self, Line, Numbered, Records};
use crate::store::record::{Generation, PartFile, RunId, RunNumber, is_growing};

/// What was, or would be, removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs, of ours and of AIM-Forge's.
    pub runs: u64,
    /// Bytes of their logs.
    pub bytes: u64,
    /// Generations whose files were kept, of which the history tells nothing any more.
    pub generations: usize,
    /// Bytes of their files.
    pub archived: u64,
}

/// Removes the runs of `project` that are over `limits`, and the kept files of generations before those that stay;
/// without `held`, which says that nobody is in the middle of a change, only says what would go.
///
/// # Errors
/// [`StoreError`].
pub fn prune(
    project: &Project,
    limits: Limits,
    held: Option<&RunLock>,
) -> Result<Pruned, StoreError> {
    let layout = project.layout();
    let at = |error| StoreError::at(&layout.logs(), error);
    let plan = |logs: &Folder| Pruning::of(logs, limits, Ageing::Asked).map_err(at);
    let (plan, mut pruned) = if held.is_some() {
        let lock = HistoryLock::acquire(&layout)?;
        let plan = plan(lock.logs())?;
        let pruned = carry_out(&layout, &plan, &lock)?;
        (plan, pruned)
    } else {
        let logs = match places::logs(&layout) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Pruned::default()),
            logs => logs.map_err(at)?,
        };
        let plan = plan(&logs)?;
        let pruned = plan.pruned();
        (plan, pruned)
    };
    if let Some(oldest) = plan.oldest_generation() {
        let venv = project.venv().layout();
        let freed = archive::let_go(&venv, oldest, held);
        let freed = freed.map_err(|error| StoreError::at(&venv.archive(), error))?;
        (pruned.generations, pruned.archived) = (freed.generations, freed.bytes);
    }
    Ok(pruned)
}

/// After a crash: as [`prune`], though nobody asked for it.
pub(crate) fn after_crash(project: &Project, limits: Limits) -> Result<(), StoreError> {
    let layout = project.layout();
    let lock = HistoryLock::acquire(&layout)?;
    apply(&layout, limits, Ageing::Slow, &lock).map(drop)
}

/// After a run: as [`prune`], where there may be something to remove.
pub(crate) fn after_run(
    layout: &ProjectLayout,
    limits: Limits,
    lock: &HistoryLock,
) -> Result<(), StoreError> {
    if due::may_be_over(lock.logs(), limits, Utc::now()) {
        apply(layout, limits, Ageing::Slow, lock)?;
    }
    Ok(())
}

/// Removes what is over `limits`, and what crashes left.
fn apply(
    layout: &ProjectLayout,
    limits: Limits,
    ageing: Ageing,
    lock: &HistoryLock,
) -> Result<Pruned, StoreError> {
    let plan = Pruning::of(lock.logs(), limits, ageing);
    let plan = plan.map_err(|error| StoreError::at(&layout.logs(), error))?;
    carry_out(layout, &plan, lock)
}

fn carry_out(
    layout: &ProjectLayout,
    plan: &Pruning,
    lock: &HistoryLock,
) -> Result<Pruned, StoreError> {
    let at = |error| StoreError::at(&layout.logs(), error);
    // Records go first: a log without a record is still found, by the next retention at the latest.
    if plan.has_other_lines() {
        history::rewrite(lock.logs(), plan.lines_that_stay()).map_err(at)?;
    }
    for kept in &plan.goes {
        if let Some(name) = &kept.log {
            lock.logs().remove(name).map_err(at)?;
        }
    }
    sweep(lock, &plan.lines);
    Ok(plan.pruned())
}

/// A record as far as retention needs it: reading all of it would be most of what a run costs us.
#[derive(Debug, Clone, Deserialize)]
struct Brief {
    id: RunId,
    #[serde(default)]
    number: Option<RunNumber>,
    started_at: DateTime<Utc>,
    log_path: Option<String>,
    #[serde(default)]
    generation_before: Option<Generation>,
}

impl Numbered for Brief {
    fn number(&self) -> Option<RunNumber> {
        self.number
    }
}

/// What goes.
struct Pruning {
    lines: Vec<Line<Brief>>,
    /// Whether there are older lines than these, which go as well.
    is_cut: bool,
    goes: Vec<KeptRun>,
}

impl Pruning {
    fn of(folder: &Folder, limits: Limits, ageing: Ageing) -> io::Result<Self> {
        let mut records = history::read_to_keep::<Brief>(folder)?;
        records.number_all();
        let Records { lines, is_cut, .. } = records;
        let mut logs = logs(folder)?;
        let mut all: Vec<KeptRun> = Vec::with_capacity(lines.len());
        for (place, line) in lines.iter().enumerate() {
            let Ok(record) = &line.record else { continue };
            let name = record
                .log_path
                .as_deref()
                .and_then(|path| path.strip_prefix(LOGS)?.strip_prefix('/'));
            let log = name.and_then(|name| logs.remove_entry(name));
            all.push(KeptRun {
                at: record.started_at,
                bytes: log.as_ref().map_or(0, |(_, bytes)| *bytes)
                    + line.raw.as_ref().map_or(0, |raw| raw.len() as u64),
                line: Some(place),
                log: log.map(|(name, _)| name),
            });
        }
        all.extend(logs.into_iter().filter_map(|(name, bytes)| {
            let at = Header::of_name(&name)?.at;
            Some(KeptRun {
                at,
                bytes,
                line: None,
                log: Some(name),
            })
        }));
        Ok(Self {
            lines,
            is_cut,
            goes: beyond(all, limits, ageing, Utc::now()),
        })
    }

    fn pruned(&self) -> Pruned {
        Pruned {
            runs: self.goes.len() as u64,
            bytes: self.goes.iter().map(|kept| kept.bytes).sum(),
            ..Pruned::default()
        }
    }

    /// The places of the lines that go.
    fn lines_that_go(&self) -> HashSet<usize> {
        self.goes.iter().filter_map(|kept| kept.line).collect()
    }

    /// The oldest generation that a record tells of which stays; none where nothing goes.
    fn oldest_generation(&self) -> Option<Generation> {
        let goes = self.lines_that_go();
        if goes.is_empty() {
            return None;
        }
        let lines = self.lines.iter().enumerate();
        let stay = lines.filter(|(place, _)| !goes.contains(place));
        let generations = stay.filter_map(|(_, line)| line.record.as_ref().ok()?.generation_before);
        generations.min()
    }

    /// Whether the file of records has lines that go.
    fn has_other_lines(&self) -> bool {
        self.is_cut
            || self.goes.iter().any(|kept| kept.line.is_some())
            || self.lines.iter().any(|line| line.raw.is_none())
    }

    /// Lines that say nothing stay as long as an older record does.
    fn lines_that_stay(&self) -> impl Iterator<Item = &[u8]> {
        let goes = self.lines_that_go();
        let stays =
            move |place: usize, line: &Line<Brief>| line.record.is_ok() && !goes.contains(&place);
        let first = self
            .lines
            .iter()
            .enumerate()
            .position(|(place, line)| stays(place, line));
        self.lines
            .iter()
            .enumerate()
            .skip(first.unwrap_or(self.lines.len()))
            .filter(move |(place, line)| line.record.is_err() || stays(*place, line))
            .filter_map(|(_, line)| line.raw.as_deref())
    }
}

/// The logs in the folder, by name, with their sizes.
fn logs(folder: &Folder) -> io::Result<HashMap<String, u64>> {
    let names = folder.names()?.into_iter();
    Ok(names
        .filter_map(|name| {
            let name = name.into_string().ok()?;
            Header::of_name(&name)?;
            let found = folder.found(&name).ok().filter(|found| found.is_file)?;
            Some((name, found.length))
        })
        .collect())
}

/// Removes what crashes left: files that were being written, which only the holder of the history's lock does, and part
/// files of runs that are recorded or long over.
fn sweep(lock: &HistoryLock, lines: &[Line<Brief>]) {
    let draft_of_meta = format!(".{}.", ProjectLayout::ENV_META);
    for name in hidden(lock.project()) {
        if name.starts_with(&draft_of_meta) && name.ends_with(UNDER_WAY) {
            let _ = lock.project().remove(name);
        }
    }
    let logs = lock.logs();
    for name in hidden(logs) {
        let goes = match PartFile::run_of(&name) {
            Some(run) => {
                (is_recorded(run, lines) || is_old(logs, &name)) && !is_growing(logs, &name)
            }
            None => name.ends_with(UNDER_WAY),
        };
        if goes {
            let _ = logs.remove(name);
        }
    }
}

/// The names in `folder` that begin with a dot.
fn hidden(folder: &Folder) -> impl Iterator<Item = String> {
    let names = folder.names().unwrap_or_default().into_iter();
    names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with('.'))
}

fn is_recorded(run: RunId, lines: &[Line<Brief>]) -> bool {
    let mut records = lines
        .iter()
        .rev()
        .filter_map(|line| line.record.as_ref().ok());
    records.any(|record| record.id == run)
}

fn is_old(folder: &Folder, name: &str) -> bool {
    const LONG: Duration = Duration::from_secs(24 * 60 * 60);
    let age = folder.found(name).map(|found| found.modified.elapsed());
    matches!(age, Ok(Ok(age)) if age > LONG)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::project::Config;
    use crate::store::{RunRecord, testing};

    #[test]
    fn a_history_at_its_limit_is_not_written_anew_after_each_run() {
        const LIMIT: u64 = 320;
        let (_dir, project) = testing::project();
        let layout = project.layout();
        let nothing = crate::inventory::Snapshot::default();
        let mut config = Config::default();
        config.retention_runs.value = LIMIT;
        let publish = || {
            let run = testing::finished("install", "");
            crate::store::publish(&project, &config, run, &nothing, &nothing).expect("published");
        };
        let file = || {
            use std::os::unix::fs::MetadataExt as _;
            let found = fs::metadata(layout.runs()).expect("records");
            let folder = places::logs(&layout).expect("the folder of logs");
            let kept = history::read::<Brief>(&folder).expect("read").lines.len() as u64;
            (found.ino(), kept)
        };
        let once = LIMIT / 16;
        // As after many runs.
        publish();
        let text = fs::read_to_string(layout.runs()).expect("records");
        fs::write(layout.runs(), text.repeat(320)).expect("write");
        let mut written = 0;
        let (mut before, _) = file();
        for _ in 0..=2 * once {
            publish();
            let (now, kept) = file();
            assert!((LIMIT - once..=LIMIT).contains(&kept), "{kept}");
            written += u64::from(now != before);
            before = now;
        }
        assert!((1..=2).contains(&written), "{written}");
    }

    #[test]
    fn log_and_record_go_together_and_strangers_stay() {
        let (_dir, project) = testing::project();
        let layout = project.layout();
        let config = Config::default();
        let nothing = crate::inventory::Snapshot::default();
        for action in ["one", "two", "three"] {
            crate::store::publish(
                &project,
                &config,
                testing::finished(action, "text"),
                &nothing,
                &nothing,
            )
            .expect("published");
        }
        let folder = || places::logs(&layout).expect("the folder of logs");
        let lone = "20010101000000_install_success.log";
        fs::write(layout.logs().join(lone), "action: install\n").expect("write");
        fs::write(layout.logs().join("notes.txt"), "mine").expect("write");
        let limits = Limits {
            runs: 2,
            days: 36_500,
            mib: 1,
            before: None,
        };
        let would = prune(&project, limits, None).expect("planned");
        assert_eq!(would.runs, 2);
        assert_eq!(
            history::read::<Brief>(&folder()).expect("read").lines.len(),
            3
        );
        let lock = RunLock::try_acquire(&project.venv().layout(), "prune").expect("free");
        let pruned = prune(&project, limits, Some(&lock)).expect("pruned");
        assert_eq!(pruned, would);
        let left: Vec<String> = history::read::<RunRecord>(&folder())
            .expect("read")
            .lines
            .into_iter()
            .map(|line| line.record.expect("sound").action)
            .collect();
        assert_eq!(left, ["two", "three"]);
        assert_eq!(logs(&folder()).expect("list").len(), 2);
        assert!(layout.logs().join("notes.txt").exists());
        assert!(!layout.logs().join(lone).exists());
    }
}
