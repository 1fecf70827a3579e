//! What was done, and is due, about a node that is to end before it is done.

use tokio::time::{Duration, Instant};

/// How long after the first interrupt the second comes, if the worker has not said that it took the first.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What was done about a node that is to end.
///
/// An interrupt that reaches the worker before it has picked the node up is none: the worker cannot tell it from one
/// that came too late for the node before. Nor is one that reaches it on its way into a call that waits. So interrupts
/// go on, after longer and longer pauses, until the worker says that it took one. From then on the node is given the
/// grace time to clean up, which is not to be disturbed without need: there is one more interrupt, when half of that
/// time has gone.
#[derive(Debug)]
pub(super) struct CutShort {
    pub(super) why: Why,
    grace: Duration,
    pause: Duration,
    /// When to interrupt once more.
    pub(super) again_at: Option<Instant>,
    /// When it is killed.
    pub(super) kill_at: Instant,
    is_taken: bool,
    pub(super) is_killed: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    TimedOut,
    Interrupted,
    Abandoned,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Interrupt,
    Kill,
}

impl CutShort {
    /// Of a node that is interrupted `now`.
    pub(super) fn new(why: Why, now: Instant, grace: Duration) -> Self {
        Self {
            why,
            grace,
            pause: FIRST_PAUSE,
            again_at: Some(now + FIRST_PAUSE),
            kill_at: now + grace,
            is_taken: false,
            is_killed: false,
        }
    }

    /// The worker has raised the interrupt in the node.
    pub(super) fn taken(&mut self, now: Instant) {
        if !self.is_taken && !self.is_killed {
            self.is_taken = true;
            self.again_at = Some(now + self.grace / 2);
            self.kill_at = now + self.grace;
        }
    }

    /// What is due; counts as done from then on.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        if self.is_killed {
            return Due::Nothing;
        }
        if self.kill_at <= now {
            self.is_killed = true;
            return Due::Kill;
        }
        if self.again_at.is_none_or(|at| at > now) {
            return Due::Nothing;
        }
        self.pause *= 2;
        self.again_at = (!self.is_taken).then(|| now + self.pause);
        Due::Interrupt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    /// What is done at these milliseconds, if anything: interrupts (`i`) and the end (`k`).
    fn check(taken_at: Option<u64>, expected: &[(u64, char)]) {
        let start = Instant::now();
        let mut cut = CutShort::new(Why::Abandoned, start, GRACE);
        let mut done = Vec::new();
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            if taken_at == Some(ms) {
                cut.taken(now);
            }
            match cut.due(now) {
                Due::Nothing => {}
                Due::Interrupt => done.push((ms, 'i')),
                Due::Kill => done.push((ms, 'k')),
            }
        }
        assert_eq!(done, expected, "taken at {taken_at:?}");
    }

    #[test]
    fn interrupts_go_on_until_one_is_taken() {
        let until_killed = [(50, 'i'), (150, 'i'), (350, 'i'), (750, 'i'), (1550, 'i')];
        check(None, &[&until_killed[..], &[(2000, 'k')]].concat());
        // A busy machine, on which the node is picked up late: it has all of its grace time all the same.
        let late = [&until_killed[..], &[(2551, 'i'), (3551, 'k')]].concat();
        check(Some(1551), &late);
        check(Some(1), &[(1001, 'i'), (2001, 'k')]);
        check(Some(2001), &[&until_killed[..], &[(2000, 'k')]].concat());
    }
}
