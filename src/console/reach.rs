//! The way to the daemon, and what is said while it does not answer.

use super::output::Console;
use super::time;
use crate::api::{Client, places};
use crate::error::Result;
use crate::host::Host;
use crate::project::Project;
use crate::words::t;

/// [`Client::connect`]; a wait for a daemon that is there and does not answer is told.
///
/// # Errors
/// As [`Client::connect`].
pub fn connect(console: &Console, host: &Host, project: Option<&Project>) -> Result<Client> {
    let found = places(host, project)
        .into_iter()
        .find(|place| place.check().is_ok());
    let Some(place) = found else {
        return Client::connect(host, project);
    };
    let socket = host.shown(place.socket());
    let limit = time::duration(Client::PATIENCE);
    let line = console.waiting(move |time| {
        let words = t!(
            "console.waiting.answer",
            socket = socket,
            time = time,
            limit = limit
        );
        Some(words.into_owned())
    });
    let _line = line.until_interrupted();
    Client::connect(host, project)
}
