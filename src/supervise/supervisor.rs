//! The one loop: a command serves, changes come, one process takes the place of another.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use chrono::Utc;
use libc::{SIGKILL, SIGTERM};

use super::command::Launch;
use super::doors::{Doors, Turn};
use super::environment::Environment;
use super::loaded::LoadedList;
use super::note::{Note, how};
use super::order::On;
use super::process::{Leaving, Restart, Serving, Started};
use super::told::{Changed, Observer, Told};
use crate::exec::{ChildStatus, Foreground};

/// A command that fails so soon after a restart fails because of it.
const AT_ONCE: Duration = Duration::from_secs(5);
/// How often the next one is asked whether it accepts connections.
const READY_LOOK: Duration = Duration::from_millis(10);
/// How long the last one may answer those whom it has accepted, while others are led to the next one.
const FAREWELL: Duration = Duration::from_millis(500);
/// An end that was asked for so long ago was refused.
const ASKED: Duration = Duration::from_secs(10);

/// As [`super::run`], a command that runs all the time.
pub(super) fn run(
    launch: Launch<'_>,
    environment: Environment,
    foreground: Foreground,
    doors: Doors,
    note: &mut Note,
    observer: &mut dyn Observer,
) -> io::Result<ChildStatus> {
    let mut supervisor = Supervisor {
        launch,
        doors,
        turn: 0,
        foreground,
        environment,
        note,
        observer,
        serving: None,
        leaving: Vec::new(),
        restart: None,
        is_wanted: false,
        waits_for_change: false,
        asked_to_end: None,
        last: None,
        is_unknown_told: false,
    };
    let first = supervisor.start()?;
    supervisor.serves(first, false);
    loop {
        supervisor.wait()?;
        if let Some(status) = supervisor.end() {
            return Ok(status);
        }
        supervisor.step(Instant::now());
    }
}

struct Supervisor<'a> {
    launch: Launch<'a>,
    doors: Doors,
    /// The turn of the newest process.
    turn: Turn,
    foreground: Foreground,
    environment: Environment,
    note: &'a mut Note,
    observer: &'a mut dyn Observer,
    serving: Option<Serving>,
    leaving: Vec<Leaving>,
    restart: Option<Restart>,
    /// Whether a restart is wanted as soon as none is under way.
    is_wanted: bool,
    /// Whether there is nobody to serve until the environment changes.
    waits_for_change: bool,
    asked_to_end: Option<(i32, Instant)>,
    /// How the last one ended.
    last: Option<ChildStatus>,
    /// Whether it was told that nobody knows what the command has loaded.
    is_unknown_told: bool,
}

impl Supervisor<'_> {
    fn wait(&mut self) -> io::Result<()> {
        let looks = [self.environment.next_look(), self.note.next_look()];
        let ends = self
            .leaving
            .iter()
            .flat_map(|one| [one.ask_at, one.kill_at]);
        let is_coming = self
            .restart
            .as_ref()
            .is_some_and(|restart| restart.coming.is_some());
        let ready = is_coming.then(|| Instant::now() + READY_LOOK);
        let asked = self.asked_to_end.filter(|_| self.is_wanted);
        let asked = asked.map(|(_, at)| at + ASKED);
        let until = looks.into_iter().flatten().chain(ends.flatten());
        let until = until.chain(ready).chain(asked).min();
        let descriptors = [self.environment.descriptor(), self.note.descriptor()];
        let descriptors: Vec<BorrowedFd<'_>> = descriptors.into_iter().flatten().collect();
        let woken = self.foreground.wait(&descriptors, until)?;
        if let Some(signal) = woken.end {
            self.asked_to_end = Some((signal, Instant::now()));
            // Nobody is started any more for who wants the end.
            self.restart.take_if(|restart| restart.coming.is_none());
        }
        for (pid, status) in woken.ended {
            self.ended(pid, status);
        }
        Ok(())
    }

    fn ended(&mut self, pid: u32, status: ChildStatus) {
        self.last = Some(status);
        if let Some(at) = self.leaving.iter().position(|one| one.pid == pid) {
            let turn = self.leaving.swap_remove(at).turn;
            self.close(turn);
        } else if let Some(restart) = self.restart.take_if(|restart| restart.is_of(pid)) {
            let failed = self.turn;
            self.turn = self.serving.as_ref().map_or(failed, |serving| serving.turn);
            self.close(failed);
            if self.asked_to_end.is_none() {
                self.came_to_nothing(restart.why, status);
            }
        } else if let Some(serving) = self.serving.take_if(|serving| serving.pid == pid) {
            if self.restart.is_some() {
                // The next one is on its way already.
                self.close(serving.turn);
                return;
            }
            let is_at_once = serving.is_next
                && serving.since.elapsed() < AT_ONCE
                && status != ChildStatus::Exited(0)
                && self.asked_to_end.is_none();
            if is_at_once {
                let why = self.environment.changed();
                self.waits_for_change = true;
                self.came_to_nothing(why, status);
            }
        }
    }

    /// Nobody of this turn is there any more.
    fn close(&mut self, turn: Turn) {
        let serving = self
            .serving
            .as_ref()
            .map_or(self.turn, |serving| serving.turn);
        self.doors.close(turn, serving);
    }

    fn came_to_nothing(&mut self, why: Changed, status: ChildStatus) {
        let goes_on = self.serving.is_some();
        self.note.came_to_nothing(how(status), goes_on);
        self.observer.told(&Told::EndedAtOnce {
            why,
            status,
            goes_on,
        });
    }

    /// How all of it ends, if it does.
    fn end(&self) -> Option<ChildStatus> {
        if self.serving.is_some() || self.restart.is_some() || !self.leaving.is_empty() {
            return None;
        }
        match (self.asked_to_end, self.waits_for_change) {
            (Some((signal, _)), true) => Some(ChildStatus::Signaled(signal)),
            (None, true) => None,
            (_, false) => self.last,
        }
    }

    fn step(&mut self, now: Instant) {
        if self.asked_to_end.is_some_and(|(_, at)| now > at + ASKED) {
            self.asked_to_end = None;
        }
        self.is_wanted |= self.environment.look(now) && self.is_concerned();
        self.note.change(|note| self.environment.note_in(note));
        self.is_wanted |= self.note.is_asked(now);
        self.see_off(now);
        self.go_on(now);
        if self.is_wanted && self.restart.is_none() && self.asked_to_end.is_none() {
            self.is_wanted = false;
            self.begin_restart(now);
        }
    }

    /// Whether the change that is over is a reason for a restart.
    fn is_concerned(&mut self) -> bool {
        match self.launch.order.on {
            On::Change => true,
            On::Manual => false,
            On::Loaded => {
                // Whoever is on the way may have loaded what is gone by now.
                let Some(serving) = self.serving.as_ref().filter(|_| self.restart.is_none()) else {
                    return true;
                };
                let loaded = serving.loaded.as_ref().and_then(LoadedList::names);
                if loaded.is_none() && !std::mem::replace(&mut self.is_unknown_told, true) {
                    self.observer.told(&Told::LoadedUnknown);
                }
                let is_concerned = loaded.is_none_or(|loaded| self.environment.concerns(&loaded));
                // Where it is not, nothing of what has failed is there any more.
                self.note
                    .change(|note| note.error = note.error.take().filter(|_| is_concerned));
                is_concerned
            }
        }
    }

    /// Asks those to end who have answered everybody, and kills who had time enough.
    fn see_off(&mut self, now: Instant) {
        for one in &mut self.leaving {
            if one.ask_at.take_if(|at| *at <= now).is_some() {
                self.foreground.send(one.pid, SIGTERM);
            }
            if one.kill_at.take_if(|at| *at <= now).is_some() {
                self.foreground.send(one.pid, SIGKILL);
                let grace = self.launch.order.grace;
                self.observer.told(&Told::Killed { grace });
            }
        }
    }

    fn begin_restart(&mut self, now: Instant) {
        let why = self.environment.begin();
        if let (Some(signal), Some(serving)) = (self.launch.order.signal, &self.serving) {
            self.foreground.send(serving.pid, signal);
            self.environment.is_had();
            self.note.change(|note| {
                note.generation = why.generation.0;
                note.fresh_generation = why.generation.0;
                note.restarts += 1;
                note.attempts += 1;
            });
            self.observer.told(&Told::Signaled { why, signal });
            return;
        }
        // Nobody is stopped for one that is not there.
        if let Err(error) = self.launch.command(&[], None) {
            self.cannot_start(why, &error);
            return;
        }
        let mut restart = Restart {
            why,
            began: now,
            coming: None,
        };
        if self.serving.is_some() && self.doors.are_there() {
            match self.start_beside() {
                Ok(next) => restart.coming = Some(next),
                Err(error) => {
                    self.cannot_start(restart.why, &error);
                    return;
                }
            }
        } else if let Some(serving) = self.serving.take() {
            self.dismiss(&serving, now);
        }
        self.restart = Some(restart);
        self.go_on(now);
    }

    /// Ends a restart as soon as it can be.
    fn go_on(&mut self, now: Instant) {
        let Some(restart) = &mut self.restart else {
            return;
        };
        let next = match restart.coming.take() {
            Some(next) => {
                let is_late = now > restart.began + self.launch.order.grace;
                if !is_late && !self.doors.are_watched_by(next.pid, self.turn) {
                    restart.coming = Some(next);
                    return;
                }
                next
            }
            None if self.leaving.is_empty() => match self.start() {
                Ok(next) => next,
                Err(error) => {
                    let restart = self.restart.take();
                    self.waits_for_change = true;
                    if let Some(restart) = restart {
                        self.cannot_start(restart.why, &error);
                    }
                    return;
                }
            },
            None => return,
        };
        let Some(restart) = self.restart.take() else {
            return;
        };
        self.doors.lead_to(self.turn);
        if let Some(serving) = self.serving.take() {
            self.dismiss(&serving, now);
        }
        self.serves(next, true);
        self.observer.told(&Told::Restarted {
            why: restart.why,
            took: restart.began.elapsed(),
        });
    }

    /// Starts one with sockets of its own, whom nobody is led to yet.
    fn start_beside(&mut self) -> io::Result<Started> {
        let before = self.turn;
        self.turn += 1;
        let started = self.doors.prepare(self.turn).and_then(|()| self.start());
        if started.is_err() {
            let failed = std::mem::replace(&mut self.turn, before);
            self.close(failed);
        }
        started
    }

    fn start(&mut self) -> io::Result<Started> {
        let is_noted = self.launch.order.on == On::Loaded;
        let loaded = is_noted.then(|| self.note.loaded_list()).flatten();
        let sockets = self.doors.of(self.turn);
        let mut command = self.launch.command(&sockets, loaded.as_ref())?;
        let pid = self.foreground.start(&mut command)?;
        Ok(Started { pid, loaded })
    }

    /// Asks for the end of who served until now.
    fn dismiss(&mut self, serving: &Serving, now: Instant) {
        let wait = if self.doors.are_steered() {
            FAREWELL
        } else {
            Duration::ZERO
        };
        self.leaving.push(Leaving {
            pid: serving.pid,
            turn: serving.turn,
            ask_at: Some(now + wait),
            kill_at: Some(now + wait + self.launch.order.grace),
        });
        self.see_off(now);
    }

    fn serves(&mut self, started: Started, is_next: bool) {
        let Started { pid, loaded } = started;
        self.environment.is_had();
        self.waits_for_change = false;
        self.serving = Some(Serving {
            pid,
            turn: self.turn,
            since: Instant::now(),
            is_next,
            loaded,
        });
        let generation = self.environment.had().0;
        self.note.change(|note| {
            note.command_pid = Some(pid);
            note.since = Utc::now();
            note.generation = generation;
            note.env_generation = note.env_generation.max(generation);
            note.fresh_generation = generation;
            note.restarts += u32::from(is_next);
            note.attempts += u32::from(is_next);
            note.error = None;
        });
    }

    fn cannot_start(&mut self, why: Changed, error: &io::Error) {
        let goes_on = self.serving.is_some();
        self.note.came_to_nothing(error.to_string(), goes_on);
        self.observer.told(&Told::CannotStart {
            why,
            error: error.to_string(),
            goes_on,
        });
    }
}
