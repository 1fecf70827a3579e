//! The one loop that owns a project's worker.
//!
//! [`Task::next`] waits for whatever happens first, [`Task::take_in`] changes the state by it, and [`Task::advance`] does
//! what has become possible: swap workers, start one, run the next node. Nothing but `next` waits.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::background::Background;
use super::delivery::Delivery;
use super::exit::{ending, signal_name};
use super::freshness::Freshness;
use super::job::{Control, Node, Waiter, WorkerError};
use super::log::WorkerLog;
use super::process::{Event, Process};
use super::protocol::{self, Envelope, Refusal};
use super::standby::{Misstart, Plan, Spare, Standby, StartFailure, Worker};
use super::tail::Tail;
use crate::api::v1::{Json, Restarted, Stream, When, WorkerExit, WorkerState, WorkerStatus};
use crate::project::ProjectId;
use crate::store::Generation;

/// How long a worker is left alone before a spare is started, so that the two do not compete for the processor just
/// when somebody waits for an answer.
const SPARE_DELAY: Duration = Duration::from_millis(50);
/// How long a worker that has closed its protocol may take to end by itself.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// The state of one project's worker.
pub(super) struct Task {
    id: ProjectId,
    plan: Arc<Plan>,
    asked: mpsc::Receiver<Control>,
    status: watch::Sender<WorkerStatus>,
    log: WorkerLog,
    freshness: Freshness,
    /// The worker that nodes run on.
    worker: Option<Worker>,
    /// When a worker that has hung up is killed.
    hangup_deadline: Option<Instant>,
    running: Option<Running>,
    queue: VecDeque<Node>,
    next: Next,
    spare: SpareState,
    spare_wanted_until: Instant,
    /// Processes on their way out.
    ending: JoinSet<Tail>,
    waiters: Vec<(Option<u32>, Waiter)>,
    stops: Vec<oneshot::Sender<()>>,
    stops_when_idle: bool,
    /// The generation that the last start was for, if it failed.
    failed_at: Option<Generation>,
    nodes: u64,
    restarts: u64,
    last_error: Option<String>,
    last_exit: Option<WorkerExit>,
}

/// The node that runs.
struct Running {
    id: String,
    file: String,
    reply: oneshot::Sender<Json>,
    delivery: Delivery,
}

/// The worker after this one.
enum Next {
    None,
    Starting(Background<Result<Worker, StartFailure>>),
    /// Waits for the running node to finish on the old worker.
    Ready(Box<Worker>),
}

enum SpareState {
    None,
    Due(Instant),
    Preparing(Background<Result<Standby, Misstart>>),
    Ready(Box<Standby>),
    /// It did not start. The next worker's start will say why.
    Failed,
}

/// Whatever happens.
enum Happening {
    Asked(Control),
    /// Every handle is gone.
    Abandoned,
    Worker(Event),
    Started(Option<Result<Worker, StartFailure>>),
    SparePrepared(Option<Standby>),
    /// The spare did something, though it was to wait.
    SpareStirred,
    Ended(Tail),
    /// The running node's reader took something.
    Delivered,
    Tick,
}

impl Task {
    pub(super) fn new(
        id: ProjectId,
        plan: Arc<Plan>,
        asked: mpsc::Receiver<Control>,
        status: watch::Sender<WorkerStatus>,
    ) -> Self {
        Self {
            log: WorkerLog::new(&plan.settings.log_folder, &id),
            freshness: Freshness::new(plan.project.layout()),
            id,
            plan,
            asked,
            status,
            worker: None,
            hangup_deadline: None,
            running: None,
            queue: VecDeque::new(),
            next: Next::None,
            spare: SpareState::None,
            spare_wanted_until: Instant::now(),
            ending: JoinSet::new(),
            waiters: Vec::new(),
            stops: Vec::new(),
            stops_when_idle: false,
            failed_at: None,
            nodes: 0,
            restarts: 0,
            last_error: None,
            last_exit: None,
        }
    }

    /// Until somebody shuts the worker down, or nobody has a handle any more.
    pub(super) async fn run(mut self) {
        let last_word = loop {
            match self.next().await {
                Happening::Asked(Control::ShutDown(reply)) => break Some(reply),
                Happening::Abandoned => break None,
                happening => self.take_in(happening),
            }
            self.advance();
        };
        self.end_everything(&WorkerError::ShuttingDown, "shutting-down");
        self.publish();
        while let Some(tail) = self.ending.join_next().await {
            self.log.output(&tail.unwrap_or_default().into_bytes());
        }
        for reply in self.stops.drain(..).chain(last_word) {
            let _ = reply.send(());
        }
    }

    /// Waits for the next thing that happens. Can be given up without losing anything.
    async fn next(&mut self) -> Happening {
        let deadline = self.deadline();
        let reads_output = self
            .running
            .as_ref()
            .is_none_or(|running| !running.delivery.is_blocked());
        let worker = self
            .worker
            .as_mut()
            .map(|worker| worker.process.event(reads_output));
        let starting = match &mut self.next {
            Next::Starting(starting) => Some(starting),
            Next::None | Next::Ready(_) => None,
        };
        let (preparing, spare) = match &mut self.spare {
            SpareState::Preparing(preparing) => (Some(preparing), None),
            SpareState::Ready(spare) => (None, Some(spare.process.event(true))),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => (None, None),
        };
        tokio::select! {
            event = some(worker) => Happening::Worker(event),
            asked = self.asked.recv() => asked.map_or(Happening::Abandoned, Happening::Asked),
            started = some(starting) => Happening::Started(started),
            () = some(self.running.as_mut().map(|running| running.delivery.step())) => Happening::Delivered,
            standby = some(preparing) => Happening::SparePrepared(standby.and_then(Result::ok)),
            _ = some(spare) => Happening::SpareStirred,
            Some(tail) = self.ending.join_next() => Happening::Ended(tail.unwrap_or_default()),
            () = some(deadline.map(sleep_until)) => Happening::Tick,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let is_idle = self.running.is_none() && self.queue.is_empty();
        let spare = match &self.spare {
            SpareState::Due(at) => is_idle.then_some(*at),
            SpareState::Ready(_) | SpareState::Preparing(_) => Some(self.spare_wanted_until),
            SpareState::None | SpareState::Failed => None,
        };
        let delivery = self
            .running
            .as_ref()
            .and_then(|running| running.delivery.deadline());
        [spare, delivery, self.hangup_deadline]
            .into_iter()
            .flatten()
            .min()
    }

    fn take_in(&mut self, happening: Happening) {
        match happening {
            Happening::Asked(control) => self.obey(control),
            Happening::Worker(Event::Line(line)) => self.heard(line),
            Happening::Worker(Event::Output(stream, bytes)) => self.printed(stream, &bytes),
            Happening::Worker(Event::Hangup) => {
                self.hangup_deadline = Some(Instant::now() + HANGUP_GRACE);
            }
            Happening::Worker(Event::Exited(status)) => self.bury(status),
            Happening::Started(Some(Ok(worker))) => self.started(worker),
            Happening::Started(Some(Err(failure))) => self.start_failed(failure),
            Happening::Started(None) => {
                self.start_failed(StartFailure::unknown(self.freshness.known()));
            }
            Happening::SparePrepared(standby) => {
                self.spare = standby.map_or(SpareState::Failed, |standby| {
                    SpareState::Ready(Box::new(standby))
                });
            }
            Happening::SpareStirred => self.spare = SpareState::Failed,
            Happening::Ended(tail) => self.log.output(&tail.into_bytes()),
            Happening::Tick => self.tick(Instant::now()),
            Happening::Delivered | Happening::Abandoned => {}
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Status(reply) => {
                self.freshness.generation();
                self.publish();
                let _ = reply.send(self.status.borrow().clone());
            }
            Control::EnvChanged => {
                self.refresh();
                self.publish();
            }
            Control::Run(node) => {
                self.queue.push_back(node);
                if self.running.is_some() {
                    self.refresh();
                }
            }
            Control::Start(waiter) => {
                let wanted = self.freshness.generation();
                let is_there = self
                    .worker
                    .as_ref()
                    .is_some_and(|worker| worker.generation == wanted);
                let pid = self.pid();
                if is_there && matches!(self.next, Next::None) {
                    let _ = waiter.send(Ok(self.restarted(pid)));
                } else {
                    self.waiters.push((pid, waiter));
                    self.start_unless_starting("asked to start");
                }
            }
            Control::Restart(request, waiter) => {
                let reason = request.reason.as_deref().unwrap_or("asked to restart");
                self.waiters.push((self.pid(), waiter));
                if request.when == When::Now && self.running.is_some() {
                    self.cut_off("the worker was restarted", "worker-restarted");
                }
                self.start_unless_starting(reason);
            }
            Control::Stop(When::Idle, reply) => {
                self.stops.push(reply);
                self.stops_when_idle = true;
            }
            Control::Stop(When::Now, reply) => {
                self.stops.push(reply);
                self.end_everything(&WorkerError::Stopped, "worker-stopped");
                self.publish();
            }
            // The loop itself sees to it.
            Control::ShutDown(_) => {}
        }
    }

    /// Does what has become possible.
    fn advance(&mut self) {
        if self.running.is_none() {
            self.next = match std::mem::replace(&mut self.next, Next::None) {
                Next::Ready(worker) => {
                    self.swap(*worker);
                    Next::None
                }
                other => other,
            };
            if self.failed_at.is_some() && matches!(self.next, Next::None) {
                self.end_worker();
            }
            self.run_next();
            if self.stops_when_idle && self.running.is_none() && self.queue.is_empty() {
                self.end_everything(&WorkerError::Stopped, "worker-stopped");
                self.publish();
            }
        }
        if !self.stops_when_idle && self.ending.is_empty() {
            for reply in self.stops.drain(..) {
                let _ = reply.send(());
            }
        }
    }

    /// Runs the next node, if there is one and a worker for it; starts the worker otherwise.
    fn run_next(&mut self) {
        while self.running.is_none() && matches!(self.next, Next::None) {
            let Some(node) = self.queue.front() else {
                return;
            };
            if node.reply.is_closed() {
                self.queue.pop_front();
                continue;
            }
            let wanted = self.freshness.generation();
            match &mut self.worker {
                Some(worker) if worker.generation == wanted => {
                    let node = self.queue.pop_front().expect("it was there just now");
                    self.nodes += 1;
                    let id = self.nodes.to_string();
                    worker.process.send(&protocol::exec_node(
                        &id,
                        self.plan.project.root(),
                        &node.run,
                    ));
                    self.running = Some(Running {
                        id,
                        file: node.run.file,
                        reply: node.reply,
                        delivery: Delivery::new(node.output),
                    });
                    self.publish_busy();
                }
                Some(_) => self.start("the environment changed"),
                None => self.start("a node was asked for"),
            }
        }
    }

    /// Starts the next worker if the environment has moved on since this one was started. A worker that nobody has used,
    /// or that somebody has stopped, stays away.
    fn refresh(&mut self) {
        let wanted = self.freshness.generation();
        let has = match (&self.next, &self.worker) {
            (Next::Starting(_), _) => return, // It is asked again when that is there.
            (Next::Ready(next), _) => Some(next.generation),
            (Next::None, Some(worker)) => Some(worker.generation),
            (Next::None, None) => self.failed_at,
        };
        if has.is_some_and(|has| has != wanted) && self.failed_at != Some(wanted) {
            self.start("the environment changed");
        }
    }

    fn start_unless_starting(&mut self, why: &str) {
        if !matches!(self.next, Next::Starting(_)) {
            self.start(why);
        }
    }

    fn start(&mut self, why: &str) {
        tracing::info!(project = %self.id, why, generation = %self.freshness.known(), "starting a worker");
        let spare = match std::mem::replace(&mut self.spare, SpareState::None) {
            SpareState::Ready(standby) => Some(Spare::Ready(standby)),
            SpareState::Preparing(preparing) => Some(Spare::Preparing(preparing)),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => None,
        };
        let worker = Arc::clone(&self.plan).worker(spare, self.freshness.clone());
        if let Next::Ready(worker) =
            std::mem::replace(&mut self.next, Next::Starting(Background::spawn(worker)))
        {
            self.end(worker.process);
        }
        self.publish();
    }

    fn started(&mut self, mut worker: Worker) {
        self.log
            .output(&std::mem::take(&mut worker.printed).into_bytes());
        self.next = Next::None;
        if worker.generation == self.freshness.generation() {
            self.next = Next::Ready(Box::new(worker));
        } else {
            self.end(worker.process);
            self.start("the environment changed again");
        }
    }

    fn start_failed(&mut self, failure: StartFailure) {
        self.next = Next::None;
        self.log.output(&failure.printed.into_bytes());
        self.log
            .note(format_args!("environment refresh failed: {}", failure.why));
        tracing::warn!(project = %self.id, why = failure.why, "environment refresh failed");
        if self.freshness.generation() != failure.generation {
            return self.start("the environment changed again");
        }
        let error = WorkerError::RefreshFailed(failure.why);
        self.failed_at = Some(failure.generation);
        self.last_error = Some(error.to_string());
        self.refuse_all(&error, "environment-refresh-failed");
        self.publish();
    }

    /// Puts `worker` in the place of the old one, which is idle.
    fn swap(&mut self, worker: Worker) {
        self.log.note(format_args!(
            "worker {} ready at generation {} (Python {})",
            worker.process.pid(),
            worker.generation,
            worker.python,
        ));
        tracing::info!(
            project = %self.id,
            pid = worker.process.pid(),
            generation = %worker.generation,
            took_ms = worker.took.as_secs_f64() * 1e3,
            "worker ready"
        );
        if let Some(old) = self.worker.replace(worker) {
            self.restarts += 1;
            self.log
                .note(format_args!("worker {} replaced", old.process.pid()));
            self.end(old.process);
        }
        self.hangup_deadline = None;
        self.failed_at = None;
        self.last_error = None;
        self.want_spare();
        self.publish();
        for (old_pid, waiter) in std::mem::take(&mut self.waiters) {
            let _ = waiter.send(Ok(self.restarted(old_pid)));
        }
    }

    /// Takes in a line of the worker's. Requests go out one by one, so what is no event is the answer to the last.
    fn heard(&mut self, line: Vec<u8>) {
        let text = String::from_utf8(line).unwrap_or_default();
        let envelope = serde_json::from_str::<Envelope>(&text);
        if envelope
            .as_ref()
            .is_ok_and(|envelope| envelope.event.is_some())
        {
            return;
        }
        match (Json::parse(text), self.running.take()) {
            (Ok(reply), Some(running)) => {
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

    fn printed(&mut self, stream: Stream, bytes: &[u8]) {
        self.log.output(bytes);
        if let Some(running) = &mut self.running {
            running.delivery.push(stream, bytes);
        }
    }

    /// Answers the running node, after the last of its output.
    fn answer(&mut self, reply: Json) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        running.delivery.finish();
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
    fn bury(&mut self, status: ExitStatus) {
        let Some(mut worker) = self.worker.take() else {
            return;
        };
        worker.process.kill();
        for (stream, bytes) in worker.process.drain() {
            self.printed(stream, &bytes);
        }
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
                generation: Some(worker.generation),
                ..Refusal::new(&running.id, "worker-exit", "worker-exit")
            };
            let reply = refusal.into_json();
            self.answer(reply);
        }
        self.last_exit = Some(WorkerExit {
            pid,
            code: status.code(),
            signal,
            was_running,
            at: Utc::now(),
        });
        self.hangup_deadline = None;
        self.publish();
    }

    fn tick(&mut self, now: Instant) {
        if self.hangup_deadline.is_some_and(|at| at <= now) {
            self.hangup_deadline = None;
            if let Some(worker) = &mut self.worker {
                worker.process.kill();
            }
        }
        if let Some(running) = &mut self.running
            && running.delivery.deadline().is_some_and(|at| at <= now)
        {
            running.delivery.give_up();
        }
        match &self.spare {
            SpareState::Due(at) if *at <= now => {
                let standby = Arc::clone(&self.plan).standby();
                self.spare = SpareState::Preparing(Background::spawn(standby));
            }
            SpareState::Ready(_) | SpareState::Preparing(_) if self.spare_wanted_until <= now => {
                self.drop_spare();
            }
            _ => {}
        }
    }

    /// The project is in use: keep a spare, or have one soon.
    fn want_spare(&mut self) {
        let now = Instant::now();
        self.spare_wanted_until = now + self.plan.settings.spare_idle;
        if matches!(self.spare, SpareState::None | SpareState::Due(_)) {
            self.spare = SpareState::Due(now + SPARE_DELAY);
        }
    }

    fn drop_spare(&mut self) {
        match std::mem::replace(&mut self.spare, SpareState::None) {
            SpareState::Ready(spare) => self.end(spare.process),
            SpareState::Preparing(preparing) => self.cancel(preparing),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => {}
        }
    }

    /// Ends the worker under its running node, which is told so.
    fn cut_off(&mut self, why: &str, code: &str) {
        if let Some(running) = &self.running {
            let refusal = Refusal {
                detail: Some(why),
                generation: self.worker.as_ref().map(|worker| worker.generation),
                ..Refusal::new(&running.id, "worker-exit", code)
            };
            let reply = refusal.into_json();
            self.answer(reply);
        }
        self.end_worker();
    }

    /// Ends every process, and answers everybody who waits for one.
    fn end_everything(&mut self, why: &WorkerError, code: &str) {
        self.stops_when_idle = false;
        self.failed_at = None;
        self.cut_off(&why.to_string(), code);
        match std::mem::replace(&mut self.next, Next::None) {
            Next::Ready(worker) => self.end(worker.process),
            Next::Starting(starting) => self.cancel(starting),
            Next::None => {}
        }
        self.drop_spare();
        self.refuse_all(why, code);
    }

    /// Answers everybody who waits for a worker that will not come.
    fn refuse_all(&mut self, error: &WorkerError, code: &str) {
        let words = error.to_string();
        for node in std::mem::take(&mut self.queue) {
            self.nodes += 1;
            let refusal = Refusal::new(&self.nodes.to_string(), &words, code).into_json();
            let _ = node.reply.send(refusal);
        }
        for (_, waiter) in std::mem::take(&mut self.waiters) {
            let _ = waiter.send(Err(error.clone()));
        }
    }

    fn end_worker(&mut self) {
        self.hangup_deadline = None;
        if let Some(worker) = self.worker.take() {
            self.log
                .note(format_args!("worker {} stopped", worker.process.pid()));
            tracing::info!(project = %self.id, pid = worker.process.pid(), "worker stopped");
            self.end(worker.process);
            self.publish();
        }
    }

    fn end(&mut self, process: Process) {
        self.ending.spawn(process.end(self.plan.settings.grace));
    }

    /// Breaks off a start; its process is killed.
    fn cancel<T: Send + 'static>(&mut self, start: Background<T>) {
        self.ending.spawn(async {
            start.cancel().await;
            Tail::default()
        });
    }

    fn pid(&self) -> Option<u32> {
        self.worker.as_ref().map(|worker| worker.process.pid())
    }

    fn restarted(&self, old_pid: Option<u32>) -> Restarted {
        let new_pid = self.pid();
        Restarted {
            restarted: old_pid != new_pid,
            old_pid,
            new_pid,
            worker: self.status.borrow().clone(),
        }
    }

    fn state(&self) -> WorkerState {
        match (&self.running, &self.next, &self.worker) {
            (Some(_), _, _) => WorkerState::Busy,
            (None, Next::Starting(_) | Next::Ready(_), _) => WorkerState::Starting,
            _ if self.failed_at.is_some() => WorkerState::Failed,
            (None, Next::None, Some(_)) => WorkerState::Idle,
            (None, Next::None, None) => WorkerState::Stopped,
        }
    }

    fn publish(&self) {
        let worker = self.worker.as_ref();
        self.status.send_replace(WorkerStatus {
            project: self.id.clone(),
            state: self.state(),
            pid: self.pid(),
            generation: worker.map(|worker| worker.generation.0),
            env_generation: self.freshness.known().0,
            python: worker.map(|worker| worker.python.clone()),
            started_at: worker.map(|worker| worker.started_at),
            busy_with: self.running.as_ref().map(|running| running.file.clone()),
            restarts: self.restarts,
            last_error: self.last_error.clone(),
            last_exit: self.last_exit.clone(),
        });
    }

    /// As [`Self::publish`], for what a node alone changes.
    fn publish_busy(&self) {
        self.status.send_modify(|status| {
            status.state = self.state();
            status.env_generation = self.freshness.known().0;
            status.busy_with = self.running.as_ref().map(|running| running.file.clone());
        });
    }
}

/// A future that may not be there; then it never comes.
async fn some<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
