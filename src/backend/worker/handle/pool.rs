//! A project's workers: the first one, and more while branches of flows run at the same time.
//!
//! A node goes to a worker that is free. Where none becomes free within [`PATIENCE`], one more is started; so a flow of
//! quick nodes never waits for a process, and one of slow nodes soon has its branches side by side. A worker for
//! branches takes the project's spare, stays a while for the next flow, and ends when no flow came or the environment
//! changed. A node that takes objects goes where the first of them is; the others are brought there through shared
//! memory.
//!
//! **Invariant:** a worker runs one node at a time, whoever asks.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::kept::Kept;
use super::task_handle::TaskHandle;
use crate::api::v1::{KeptObjects, When};
use crate::backend::events::Events;
use crate::backend::locked::Locked;
use crate::backend::supervise;
use crate::backend::worker::start::{Plan, Unrecorded};
use crate::backend::worker::task::Control;
use crate::project::ProjectId;

/// How long a node waits for a worker before one more is started, which takes some tens of milliseconds.
const PATIENCE: Duration = Duration::from_millis(5);
/// The most workers of a project: as many nodes as a flow may run at once.
const MOST: usize = 10;

#[derive(Debug)]
pub(crate) struct Pool {
    id: ProjectId,
    plan: Arc<Plan>,
    /// The first worker is the first.
    members: Locked<Vec<Member>>,
    freed: Arc<Notify>,
    /// By node, the newest object that it gave.
    newest: Locked<HashMap<Arc<str>, Kept>>,
}

/// A worker, and whether a node of a flow is on it.
#[derive(Debug)]
struct Member {
    task: TaskHandle,
    in_use: Arc<()>,
}

/// What there is of a project's workers.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::backend) struct Summary {
    pub(in crate::backend) processes: usize,
    /// Nodes that run or wait for their turn.
    pub(in crate::backend) nodes: usize,
    pub(in crate::backend) object_bytes: u64,
}

/// A worker that is taken for a node until this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) task: TaskHandle,
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
    pub(crate) fn new(id: ProjectId, plan: Arc<Plan>, first: TaskHandle) -> Self {
        Self {
            id,
            plan,
            members: Locked::new(vec![Member::new(first)]),
            freed: Arc::default(),
            newest: Locked::default(),
        }
    }

    /// The project's folder as workers are told it.
    pub(crate) fn project_root(&self) -> String {
        self.plan.project_root()
    }

    /// Where a figure is saved that the node of `file` gives.
    pub(crate) fn figure(&self, file: &str) -> PathBuf {
        self.plan.project.venv().layout().figure(file)
    }

    /// Lines that are missing from the log of the project's workers.
    pub(crate) fn log_lines_lost(&self) -> u64 {
        self.plan.log.lost()
    }

    /// Changes of the environment that could not be recorded.
    pub(super) fn unrecorded(&self) -> &Unrecorded {
        &self.plan.unrecorded
    }

    pub(crate) fn events(&self) -> &Events {
        &self.plan.settings.events
    }

    /// The worker that has `object`, when it is free enough: it runs what is asked in turn.
    pub(crate) fn with(&self, object: &Kept) -> Taken {
        let members = self.members();
        let same = |member: &&Member| member.task.ask.same_channel(&object.task().ask);
        Taken {
            task: object.task().clone(),
            in_use: members
                .iter()
                .find(same)
                .map(|member| member.in_use.clone()),
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
        let mut newest = self.newest.lock();
        let before = match object {
            Some(object) => newest.insert(node.clone(), object.clone()),
            None => newest.remove(node),
        };
        drop((newest, before));
    }

    /// The newest object of `node`.
    pub(crate) fn newest(&self, node: &str) -> Option<Kept> {
        let newest = self.newest.lock();
        newest.get(node).cloned()
    }

    /// What there is of all of its workers, without a look at the disk.
    pub(in crate::backend) fn summary(&self) -> Summary {
        let members = self.members();
        let mut summary = Summary::default();
        for Member { task, .. } in members.iter() {
            let pid = task.status.borrow().pid;
            let store = pid.and_then(|pid| task.objects.store(pid));
            summary.processes += usize::from(pid.is_some());
            summary.nodes += task.nodes.load(Ordering::Relaxed);
            summary.object_bytes += store.map_or(0, |store| store.bytes);
        }
        summary
    }

    /// How many workers of branches there are, and what is kept in all workers together.
    pub(crate) fn kept(&self) -> (usize, Option<KeptObjects>) {
        let members = self.members();
        let running = |member: &Member| member.task.status.borrow().pid;
        let stores = members.iter().filter_map(|member| {
            let objects = &member.task.objects;
            objects.store(running(member)?)
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
        let branches = members.iter().skip(1).filter_map(running).count();
        (
            branches,
            Some(all).filter(|all| all.count > 0 || all.dropped > 0),
        )
    }

    /// Ends the workers of branches, and forgets all objects.
    pub(crate) async fn stop(&self, when: When) {
        self.newest.lock().clear();
        let branches: Vec<TaskHandle> = self
            .members()
            .drain(1..)
            .map(|member| member.task)
            .collect();
        for task in branches {
            let (reply, stopped) = oneshot::channel();
            let _ = task.ask.send(Control::Stop(when, reply)).await;
            let _ = stopped.await;
        }
    }

    /// As [`super::Job::env_changed`], for the workers of branches.
    pub(crate) async fn env_changed(&self) {
        for task in self.branches() {
            let _ = task.ask.send(Control::EnvChanged).await;
        }
    }

    /// As [`super::Job::interrupt`], on the workers of branches.
    pub(crate) async fn interrupt(&self, file: Option<&str>) -> usize {
        let mut count = 0;
        for task in self.branches() {
            let (reply, answer) = oneshot::channel();
            let ask = Control::Interrupt(file.map(str::to_owned), reply);
            let _ = task.ask.send(ask).await;
            count += answer.await.unwrap_or(0);
        }
        count
    }

    /// The workers of branches.
    fn branches(&self) -> Vec<TaskHandle> {
        let members = self.members();
        let branches = members.iter().skip(1);
        branches.map(|member| member.task.clone()).collect()
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
        let mut members = self.members();
        let ended = |member: &Member| member.task.has_ended();
        if members.iter().skip(1).any(ended) {
            let first = members.remove(0);
            members.retain(|member| !ended(member));
            members.insert(0, first);
        }
        let member = members.iter().find(|member| member.is_free())?;
        Some(member.taken(&self.freed))
    }

    /// Starts one more worker, if there may be one. It is free when it is ready.
    fn grow(&self) {
        let mut members = self.members();
        let permits = Arc::clone(&self.plan.settings.branch_workers);
        if members.len() >= MOST {
            return;
        }
        let Ok(permit) = permits.try_acquire_owned() else {
            return;
        };
        let task = TaskHandle::start(&self.id, &self.plan, Some(permit));
        let member = Member::new(task);
        let taken = member.taken(&self.freed);
        members.push(member);
        let first = members.first().map(|member| member.task.clone());
        supervise::spawn("one more worker", async move {
            let (reply, spare) = oneshot::channel();
            if let Some(first) = first {
                let _ = first.ask.send(Control::GiveSpare(reply)).await;
            }
            if let Ok(Some(spare)) = spare.await {
                let _ = taken.task.ask.send(Control::TakeSpare(spare)).await;
            }
            let (waiter, started) = oneshot::channel();
            let _ = taken.task.ask.send(Control::Start(waiter)).await;
            // One that does not start says so to its first node.
            let _ = started.await;
            drop(taken);
        });
    }

    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock()
    }
}

impl Member {
    fn new(task: TaskHandle) -> Self {
        Self {
            task,
            in_use: Arc::default(),
        }
    }

    fn is_free(&self) -> bool {
        Arc::strong_count(&self.in_use) == 1
    }

    fn taken(&self, freed: &Arc<Notify>) -> Taken {
        Taken {
            task: self.task.clone(),
            in_use: Some(self.in_use.clone()),
            freed: freed.clone(),
        }
    }
}
