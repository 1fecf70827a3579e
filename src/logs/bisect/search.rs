//! Where something broke, found with as few questions as possible.

use std::collections::BTreeSet;

/// What is found where one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
    /// It cannot be told there.
    Skip,
}

/// Of `count` places, the first of them good and the last bad: a good one and a bad one behind it with nothing between
/// them, but what cannot be told.
///
/// # Errors
/// What `ask` says.
pub(super) fn between<E>(
    count: usize,
    mut ask: impl FnMut(usize) -> Result<Verdict, E>,
) -> Result<(usize, usize), E> {
    let (mut good, mut bad) = (0, count.saturating_sub(1));
    let mut skipped = BTreeSet::new();
    loop {
        let middle = usize::midpoint(good, bad);
        let open = (good + 1..bad).filter(|place| !skipped.contains(place));
        let Some(next) = open.min_by_key(|place| place.abs_diff(middle)) else {
            return Ok((good, bad));
        };
        match ask(next)? {
            Verdict::Good => good = next,
            Verdict::Bad => bad = next,
            Verdict::Skip => drop(skipped.insert(next)),
        }
    }
}

/// A good place before `bad`: farther and farther away from it, then the others, the nearest first; none where there is
/// none. The first one is known not to be good.
///
/// # Errors
/// What `ask` says.
pub(super) fn good_before<E>(
    bad: usize,
    mut ask: impl FnMut(usize) -> Result<Verdict, E>,
) -> Result<Option<usize>, E> {
    let steps = std::iter::successors(Some(1_usize), |step| step.checked_mul(2));
    let far = steps.map_while(|step| bad.checked_sub(step));
    let mut asked = BTreeSet::from([0]);
    for place in far.chain((0..bad).rev()) {
        if asked.insert(place) && ask(place)? == Verdict::Good {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// Of `all`, which together are bad, those that are enough for it: none of them can be left out alone (the algorithm
/// `ddmin` of Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
///
/// # Errors
/// What `ask` says.
pub(super) fn narrowed<T: Clone, E>(
    all: &[T],
    mut ask: impl FnMut(&[T]) -> Result<Verdict, E>,
) -> Result<Vec<T>, E> {
    let mut left = all.to_vec();
    let mut pieces = 2;
    'narrower: while left.len() > 1 {
        let size = left.len().div_ceil(pieces);
        let starts = (0..left.len()).step_by(size);
        for start in starts.clone() {
            let part = &left[start..left.len().min(start + size)];
            if ask(part)? == Verdict::Bad {
                left = part.to_vec();
                pieces = 2;
                continue 'narrower;
            }
        }
        // Of two pieces each is the rest of the other.
        for start in starts.filter(|_| pieces > 2) {
            let end = left.len().min(start + size);
            let rest = [&left[..start], &left[end..]].concat();
            if ask(&rest)? == Verdict::Bad {
                left = rest;
                pieces = (pieces - 1).max(2);
                continue 'narrower;
            }
        }
        if pieces >= left.len() {
            break;
        }
        pieces = (pieces * 2).min(left.len());
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn sure<T>(result: Result<T, Infallible>) -> T {
        match result {
            Ok(value) => value,
        }
    }

    #[test]
    fn what_cannot_be_told_lies_between() {
        let skips = |skipped: &'static [usize], broke: usize, expected| {
            let found = between(10, |place| {
                Ok(match place {
                    _ if skipped.contains(&place) => Verdict::Skip,
                    _ if place >= broke => Verdict::Bad,
                    _ => Verdict::Good,
                })
            });
            assert_eq!(sure(found), expected, "{skipped:?} {broke}");
        };
        skips(&[], 7, (6, 7));
        skips(&[4, 5], 5, (3, 6));
        skips(&[1, 2, 3, 4, 5, 6, 7, 8], 5, (0, 9));
        skips(&[2, 3], 9, (8, 9));
        let none = between(2, |_| -> Result<Verdict, Infallible> { unreachable!() });
        assert_eq!(sure(none), (0, 1));
    }

    #[test]
    fn a_good_one_is_looked_for_near_the_bad_one_first() {
        let asked = |good: &'static [usize], expected: &[usize], found| {
            let mut asked = Vec::new();
            let place = good_before(9, |place| {
                asked.push(place);
                let is_good = good.contains(&place);
                Ok(if is_good { Verdict::Good } else { Verdict::Bad })
            });
            assert_eq!((asked.as_slice(), sure(place)), (expected, found));
        };
        asked(&[8], &[8], Some(8));
        asked(&[1, 2], &[8, 7, 5, 1], Some(1));
        asked(&[4], &[8, 7, 5, 1, 6, 4], Some(4));
        asked(&[0], &[8, 7, 5, 1, 6, 4, 3, 2], None);
    }

    proptest! {
        #[test]
        fn the_place_is_found_with_few_questions(count in 2..400_usize, at in 0..400_usize) {
            let broke = 1 + at % (count - 1);
            let mut asked = 0;
            let found = between(count, |place| {
                asked += 1;
                Ok(if place >= broke { Verdict::Bad } else { Verdict::Good })
            });
            prop_assert_eq!(sure(found), (broke - 1, broke));
            prop_assert!(asked <= count.ilog2() + 1, "{} of {}", asked, count);
        }

        #[test]
        fn what_is_left_is_bad_and_nothing_can_be_left_out(
            count in 1..30_usize, guilty in proptest::collection::btree_set(0..30_usize, 1..4)
        ) {
            let guilty: BTreeSet<usize> = guilty.into_iter().map(|one| one % count).collect();
            let all: Vec<usize> = (0..count).collect();
            let left = sure(narrowed(&all, |part| {
                let is_bad = guilty.iter().all(|one| part.contains(one));
                Ok(if is_bad { Verdict::Bad } else { Verdict::Good })
            }));
            prop_assert_eq!(left.into_iter().collect::<BTreeSet<_>>(), guilty);
        }
    }
}
