//! Whether a change of an environment is over, by the signs that its folders show. Pure.

use std::time::Duration;

use crate::inventory::{AT_REST, Sign, SignKind};

/// How long nothing may have happened before a change counts as over: longer than installers pause between two
/// distributions, shorter than it takes to switch windows.
pub(super) const QUIET: Duration = Duration::from_millis(150);

/// After so long, a folder that never comes to rest is looked at all the same: some programs write logs there.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// When the environment moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Movement {
    /// Since the first movement that has not been taken in.
    pub(super) since_first: Duration,
    /// Since the last.
    pub(super) since_last: Duration,
}

/// Why a change is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotOver {
    /// Somebody is at work: why that is believed.
    Underway(String),
    /// It may be over, and will be known after this time.
    Recent(Duration),
}

/// Who is at work, by `signs`.
pub(super) fn underway(signs: &[Sign]) -> Result<(), NotOver> {
    let Some(sign) = signs.iter().find(|sign| sign.at_rest < AT_REST) else {
        return Ok(());
    };
    let name = &sign.name;
    Err(NotOver::Underway(match sign.kind {
        SignKind::SetAside => format!("{name} is set aside"),
        SignKind::Incomplete => format!("{name} is incomplete"),
    }))
}

/// Whether the last movement is long enough ago.
pub(super) fn quiet(movement: Movement) -> Result<(), NotOver> {
    let left = QUIET.saturating_sub(movement.since_last);
    if left.is_zero() || movement.since_first >= PATIENCE {
        Ok(())
    } else {
        Err(NotOver::Recent(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCOMPLETE: SignKind = SignKind::Incomplete;
    const SET_ASIDE: SignKind = SignKind::SetAside;

    fn check(signs: &[(&str, u64, SignKind)], expected: Option<&str>) {
        let signs: Vec<Sign> = signs
            .iter()
            .map(|(name, at_rest, kind)| Sign {
                name: (*name).to_owned(),
                at_rest: Duration::from_secs(*at_rest),
                kind: *kind,
            })
            .collect();
        let expected = expected.map_or(Ok(()), |why| Err(NotOver::Underway(why.to_owned())));
        assert_eq!(underway(&signs), expected, "{signs:?}");
    }

    #[test]
    fn signs_that_move_say_that_somebody_is_at_work() {
        check(&[], None);
        check(&[("~ix", 0, SET_ASIDE)], Some("~ix is set aside"));
        check(&[("~ix", 1, SET_ASIDE)], Some("~ix is set aside"));
        check(&[("~ix", 2, SET_ASIDE)], None);
        check(
            &[("~ix", 86_400, SET_ASIDE), ("a-1.dist-info", 1, INCOMPLETE)],
            Some("a-1.dist-info is incomplete"),
        );
        check(&[("a-1.dist-info", 3, INCOMPLETE)], None);
        check(&[("from the future", u64::MAX, INCOMPLETE)], None);
    }

    fn check_quiet(first_ms: u64, last_ms: u64, left_ms: u64) {
        let movement = Movement {
            since_first: Duration::from_millis(first_ms),
            since_last: Duration::from_millis(last_ms),
        };
        let expected = match left_ms {
            0 => Ok(()),
            left => Err(NotOver::Recent(Duration::from_millis(left))),
        };
        assert_eq!(quiet(movement), expected, "{movement:?}");
    }

    #[test]
    fn a_burst_ends_with_a_quiet_moment_or_with_our_patience() {
        check_quiet(0, 0, 150);
        check_quiet(149, 149, 1);
        check_quiet(150, 150, 0);
        check_quiet(2_999, 10, 140);
        check_quiet(3_000, 10, 0);
        check_quiet(3_000, 200, 0);
    }
}
