//! What a node waits for while it does not run, as it changes.

use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep_until};

use crate::api::v1::{Waiting, WorkerStatus};
use crate::backend::worker::task::Turn;

/// How long a node may wait before anything is told of it: quick ones cost nothing.
const PATIENCE: Duration = Duration::from_millis(250);

/// What one node waits for.
#[derive(Debug)]
pub struct Waits {
    status: watch::Receiver<WorkerStatus>,
    turn: Turn,
    from: Instant,
    told: Option<Waiting>,
}

impl Waits {
    pub(super) fn new(status: watch::Receiver<WorkerStatus>, turn: Turn) -> Self {
        Self {
            status,
            turn,
            from: Instant::now() + PATIENCE,
            told: None,
        }
    }

    /// What it waits for once that is another thing than was told; nothing is told where it is not known. Can be given
    /// up without losing anything.
    pub async fn next(&mut self) -> Waiting {
        sleep_until(self.from).await;
        loop {
            let now = self.now();
            if now.is_some() && now != self.told {
                self.told.clone_from(&now);
                return now.unwrap_or_default();
            }
            if self.status.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn now(&mut self) -> Option<Waiting> {
        let status = self.status.borrow_and_update();
        if self.turn.has_come() {
            return Some(Waiting::default());
        }
        status.waiting.clone()
    }
}
