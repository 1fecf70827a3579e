//! Nodes: whose turn it is, what comes from the worker meanwhile, the answer.

use std::process::ExitStatus;

use chrono::Utc;
use tokio::time::Instant;

use super::{Next, Running, Task};
use crate::api::v1::{Stream, WorkerExit};
use crate::backend::worker::process::{ending, signal_name};
use crate::backend::worker::protocol::reply::{self, Reply};
use crate::backend::worker::protocol::request::{self, Refusal};
use crate::backend::worker::task::delivery::Delivery;

impl Task {
    /// Runs the next node, if there is one and a worker for it; starts the worker otherwise.
    pub(super) fn run_next(&mut self) {
        while self.running.is_none() && matches!(self.next, Next::None) {
            let Some(node) = self.queue.front() else {
                return;
            };
            if node.reply.is_closed() {
                self.queue.pop_front();
                continue;
            }
            if self.inquiry.is_some() {
                return;
            }
            if let Some(pid) = node.on
                && (self.pid() != Some(pid) || self.hangup_deadline.is_some())
            {
                if let Some(node) = self.queue.pop_front() {
                    let _ = node.reply.send(request::object_gone(pid).into());
                }
                continue;
            }
            if node.wants_now && !self.may_run() {
                continue;
            }
            match &mut self.worker {
                Some(worker) => {
                    let node = self.queue.pop_front().expect("it was there just now");
                    self.nodes += 1;
                    let id = self.nodes.to_string();
                    worker.process.send(&request::numbered(&id, &node.request));
                    worker.process.linger();
                    self.running = Some(Running {
                        id,
                        file: node.file,
                        reply: node.reply,
                        delivery: Delivery::new(node.output),
                        began: Instant::now(),
                        limit: node.limit,
                        cut_short: None,
                    });
                    self.publish_busy();
                }
                None => self.start("a node was asked for"),
            }
        }
    }

    /// Lets the worker forget the objects that nobody holds any more.
    pub(super) fn tidy(&mut self) {
        if self.running.is_some() || self.inquiry.is_some() {
            return;
        }
        let Some(worker) = &mut self.worker else {
            return;
        };
        let dropped = self.objects.take_dropped(worker.process.pid());
        if !dropped.is_empty() {
            worker.process.send(&request::release(&dropped));
            worker.releases += 1;
        }
    }

    /// Takes in a line of the worker's. Requests go out one by one, so what is no event is the answer to the last.
    pub(super) fn heard(&mut self, line: Vec<u8>) {
        let text = String::from_utf8(line).unwrap_or_default();
        // Not parsed for this: a reply may be long, and begins with its id.
        if text.starts_with(r#"{"event""#) {
            if text == request::INTERRUPTED {
                self.interrupt_taken();
            }
            return;
        }
        if let Some(worker) = &mut self.worker
            && worker.releases > 0
        {
            worker.releases -= 1;
            if let Ok(request::Released { store }) = serde_json::from_str(&text) {
                self.objects.said(worker.process.pid(), store);
            }
            return;
        }
        if self.inquiry.is_some() && self.running.is_none() {
            return self.inquired(&text);
        }
        let Some(worker) = &mut self.worker else {
            return;
        };
        match (
            reply::of_worker(text, worker.process.pid()),
            self.running.take(),
        ) {
            (Ok((reply, shared)), Some(running)) => {
                if let Some(descriptor) = shared {
                    worker.process.send(&request::close_fd(descriptor));
                }
                let printed = self.worker.as_mut().map(|worker| worker.process.drain());
                self.running = Some(running);
                for (stream, bytes) in printed.unwrap_or_default() {
                    self.printed(stream, &bytes);
                }
                self.answer(reply);
                self.want_spare();
                self.publish_busy();
            }
            (_, running) => {
                self.running = running;
                self.log
                    .note("the worker sent what is no reply, and is ended");
                if let Some(worker) = &mut self.worker {
                    worker.process.kill();
                }
            }
        }
    }

    pub(super) fn printed(&mut self, stream: Stream, bytes: &[u8]) {
        self.log.output(bytes);
        if let Some(running) = &mut self.running {
            running.delivery.push(stream, bytes);
        }
    }

    /// Answers the running node, after the last of its output.
    pub(super) fn answer(&mut self, reply: Reply) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        running.delivery.finish();
        let reply = running.said(reply);
        if running.delivery.is_done() {
            let _ = running.reply.send(reply);
        } else {
            // A slow reader holds up its own answer, not the next node.
            tokio::spawn(async move {
                running.delivery.complete().await;
                let _ = running.reply.send(reply);
            });
        }
    }

    /// Takes in that the worker has ended by itself.
    pub(super) fn bury(&mut self, status: ExitStatus) {
        let Some(mut worker) = self.worker.take() else {
            return;
        };
        worker.process.kill();
        for (stream, bytes) in worker.process.drain() {
            self.printed(stream, &bytes);
        }
        let was_killed = self.running.as_ref().is_some_and(Running::is_killed);
        let (pid, signal) = (worker.process.pid(), signal_name(status));
        let was_running = self.running.as_ref().map(|running| running.file.clone());
        let during = was_running
            .as_ref()
            .map(|file| format!(" while it ran {file}"))
            .unwrap_or_default();
        let detail = format!("worker {pid} {}{during}", ending(status));
        self.log.note(&detail);
        tracing::warn!(project = %self.id, pid, "{detail}");
        if let Some(running) = &self.running {
            let refusal = Refusal {
                detail: Some(&detail),
                exit_code: status.code(),
                signal: signal.as_deref(),
                generation: Some(worker.view.generation),
                ..Refusal::new(&running.id, "worker-exit", "worker-exit")
            };
            let reply = refusal.into_json();
            self.answer(reply.into());
        }
        if !was_killed {
            self.last_exit = Some(WorkerExit {
                pid,
                code: status.code(),
                signal,
                was_running,
                at: Utc::now(),
            });
        }
        self.hangup_deadline = None;
        self.inquiry = None;
        self.ending.spawn(async move {
            worker.process.kill_leftovers().await;
        });
        self.publish();
    }
}
