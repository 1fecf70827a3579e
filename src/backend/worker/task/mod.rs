//! The one loop that owns a worker.
//!
//! [`Task::next`] waits for whatever happens first, [`Task::take_in`] changes the state by it, and [`Task::advance`]
//! does what has become possible: swap workers, start one, run the next node. Nothing but `next` waits.
//!
//! Two places say where a task stands: `current`, the worker that nodes run on, and `next`, the one that will take
//! over.
//!
//! | `current` | `next` | shown as | leaves it when |
//! | --- | --- | --- | --- |
//! | none | none | stopped | a node or a start is asked for: **start** |
//! | none | none, and the last start failed | failed | the environment changes, time passes, somebody asks: **start** |
//! | any | starting | starting | it is ready: **started**, or not: **start failed** (nodes that wait are refused) |
//! | idle | ready | starting | at once: **swap**, the old worker ends |
//! | idle | none | idle | a node is asked for: **run**; the environment changed: **follow** the policy |
//! | asked | none | idle | it answers, and stays or is replaced; or does not, and is replaced |
//! | busy | none | busy | it answers: idle; the environment changed: **follow**; it exits: the node is told, none |
//! | busy | starting, ready | busy | it answers: as idle |
//!
//! A stop ends both from any state; so does the end of the daemon, or of the last handle. The way of a change is
//! `refresh` → `follow` (`changes`) → `replace` → `start` → `started` → `swap` (`starting`). A panic ends both, too,
//! and another task goes on with what waits (`anew`).

mod anew;
mod branch;
mod changes;
mod current;
mod cut_short;
mod delivery;
mod failed;
mod life;
mod limits;
mod messages;
mod nodes;
mod obey;
mod objects;
mod question;
mod report;
mod running;
mod spare;
mod starting;
mod stopping;
mod timer;
mod told;

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

pub use self::messages::WorkerError;
pub(crate) use self::messages::{Control, Node, Order, Turn, Waiter, failed_within, shutting_down};
pub(crate) use self::objects::Objects;

use self::current::{Current, Doing};
use self::cut_short::Why;
use self::failed::Failed;
use self::life::{Life, Role};
use self::running::Running;
use self::spare::{SpareSlot, SpareState};
use self::timer::Timer;
use self::told::Told;
use super::process::{ProcessEvent, WorkerLog};
use super::start::{Background, Freshness, Plan, Standby, StartFailure, Worker};
use crate::api::v1::{Refresh, WorkerStatus};
use crate::project::{ProjectId, RestartPolicy};

/// The state of one worker of a project.
pub(crate) struct Task {
    id: ProjectId,
    plan: Arc<Plan>,
    role: Role,
    life: Life,
    asked: mpsc::Receiver<Control>,
    status: watch::Sender<WorkerStatus>,
    told: Told,
    log: WorkerLog,
    freshness: Freshness,
    /// What the worker keeps for flows.
    objects: Arc<Objects>,
    timer: Timer,
    used_at: Instant,
    current: Option<Current>,
    next: Next,
    spare: SpareSlot,
    /// Processes on their way out.
    ending: JoinSet<()>,
    queue: VecDeque<Node>,
    /// How many nodes there were.
    nodes: u64,
    /// Who waits for a worker, and the process that there was when they asked.
    waiters: Vec<(Option<u32>, Waiter)>,
    /// Who waits for its end.
    stops: Vec<oneshot::Sender<()>>,
    /// The last start, if it failed.
    failed: Option<Failed>,
    /// The policy that was followed last.
    policy: RestartPolicy,
    /// The environment changed while a node ran, and the policy is to be followed after it.
    is_refresh_due: bool,
}

/// The worker after this one.
enum Next {
    None,
    Starting(Background<Result<Worker, StartFailure>>),
    /// Waits for the running node to finish on the old worker.
    Ready(Box<Worker>),
}

/// Whatever happens.
enum Happening {
    Asked(Control),
    /// Every handle is gone.
    Abandoned,
    Worker(ProcessEvent),
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
    /// Of the project's first worker; with `branch_unused`, of one for branches, which ends when it was not used for so
    /// long.
    pub(crate) fn new(
        id: ProjectId,
        plan: Arc<Plan>,
        branch_unused: Option<Duration>,
        objects: Arc<Objects>,
        asked: mpsc::Receiver<Control>,
        status: watch::Sender<WorkerStatus>,
    ) -> Self {
        Self {
            role: branch_unused.map_or(Role::First, |unused| Role::Branch { unused }),
            life: Life::Open,
            freshness: Freshness::with(
                plan.project.layout(),
                plan.project.venv(),
                Arc::clone(&plan.unrecorded),
            ),
            log: plan.log.clone(),
            id,
            plan,
            asked,
            status,
            told: Told::default(),
            objects,
            timer: Timer::new(),
            used_at: Instant::now(),
            current: None,
            next: Next::None,
            spare: SpareSlot::new(),
            ending: JoinSet::new(),
            queue: VecDeque::new(),
            nodes: 0,
            waiters: Vec::new(),
            stops: Vec::new(),
            failed: None,
            policy: RestartPolicy::Always,
            is_refresh_due: false,
        }
    }

    /// Until somebody shuts the worker down, or nobody has a handle any more.
    pub(crate) async fn run(&mut self) {
        // Of a task that panicked something may wait here.
        self.advance();
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
        self.end_everything(&WorkerError::ShuttingDown);
        self.publish();
        while self.ending.join_next().await.is_some() {}
        for reply in self.stops.drain(..).chain(last_word) {
            let _ = reply.send(());
        }
    }

    /// Waits for the next thing that happens. Can be given up without losing anything.
    async fn next(&mut self) -> Happening {
        self.timer.set(self.deadline());
        let (worker, delivered, cancelled) = match &mut self.current {
            Some(Current { worker, doing, .. }) => match doing {
                Doing::Node(running) => {
                    let reads_output = !running.delivery.is_blocked();
                    let is_wanted = running.cut_short.is_none();
                    let cancelled = is_wanted.then(|| running.reply.closed());
                    (
                        Some(worker.process.event(reads_output)),
                        Some(running.delivery.step()),
                        cancelled,
                    )
                }
                Doing::Nothing | Doing::Question(_) => {
                    (Some(worker.process.event(true)), None, None)
                }
            },
            None => (None, None, None),
        };
        let starting = match &mut self.next {
            Next::Starting(starting) => Some(starting),
            Next::None | Next::Ready(_) => None,
        };
        let (preparing, spare) = match &mut self.spare.state {
            SpareState::Preparing(preparing) => (Some(preparing), None),
            SpareState::Ready(spare) => (None, Some(spare.process.event(true))),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => (None, None),
        };
        let is_open = self.life != Life::Closed;
        tokio::select! {
            event = some(worker) => Happening::Worker(event),
            asked = self.asked.recv(), if is_open => asked.map_or(Happening::Abandoned, Happening::Asked),
            started = some(starting) => Happening::Started(started),
            () = some(delivered) => Happening::Delivered,
            () = some(cancelled) => Happening::Cancelled,
            standby = some(preparing) => Happening::SparePrepared(standby.and_then(Result::ok)),
            _ = some(spare) => Happening::SpareStirred,
            Some(_) = self.ending.join_next() => Happening::Ended,
            () = self.timer.ring() => Happening::Tick,
        }
    }

    /// When something is due, if nothing happens before.
    fn deadline(&self) -> Option<Instant> {
        let is_idle = !self.is_busy() && self.queue.is_empty();
        let current = self.current.as_ref().and_then(Current::deadline);
        let due = [
            current,
            self.spare.deadline(is_idle),
            self.retry_at(),
            self.unused_at(),
        ];
        due.into_iter().flatten().min()
    }

    fn take_in(&mut self, happening: Happening) {
        match happening {
            Happening::Asked(control) => self.obey(control),
            Happening::Worker(ProcessEvent::Line(line)) => self.line_came(line),
            Happening::Worker(ProcessEvent::Output(stream, bytes)) => self.printed(stream, &bytes),
            Happening::Worker(ProcessEvent::Hangup) => {
                if let Some(current) = &mut self.current {
                    current.hung_up();
                }
            }
            Happening::Worker(ProcessEvent::Exited(status)) => self.worker_exited(status),
            Happening::Started(Some(Ok(worker))) => self.started(worker),
            Happening::Started(Some(Err(failure))) => self.start_failed(failure),
            Happening::Started(None) => {
                self.start_failed(StartFailure::unknown(self.freshness.known()));
            }
            Happening::SparePrepared(standby) => self.spare.prepared(standby),
            Happening::SpareStirred => self.spare.prepared(None),
            Happening::Cancelled => self.cut_short(Why::Abandoned),
            Happening::Tick => self.tick(Instant::now()),
            Happening::Ended | Happening::Delivered | Happening::Abandoned => {}
        }
    }

    /// Does what has become possible.
    fn advance(&mut self) {
        if !self.is_busy() {
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
            if self.life == Life::Stopping && !self.is_busy() && self.queue.is_empty() {
                self.end_everything(&WorkerError::Stopped);
                self.publish();
            }
        }
        if self.life == Life::Open && self.ending.is_empty() {
            for reply in self.stops.drain(..) {
                let _ = reply.send(());
            }
        }
    }

    /// Does what is due.
    fn tick(&mut self, now: Instant) {
        if let Some(current) = &mut self.current
            && current.hangup_deadline.is_some_and(|at| at <= now)
        {
            current.hangup_deadline = None;
            current.worker.process.kill();
        }
        self.keep_limits(now);
        if self.retry_at().is_some_and(|at| at <= now) {
            self.start("trying again");
        }
        if self.has_no_answer(now) {
            self.replace(Refresh::NoAnswer);
        }
        self.see_to_spare(now);
    }

    fn running(&self) -> Option<&Running> {
        self.current.as_ref().and_then(Current::running)
    }

    fn is_busy(&self) -> bool {
        self.running().is_some()
    }
}

/// A future that may not be there; then it never comes.
async fn some<F: Future>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
