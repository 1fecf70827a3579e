//! What happened, for whoever wants to know: pages, scripts, editors.
//!
//! One ring keeps the last thousand events of all projects, each with a number. Whoever listens has a place in it and
//! reads on from there at a pace of its own; so a slow reader costs nothing but its place, and one that comes back
//! names the last event that it has seen and goes on after that. What has left the ring meanwhile is made known as a
//! gap, after which a reader had better look at everything again. Numbers begin anew with each daemon, so an id names
//! the daemon, too.
//!
//! Who tells: the nudge and the watch tell of runs and changes, the worker's task of starts and what becomes of them. A
//! change is often seen by several of them; whoever sees it first tells it.
//!
//! **Invariant:** telling never waits, and costs the same however many listen.
//! **Invariant:** every reader sees every event or a gap in its place, in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use crate::api::v1::{Event, EventKind, Waiting};
use crate::backend::locked::Locked;
use crate::project::ProjectId;
use crate::secrets;
use crate::store::{Generation, LastChange, RunNumber};

/// Events that are kept. Some hundred bytes each.
const KEPT: usize = 1024;

/// Where all events go. Clones are the same place.
#[derive(Debug, Clone)]
pub struct Events(Arc<Hub>);

#[derive(Debug)]
struct Hub {
    /// Tells this daemon's events from another's.
    daemon: String,
    ring: Locked<Ring>,
    /// The number of the newest event, for those who wait for the next.
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    /// The last of these has the number `newest`.
    events: VecDeque<Arc<Event>>,
    newest: u64,
    /// The last generation of each project that was told or seen.
    generations: BTreeMap<ProjectId, Generation>,
}

/// A reader's place: it has seen the events up to this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

/// What comes after a mark.
#[derive(Debug, Clone)]
pub(super) struct ToldEvent {
    /// The mark after it.
    pub(super) mark: Mark,
    pub(super) event: Arc<Event>,
}

impl Default for Events {
    fn default() -> Self {
        Self(Arc::new(Hub {
            daemon: uuid::Uuid::now_v7().simple().to_string(),
            ring: Locked::default(),
            newest: watch::Sender::new(0),
        }))
    }
}

/// What a run is called.
#[derive(Debug, Clone)]
pub struct RunName {
    /// Its id, as whoever told of it says.
    pub(super) id: String,
    /// Its number, where that is known.
    pub(super) number: Option<RunNumber>,
}

impl RunName {
    /// Of the run that changed an environment last, as its `env_meta.json` says.
    pub(super) fn of(change: &LastChange) -> Self {
        Self {
            id: change.run_id.to_string(),
            number: change.number,
        }
    }
}

/// A worker that has taken over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Takeover {
    /// Its process.
    pub(super) pid: u32,
    /// The process whose place it takes.
    pub(super) old_pid: Option<u32>,
    /// How long it was waited for.
    pub(super) took: Duration,
}

impl Events {
    /// A run of `project` was recorded, by which the environment came to `generation`.
    pub(super) fn run_finished(&self, project: &ProjectId, generation: Generation, run: RunName) {
        self.tell(Event {
            project: Some(project.clone()),
            generation: Some(generation.0),
            run_id: Some(run.id),
            number: run.number.map(|number| number.0),
            ..Event::now(EventKind::RunFinished)
        });
    }

    /// `project`'s environment is at `generation`, by a run if that is known. Told once for each generation.
    pub(super) fn env_changed(
        &self,
        project: &ProjectId,
        generation: Generation,
        run: Option<RunName>,
    ) {
        let before = self.ring().generations.insert(project.clone(), generation);
        if before != Some(generation) {
            self.tell(Event {
                project: Some(project.clone()),
                generation: Some(generation.0),
                number: run.as_ref().and_then(|run| Some(run.number?.0)),
                run_id: run.map(|run| run.id),
                ..Event::now(EventKind::EnvChanged)
            });
        }
    }

    /// A worker of `project` is wanted at `generation`. This tells a change only where an earlier generation was known:
    /// the first look at a project is no change, and a late caller may name an old generation.
    fn seen(&self, project: &ProjectId, generation: Generation) {
        let known = *self
            .ring()
            .generations
            .entry(project.clone())
            .or_insert(generation);
        if known < generation {
            self.env_changed(project, generation, None);
        }
    }

    /// The node in `file` waits for something, or for nothing any more, after `waited`.
    pub(super) fn node_waiting(
        &self,
        project: &ProjectId,
        file: &str,
        waiting: &Waiting,
        waited: Option<Duration>,
    ) {
        self.tell(Event {
            project: Some(project.clone()),
            file: Some(file.to_owned()),
            took_ms: waited.map(milliseconds),
            waiting: Some(waiting.clone()),
            ..Event::now(EventKind::NodeWaiting)
        });
    }

    /// The next worker of `project` is being started, on the environment that `run` made.
    pub(super) fn worker_starting(
        &self,
        project: &ProjectId,
        generation: Generation,
        run: Option<&RunName>,
        why: &str,
    ) {
        self.seen(project, generation);
        self.tell(Event {
            reason: Some(secrets::hide(why).into_owned()),
            ..of_worker(EventKind::WorkerStarting, project, generation, run)
        });
    }

    /// A worker of `project` has taken over, on the environment that `run` made.
    pub(super) fn worker_ready(
        &self,
        project: &ProjectId,
        generation: Generation,
        run: Option<&RunName>,
        takeover: Takeover,
    ) {
        self.tell(Event {
            pid: Some(takeover.pid),
            old_pid: takeover.old_pid,
            took_ms: Some(milliseconds(takeover.took)),
            ..of_worker(EventKind::WorkerReady, project, generation, run)
        });
    }

    /// The terminal session `session` of `project` has ended.
    pub(super) fn terminal_exited(&self, project: &ProjectId, session: &str) {
        self.tell(Event {
            project: Some(project.clone()),
            session: Some(session.to_owned()),
            ..Event::now(EventKind::TerminalExited)
        });
    }

    /// The next worker of `project` did not start on the environment that `run` made.
    pub(super) fn worker_failed(
        &self,
        project: &ProjectId,
        generation: Generation,
        run: Option<&RunName>,
        why: &str,
    ) {
        self.tell(Event {
            reason: Some(secrets::hide(why).into_owned()),
            ..of_worker(EventKind::WorkerFailed, project, generation, run)
        });
    }

    /// A page's language server knows the environment of `generation`; `how`.
    pub(super) fn lsp_synced(&self, project: &ProjectId, generation: u64, how: &str) {
        self.tell(Event {
            project: Some(project.clone()),
            generation: Some(generation),
            reason: Some(how.to_owned()),
            ..Event::now(EventKind::LspSynced)
        });
    }

    /// A page's language server has ended that was not to end.
    pub(super) fn lsp_failed(&self, project: &ProjectId, generation: u64, why: &str) {
        self.tell(Event {
            project: Some(project.clone()),
            generation: Some(generation),
            reason: Some(secrets::hide(why).into_owned()),
            ..Event::now(EventKind::LspFailed)
        });
    }

    fn tell(&self, event: Event) {
        let mut ring = self.ring();
        if ring.events.len() == KEPT {
            ring.events.pop_front();
        }
        ring.events.push_back(Arc::new(event));
        ring.newest += 1;
        // Before the lock is let go, so that numbers never go back.
        self.0.newest.send_replace(ring.newest);
    }

    /// The place after everything that has happened.
    pub(super) fn now(&self) -> Mark {
        Mark(self.ring().newest)
    }

    /// The place after the event `id`; where that is not one of ours, there is a gap, and then all that is kept.
    pub(super) fn after(&self, id: &str) -> Option<Mark> {
        let (daemon, number) = id.rsplit_once('-')?;
        let number = number.parse().ok()?;
        (daemon == self.0.daemon && number <= self.ring().newest).then_some(Mark(number))
    }

    /// What is sent as the id of the event after which `mark` is.
    pub(super) fn id(&self, mark: Mark) -> String {
        format!("{}-{}", self.0.daemon, mark.0)
    }

    /// What comes after `mark`, once there is something: the next event, or a gap that leads to the oldest one kept.
    /// `None` as mark: somebody who saw the events of another daemon.
    pub(super) async fn next(&self, mark: Option<Mark>) -> ToldEvent {
        let mut newest = self.0.newest.subscribe();
        let at = mark.map_or(0, |mark| mark.0);
        loop {
            if let Some(told) = self.ring().after(mark) {
                return told;
            }
            // The sender lives as long as this does.
            let _ = newest.wait_for(|newest| *newest > at).await;
        }
    }

    /// As [`Self::next`], of `project` alone where there is one. A gap is told whatever the project.
    pub(super) async fn next_of(
        &self,
        mut mark: Option<Mark>,
        project: Option<&ProjectId>,
    ) -> ToldEvent {
        loop {
            let told = self.next(mark).await;
            let about = told.event.project.as_ref();
            if told.event.kind == EventKind::Gap || project.is_none() || about == project {
                return told;
            }
            mark = Some(told.mark);
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock()
    }
}

fn of_worker(
    kind: EventKind,
    project: &ProjectId,
    generation: Generation,
    run: Option<&RunName>,
) -> Event {
    Event {
        project: Some(project.clone()),
        generation: Some(generation.0),
        run_id: run.map(|run| run.id.clone()),
        number: run.and_then(|run| Some(run.number?.0)),
        ..Event::now(kind)
    }
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

impl Ring {
    fn after(&self, mark: Option<Mark>) -> Option<ToldEvent> {
        let before_oldest = self.newest - self.events.len() as u64;
        let at = match mark {
            Some(Mark(at)) if at >= before_oldest => at,
            _ => {
                let gap = Event::now(EventKind::Gap);
                return Some(ToldEvent {
                    mark: Mark(before_oldest),
                    event: Arc::new(gap),
                });
            }
        };
        let place = usize::try_from(at - before_oldest).ok()?;
        Some(ToldEvent {
            mark: Mark(at + 1),
            event: Arc::clone(self.events.get(place)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProjectId {
        ProjectId::new(text).expect("an id")
    }

    fn takeover(pid: u32) -> Takeover {
        Takeover {
            pid,
            ..Takeover::default()
        }
    }

    async fn next(events: &Events, mark: &mut Option<Mark>) -> (EventKind, Option<u64>) {
        let told = events.next(*mark).await;
        *mark = Some(told.mark);
        (told.event.kind, told.event.generation)
    }

    #[tokio::test]
    async fn readers_go_on_where_they_were() {
        let events = Events::default();
        let mut mark = Some(events.now());
        events.worker_ready(&id("p"), Generation(1), None, takeover(7));
        events.worker_ready(&id("p"), Generation(2), None, takeover(8));
        assert_eq!(
            next(&events, &mut mark).await,
            (EventKind::WorkerReady, Some(1))
        );
        let name = events.id(mark.expect("a mark"));
        let mut again = events.after(&name);
        assert_eq!(again, mark);
        assert_eq!(
            next(&events, &mut again).await,
            (EventKind::WorkerReady, Some(2))
        );
        let other = events.clone();
        let waiting = tokio::spawn(async move { next(&other, &mut again).await });
        events.worker_ready(&id("p"), Generation(3), None, takeover(9));
        let told = waiting.await.expect("no panic");
        assert_eq!(told, (EventKind::WorkerReady, Some(3)));
    }

    #[tokio::test]
    async fn what_is_not_kept_is_a_gap() {
        let events = Events::default();
        let mut mark = Some(events.now());
        let count = KEPT as u64 + 10;
        for generation in 1..=count {
            events.worker_ready(&id("p"), Generation(generation), None, takeover(7));
        }
        assert_eq!(next(&events, &mut mark).await, (EventKind::Gap, None));
        for generation in 11..=count {
            let told = next(&events, &mut mark).await;
            assert_eq!(told, (EventKind::WorkerReady, Some(generation)));
        }
        assert_eq!(events.ring().events.len(), KEPT);
        // Another daemon's id, one of the future, and none at all.
        for bad in [
            "0190-3",
            &format!("{}-{}", events.0.daemon, count + 1),
            "",
            "x",
        ] {
            assert_eq!(events.after(bad), None, "{bad}");
        }
        let mut stranger = None;
        assert_eq!(next(&events, &mut stranger).await, (EventKind::Gap, None));
        let told = next(&events, &mut stranger).await;
        assert_eq!(told, (EventKind::WorkerReady, Some(11)));
    }

    #[tokio::test]
    async fn a_change_is_told_once_whoever_sees_it() {
        let events = Events::default();
        let p = id("p");
        let mut mark = Some(events.now());
        // The first look is no change.
        events.worker_starting(&p, Generation(1), None, "x");
        events.env_changed(
            &p,
            Generation(2),
            Some(RunName {
                id: "r".to_owned(),
                number: Some(RunNumber(27)),
            }),
        );
        events.worker_starting(&p, Generation(2), None, "x");
        events.worker_starting(&p, Generation(3), None, "x");
        events.env_changed(&p, Generation(3), None);
        // Whoever looked before the change is behind, and tells no change.
        events.worker_starting(&p, Generation(2), None, "x");
        // A nudge to a project that was never used is news.
        events.env_changed(&id("q"), Generation(9), None);
        for expected in [
            (EventKind::WorkerStarting, Some(1)),
            (EventKind::EnvChanged, Some(2)),
            (EventKind::WorkerStarting, Some(2)),
            (EventKind::EnvChanged, Some(3)),
            (EventKind::WorkerStarting, Some(3)),
            (EventKind::WorkerStarting, Some(2)),
            (EventKind::EnvChanged, Some(9)),
        ] {
            assert_eq!(next(&events, &mut mark).await, expected);
        }
    }

    #[tokio::test]
    async fn no_secret_is_told() {
        let events = Events::default();
        let mut mark = Some(events.now());
        let why = "ERROR: no such index: https://kim:hunter2@host/simple?token=hunter2";
        events.worker_starting(&id("p"), Generation(1), None, why);
        events.worker_failed(&id("p"), Generation(1), None, why);
        for _ in 0..2 {
            let told = events.next(mark).await;
            mark = Some(told.mark);
            let reason = told.event.reason.clone().expect("a reason");
            assert_eq!(
                reason,
                "ERROR: no such index: https://kim:****@host/simple?token=****"
            );
        }
    }
}
