//! The one loop that watches a project's environment.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::ask::{Ask, WatchView};
use super::folder_watcher::{Bell, Share};
use super::look::Obstacle;
use super::over::{NotOver, PATIENCE, QUIET};
use super::places::Places;
use super::scope::{Glimpse, WatchScope};
use crate::api::v1::{RestartRequest, WatchMode, Watching, When};
use crate::backend::events::RunName;
use crate::backend::supervise;
use crate::backend::worker::Job;
use crate::inventory::Gate;
use crate::project::ProjectId;
use crate::store::Published;

/// How often the task looks where the system tells of no changes, and how long it waits after a failure.
const POLL: Duration = Duration::from_secs(10);

/// How long it waits after a failure in a project that nobody uses, and in one that is switched off.
const UNUSED_POLL: Duration = Duration::from_secs(60);

/// The first and the longest pause between two looks at somebody who is at work.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The watch of one environment.
pub(super) struct WatchTask {
    id: ProjectId,
    scope: Arc<WatchScope>,
    job: Job,
    asked: mpsc::Receiver<Ask>,
    view: watch::Sender<WatchView>,
    bell: Arc<Bell>,
    /// The folders that are watched; empty while none can be.
    places: Places,
    /// Whether anybody has asked: then the project is in use, and not only followed.
    is_used: bool,
    /// Those who wait for the outcome of a look.
    waiting: Vec<oneshot::Sender<()>>,
    /// The first and the last movement that were not taken in yet.
    moved: Option<(Instant, Instant)>,
    /// Whether the bell rang since the last look.
    has_rung: bool,
    /// The gate at the last look.
    last_gate: Option<Gate>,
    /// The gate when the environment was last as recorded.
    calm_gate: Option<Gate>,
    /// A watched folder went since then.
    has_lost: bool,
    /// When to look next; none while somebody tells us.
    next_look: Option<Instant>,
    pause: Duration,
}

impl WatchTask {
    pub(super) fn new(
        id: ProjectId,
        scope: WatchScope,
        job: Job,
        asked: mpsc::Receiver<Ask>,
        view: watch::Sender<WatchView>,
    ) -> Self {
        Self {
            id,
            scope: Arc::new(scope),
            job,
            asked,
            view,
            bell: Arc::default(),
            places: Places::default(),
            is_used: false,
            waiting: Vec::new(),
            moved: None,
            has_rung: false,
            last_gate: None,
            calm_gate: None,
            has_lost: false,
            next_look: Some(Instant::now()),
            pause: PAUSES.0,
        }
    }

    /// Until somebody ends it, or nobody has a handle any more.
    pub(super) async fn run(&mut self) {
        let last_word = loop {
            let next_look = self.next_look;
            tokio::select! {
                asked = self.asked.recv() => match asked {
                    Some(Ask::Look(reply)) => {
                        self.is_used = true;
                        self.waiting.push(reply);
                        self.look().await;
                    }
                    Some(Ask::End(reply)) => break Some(reply),
                    #[cfg(test)]
                    Some(Ask::Panic) => panic!("on purpose"),
                    None => break None,
                },
                () = self.bell.rung() => self.rang(),
                () = at(next_look) => self.look().await,
            }
        };
        self.look_away().await;
        if let Some(reply) = last_word {
            let _ = reply.send(());
        }
    }

    /// The watch that goes on after this one panicked: as if it began now.
    pub(super) async fn anew(mut self) -> Self {
        self.look_away().await;
        Self {
            bell: Arc::default(),
            places: Places::default(),
            waiting: Vec::new(),
            moved: None,
            has_rung: false,
            last_gate: None,
            next_look: Some(Instant::now()),
            pause: PAUSES.0,
            ..self
        }
    }

    /// Gives up the folders that are watched.
    async fn look_away(&mut self) {
        let scope = Arc::clone(&self.scope);
        let (places, bell) = (std::mem::take(&mut self.places), Arc::clone(&self.bell));
        let away = move || scope.watcher.leave_all(&places, &bell);
        let _ = supervise::blocking("watch", away).await;
    }

    /// Something moved. It is looked at when it has been quiet for a moment.
    fn rang(&mut self) {
        let now = Instant::now();
        let first = self.moved.map_or(now, |(first, _)| first);
        self.moved = Some((first, now));
        self.has_rung = true;
        self.next_look = Some((now + QUIET).min(first + PATIENCE));
    }

    async fn look(&mut self) {
        let has_lost = self.bell.take_lost();
        self.has_lost |= has_lost;
        let scope = Arc::clone(&self.scope);
        let places = self.places.clone();
        let (bell, moved) = (Arc::clone(&self.bell), self.moved);
        let share = if self.is_used {
            Share::Whole
        } else {
            Share::Spare
        };
        // The gate moved and no bell rang: then the movement counts as having been just now.
        let last_gate = self.last_gate.take().filter(|_| !self.has_rung);
        let has_rung = std::mem::take(&mut self.has_rung);
        let glimpse = supervise::blocking("a look at an environment", move || {
            let places = if has_lost {
                scope.watcher.leave_all(&places, &bell);
                Places::default()
            } else {
                places
            };
            scope.glimpse(&places, &bell, share, |gate, now| match moved {
                Some(moved) if has_rung || last_gate.as_ref() == Some(gate) => moved,
                Some((first, _)) => (first, now),
                None => (now, now),
            })
        });
        match glimpse.await {
            Ok(glimpse) => self.take_in(glimpse).await,
            Err(error) => {
                let why = format!("a look at the environment failed: {error}");
                tracing::error!(project = %self.id, "{why}");
                let mode = self.view.borrow().watching.mode;
                let watching = Watching {
                    mode,
                    why: Some(why.clone()),
                    waits: false,
                };
                self.show(None, watching, Some(why));
                self.view.send_modify(|view| view.has_looked = true);
                self.next_look = Some(Instant::now() + POLL);
                self.waiting.clear();
            }
        }
    }

    async fn take_in(&mut self, glimpse: Glimpse) {
        let Glimpse {
            gate,
            places,
            mut watching,
            found,
            moved,
        } = glimpse;
        self.places = places;
        self.last_gate = Some(gate.clone());
        let mode = watching.mode;
        // Nobody tells of changes, and nobody uses the project: the first who does has to look.
        let is_blind = mode == WatchMode::Polling && !self.is_used;
        let (mut is_calm, mut behind) = (false, None);
        match found {
            None => {
                self.moved = None;
                // Nobody tells when it is switched on again.
                self.next_look = Some(Instant::now() + jittered(UNUSED_POLL));
            }
            Some(Ok(published)) => {
                is_calm = !is_blind;
                self.moved = None;
                self.pause = PAUSES.0;
                let is_looked_for = mode == WatchMode::Polling && self.is_used;
                self.next_look = is_looked_for.then(|| Instant::now() + jittered(POLL));
                self.tell(&gate, published).await;
                self.calm_gate = Some(gate.clone());
                self.has_lost = false;
            }
            Some(Err(Obstacle::NotOver(NotOver::Recent(left)))) => {
                self.moved = Some(moved);
                self.next_look = Some(Instant::now() + left);
                self.show(None, watching, None);
                return;
            }
            Some(Err(Obstacle::NotOver(NotOver::Underway(why)))) => {
                behind = Some(format!(
                    "waits while the environment is being changed: {why}"
                ));
                watching.waits = true;
                self.moved = Some(moved);
                self.next_look = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(PAUSES.1);
            }
            Some(Err(Obstacle::Failed { why, is_news })) => {
                // What cannot be recorded is followed all the same, once.
                let has_lost = std::mem::take(&mut self.has_lost);
                if is_news || has_lost {
                    self.job.changed_unrecorded(&why).await;
                }
                let why = format!("cannot record a change: {why}");
                if self.view.borrow().behind.as_deref() != Some(&*why) {
                    tracing::warn!(project = %self.id, "{why}");
                }
                behind = Some(why);
                self.moved = Some(moved);
                let pause = if self.is_used { POLL } else { UNUSED_POLL };
                self.next_look = Some(Instant::now() + jittered(pause));
            }
        }
        if behind.is_some() {
            watching.why.clone_from(&behind);
        }
        self.show(is_calm.then_some(gate), watching, behind);
        self.view.send_modify(|view| view.has_looked = true);
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(());
        }
    }

    /// Brings the worker along.
    async fn tell(&self, gate: &Gate, published: Option<Published>) {
        if let Some(published) = published {
            tracing::info!(
                project = %self.id,
                generation = %published.generation,
                tool = published.record.tool.as_str(),
                run = %published.record.id,
                "a change of the environment is noticed"
            );
            let (generation, record) = (published.generation, &published.record);
            let run = RunName {
                id: record.id.to_string(),
                number: record.number,
            };
            let events = self.job.events();
            events.run_finished(&self.id, generation, run.clone());
            if published.raised {
                events.env_changed(&self.id, generation, Some(run));
            }
            self.job.env_changed(generation).await;
            if published.raised {
                return;
            }
        }
        let is_other_place = |calm: &Gate| self.has_lost || !calm.is_same_place_as(gate);
        if self.calm_gate.as_ref().is_some_and(is_other_place)
            && self.job.status().await.pid.is_some()
        {
            // The same distributions in new folders: no generation tells of that, but what the worker has open is gone.
            let request = RestartRequest {
                when: When::Idle,
                wait_s: Some(0.0),
                reason: Some("the environment was made again".to_owned()),
            };
            let _ = self.job.restart(request).await;
        }
    }

    fn show(&self, gate: Option<Gate>, watching: Watching, behind: Option<String>) {
        let (before, has_looked) = {
            let view = self.view.borrow();
            (view.watching.clone(), view.has_looked)
        };
        if before.mode != watching.mode || (before.why != watching.why && watching.why.is_some()) {
            let why = watching.why.as_deref().unwrap_or_default();
            tracing::info!(project = %self.id, mode = ?watching.mode, why, "watching the environment");
        }
        self.view.send_replace(WatchView {
            gate,
            watching,
            behind,
            has_looked,
        });
    }
}

/// Some time around `time`, so that projects do not all look at once.
fn jittered(time: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 400;
    time * u32::try_from(800 + random).unwrap_or(1_000) / 1_000
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
