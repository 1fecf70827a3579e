//! The one loop that owns a project's worker.
//!
//! [`Task::next`] waits for whatever happens first, [`Task::take_in`] changes the state by it, and [`Task::advance`] does
//! what has become possible: swap workers, start one, run the next node. Nothing but `next` waits.

mod alarm;
pub(crate) mod ask;
mod changes;
mod cut_short;
mod delivery;
mod ends;
mod extra;
mod failed;
mod inquiry;
mod limits;
mod nodes;
pub(crate) mod objects;
mod policy;
mod report;

pub use ask::WorkerError;

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::alarm::Alarm;
use self::ask::{Control, Node, Waiter};
use self::cut_short::{CutShort, Why};
use self::delivery::Delivery;
use self::failed::Failed;
use self::inquiry::Inquiry;
use self::objects::Objects;
use super::process::Event;
use super::process::WorkerLog;
use super::protocol::reply::Reply;
use super::protocol::request;
use super::start::Background;
use super::start::Freshness;
use super::start::{Misstart, Plan, Standby, StartFailure, Worker};
use crate::api::v1::{When, WorkerExit, WorkerStatus};
use crate::project::{ProjectId, RestartPolicy};

/// How long a worker is left alone before a spare is started, so that the two do not compete for the processor just
/// when somebody waits for an answer.
const SPARE_DELAY: Duration = Duration::from_millis(50);
/// How long a worker that has closed its protocol may take to end by itself.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// The state of one project's worker.
pub(crate) struct Task {
    id: ProjectId,
    plan: Arc<Plan>,
    asked: mpsc::Receiver<Control>,
    status: watch::Sender<WorkerStatus>,
    log: WorkerLog,
    freshness: Freshness,
    /// What the worker keeps for flows.
    objects: Arc<Objects>,
    ends_when_unused: Option<Duration>,
    /// Nothing more is taken in: it ends when what it has is done.
    is_closed: bool,
    used_at: Instant,
    alarm: Alarm,
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
    ending: JoinSet<()>,
    waiters: Vec<(Option<u32>, Waiter)>,
    stops: Vec<oneshot::Sender<()>>,
    stops_when_idle: bool,
    /// The last start, if it failed.
    failed: Option<Failed>,
    /// What the worker is asked before it may stay.
    inquiry: Option<Inquiry>,
    /// What became of the worker when the environment changed last.
    last_refresh: Option<String>,
    /// The policy that was followed last.
    policy: RestartPolicy,
    /// The environment changed while a node ran.
    is_refresh_due: bool,
    nodes: u64,
    restarts: u64,
    last_error: Option<String>,
    last_exit: Option<WorkerExit>,
}

/// The node that runs.
struct Running {
    id: String,
    file: String,
    reply: oneshot::Sender<Reply>,
    delivery: Delivery,
    began: Instant,
    /// Seconds that it may take.
    limit: Option<f64>,
    cut_short: Option<CutShort>,
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
    Ended,
    /// The running node's reader took something.
    Delivered,
    /// Nobody waits for the running node any more.
    Cancelled,
    Tick,
}

impl Task {
    pub(crate) fn new(
        id: ProjectId,
        plan: Arc<Plan>,
        objects: Arc<Objects>,
        asked: mpsc::Receiver<Control>,
        status: watch::Sender<WorkerStatus>,
    ) -> Self {
        Self {
            objects,
            ends_when_unused: None,
            is_closed: false,
            used_at: Instant::now(),
            alarm: Alarm::new(),
            freshness: Freshness::new(plan.project.layout(), plan.project.venv()),
            id,
            log: plan.log.clone(),
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
            failed: None,
            inquiry: None,
            last_refresh: None,
            policy: RestartPolicy::Always,
            is_refresh_due: false,
            nodes: 0,
            restarts: 0,
            last_error: None,
            last_exit: None,
        }
    }

    /// Until somebody shuts the worker down, or nobody has a handle any more.
    pub(crate) async fn run(mut self) {
        let last_word = loop {
            match self.next().await {
                Happening::Asked(Control::ShutDown(reply)) => break Some(reply),
                Happening::Abandoned => break None,
                happening => self.take_in(happening),
            }
            self.advance();
            if self.unused_at().is_some_and(|at| at <= Instant::now()) && !self.closes_with_work() {
                break None;
            }
        };
        self.end_everything(&WorkerError::ShuttingDown, "shutting-down");
        self.publish();
        while self.ending.join_next().await.is_some() {}
        for reply in self.stops.drain(..).chain(last_word) {
            let _ = reply.send(());
        }
    }

    /// Waits for the next thing that happens. Can be given up without losing anything.
    async fn next(&mut self) -> Happening {
        self.alarm.set(self.deadline());
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
        let (delivered, cancelled) = match &mut self.running {
            Some(running) => (
                Some(running.delivery.step()),
                running.cut_short.is_none().then(|| running.reply.closed()),
            ),
            None => (None, None),
        };
        tokio::select! {
            event = some(worker) => Happening::Worker(event),
            asked = self.asked.recv(), if !self.is_closed => asked.map_or(Happening::Abandoned, Happening::Asked),
            started = some(starting) => Happening::Started(started),
            () = some(delivered) => Happening::Delivered,
            () = some(cancelled) => Happening::Cancelled,
            standby = some(preparing) => Happening::SparePrepared(standby.and_then(Result::ok)),
            _ = some(spare) => Happening::SpareStirred,
            Some(_) = self.ending.join_next() => Happening::Ended,
            () = self.alarm.ring() => Happening::Tick,
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
        let retry = self.retry_at();
        let inquiry = self.inquiry.as_ref().map(|inquiry| inquiry.deadline);
        let limit = self.running.as_ref().and_then(Running::next_limit);
        [
            spare,
            delivery,
            limit,
            retry,
            inquiry,
            self.unused_at(),
            self.hangup_deadline,
        ]
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
            Happening::Cancelled => self.cut_short(Why::Abandoned),
            Happening::Tick => self.tick(Instant::now()),
            Happening::Ended | Happening::Delivered | Happening::Abandoned => {}
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Status(reply) => {
                self.freshness.look();
                self.publish();
                let _ = reply.send(self.status.borrow().clone());
            }
            Control::EnvChanged => {
                if self.is_extra() {
                    self.retire();
                } else {
                    self.refresh();
                    self.publish();
                }
            }
            Control::GiveSpare(reply) => {
                let _ = reply.send(self.give_spare());
            }
            Control::TakeSpare(spare) => self.take_spare(spare),
            Control::Close { pid, descriptor } => {
                if let Some(worker) = &mut self.worker
                    && worker.process.pid() == pid
                {
                    worker.process.send(&request::close_fd(descriptor));
                }
            }
            Control::Run(node) => {
                self.used_at = Instant::now();
                self.queue.push_back(node);
                if self.running.is_some() {
                    self.refresh();
                }
            }
            Control::Interrupt(file, reply) => {
                let _ = reply.send(self.interrupt(file.as_deref()));
            }
            Control::Start(waiter) => {
                let wanted = self.freshness.look();
                let is_there = self
                    .worker
                    .as_ref()
                    .is_some_and(|worker| worker.view == wanted);
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
            // The loop itself sees to these.
            Control::Tidy | Control::ShutDown(_) => {}
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
            let is_lost = self.failed.as_ref().is_some_and(|failed| !failed.keeps_old);
            if is_lost && matches!(self.next, Next::None) {
                self.end_worker();
            }
            if std::mem::take(&mut self.is_refresh_due) {
                self.refresh();
            }
            self.tidy();
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
        self.keep_limits(now);
        if self.retry_at().is_some_and(|at| at <= now) {
            self.start("trying again");
        }
        if self
            .inquiry
            .as_ref()
            .is_some_and(|inquiry| inquiry.deadline <= now)
        {
            self.replace("the worker does not answer");
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
}

/// A future that may not be there; then it never comes.
async fn some<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
