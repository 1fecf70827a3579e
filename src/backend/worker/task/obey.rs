//! What is asked of the task, a function each.

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::life::Life;
use super::messages::{Control, Node, Waiter, WorkerError};
use super::{Next, Task};
use crate::api::v1::{NodeCode, RestartRequest, When, WorkerStatus};

impl Task {
    pub(super) fn obey(&mut self, control: Control) {
        match control {
            Control::Status(reply) => self.status_asked(reply),
            Control::EnvChanged => self.environment_changed(),
            Control::Run(node) => self.node_asked(node),
            Control::Start(waiter) => self.start_asked(waiter),
            Control::Restart(request, waiter) => self.restart_asked(&request, waiter),
            Control::Stop(when, reply) => self.stop_asked(when, reply),
            Control::Close { pid, descriptor } => self.close_shared(pid, descriptor),
            Control::TakeSpare(spare) => self.spare.put(spare, self.plan.settings.spare_idle),
            Control::GiveSpare(reply) => {
                let _ = reply.send(self.spare.give());
            }
            Control::Interrupt(file, reply) => {
                let _ = reply.send(self.interrupt(file.as_deref()));
            }
            #[cfg(test)]
            Control::Panic => panic!("on purpose"),
            // The loop itself sees to these.
            Control::Tidy | Control::ShutDown(_) => {}
        }
    }

    fn status_asked(&mut self, reply: oneshot::Sender<WorkerStatus>) {
        self.freshness.look();
        self.publish();
        let _ = reply.send(self.status.borrow().clone());
    }

    fn environment_changed(&mut self) {
        if self.is_for_branches() {
            self.retire();
        } else {
            self.refresh();
            self.publish();
        }
    }

    fn node_asked(&mut self, node: Node) {
        self.used_at = Instant::now();
        self.queue.push_back(node);
        if self.is_busy() {
            self.refresh();
        }
    }

    fn start_asked(&mut self, waiter: Waiter) {
        let wanted = self.freshness.look();
        let current = self.current.as_ref();
        let is_there = current.is_some_and(|current| current.worker.view == wanted);
        let pid = self.pid();
        if is_there && matches!(self.next, Next::None) {
            let _ = waiter.send(Ok(self.restarted(pid)));
        } else {
            self.waiters.push((pid, waiter));
            self.start_unless_starting("asked to start");
        }
    }

    fn restart_asked(&mut self, request: &RestartRequest, waiter: Waiter) {
        let reason = request.reason.as_deref().unwrap_or("asked to restart");
        self.waiters.push((self.pid(), waiter));
        if request.when == When::Now && self.is_busy() {
            self.cut_off("the worker was restarted", NodeCode::WorkerRestarted);
        }
        self.start_unless_starting(reason);
    }

    fn stop_asked(&mut self, when: When, reply: oneshot::Sender<()>) {
        self.stops.push(reply);
        match when {
            When::Idle if self.life == Life::Open => self.life = Life::Stopping,
            // One that is closed ends as soon as it is idle anyway.
            When::Idle => {}
            When::Now => {
                self.end_everything(&WorkerError::Stopped);
                self.publish();
            }
        }
    }

    fn close_shared(&mut self, pid: u32, descriptor: u32) {
        if let Some(current) = &mut self.current
            && current.pid() == pid
        {
            current.close_shared(descriptor);
        }
    }
}
