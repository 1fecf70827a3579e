//! What the watch of an environment works on, and one look with everything around it.

use std::sync::Arc;

use tokio::time::Instant;

use super::folder_watcher::{Bell, FolderWatcher, Share};
use super::look::{Obstacle, look};
use super::memory::Memory;
use super::over::Movement;
use super::places::Places;
use crate::api::v1::{WatchMode, Watching};
use crate::backend::locked::Locked;
use crate::host::Host;
use crate::inventory::Gate;
use crate::project::{Config, Project};
use crate::store::Published;

/// What the task works on and with.
pub(super) struct WatchScope {
    pub(super) project: Project,
    pub(super) host: Host,
    pub(super) watcher: Arc<FolderWatcher>,
    pub(super) memory: Locked<Memory>,
}

/// What a look brought, with what it had to know.
pub(super) struct Glimpse {
    pub(super) gate: Gate,
    pub(super) places: Places,
    pub(super) watching: Watching,
    /// None when the toolkit is switched off here.
    pub(super) found: Option<Result<Option<Published>, Obstacle>>,
    pub(super) moved: (Instant, Instant),
}

impl WatchScope {
    /// One look, with everything around it. `moved` says, by the gate, when the environment moved.
    pub(super) fn glimpse(
        &self,
        before: &Places,
        bell: &Arc<Bell>,
        share: Share,
        moved: impl FnOnce(&Gate, Instant) -> (Instant, Instant),
    ) -> Glimpse {
        let config = Config::load(&self.host, Some(&self.project.layout()));
        let enabled = &config.enabled;
        if !enabled.value {
            self.watcher.leave_all(before, bell);
            let now = Instant::now();
            return Glimpse {
                gate: Gate::of(self.project.venv(), &self.host),
                places: Places::default(),
                watching: Watching {
                    mode: WatchMode::Off,
                    why: Some(format!("`enabled` is false ({})", enabled.origin)),
                    waits: false,
                },
                found: None,
                moved: (now, now),
            };
        }
        // The folders are watched first and looked at after that, so that no change falls in between.
        let (places, watching) = self.arm(before, bell, share);
        // The gate is read before the look, so that a change during the look moves it once more.
        let gate = Gate::of(self.project.venv(), &self.host);
        let now = Instant::now();
        let moved = moved(&gate, now);
        let movement = Movement {
            since_first: now - moved.0,
            since_last: now - moved.1,
        };
        let found = look(
            &self.project,
            &self.host,
            &config,
            &gate,
            movement,
            &self.memory,
        );
        Glimpse {
            gate,
            places,
            watching,
            found: Some(found),
            moved,
        }
    }

    /// Watches the folders as they are now, `before` being those that are watched; says which are, and how.
    fn arm(&self, before: &Places, bell: &Arc<Bell>, share: Share) -> (Places, Watching) {
        let polling = |why: String| Watching {
            mode: WatchMode::Polling,
            why: Some(why),
            waits: false,
        };
        let now = match Places::of(self.project.venv(), &self.host) {
            Ok(now) => now,
            Err(error) => {
                self.watcher.leave_all(before, bell);
                return (Places::default(), polling(error.to_string()));
            }
        };
        if let Some(system) = now.remote() {
            self.watcher.leave_all(before, bell);
            let why = format!("{system} does not tell of what other machines change");
            return (Places::default(), polling(why));
        }
        match self.watcher.turn(before, &now, bell, share) {
            Ok(()) => {
                let events = Watching {
                    mode: WatchMode::Events,
                    why: None,
                    waits: false,
                };
                (now, events)
            }
            Err(why) => (Places::default(), polling(why)),
        }
    }
}
