//! The history as it is read: records, and logs without one, in one order.

use std::collections::HashSet;
use std::io;

use super::lone_logs::LoneLogs;
use super::problem::Problem;
use crate::files::Folder;
use crate::project::ProjectLayout;
use crate::store::places;
use crate::store::record::history::{self, Records};
use crate::store::record::{Run, RunRecord};

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

    /// The records alone, oldest first, without the logs of AIM-Forge's that have none: a tenth of the work.
    ///
    /// # Errors
    /// What the system says; a project without a history has no records.
    pub fn records(project: &ProjectLayout) -> io::Result<Vec<RunRecord>> {
        let records = match places::logs(project) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            logs => history::read::<RunRecord>(&logs?)?,
        };
        let lines = records.lines.into_iter();
        Ok(lines.filter_map(|line| line.record.ok()).collect())
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
                        log.problems.push(Problem::unread(
                            &logs.path().join(ProjectLayout::RUNS),
                            &error,
                        ));
                        Vec::new()
                    }
                };
                let lone = LoneLogs::beside(&log.runs, &logs, &older);
                log.earlier += lone.earlier;
                log.problems.extend(lone.problems);
                log.runs = merged(std::mem::take(&mut log.runs), lone.runs);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log.problems.push(Problem::unread(&project.logs(), &error)),
        }
        log.runs.reverse();
        log
    }

    /// Why runs may be missing that are there, if the system had no descriptors or memory left.
    pub fn incomplete(&self) -> Option<&Problem> {
        self.problems.iter().find(|problem| problem.is_momentary)
    }

    fn take_records(&mut self, logs: &Folder, records: Records) {
        let path = logs.path().join(ProjectLayout::RUNS);
        let numbers = records.numbers();
        self.earlier = records.lines_before;
        if records.is_cut {
            let newest = history::LONGEST >> 20;
            self.problems.push(Problem::of(
                &path,
                format!("only the newest {newest} MiB are read"),
            ));
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
                Err(why) => self
                    .problems
                    .push(Problem::of(&path, format!("record {place}: {why}"))),
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::inventory::Snapshot;
    use crate::project::Config;
    use crate::store::testing::{finished, project_with_logs, remember};

    #[test]
    fn aim_forges_logs_are_runs_too() {
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        remember(&project, "sync");
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
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        let nothing = Snapshot::default();
        for (action, day) in [("first", 10), ("second", 3), ("third", 11)] {
            let mut run = finished(action, "");
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
    fn the_newest_are_read_as_among_all() {
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        for action in ["one", "two", "three", "four"] {
            remember(&project, action);
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
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        remember(&project, "one");
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
    fn a_line_that_says_nothing_is_a_problem_and_no_more() {
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        remember(&project, "one");
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
}
