//! The one place where the relay waits: for its client, its servers, the environment, and time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{FAREWELL, MOST_WAITING, Relay};
use crate::lsp::session::Number;

/// Which descriptor something happened at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Stop,
    Input,
    Output,
    Environment,
    ServerInput(Number),
    ServerOutput(Number),
    ServerErrors(Number),
    ServerEnd,
}

impl Relay<'_> {
    /// Waits until something happens, and takes it in.
    pub(super) fn wait(&mut self, now: Instant) -> io::Result<()> {
        let happened = {
            let places = self.places();
            let mut asked: Vec<PollFd<'_>> = places
                .iter()
                .map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags))
                .collect();
            let limit = self
                .deadline(now)
                .map(|at| at.saturating_duration_since(now));
            let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
            match poll(&mut asked, limit.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let told = asked.iter().map(PollFd::revents);
            let with = places.iter().map(|(place, ..)| *place).zip(told);
            with.filter(|(_, told)| !told.is_empty())
                .map(|(place, _)| place)
                .collect::<Vec<_>>()
        };
        let now = Instant::now();
        for place in happened {
            self.take_in(place, now);
            self.perform(now);
        }
        Ok(())
    }

    fn places(&self) -> Vec<(Place, BorrowedFd<'_>, PollFlags)> {
        // What stops comes first, then what is to be written.
        let mut all: Vec<(Place, BorrowedFd<'_>, PollFlags)> = Vec::with_capacity(8);
        all.extend(
            self.stop
                .as_ref()
                .map(|fd| (Place::Stop, fd.as_fd(), PollFlags::IN)),
        );
        if !self.outgoing.is_empty() {
            all.push((Place::Output, self.output.as_fd(), PollFlags::OUT));
        }
        let is_full = self
            .processes
            .iter()
            .any(|one| one.outgoing.len() > MOST_WAITING);
        if !is_full && self.left.is_none() {
            all.extend(
                self.input
                    .as_ref()
                    .map(|fd| (Place::Input, fd.as_fd(), PollFlags::IN)),
            );
        }
        all.extend(
            self.environment
                .descriptor()
                .map(|fd| (Place::Environment, fd, PollFlags::IN)),
        );
        let is_deaf = self.outgoing.len() > MOST_WAITING;
        for process in &self.processes {
            let number = process.number;
            let [output, errors, end] = process.heard_at();
            let output = output.filter(|_| !is_deaf);
            all.extend(output.map(|fd| (Place::ServerOutput(number), fd, PollFlags::IN)));
            all.extend(errors.map(|fd| (Place::ServerErrors(number), fd, PollFlags::IN)));
            all.extend(end.map(|fd| (Place::ServerEnd, fd, PollFlags::IN)));
            all.extend(
                process
                    .written_at()
                    .map(|fd| (Place::ServerInput(number), fd, PollFlags::OUT)),
            );
        }
        all
    }

    fn deadline(&self, now: Instant) -> Option<Instant> {
        let looks = self
            .processes
            .iter()
            .filter_map(|process| process.next_look(now));
        let farewell = self
            .left
            .map(|(since, _)| since + FAREWELL + Duration::from_millis(1));
        looks
            .chain(self.session.deadline())
            .chain(self.next_look())
            .chain(farewell.filter(|_| self.processes.is_empty()))
            .min()
    }

    /// When to look at the environment without being told; not before the client has said where it works.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.launch.as_ref()?;
        self.environment.next_look()
    }
}
