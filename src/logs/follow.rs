//! `aim-logs follow`: runs as they happen, first what they print, then what came of them.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use super::cli::FollowArgs;
use crate::console::describe;
use crate::console::shell;
use crate::console::style::{FAINT, HEADING, NAME, PLAIN, paint};
use crate::console::table::Cell;
use crate::console::{Console, time};
use crate::error::Result;
use crate::files::{Growing, Stamp};
use crate::project::Project;
use crate::secrets;
use crate::store::{Run, RunLog, Unfinished};
use crate::terminal::printable;
use crate::words::t;

/// Time between two looks. A look costs a few microseconds (two `stat`s and a folder's list), and works on every file
/// system; a notification would save nothing that anyone could measure.
const PAUSE: Duration = Duration::from_millis(200);

/// Changes shown in one line.
const CHANGES: usize = 5;

/// Prints the last runs and then each new one, until the person or the reader of the output has enough.
pub(super) fn follow(console: &mut Console, project: &Project, args: &FollowArgs) -> Result<()> {
    let mut follower = Follower::new(project);
    follower.begin(console, args.limit)?;
    if console.is_terminal() && !console.is_json() {
        console.note(t!("logs.following"));
    }
    loop {
        follower.step(console)?;
        Console::pause(PAUSE)?;
    }
}

struct Follower<'a> {
    project: &'a Project,
    /// Runs that were printed, or were there before.
    seen: HashSet<String>,
    /// When the history last looked otherwise.
    last: Look,
    /// Logs of runs that go on, by the path of their part file; none for one whose end was printed.
    growing: BTreeMap<PathBuf, Option<Growing>>,
}

impl<'a> Follower<'a> {
    fn new(project: &'a Project) -> Self {
        Self {
            project,
            seen: HashSet::new(),
            last: Look::default(),
            growing: BTreeMap::new(),
        }
    }

    /// Prints the last `limit` runs and takes all others as known.
    fn begin(&mut self, console: &mut Console, limit: usize) -> Result<()> {
        self.last = look(self.project);
        let history = RunLog::read(&self.project.layout());
        for problem in &history.problems {
            console.warn(problem);
        }
        let last = &history.runs[..history.runs.len().min(limit)];
        for run in last.iter().rev() {
            print_run(console, &history, run)?;
        }
        self.seen.extend(history.runs.iter().map(Run::id));
        Ok(())
    }

    /// Prints what is new.
    fn step(&mut self, console: &mut Console) -> Result<()> {
        // The order matters: a run is recorded before its part file goes, so what is in the history now has printed
        // all.
        let look = look(self.project);
        let parts = RunLog::growing(&self.project.layout());
        for part in &parts {
            self.grow(console, part)?;
        }
        if look != self.last {
            self.last = look;
            self.print_ended(console)?;
        }
        for (part, log) in &mut self.growing {
            if !parts.contains(part)
                && let Some(mut log) = log.take()
            {
                print_text(console, &log.rest()?)?;
            }
        }
        self.growing.retain(|part, _| parts.contains(part));
        Ok(())
    }

    fn grow(&mut self, console: &mut Console, part: &PathBuf) -> Result<()> {
        if !self.growing.contains_key(part) {
            // A part file that is gone again belongs to a run that is in the history by now.
            let Ok(log) = Growing::open(part) else {
                return Ok(());
            };
            self.growing.insert(part.clone(), Some(log));
            self.print_heading(console)?;
        }
        match self.growing.get_mut(part) {
            Some(Some(log)) => loop {
                let lines = log.more_lines()?;
                if lines.is_empty() {
                    return Ok(());
                }
                print_text(console, &lines)?;
            },
            _ => Ok(()),
        }
    }

    /// The command of the run that goes on, where the environment knows it.
    fn print_heading(&self, console: &mut Console) -> Result<()> {
        if console.is_json() {
            return Ok(());
        }
        let Ok(Some(unfinished)) = Unfinished::last(&self.project.venv().layout()) else {
            return Ok(());
        };
        let command = describe::bounded(shell::command(&secrets::words(&unfinished.run.argv)));
        console.line(paint(HEADING, format!("$ {}", printable(&command))))
    }

    fn print_ended(&mut self, console: &mut Console) -> Result<()> {
        let history = RunLog::read(&self.project.layout());
        for run in history.runs.iter().rev() {
            let id = run.id();
            if !self.seen.insert(id.clone()) {
                continue;
            }
            for (part, log) in &mut self.growing {
                if part.to_string_lossy().contains(&id)
                    && let Some(mut log) = log.take()
                {
                    print_text(console, &log.rest()?)?;
                }
            }
            print_run(console, &history, run)?;
        }
        Ok(())
    }
}

/// What a cheap look at the history shows: it differs when a run was added.
type Look = [Option<Stamp>; 2];

fn look(project: &Project) -> Look {
    let layout = project.layout();
    [Stamp::of(&layout.runs()), Stamp::of(&layout.logs())]
}

fn print_text(console: &mut Console, text: &[u8]) -> Result<()> {
    if console.is_json() || text.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(text);
    console.foreign(secrets::hide(&text).as_bytes())
}

fn print_run(console: &mut Console, history: &RunLog, run: &Run) -> Result<()> {
    if console.is_json() {
        return console.json_line(&run.as_json()?);
    }
    let what = describe::what(run, usize::MAX);
    let mut line = vec![
        Cell::styled(
            NAME,
            run.number()
                .map_or_else(|| history.short_id(run), |number| number.to_string()),
        ),
        Cell::styled(FAINT, time::local(run.at())),
        Cell::styled(PLAIN, what),
        describe::ending(run),
    ];
    if let Run::Recorded(record) = run {
        line.push(Cell::styled(FAINT, time::duration(record.duration())));
        if record.changes.is_empty() {
            line.push(Cell::styled(FAINT, t!("logs.nothing_changed")));
        } else {
            line.push(describe::changes(run, CHANGES));
        }
    }
    let pieces: Vec<String> = line.iter().map(Cell::to_line).collect();
    console.line(pieces.join("  "))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finish, project, started};
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::inventory::Snapshot;
    use crate::store::{LogDraft, RunId};

    fn stepped(json: bool) -> Vec<String> {
        let (_dir, project) = project();
        let (mut console, out, _) = testing::console(&CommonArgs {
            json,
            ..CommonArgs::default()
        });
        let mut follower = Follower::new(&project);
        follower.begin(&mut console, 3).expect("begun");
        let run = started(RunId::new());
        Unfinished::begin(
            &project.venv().layout(),
            run.clone(),
            (Snapshot::default(), None),
            false,
        )
        .expect("written down");
        let mut draft = LogDraft::begin(&project.layout(), &run.id);
        let mut seen = Vec::new();
        let mut step = |follower: &mut Follower<'_>| {
            follower.step(&mut console).expect("a step");
            seen.push(out.text());
        };
        draft.stdout(b"Collecting six\nhalf");
        step(&mut follower);
        draft.stdout(b" a line\n");
        step(&mut follower);
        finish(&project, run, draft);
        step(&mut follower);
        step(&mut follower);
        seen
    }

    #[test]
    fn a_run_is_shown_as_it_goes_and_when_it_ends() {
        let seen = stepped(false);
        assert_eq!(seen[0], "$ pip install six\nCollecting six\n");
        assert_eq!(seen[1], "$ pip install six\nCollecting six\nhalf a line\n");
        let end = seen[2].strip_prefix(&seen[1]).expect("more");
        assert!(
            end.starts_with("#1  ") && end.ends_with("install six  ok  1.0 s  nothing changed\n"),
            "{end}"
        );
        assert_eq!(end.lines().count(), 1, "{end}");
        assert_eq!(seen[3], seen[2]);
    }

    #[test]
    fn as_json_a_run_is_one_line() {
        let seen = stepped(true);
        assert_eq!((seen[0].as_str(), seen[1].as_str()), ("", ""));
        let value: serde_json::Value = serde_json::from_str(&seen[2]).expect("JSON");
        assert_eq!(value["action"], "install");
        assert_eq!(seen[2].lines().count(), 1);
        assert_eq!(seen[3], seen[2]);
    }

    #[test]
    fn earlier_runs_come_first_oldest_on_top() {
        let (_dir, project) = project();
        for _ in 0..3 {
            let run = started(RunId::new());
            let draft = LogDraft::begin(&project.layout(), &run.id);
            finish(&project, run, draft);
        }
        let (mut console, out, _) = testing::console(&CommonArgs {
            json: true,
            ..CommonArgs::default()
        });
        let mut follower = Follower::new(&project);
        follower.begin(&mut console, 2).expect("begun");
        follower.step(&mut console).expect("a step");
        let text = out.text();
        let ids: Vec<String> = text
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON")["id"].to_string()
            })
            .collect();
        assert_eq!(ids.len(), 2);
        assert!(ids[0] < ids[1], "{ids:?}");
    }
}
