//! The one loop that watches a project's environment.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::ask::{Ask, WatchView};
use super::folder_watcher::{Bell, FolderWatcher};
use super::look::{Calm, Obstacle, look};
use super::over::{Movement, NotOver, PATIENCE, QUIET};
use super::places::Places;
use crate::api::v1::{RestartRequest, WatchMode, Watching, When};
use crate::backend::locked::Locked;
use crate::backend::supervise;
use crate::backend::worker::Job;
use crate::host::Host;
use crate::inventory::Gate;
use crate::project::{Config, Project, ProjectId};
use crate::store::Published;

/// How often the task looks where the system tells of no changes, and how long it waits after a failure.
const POLL: Duration = Duration::from_secs(10);

/// The first and the longest pause between two looks at somebody who is at work.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What the task works on and with.
pub(super) struct WatchScope {
    pub(super) project: Project,
    pub(super) host: Host,
    pub(super) watcher: Arc<FolderWatcher>,
    /// The environment when it was last seen as recorded.
    pub(super) last: Locked<Option<Calm>>,
}

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
    /// The gate when workers were last told what is there, be it recorded or not.
    followed_gate: Option<Gate>,
    /// A watched folder went since then.
    has_lost: bool,
    /// When to look next; none while somebody tells us.
    next_look: Option<Instant>,
    pause: Duration,
}

/// What a look brought, with what it had to know.
struct Glimpse {
    gate: Gate,
    places: Places,
    watching: Watching,
    /// None when the toolkit is switched off here.
    found: Option<Result<Option<Published>, Obstacle>>,
    moved: (Instant, Instant),
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
            waiting: Vec::new(),
            moved: None,
            has_rung: false,
            last_gate: None,
            calm_gate: None,
            followed_gate: None,
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
        let away = move || scope.watcher.turn(&places, &Places::default(), &bell);
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
        // The gate moved and no bell rang: then the movement counts as having been just now.
        let last_gate = self.last_gate.take().filter(|_| !self.has_rung);
        let has_rung = std::mem::take(&mut self.has_rung);
        let glimpse = supervise::blocking("a look at an environment", move || {
            let places = if has_lost {
                let _ = scope.watcher.turn(&places, &Places::default(), &bell);
                Places::default()
            } else {
                places
            };
            scope.glimpse(&places, &bell, |gate, now| match moved {
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
                };
                self.show(None, watching, Some(why));
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
        let (mut is_calm, mut behind) = (false, None);
        match found {
            None => {
                self.moved = None;
                self.next_look = None;
            }
            Some(Ok(published)) => {
                is_calm = true;
                self.moved = None;
                self.pause = PAUSES.0;
                self.next_look =
                    (mode == WatchMode::Polling).then(|| Instant::now() + jittered(POLL));
                self.tell(&gate, published).await;
                self.calm_gate = Some(gate.clone());
                self.followed_gate = Some(gate.clone());
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
                self.moved = Some(moved);
                self.next_look = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(PAUSES.1);
            }
            Some(Err(Obstacle::Failed(why))) => {
                // What cannot be recorded is followed all the same, once each time that it moved.
                let followed = self.followed_gate.replace(gate.clone());
                if followed.is_some_and(|followed| followed != gate) {
                    self.job.changed_unrecorded(&why).await;
                }
                let why = format!("cannot record a change: {why}");
                if self.view.borrow().behind.as_deref() != Some(&*why) {
                    tracing::warn!(project = %self.id, "{why}");
                }
                behind = Some(why);
                self.moved = Some(moved);
                self.next_look = Some(Instant::now() + jittered(POLL));
            }
        }
        if behind.is_some() {
            watching.why.clone_from(&behind);
        }
        self.show(is_calm.then_some(gate), watching, behind);
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
            let (generation, run) = (published.generation, published.record.id.to_string());
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
        let before = self.view.borrow().watching.clone();
        if before.mode != watching.mode || (before.why != watching.why && watching.why.is_some()) {
            let why = watching.why.as_deref().unwrap_or_default();
            tracing::info!(project = %self.id, mode = ?watching.mode, why, "watching the environment");
        }
        self.view.send_replace(WatchView {
            gate,
            watching,
            behind,
        });
    }
}

impl WatchScope {
    /// One look, with everything around it. `moved` says, by the gate, when the environment moved.
    fn glimpse(
        &self,
        before: &Places,
        bell: &Arc<Bell>,
        moved: impl FnOnce(&Gate, Instant) -> (Instant, Instant),
    ) -> Glimpse {
        let config = Config::load(&self.host, Some(&self.project.layout()));
        let enabled = &config.enabled;
        if !enabled.value {
            let _ = self.watcher.turn(before, &Places::default(), bell);
            let now = Instant::now();
            return Glimpse {
                gate: Gate::of(self.project.venv(), &self.host),
                places: Places::default(),
                watching: Watching {
                    mode: WatchMode::Off,
                    why: Some(format!("`enabled` is false ({})", enabled.origin)),
                },
                found: None,
                moved: (now, now),
            };
        }
        // The folders are watched first and looked at after that, so that no change falls in between.
        let (places, watching) = self.arm(before, bell);
        // The gate is read before the look, so that a change during the look moves it once more.
        let gate = Gate::of(self.project.venv(), &self.host);
        let now = Instant::now();
        let moved = moved(&gate, now);
        let movement = Movement {
            since_first: now - moved.0,
            since_last: now - moved.1,
        };
        let found = look(&self.project, &self.host, &config, movement, &self.last);
        Glimpse {
            gate,
            places,
            watching,
            found: Some(found),
            moved,
        }
    }

    /// Watches the folders as they are now, `before` being those that are watched; says which are, and how.
    fn arm(&self, before: &Places, bell: &Arc<Bell>) -> (Places, Watching) {
        let polling = |why: String| Watching {
            mode: WatchMode::Polling,
            why: Some(why),
        };
        let now = match Places::of(self.project.venv(), &self.host) {
            Ok(now) => now,
            Err(error) => {
                let _ = self.watcher.turn(before, &Places::default(), bell);
                return (Places::default(), polling(error.to_string()));
            }
        };
        if let Some(system) = now.remote() {
            let _ = self.watcher.turn(before, &Places::default(), bell);
            let why = format!("{system} does not tell of what other machines change");
            return (Places::default(), polling(why));
        }
        match self.watcher.turn(before, &now, bell) {
            Ok(()) => {
                let events = Watching {
                    mode: WatchMode::Events,
                    why: None,
                };
                (now, events)
            }
            Err(why) => (Places::default(), polling(why)),
        }
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
