//! Every run that a project remembers, newest first: ours by their records, AIM-Forge's by their logs.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::log::file::{Header, Log};
use super::log::last_reason;
use super::places;
use super::record::history::{self, Records};
use super::record::{LoneLog, PartFile, Run, RunNumber, RunRecord, is_growing};
use crate::files::Folder;
use crate::files::momentary::{found, is_momentary};
use crate::project::{LOGS, ProjectLayout};
use crate::secrets;

/// Something in the history that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", .path.display())]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// Nothing is wrong with it: the system had no descriptors or memory left.
    pub is_momentary: bool,
}

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

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The run has none.
    #[error("this run has no log")]
    None,
    /// Its path is not relative, or leads out of the folder of logs.
    #[error("{0:?} is not a path below {LOGS}")]
    Outside(String),
    /// It was removed.
    #[error("{} is gone", .0.display())]
    Gone(PathBuf),
    /// The system refuses to read it.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Every run that a project remembers.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    /// Newest first.
    pub runs: Vec<Run>,
    /// How many older ones there are besides, where only the newest were asked for.
    pub earlier: usize,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl RunLog {
    /// Reads the history of `project`. Never fails: what cannot be read is a problem.
    pub fn read(project: &ProjectLayout) -> Self {
        Self::read_by(project, |logs| Ok((history::read(logs)?, Vec::new())))
    }

    /// As [`Self::read`], but at least the newest `most` runs, in milliseconds however many there are.
    pub fn read_newest(project: &ProjectLayout, most: usize) -> Self {
        Self::read_by(project, |logs| history::read_last(logs, most))
    }

    /// `read` gives the last records, and the text of those before them.
    fn read_by(
        project: &ProjectLayout,
        read: impl FnOnce(&Folder) -> io::Result<(Records, Vec<u8>)>,
    ) -> Self {
        let mut log = Self::default();
        match places::logs(project) {
            Ok(logs) => {
                let older = match read(&logs) {
                    Ok((records, older)) => {
                        log.take_records(&logs, records);
                        older
                    }
                    Err(error) => {
                        log.failed(&logs.path().join(ProjectLayout::RUNS), &error);
                        Vec::new()
                    }
                };
                let lone = log.lone_logs(&logs, &older);
                log.runs = merged(std::mem::take(&mut log.runs), lone);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log.failed(&project.logs(), &error),
        }
        log.runs.reverse();
        log
    }

    /// Why runs may be missing that are there, if the system had no descriptors or memory left.
    pub fn incomplete(&self) -> Option<&Problem> {
        self.problems.iter().find(|problem| problem.is_momentary)
    }

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

    /// The text of the log of `run`, in its sections, without secrets. Bytes that are no UTF-8 are left out, as
    /// AIM-Forge does.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn log(project: &ProjectLayout, run: &Run) -> Result<Log, LogError> {
        let log_path = run.log_path().ok_or(LogError::None)?;
        let (logs, name) = Self::place(project, log_path)?;
        let bytes = logs
            .read(&name, LONGEST_LOG)
            .map_err(|source| LogError::Unreadable {
                path: logs.path().join(&name),
                source,
            })?;
        let text: String = bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
        let length = run.record().and_then(|record| record.stdout_bytes);
        let log = length.map_or_else(
            || Log::parse(&text),
            |length| Log::parse_with_length(&text, length),
        );
        // Logs of AIM-Forge, and of earlier versions.
        Ok(Log {
            stdout: secrets::hide(&log.stdout).into_owned(),
            stderr: secrets::hide(&log.stderr).into_owned(),
        })
    }

    /// The last line in the log of `run` that begins with `ERROR`, without secrets: why pip gave up. Only the log's end
    /// is read.
    pub fn last_error(project: &ProjectLayout, run: &Run) -> Option<String> {
        let (logs, name) = Self::place(project, run.log_path()?).ok()?;
        let (file, length) = logs.open_file(&name).ok()?;
        let mut tail = vec![0; usize::try_from(length.min(LONGEST_TAIL)).ok()?];
        let start = length - tail.len() as u64;
        file.read_exact_at(&mut tail, start).ok()?;
        let text = String::from_utf8_lossy(&tail);
        Some(secrets::hide(last_reason(&text)?).into_owned())
    }

    /// Where the log `log_path` is, which a record, `env_meta.json` or a person named: a name in the folder of logs,
    /// with or without `.pip-logs/` before it (compat, section 5). Never a place outside that folder, not by a link
    /// either.
    ///
    /// # Errors
    /// [`LogError::Outside`], [`LogError::Gone`] and [`LogError::Unreadable`].
    pub fn path(project: &ProjectLayout, log_path: &str) -> Result<PathBuf, LogError> {
        let (logs, name) = Self::place(project, log_path)?;
        Ok(logs.path().join(name))
    }

    /// The folder and the name of the log `log_path`.
    fn place(project: &ProjectLayout, log_path: &str) -> Result<(Folder, String), LogError> {
        let outside = || LogError::Outside(log_path.to_owned());
        let relative = log_path.trim_start_matches("./");
        let name = match relative.split_once('/') {
            Some((LOGS, name)) => name,
            None if relative != LOGS => relative,
            _ => return Err(outside()),
        };
        let path = || project.logs().join(name);
        let found = places::logs(project).and_then(|logs| Ok((logs.found(name)?, logs)));
        match found {
            Ok((found, logs)) if found.is_file => Ok((logs, name.to_owned())),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Err(LogError::Gone(path())),
            Err(source)
                if source.kind() == io::ErrorKind::PermissionDenied || is_momentary(&source) =>
            {
                let path = path();
                Err(LogError::Unreadable { path, source })
            }
            _ => Err(outside()),
        }
    }

    /// The part files of runs that are going on now, oldest first. A reader shows what is new up to the last line end:
    /// the lines of a progress bar at the end of the file still change, and the file may become shorter by them.
    pub fn growing(project: &ProjectLayout) -> Vec<PathBuf> {
        let Ok(logs) = places::logs(project) else {
            return Vec::new();
        };
        let names = logs.names().unwrap_or_default().into_iter();
        let mut parts: Vec<PathBuf> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| PartFile::run_of(name).is_some() && is_growing(&logs, name))
            .map(|name| logs.path().join(name))
            .collect();
        // Names begin with the run's id, which begins with its time.
        parts.sort();
        parts
    }

    fn take_records(&mut self, logs: &Folder, records: Records) {
        let path = logs.path().join(ProjectLayout::RUNS);
        let numbers = records.numbers();
        self.earlier = records.lines_before;
        if records.is_cut {
            let newest = history::LONGEST >> 20;
            self.note(&path, format!("only the newest {newest} MiB are read"));
        }
        let mut seen = HashSet::new();
        let places = records.lines_before + 1..;
        for ((line, number), place) in records.lines.into_iter().zip(numbers).zip(places) {
            match line.record {
                Ok(record) if seen.insert(record.id) => {
                    let record = RunRecord { number, ..record };
                    self.runs.push(Run::Recorded(Box::new(record)));
                }
                Ok(_) => {}
                Err(why) => self.note(&path, format!("record {place}: {why}")),
            }
        }
    }

    /// The logs that no record points to, in the order of their times: those that are newer than what is told by the
    /// text `older`, of records which were not read. The others are counted.
    fn lone_logs(&mut self, logs: &Folder, older: &[u8]) -> Vec<Run> {
        let oldest = self.runs.first().filter(|_| !older.is_empty()).map(ended);
        let mut lone = Vec::new();
        let known: HashSet<String> = self
            .runs
            .iter()
            .filter_map(|run| run.log_path().map(str::to_owned))
            .collect();
        let names = match logs.names() {
            Err(error) => {
                self.failed(logs.path(), &error);
                return lone;
            }
            Ok(names) => names,
        };
        for name in names {
            let Ok(name) = name.into_string() else {
                continue;
            };
            if oldest.as_ref().is_some_and(|oldest| name < *oldest) {
                self.earlier += usize::from(is_others(&name));
                continue;
            }
            let Some(by_name) = Header::of_name(&name) else {
                continue;
            };
            let log_path = format!("{LOGS}/{name}");
            if known.contains(&log_path) || memmem::find(older, log_path.as_bytes()).is_some() {
                continue;
            }
            match found(logs.found(&name)) {
                Ok(Some(found)) if found.is_file => {}
                Ok(_) => continue,
                Err(error) => {
                    self.failed(&logs.path().join(&name), &error);
                    continue;
                }
            }
            match head(logs, &name) {
                Ok((text, bytes)) => {
                    let header = Header::parse(&text).unwrap_or(by_name);
                    let packages = header
                        .packages
                        .split(", ")
                        .filter(|package| !package.is_empty());
                    lone.push(Run::Lone(LoneLog {
                        packages: packages.map(str::to_owned).collect(),
                        log_path,
                        action: header.action,
                        success: header.success,
                        at: header.at,
                        bytes,
                    }));
                }
                Err(error) => self.failed(&logs.path().join(&name), &error),
            }
        }
        lone.sort_by_key(Run::at);
        lone
    }

    fn note(&mut self, path: &Path, why: String) {
        self.problems.push(Problem {
            path: path.to_path_buf(),
            why,
            is_momentary: false,
        });
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.problems.push(Problem {
            path: path.to_path_buf(),
            why: error.to_string(),
            is_momentary: is_momentary(error),
        });
    }
}

/// When `run` ended, as the names of logs begin.
fn ended(run: &Run) -> String {
    let took = run.record().map(RunRecord::duration).unwrap_or_default();
    let by_name = run
        .log_name()
        .and_then(|name| name.get(..14))
        .map(str::to_owned);
    by_name.unwrap_or_else(|| (run.at() + took).format("%Y%m%d%H%M%S").to_string())
}

/// Whether `name` is that of a log as AIM-Forge calls it: ours have a run's id, and so a record.
fn is_others(name: &str) -> bool {
    const LONGEST: usize = 40;
    name.len() < LONGEST && Header::of_name(name).is_some()
}

/// Both lists in one, oldest first. The order of `recorded` stays as it is, whatever the clock said meanwhile; only
/// where a log without a record belongs is told by the times, which are all that it has.
fn merged(recorded: Vec<Run>, lone: Vec<Run>) -> Vec<Run> {
    let mut lone = lone.into_iter().peekable();
    let mut all = Vec::with_capacity(recorded.len() + lone.len());
    for run in recorded {
        while let Some(earlier) = lone.next_if(|log| log.at() < run.at()) {
            all.push(earlier);
        }
        all.push(run);
    }
    all.extend(lone);
    all
}

/// An id is never shown shorter: the first eight digits of a version 7 UUID are its time to the minute.
const SHORTEST_ID: usize = 8;

/// Eight times what is kept of a run's text: AIM-Forge keeps all of it.
const LONGEST_LOG: u64 = 64 << 20;

/// As much of a log's end as is looked through for pip's last word.
const LONGEST_TAIL: u64 = 64 << 10;

/// The beginning of a log, where its header is, and the log's size.
fn head(logs: &Folder, name: &str) -> io::Result<(String, u64)> {
    const LONGEST_HEADER: u64 = 16 * 1024;
    let (file, bytes) = logs.open_file(name)?;
    let mut head = Vec::new();
    file.take(LONGEST_HEADER).read_to_end(&mut head)?;
    Ok((String::from_utf8_lossy(&head).into_owned(), bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::inventory::Snapshot;
    use crate::project::{Config, Project};
    use crate::store::testing;

    fn logs() -> (tempfile::TempDir, Project) {
        let (dir, project) = testing::project();
        fs::create_dir(project.layout().logs()).expect("folder");
        (dir, project)
    }

    fn publish(project: &Project, action: &str) {
        let nothing = Snapshot::default();
        let run = testing::finished(action, "text");
        crate::store::publish(project, &Config::default(), run, &nothing, &nothing)
            .expect("published");
    }

    #[test]
    fn aim_forges_logs_are_runs_too() {
        let (_dir, project) = logs();
        let layout = project.layout();
        publish(&project, "sync");
        let text = "action: install\npackages: six, a==1\nstatus: error\ntimestamp: 2025-10-04T08:30:28+00:00\n\n\
            [stderr]\nno\n";
        fs::write(layout.logs().join("20251004083028_install_error.log"), text).expect("write");
        fs::write(
            layout.logs().join("20251003083028_uninstall_success.log"),
            "torn",
        )
        .expect("write");
        fs::write(layout.logs().join("notes.log"), "mine").expect("write");
        let log = RunLog::read(&layout);
        let shown: Vec<_> = log
            .runs
            .iter()
            .map(|run| (run.action(), run.is_success(), run.packages().len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("sync", true, 1),
                ("install", false, 2),
                ("uninstall", true, 0)
            ]
        );
        let run = log.find("20251004").expect("by the name of its file");
        assert_eq!(RunLog::log(&layout, run).expect("a log").stderr, "no\n");
        assert!(log.problems.is_empty());
    }

    #[test]
    fn a_clock_that_was_set_back_changes_no_order() {
        let (_dir, project) = logs();
        let layout = project.layout();
        let nothing = Snapshot::default();
        for (action, day) in [("first", 10), ("second", 3), ("third", 11)] {
            let mut run = testing::finished(action, "");
            let at = format!("2025-10-{day:02}T08:00:00+00:00");
            run.started.started_at = at.parse().expect("a time");
            crate::store::publish(&project, &Config::default(), run, &nothing, &nothing)
                .expect("published");
        }
        for day in [9, 12] {
            let name = format!("202510{day:02}080000_list_success.log");
            fs::write(layout.logs().join(name), "").expect("write");
        }
        let log = RunLog::read(&layout);
        let shown: Vec<_> = log.runs.iter().map(Run::action).collect();
        assert_eq!(shown, ["list", "third", "second", "first", "list"]);
    }

    #[test]
    fn runs_are_found_by_the_beginning_of_their_id() {
        let (_dir, project) = logs();
        let layout = project.layout();
        assert_eq!(RunLog::read(&layout).find("last"), Err(FindError::Empty));
        publish(&project, "one");
        publish(&project, "two");
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
        let (_dir, project) = logs();
        let layout = project.layout();
        for action in ["one", "two", "three"] {
            publish(&project, action);
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
        let (_dir, project) = logs();
        let layout = project.layout();
        for (number, id) in [(1, "10000000"), (10, "20000000"), (11, "20000001")] {
            let mut record = testing::record(&number.to_string(), 1);
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

    #[test]
    fn the_newest_are_read_as_among_all() {
        let (_dir, project) = logs();
        let layout = project.layout();
        for action in ["one", "two", "three", "four"] {
            publish(&project, action);
        }
        for name in ["20010101000000", "29990101000000"] {
            let name = layout.logs().join(format!("{name}_list_success.log"));
            fs::write(name, "").expect("write");
        }
        let all = RunLog::read(&layout);
        assert_eq!((all.runs.len(), all.earlier), (6, 0));
        for most in [1, 2, 3] {
            let newest = RunLog::read_newest(&layout, most);
            assert_eq!(newest.runs, all.runs[..=most], "{most}");
            assert_eq!(newest.earlier, 5 - most);
        }
        assert_eq!(RunLog::read_newest(&layout, 9).runs, all.runs);
    }

    #[test]
    fn who_wants_the_newest_reads_no_older_line() {
        let (_dir, project) = logs();
        let layout = project.layout();
        publish(&project, "one");
        let newest = fs::read(layout.runs()).expect("read");
        let mut text = b"says nothing\n".repeat(100);
        text.extend(newest);
        fs::write(layout.runs(), text).expect("write");
        assert_eq!(RunLog::read(&layout).problems.len(), 100);
        let log = RunLog::read_newest(&layout, 1);
        assert_eq!(
            (log.problems.len(), log.runs.len(), log.earlier),
            (0, 1, 100)
        );
    }

    #[test]
    fn the_last_error_is_pips_last_word() {
        let (_dir, project) = logs();
        let layout = project.layout();
        let nothing = Snapshot::default();
        let text = format!(
            "{}\nERROR: no\nERROR: none at all \nWARNING: old\n",
            "x".repeat(1 << 17)
        );
        let run = testing::finished("install", &text);
        crate::store::publish(&project, &Config::default(), run, &nothing, &nothing)
            .expect("published");
        publish(&project, "list");
        let log = RunLog::read(&layout);
        let said = |place: usize| RunLog::last_error(&layout, &log.runs[place]);
        assert_eq!(said(1).as_deref(), Some("ERROR: none at all"));
        assert_eq!(said(0), None);
    }

    #[test]
    fn a_line_that_says_nothing_is_a_problem_and_no_more() {
        let (_dir, project) = logs();
        let layout = project.layout();
        publish(&project, "one");
        let mut bytes = b"\xff\xfe garbage\n".to_vec();
        bytes.extend(fs::read(layout.runs()).expect("read"));
        bytes.extend(b"{\"schema\":1,\"id\":");
        fs::write(layout.runs(), bytes).expect("write");
        let log = RunLog::read(&layout);
        assert_eq!(
            (log.runs.len(), log.problems.len()),
            (1, 1),
            "{:?}",
            log.problems
        );
    }

    #[test]
    fn no_path_leads_out_of_the_folder_of_logs() {
        let (dir, project) = logs();
        let layout = project.layout();
        fs::write(dir.path().join("secret"), "x").expect("write");
        fs::create_dir(dir.path().join(".pip-logs-old")).expect("folder");
        fs::write(dir.path().join(".pip-logs-old/a.log"), "x").expect("write");
        fs::write(layout.logs().join("a.log"), "x").expect("write");
        fs::create_dir(layout.logs().join("folder")).expect("folder");
        std::os::unix::fs::symlink("../secret", layout.logs().join("link.log")).expect("link");
        for bad in [
            "../secret",
            "/etc/passwd",
            ".pip-logs/../secret",
            "link.log",
            "",
            ".pip-logs",
            "folder",
            "../.pip-logs-old/a.log",
        ] {
            assert!(
                matches!(RunLog::path(&layout, bad), Err(LogError::Outside(_))),
                "{bad}"
            );
        }
        for good in ["a.log", ".pip-logs/a.log"] {
            assert!(RunLog::path(&layout, good).is_ok(), "{good}");
        }
        assert!(matches!(
            RunLog::path(&layout, "b.log"),
            Err(LogError::Gone(_))
        ));
    }
}
