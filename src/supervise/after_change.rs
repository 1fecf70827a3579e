//! A command that is run once after each change of the environment, and ends by itself.
//!
//! **Invariant:** it never runs twice at once. After a change it is begun while no installer is at work; for who asks,
//! at once. A change that comes while it runs is followed by another run.
//!
//! **Invariant:** a change is followed when the run has ended by itself: one that was cut short is begun again, also by
//! the next process that carries out the same order.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::command::Launch;
use super::environment::Environment;
use super::note::{Note, how};
use super::told::{Changed, Observer, Told};
use crate::env_vars;
use crate::exec::{ChildStatus, Foreground};

/// A change that comes so soon after a run, or in it, may be the command's own.
const SOON: Duration = Duration::from_secs(5);
/// So many runs in a row may each be followed by a change at once.
const IN_A_ROW: u32 = 4;
/// The first and the longest pause after more of them.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));
/// Bytes of the names of what has changed that the command is given.
const LONGEST: usize = 32 << 10;

/// As [`super::run`], a command that is run after each change, until somebody asks for the end.
pub(super) fn run(
    launch: Launch<'_>,
    mut environment: Environment,
    foreground: Foreground,
    note: &mut Note,
    observer: &mut dyn Observer,
) -> io::Result<ChildStatus> {
    match note.followed() {
        Some(generation) => environment.take_up(generation, Instant::now()),
        None => note.follow(environment.had()),
    }
    note.change(|note| note.generation = environment.had().0);
    note.write();
    let mut follower = Follower {
        launch,
        foreground,
        environment,
        note,
        observer,
        running: None,
        wanted: Wanted::default(),
        pace: Pace::default(),
        asked_to_end: None,
    };
    loop {
        follower.wait()?;
        if let (Some(ended), None) = (follower.asked_to_end, &follower.running) {
            return Ok(ended);
        }
        follower.step(Instant::now());
    }
}

struct Follower<'a> {
    launch: Launch<'a>,
    foreground: Foreground,
    environment: Environment,
    note: &'a mut Note,
    observer: &'a mut dyn Observer,
    running: Option<Run>,
    wanted: Wanted,
    pace: Pace,
    /// How all of it ends as soon as nothing runs.
    asked_to_end: Option<ChildStatus>,
}

/// A run under way.
struct Run {
    why: Changed,
    began: Instant,
}

/// Why another run is wanted as soon as none is under way.
#[derive(Default)]
struct Wanted {
    by_change: bool,
    /// Somebody asked: no pause is made.
    by_hand: bool,
}

impl Follower<'_> {
    fn wait(&mut self) -> io::Result<()> {
        let looks = [self.environment.next_look(), self.note.next_look()];
        let is_waiting = self.wanted.by_change && self.running.is_none();
        let pause = is_waiting.then_some(self.pace.not_before).flatten();
        let until = looks.into_iter().flatten().chain(pause).min();
        let descriptors = [self.environment.descriptor(), self.note.descriptor()];
        let descriptors: Vec<BorrowedFd<'_>> = descriptors.into_iter().flatten().collect();
        let woken = self.foreground.wait(&descriptors, until)?;
        if let Some(signal) = woken.end {
            self.asked_to_end = Some(ChildStatus::Signaled(signal));
        }
        for (_, status) in woken.ended {
            if let Some(run) = self.running.take() {
                self.ended(run, status);
            }
        }
        Ok(())
    }

    fn ended(&mut self, run: Run, status: ChildStatus) {
        let Run { why, began } = run;
        self.pace.ended(Instant::now());
        if self.asked_to_end.is_some() {
            self.asked_to_end = Some(status);
            return;
        }
        self.environment.is_had();
        self.note.follow(why.generation);
        let is_good = status == ChildStatus::Exited(0);
        self.note.change(|note| {
            note.command_pid = None;
            note.since = Utc::now();
            note.restarts += u32::from(is_good);
            note.attempts += 1;
            note.error = (!is_good).then(|| how(status));
        });
        let took = began.elapsed();
        self.observer.told(&Told::HasRun { why, status, took });
    }

    fn step(&mut self, now: Instant) {
        if self.environment.look(now) && self.environment.has_moved() {
            self.wanted.by_change = true;
            if let Some(pause) = self.pace.change(now, self.running.is_some()) {
                self.observer.told(&Told::Paced { pause });
            }
        }
        self.note.change(|note| self.environment.note_in(note));
        self.wanted.by_hand |= self.note.is_asked(now);
        let is_due = self.wanted.by_hand || self.wanted.by_change && self.pace.lets_run(now);
        if is_due && self.running.is_none() && self.asked_to_end.is_none() {
            self.wanted = Wanted::default();
            self.begin(now);
        }
    }

    fn begin(&mut self, now: Instant) {
        let why = self.environment.begin();
        let started = self.launch.command(&[], None).and_then(|mut command| {
            command.envs(variables(&why));
            self.foreground.start(&mut command)
        });
        match started {
            Ok(pid) => {
                self.pace.begun();
                self.note.change(|note| {
                    note.command_pid = Some(pid);
                    note.since = Utc::now();
                    note.generation = why.generation.0;
                    note.fresh_generation = why.generation.0;
                });
                self.running = Some(Run { why, began: now });
            }
            // The next change tries again, and the next process this one.
            Err(error) => {
                self.environment.is_had();
                self.note.came_to_nothing(error.to_string(), false);
                self.observer.told(&Told::CannotStart {
                    why,
                    error: error.to_string(),
                    goes_on: false,
                });
            }
        }
    }
}

/// What a run is told of the change that it follows.
fn variables(why: &Changed) -> Vec<(&'static str, OsString)> {
    let mut names = String::new();
    for name in why.diff.names().distributions {
        if names.len() + name.len() >= LONGEST {
            break;
        }
        if !names.is_empty() {
            names.push(' ');
        }
        names.push_str(&name);
    }
    let number = why.number.map(|number| number.0.to_string());
    vec![
        (env_vars::GENERATION, why.generation.0.to_string().into()),
        (env_vars::RUN, number.unwrap_or_default().into()),
        (env_vars::CHANGED, names.into()),
    ]
}

/// Keeps a command that changes the environment itself from running without an end.
#[derive(Debug, Default)]
struct Pace {
    /// When the last run ended.
    ended: Option<Instant>,
    /// Whether a change was seen since the last run began.
    is_seen: bool,
    /// Runs in a row that a change came soon after.
    in_a_row: u32,
    /// When the next run may begin.
    not_before: Option<Instant>,
}

impl Pace {
    /// A change has come `now`, while a run is under way or not. How long the next run waits, where that is news.
    fn change(&mut self, now: Instant, is_running: bool) -> Option<Duration> {
        if std::mem::replace(&mut self.is_seen, true) {
            return None;
        }
        let last = self.ended.max(self.not_before);
        let is_soon = is_running || last.is_some_and(|last| now < last + SOON);
        self.in_a_row = if is_soon { self.in_a_row + 1 } else { 0 };
        let more = self.in_a_row.checked_sub(IN_A_ROW)?;
        let pause = PAUSES.0.saturating_mul(1 << more.min(16)).min(PAUSES.1);
        self.not_before = Some(now + pause);
        (more == 0).then_some(pause)
    }

    /// A run has begun: what comes from here on counts once.
    fn begun(&mut self) {
        self.is_seen = false;
    }

    fn ended(&mut self, now: Instant) {
        self.ended = Some(now);
    }

    fn lets_run(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Change, Diff};
    use crate::store::{Generation, RunNumber};

    #[test]
    fn one_that_changes_the_environment_itself_waits_longer_each_time() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        let mut told = vec![pace.change(now, false)];
        let mut longest = Duration::ZERO;
        for turn in 0..20 {
            longest = pace
                .not_before
                .map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
            now += longest;
            assert!(pace.lets_run(now));
            pace.begun();
            // Seen while it runs, or a little later, and never counted twice.
            let is_running = turn % 2 == 0;
            told.push(pace.change(now, is_running));
            told.push(pace.change(now, true));
            pace.ended(now);
            now += Duration::from_millis(500);
        }
        let said: Vec<Duration> = told.into_iter().flatten().collect();
        assert_eq!(said, [Duration::from_secs(1)], "it is said once");
        assert!(longest <= PAUSES.1 && longest > PAUSES.1 / 2, "{longest:?}");
        // Somebody else's change, later, is followed at once.
        now += PAUSES.1;
        pace.begun();
        pace.ended(now);
        now += SOON;
        assert_eq!(pace.change(now, false), None);
        assert!(pace.lets_run(now) && pace.in_a_row == 0);
    }

    #[test]
    fn a_run_is_told_what_it_follows() {
        let change = |name: &str| Change {
            name: name.to_owned(),
            from: None,
            to: Some("1".to_owned()),
        };
        let why = |names: &[&str]| Changed {
            generation: Generation(7),
            number: Some(RunNumber(3)),
            diff: Diff {
                added: names.iter().map(|name| change(name)).collect(),
                ..Diff::default()
            },
        };
        let told = |why: &Changed| variables(why).into_iter().map(|(_, value)| value);
        let all: Vec<_> = told(&why(&["b", "A_c"])).collect();
        assert_eq!(all, ["7", "3", "a-c b"]);
        let many = vec!["a".repeat(100); 1000];
        let many: Vec<String> = many
            .iter()
            .enumerate()
            .map(|(at, name)| format!("{name}{at}"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let longest = told(&why(&many)).next_back().expect("names").len();
        assert!(longest <= LONGEST && longest > LONGEST / 2, "{longest}");
    }
}
