//! The one place where the relay waits: for its client, its servers, the environment, and time.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::lsp::session::Number;

/// Which descriptor something happened at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Stop,
    Input,
    Output,
    Environment,
    ServerInput(Number),
    ServerOutput(Number),
    ServerErrors(Number),
    ServerEnd,
}

/// What is waited for there, and at which descriptor.
pub(super) type Asked<'a> = (Place, BorrowedFd<'a>, PollFlags);

/// Waits until something happens at one of `asked`, `limit` at most; gives where it did, in their order.
///
/// # Errors
/// When the system does not let us wait.
pub(super) fn happened(asked: &[Asked<'_>], limit: Option<Duration>) -> io::Result<Vec<Place>> {
    let mut told: Vec<PollFd<'_>> = asked
        .iter()
        .map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags))
        .collect();
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(&mut told, limit.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let places = asked.iter().map(|(place, ..)| *place);
    let told = places.zip(told.iter().map(PollFd::revents));
    let told = told.filter(|(_, told)| !told.is_empty());
    Ok(told.map(|(place, _)| place).collect())
}
