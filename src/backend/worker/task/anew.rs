//! What becomes of a task that panicked: another one goes on in its place.
//!
//! The node that ran is answered with an error and never run a second time: nobody knows how far it came. What waited
//! is kept, what the task knew of its processes is not, and they are ended.

use tokio::task::JoinSet;

use super::current::Current;
use super::life::{Life, Role};
use super::messages::failed_within;
use super::{Next, Task};
use crate::secrets;

impl Task {
    /// The task that goes on after this one panicked, as `why` says. `is_again`: for the second time within a short
    /// while; then the first that waits may be the cause, and is not tried once more.
    pub(crate) fn anew(mut self, why: &str, is_again: bool) -> Self {
        let generation = self.freshness.known().generation;
        let words = format!("the daemon failed: {why}");
        self.log.note(&words);
        if !self.is_for_branches() {
            let events = &self.plan.settings.events;
            events.worker_failed(&self.id, generation, self.freshness.run(), &words);
        }
        match self.current.as_mut().and_then(Current::take_running) {
            Some(running) => drop(running.reply.send(failed_within(&running.id, Some(why)))),
            None if is_again => {
                if let Some(first) = self.queue.pop_front() {
                    let _ = first.reply.send(failed_within("", Some(why)));
                }
            }
            None => {}
        }
        if let Some(current) = self.current.take() {
            self.end(current.worker.process);
        }
        match std::mem::replace(&mut self.next, Next::None) {
            Next::Ready(worker) => self.end(worker.process),
            Next::Starting(starting) => self.cancel(starting),
            Next::None => {}
        }
        self.drop_spare();
        let branch_unused = match self.role {
            Role::First => None,
            Role::Branch { unused } => Some(unused),
        };
        let mut next = Self::new(
            self.id,
            self.plan,
            branch_unused,
            self.objects,
            self.asked,
            self.status,
        );
        if self.life == Life::Closed {
            next.life = Life::Closed;
        }
        next.ending = std::mem::replace(&mut self.ending, JoinSet::new());
        next.queue = self.queue;
        next.nodes = self.nodes;
        next.waiters = self.waiters;
        next.stops = self.stops;
        next.told = self.told;
        next.told.last_error = Some(secrets::hide(&words).into_owned());
        if !next.waiters.is_empty() {
            next.start("the daemon failed");
        }
        next.publish();
        next
    }
}
