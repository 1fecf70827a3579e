//! Which runs of a history are over its limits.
//!
//! The order is that of the records, in which runs were entered: a clock may have said anything. Nor is a clock
//! believed that tells of age alone, unless a person asks: see [`Ageing`].

use chrono::{DateTime, Utc};

use super::limits::Limits;

/// A run as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptRun {
    pub(super) at: DateTime<Utc>,
    pub(super) bytes: u64,
    /// Its place in the file of records.
    pub(super) line: Option<usize>,
    /// The file name of its log.
    pub(super) log: Option<String>,
}

/// How runs become too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ageing {
    /// By the clock, at once: a person asks for it.
    Asked,
    /// By the times that the history itself has, and in small parts: one run on a day far ahead takes nothing with it.
    Slow,
}

/// Those of `all` that are over `limits` at `now`, the newest first.
pub(super) fn beyond(
    mut all: Vec<KeptRun>,
    limits: Limits,
    ageing: Ageing,
    now: DateTime<Utc>,
) -> Vec<KeptRun> {
    order(&mut all);
    let mut stays = staying(&all, limits, ageing, now);
    if stays < all.len() && ageing == Ageing::Slow {
        stays = staying(&all, limits.with_room(), ageing, now);
    }
    all.split_off(stays)
}

/// How many of `all`, the newest first, are within `limits` at `now`.
fn staying(all: &[KeptRun], limits: Limits, ageing: Ageing, now: DateTime<Utc>) -> usize {
    let room = limits.bytes();
    let mut bytes = 0_u64;
    let stays = all
        .iter()
        .enumerate()
        .take_while(|(place, kept)| {
            bytes = bytes.saturating_add(kept.bytes);
            let is_over = *place as u64 >= limits.runs || bytes > room;
            *place == 0 || !is_over
        })
        .count();
    let (today, at_most) = match ageing {
        Ageing::Asked => (now, stays),
        Ageing::Slow => (today(all, now), (stays / AT_ONCE).max(1)),
    };
    let aged = limits.oldest(today).map_or(0, |oldest| {
        let kept = all[..stays].iter().skip(1).rev();
        kept.take_while(|kept| kept.at < oldest).count()
    });
    stays - aged.min(at_most)
}

/// Of the runs, one of so many may go at once because of its age alone.
const AT_ONCE: usize = 4;

/// The time by which runs are old: not later than that of the newest of `all`, the one that has just ended aside.
fn today(all: &[KeptRun], now: DateTime<Utc>) -> DateTime<Utc> {
    let others = all.iter().skip(1).map(|kept| kept.at);
    others.max().map_or(now, |newest| now.min(newest))
}

/// Newest first: records by their lines; a log that has no record stands where its time is among them.
fn order(all: &mut [KeptRun]) {
    let mut lines: Vec<(usize, DateTime<Utc>)> = all
        .iter()
        .filter_map(|kept| Some((kept.line?, kept.at)))
        .collect();
    lines.sort_unstable();
    let place = |kept: &KeptRun| {
        let after = |at: DateTime<Utc>| lines.iter().find(|(_, line)| *line > at);
        let before = kept.line.or_else(|| after(kept.at).map(|(line, _)| *line));
        (before.unwrap_or(usize::MAX), kept.line.is_some(), kept.at)
    };
    all.sort_by_cached_key(|kept| std::cmp::Reverse(place(kept)));
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// Each run is a day older than the one before it; the newest is of today. Gives how many stay.
    fn check(sizes: &[u64], limits: (u64, u64, u64), expected: usize) {
        let now = Utc::now();
        let all: Vec<KeptRun> = sizes
            .iter()
            .zip(0..)
            .map(|(&bytes, days)| KeptRun {
                at: now - TimeDelta::days(days),
                bytes,
                line: None,
                log: None,
            })
            .collect();
        let goes = beyond(all.clone(), limits_of(limits), Ageing::Asked, now);
        assert_eq!(goes, all[expected..], "{limits:?}");
    }

    fn limits_of((runs, days, mib): (u64, u64, u64)) -> Limits {
        Limits {
            runs,
            days,
            mib,
            before: None,
        }
    }

    #[test]
    fn the_first_limit_that_is_met_counts() {
        let five = [MIB; 5];
        check(&five, (200, 90, 256), 5);
        check(&five, (3, 90, 256), 3);
        check(&five, (200, 2, 256), 3);
        check(&five, (200, 90, 2), 2);
        check(&five, (u64::MAX, u64::MAX, u64::MAX), 5);
        check(&[], (0, 0, 0), 0);
    }

    #[test]
    fn a_clock_that_is_wrong_takes_no_history_with_it() {
        let now = Utc::now();
        let run = |line: usize, days: i64| KeptRun {
            at: now + TimeDelta::days(days),
            bytes: 1,
            line: Some(line),
            log: None,
        };
        let limits = limits_of((200, 90, 256));
        let goes = |all: &[KeptRun], days: i64| {
            let now = now + TimeDelta::days(days);
            beyond(all.to_vec(), limits, Ageing::Slow, now)
        };
        let mut all: Vec<_> = (0..40).map(|line| run(line, 0)).collect();
        all.push(run(40, 200));
        assert_eq!(goes(&all, 200), [], "the run that is ahead itself");
        all.push(run(41, 200));
        assert_eq!(goes(&all, 200).len(), 10, "of 42, a part");
        assert_eq!(goes(&all, 0), [], "the clock is right again");
        all.push(run(42, 0));
        let asked = Limits { runs: 1, ..limits };
        let stays = |goes: &[KeptRun]| all.iter().filter(|kept| !goes.contains(kept)).count();
        let goes = beyond(all.clone(), asked, Ageing::Slow, now);
        assert_eq!(stays(&goes), 1);
        assert!(!goes.contains(&all[42]), "the last run is the newest");
    }

    #[test]
    fn what_began_before_a_time_goes() {
        let now = Utc::now();
        let run = |line: usize, hours: i64| KeptRun {
            at: now - TimeDelta::hours(hours),
            bytes: 1,
            line: Some(line),
            log: None,
        };
        let all = vec![run(0, 5), run(1, 3), run(2, 1)];
        let limits = Limits {
            before: Some(now - TimeDelta::hours(2)),
            ..limits_of((200, 90, 256))
        };
        assert_eq!(beyond(all, limits, Ageing::Asked, now).len(), 2);
    }

    #[test]
    fn a_log_without_a_record_stands_where_its_time_is() {
        let at = |days: i64| DateTime::UNIX_EPOCH + TimeDelta::days(days);
        let run = |line: Option<usize>, days: i64| KeptRun {
            at: at(days),
            bytes: 1,
            line,
            log: None,
        };
        let mut all = vec![
            run(None, 5),
            run(Some(0), 1),
            run(None, 0),
            run(Some(1), 10),
            run(None, 20),
        ];
        order(&mut all);
        let days: Vec<_> = all
            .iter()
            .map(|kept| (kept.at - at(0)).num_days())
            .collect();
        assert_eq!(days, [20, 10, 5, 1, 0]);
    }

    #[test]
    fn the_newest_run_never_goes() {
        check(&[5 * MIB, MIB], (0, 0, 0), 1);
        check(&[5 * MIB, MIB], (200, 90, 1), 1);
    }
}
