//! Whether a change of an environment is over, by what its folders show. Pure.
//!
//! Installers write in a known order. pip renames what it removes so that it begins with `~`, unpacks the new
//! distribution, compiles it, and only then writes a RECORD that lists INSTALLER; uv, pdm and poetry write that RECORD
//! last as well. So a fresh `~` folder or a fresh RECORD without INSTALLER means that somebody may still be at work,
//! and is, as long as something moves. What looks so and is at rest was left by a crash, or installed by hand, and is
//! waited for no longer.

use std::time::Duration;

/// How long nothing may have happened before a change counts as over: longer than installers pause between two
/// distributions, shorter than it takes to switch windows.
pub(super) const QUIET: Duration = Duration::from_millis(150);

/// After so long, a folder that never comes to rest is looked at all the same: some programs write logs there.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How long a sign may count: longer than any installer takes for one distribution.
const FRESH: Duration = Duration::from_secs(60);

/// After so long without a movement, a sign counts no more: longer than an installer pauses within a distribution.
const AT_REST: Duration = Duration::from_secs(2);

/// Something in site-packages that tells of an installer at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign {
    /// Its name in the folder.
    pub(super) name: String,
    /// Since anything last moved of what changed as lately as it.
    pub(super) at_rest: Duration,
    /// What it is.
    pub(super) kind: SignKind,
}

/// What tells of an installer at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignKind {
    /// pip put it aside, to remove it or put it back.
    SetAside,
    /// Metadata without a RECORD that lists INSTALLER.
    Incomplete,
}

impl Sign {
    /// Whether a sign of this age says anything.
    pub(super) fn is_fresh(age: Duration) -> bool {
        age < FRESH
    }
}

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
