//! The spare of a project: when one is wanted, made, handed over, and let go of.

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::worker::start::{Background, Misstart, Spare, Standby};

/// How long a worker is left alone before a spare is started, so that the two do not compete for the processor just
/// when somebody waits for an answer.
const DELAY: Duration = Duration::from_millis(50);

/// Where the spare is.
pub(super) struct SpareSlot {
    pub(super) state: SpareState,
    wanted_until: Instant,
}

pub(super) enum SpareState {
    None,
    Due(Instant),
    Preparing(Background<Result<Standby, Misstart>>),
    Ready(Box<Standby>),
    /// It did not start. The next worker's start will say why.
    Failed,
}

impl SpareSlot {
    /// No spare, and nobody wants one.
    pub(super) fn new() -> Self {
        Self {
            state: SpareState::None,
            wanted_until: Instant::now(),
        }
    }

    /// The project is in use: keeps a spare for so long, or has one soon.
    pub(super) fn want(&mut self, idle: Duration) {
        let now = Instant::now();
        self.wanted_until = now + idle;
        if matches!(self.state, SpareState::None | SpareState::Due(_)) {
            self.state = SpareState::Due(now + DELAY);
        }
    }

    /// Takes the spare in, for so long.
    pub(super) fn put(&mut self, spare: Spare, idle: Duration) {
        self.state = match spare {
            Spare::Ready(standby) => SpareState::Ready(standby),
            Spare::Preparing(preparing) => SpareState::Preparing(preparing),
        };
        self.wanted_until = Instant::now() + idle;
    }

    /// The spare that was being made is there, or is not to be had.
    pub(super) fn prepared(&mut self, standby: Option<Standby>) {
        self.state = standby.map_or(SpareState::Failed, |standby| {
            SpareState::Ready(Box::new(standby))
        });
    }

    /// Takes the spare out, if it is there or on its way.
    pub(super) fn take(&mut self) -> Option<Spare> {
        match std::mem::replace(&mut self.state, SpareState::None) {
            SpareState::Ready(standby) => Some(Spare::Ready(standby)),
            SpareState::Preparing(preparing) => Some(Spare::Preparing(preparing)),
            SpareState::None | SpareState::Due(_) | SpareState::Failed => None,
        }
    }

    /// As [`Self::take`], for another worker of the project: while one is still wanted here, the next is made.
    pub(super) fn give(&mut self) -> Option<Spare> {
        let spare = self.take();
        let now = Instant::now();
        if self.wanted_until > now {
            self.state = SpareState::Due(now + DELAY);
        }
        spare
    }

    /// When something is next to be done about it. One that is due waits until the worker `is_idle`.
    pub(super) fn deadline(&self, is_idle: bool) -> Option<Instant> {
        match &self.state {
            SpareState::Due(at) => is_idle.then_some(*at),
            SpareState::Ready(_) | SpareState::Preparing(_) => Some(self.wanted_until),
            SpareState::None | SpareState::Failed => None,
        }
    }

    /// Whether it is time to make one.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        matches!(&self.state, SpareState::Due(at) if *at <= now)
    }

    /// Whether nobody wants the one that there is any longer.
    pub(super) fn is_unwanted(&self, now: Instant) -> bool {
        let is_there = matches!(self.state, SpareState::Ready(_) | SpareState::Preparing(_));
        is_there && self.wanted_until <= now
    }
}
