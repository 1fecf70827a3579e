//! A project's workers: the one of everyday, and more while branches of flows run at the same time.
//!
//! A node goes to a worker that is free. Where none becomes free within [`PATIENCE`], one more is started; so a flow of
//! quick nodes never waits for a process, and one of slow nodes soon has its branches side by side. The first that is started
//! so takes the project's spare; they stay a while for the next flow, and end when no flow came or the environment changed. A node that takes objects goes where the first of them is; the others
//! are brought there through shared memory.
//!
//! **Invariant:** a worker runs one node at a time, whoever asks.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::kept::Kept;
use super::lane::Lane;
use crate::api::v1::{KeptObjects, When};
use crate::backend::events::Events;
use crate::backend::worker::start::Plan;
use crate::backend::worker::task::ask::Control;
use crate::project::ProjectId;

/// How long a node waits for a worker before one more is started, which takes some tens of milliseconds.
const PATIENCE: Duration = Duration::from_millis(5);
/// The most workers of a project: as many nodes as a flow may run at once.
const MOST: usize = 10;

#[derive(Debug)]
pub(crate) struct Pool {
    id: ProjectId,
    plan: Arc<Plan>,
    lanes: Mutex<Vec<Place>>,
    freed: Arc<Notify>,
    /// By node, the newest object that it gave.
    newest: Mutex<HashMap<Arc<str>, Kept>>,
}

/// A worker, and whether a node of a flow is on it.
#[derive(Debug)]
struct Place {
    lane: Lane,
    in_use: Arc<()>,
}

/// A worker that is taken for a node until this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) lane: Lane,
    in_use: Option<Arc<()>>,
    freed: Arc<Notify>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.in_use = None;
        self.freed.notify_one();
    }
}

impl Pool {
    pub(crate) fn new(id: ProjectId, plan: Arc<Plan>, first: Lane) -> Self {
        Self {
            id,
            plan,
            lanes: Mutex::new(vec![Place::new(first)]),
            freed: Arc::default(),
            newest: Mutex::default(),
        }
    }

    pub(crate) fn project(&self) -> &Path {
        self.plan.project.root()
    }

    pub(crate) fn events(&self) -> &Events {
        &self.plan.settings.events
    }

    /// The worker that has `object`, when it is free enough: it runs what is asked in turn.
    pub(crate) fn with(&self, object: &Kept) -> Taken {
        let lanes = self.lanes();
        let same = |place: &&Place| place.lane.ask.same_channel(&object.lane().ask);
        Taken {
            lane: object.lane().clone(),
            in_use: lanes.iter().find(same).map(|place| place.in_use.clone()),
            freed: self.freed.clone(),
        }
    }

    /// A worker that is free, or has become so.
    pub(crate) async fn free(&self) -> Taken {
        if let Some(taken) = self.take_free() {
            return taken;
        }
        if let Ok(taken) = tokio::time::timeout(PATIENCE, self.freed()).await {
            return taken;
        }
        self.grow();
        self.freed().await
    }

    /// Keeps `object` as the newest of `node`, or lets go of the one before.
    pub(crate) fn keep(&self, node: &Arc<str>, object: Option<&Kept>) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match object {
            Some(object) => newest.insert(node.clone(), object.clone()),
            None => newest.remove(node),
        };
        drop((newest, before));
    }

    /// The newest object of `node`.
    pub(crate) fn newest(&self, node: &str) -> Option<Kept> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.get(node).cloned()
    }

    /// How many workers of branches there are, and what is kept in all workers together.
    pub(crate) fn summary(&self) -> (usize, Option<KeptObjects>) {
        let lanes = self.lanes();
        let running = |place: &Place| place.lane.status.borrow().pid;
        let stores = lanes.iter().filter_map(|place| {
            let objects = &place.lane.objects;
            objects.store(running(place)?)
        });
        let none = KeptObjects {
            limit_mib: self.plan.config().worker_object_limit_mib.value,
            ..KeptObjects::default()
        };
        let all = stores.fold(none, |all, store| KeptObjects {
            count: all.count + store.count,
            bytes: all.bytes + store.bytes,
            dropped: all.dropped + store.dropped,
            ..all
        });
        let branches = lanes.iter().skip(1).filter_map(running).count();
        (
            branches,
            Some(all).filter(|all| all.count > 0 || all.dropped > 0),
        )
    }

    /// Ends the workers of branches, and forgets all objects.
    pub(crate) async fn stop(&self, when: When) {
        self.newest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let extra: Vec<Lane> = self.lanes().drain(1..).map(|place| place.lane).collect();
        for lane in extra {
            let (reply, stopped) = oneshot::channel();
            let _ = lane.ask.send(Control::Stop(when, reply)).await;
            let _ = stopped.await;
        }
    }

    /// As [`super::Job::env_changed`], for the workers of branches.
    pub(crate) async fn env_changed(&self) {
        for lane in self.extra() {
            let _ = lane.ask.send(Control::EnvChanged).await;
        }
    }

    /// As [`super::Job::interrupt`], on the workers of branches.
    pub(crate) async fn interrupt(&self, file: Option<&str>) -> usize {
        let mut count = 0;
        for lane in self.extra() {
            let (reply, answer) = oneshot::channel();
            let ask = Control::Interrupt(file.map(str::to_owned), reply);
            let _ = lane.ask.send(ask).await;
            count += answer.await.unwrap_or(0);
        }
        count
    }

    /// The workers of branches.
    fn extra(&self) -> Vec<Lane> {
        let lanes = self.lanes();
        let extra = lanes.iter().skip(1);
        extra.map(|place| place.lane.clone()).collect()
    }

    async fn freed(&self) -> Taken {
        loop {
            let freed = self.freed.notified();
            if let Some(taken) = self.take_free() {
                return taken;
            }
            freed.await;
        }
    }

    fn take_free(&self) -> Option<Taken> {
        let mut lanes = self.lanes();
        let ended = |place: &Place| place.lane.has_ended();
        if lanes.iter().skip(1).any(ended) {
            let first = lanes.remove(0);
            lanes.retain(|place| !ended(place));
            lanes.insert(0, first);
        }
        let place = lanes.iter().find(|place| place.is_free())?;
        Some(place.taken(&self.freed))
    }

    /// Starts one more worker, if there may be one. It is free when it is ready.
    fn grow(&self) {
        let mut lanes = self.lanes();
        let permits = Arc::clone(&self.plan.settings.extra_workers);
        if lanes.len() >= MOST {
            return;
        }
        let Ok(permit) = permits.try_acquire_owned() else {
            return;
        };
        let lane = Lane::start(&self.id, &self.plan, Some(permit));
        let place = Place::new(lane);
        let taken = place.taken(&self.freed);
        lanes.push(place);
        let everyday = lanes.first().map(|place| place.lane.clone());
        tokio::spawn(async move {
            let (reply, spare) = oneshot::channel();
            if let Some(everyday) = everyday {
                let _ = everyday.ask.send(Control::GiveSpare(reply)).await;
            }
            if let Ok(Some(spare)) = spare.await {
                let _ = taken.lane.ask.send(Control::TakeSpare(spare)).await;
            }
            let (waiter, started) = oneshot::channel();
            let _ = taken.lane.ask.send(Control::Start(waiter)).await;
            // One that does not start says so to its first node.
            let _ = started.await;
            drop(taken);
        });
    }

    fn lanes(&self) -> MutexGuard<'_, Vec<Place>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn new(lane: Lane) -> Self {
        Self {
            lane,
            in_use: Arc::default(),
        }
    }

    fn is_free(&self) -> bool {
        Arc::strong_count(&self.in_use) == 1
    }

    fn taken(&self, freed: &Arc<Notify>) -> Taken {
        Taken {
            lane: self.lane.clone(),
            in_use: Some(self.in_use.clone()),
            freed: freed.clone(),
        }
    }
}
