//! Nodes: whose turn it is, what comes from the worker meanwhile, the answer, and the worker's own end.

use std::process::ExitStatus;

use chrono::Utc;

use super::current::{Awaited, Current, Doing, Line};
use super::running::Running;
use super::{Next, Task};
use crate::api::v1::{NodeCode, Refresh, Stream, WorkerExit};
use crate::backend::supervise;
use crate::backend::worker::process::{ending, signal_name};
use crate::backend::worker::protocol::{
    self, DaemonReply, Event, Released, Spent, WorkerReply, object_gone,
};

impl Task {
    /// Runs the next node, if there is one and a worker for it; starts the worker otherwise.
    pub(super) fn run_next(&mut self) {
        while !self.is_busy() && matches!(self.next, Next::None) {
            let Some(node) = self.queue.front() else {
                return;
            };
            if node.reply.is_closed() {
                self.queue.pop_front();
                continue;
            }
            if self.current.as_ref().is_some_and(Current::is_asked) {
                return;
            }
            let (on, wants_now) = (node.order.on, node.order.wants_now);
            if let Some(pid) = on
                && !self.can_still_answer(pid)
            {
                if let Some(node) = self.queue.pop_front() {
                    let _ = node.reply.send(object_gone(pid));
                }
                continue;
            }
            if wants_now && !self.may_run() {
                continue;
            }
            match &mut self.current {
                Some(current) => {
                    let node = self.queue.pop_front().expect("it was there just now");
                    self.nodes += 1;
                    current.run(self.nodes.to_string(), node);
                    self.publish_busy();
                }
                None => self.start("a node was asked for"),
            }
        }
    }

    /// Whether the process `pid` is the worker, and listens.
    fn can_still_answer(&self, pid: u32) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.pid() == pid && current.hangup_deadline.is_none())
    }

    /// Lets the worker forget the objects that nobody holds any more.
    pub(super) fn tidy(&mut self) {
        if let Some(current) = &mut self.current
            && matches!(current.doing, Doing::Nothing)
        {
            let dropped = self.objects.take_dropped(current.pid());
            if !dropped.is_empty() {
                current.release(dropped);
            }
        }
    }

    /// Takes in a line of the worker's: an event, the next answer, or what a node wrote there.
    pub(super) fn line_came(&mut self, line: Vec<u8>) {
        let Some(current) = &mut self.current else {
            return;
        };
        match current.said(line) {
            Line::Answer(Awaited::Node, text) => self.node_answered(text),
            Line::Answer(Awaited::Question, text) => self.question_answered(&text),
            Line::Answer(Awaited::Release, text) => {
                if let Ok(Released { store }) = serde_json::from_str(&text) {
                    self.objects.said(current.pid(), store);
                }
            }
            Line::Event(Event::Interrupted) => self.interrupt_taken(),
            Line::Event(Event::Loading { file }) => self.log.note(format_args!(
                "{file} changed; the project's modules are loaded again"
            )),
            Line::Noise if current.has_noise => {}
            Line::Noise => {
                current.has_noise = true;
                self.log
                    .note("a node wrote into the worker's own descriptors; that is no answer, and left out");
            }
        }
    }

    fn node_answered(&mut self, text: String) {
        if let Some(why) = spent(&text) {
            return self.declined(why);
        }
        let Some(current) = &mut self.current else {
            return;
        };
        let Ok((reply, shared)) = protocol::of_worker(text, current.pid()) else {
            return self.spoke_nonsense();
        };
        if let Some(descriptor) = shared {
            current.close_shared(descriptor);
        }
        for (stream, bytes) in current.worker.process.drain() {
            self.printed(stream, &bytes);
        }
        self.answer(reply);
        self.want_spare();
        self.publish_busy();
    }

    fn spoke_nonsense(&mut self) {
        self.log
            .note("the worker sent what is no reply, and is ended");
        if let Some(current) = &mut self.current {
            current.worker.process.kill();
        }
    }

    pub(super) fn printed(&mut self, stream: Stream, bytes: &[u8]) {
        self.log.output(bytes);
        let running = self.current.as_mut().and_then(Current::running_mut);
        if let Some(running) = running {
            running.delivery.push(stream, bytes);
        }
    }

    /// Answers the running node, if there is one.
    pub(super) fn answer(&mut self, reply: WorkerReply) {
        let running = self.current.as_mut().and_then(Current::take_running);
        if let Some(running) = running {
            running.answer(reply);
        }
    }

    /// Takes in that the worker has ended by itself.
    pub(super) fn worker_exited(&mut self, status: ExitStatus) {
        let Some(current) = &mut self.current else {
            return;
        };
        current.worker.process.kill();
        for (stream, bytes) in current.worker.process.drain() {
            self.printed(stream, &bytes);
        }
        let Some(mut current) = self.current.take() else {
            return;
        };
        let (pid, signal) = (current.pid(), signal_name(status));
        if current.has_not_begun()
            && current.running().is_some_and(Running::is_wanted)
            && let Some(running) = current.take_running()
        {
            self.log.note(format_args!(
                "worker {pid} had ended before it read what it was to run, which goes to the next one"
            ));
            self.queue.push_front(running.into_node());
        }
        let was_running = current.running().map(|running| running.file.clone());
        let during = was_running
            .as_ref()
            .map(|file| format!(" while it ran {file}"))
            .unwrap_or_default();
        let detail = format!("worker {pid} {}{during}", ending(status));
        self.log.note(&detail);
        tracing::warn!(project = %self.id, pid, "{detail}");
        let mut was_killed = false;
        if let Some(running) = current.take_running() {
            was_killed = running.is_killed();
            let id = running.id.clone();
            let reply = DaemonReply {
                detail: Some(&detail),
                exit_code: status.code(),
                signal: signal.as_deref(),
                generation: Some(current.worker.view.generation),
                ..DaemonReply::new(&id, "worker-exit", NodeCode::WorkerExit)
            };
            running.answer(reply.into());
        }
        if !was_killed {
            self.told.last_exit = Some(WorkerExit {
                pid,
                code: status.code(),
                signal,
                was_running,
                at: Utc::now(),
            });
        }
        supervise::spawn_on(&mut self.ending, "the end of a worker", async move {
            current.worker.process.kill_leftovers().await;
        });
        self.publish();
    }
}

/// Why a node was not run, if that is what its answer says.
fn spent(answer: &str) -> Option<Refresh> {
    // Replies begin with the id, so this is where the member would be; anywhere else it is a node's own.
    let at = answer.find(',')?;
    let is_so = answer[at + 1..].starts_with(r#""spent":"#);
    is_so
        .then(|| serde_json::from_str::<Spent>(answer))?
        .ok()
        .map(|answer| answer.spent)
}
