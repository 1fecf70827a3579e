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
    let places = places(host, project);
    let found = places.iter().find(|place| place.check().is_ok());
    let _line = found.map(|place| {
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
        line.until_interrupted()
    });
    Client::first_of(places)
}
