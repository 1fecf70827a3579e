//! Keeps the daemon's place: notices when its socket or lock is gone.
//!
//! Looking costs two system calls. Being told would take a watch of every folder above, each of which can go.

use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::socket::ServedSocket;
use super::state::Daemon;
use super::supervise::{self, Pauses};
use crate::error::Error;

/// How often it is looked whether the place is still there.
const LOOK: Duration = Duration::from_secs(1);

/// How often making a lost place again is tried once more.
const ATTEMPTS: u32 = 4;

/// Keeps `place` for as long as that can be done, handing each new listener to who serves it. Returns why it cannot:
/// then the daemon has to end.
pub(super) async fn keep(
    place: &mut ServedSocket,
    daemon: &Arc<Daemon>,
    listeners: &mpsc::UnboundedSender<UnixListener>,
) -> Error {
    let mut pauses = Pauses::default();
    loop {
        match supervise::caught("the place", look_after(place, daemon, listeners)).await {
            Ok(lost) => return lost,
            Err(_) => pauses.next().await,
        }
    }
}

async fn look_after(
    place: &mut ServedSocket,
    daemon: &Arc<Daemon>,
    listeners: &mpsc::UnboundedSender<UnixListener>,
) -> Error {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = 0;
    loop {
        looks.tick().await;
        if place.is_lost() {
            let socket = place.path().to_path_buf();
            match place.make_again() {
                Ok(listener) => drop(listeners.send(listener)),
                // What fails for the moment (no descriptor is free) may go well at the next look.
                Err(error) if failures < ATTEMPTS && !place.is_served() => {
                    failures += 1;
                    tracing::warn!(socket = %socket.display(), %error, "the socket is lost");
                    continue;
                }
                Err(error) => return error,
            }
            failures = 0;
            daemon.moved(place.path(), place.script_folder());
            tracing::warn!(lost = %socket.display(), socket = %place.path().display(), "serving again");
        }
    }
}
