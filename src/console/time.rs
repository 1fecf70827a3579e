//! Times and durations for people.

use std::time::Duration;

use chrono::{
    DateTime, Datelike as _, Days, Local, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};

use crate::words::t;

/// How long ago `when` was, seen from `now`: "3 min ago". Two weeks and more are a date, as is a time still to come (a
/// clock that was set back).
pub fn ago(when: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let since = now.signed_duration_since(when);
    let text = match (
        since.num_seconds(),
        since.num_minutes(),
        since.num_hours(),
        since.num_days(),
    ) {
        (-5..=4, ..) => t!("console.time.just_now"),
        (..0, ..) => return local(when),
        (seconds, 0, ..) => t!("console.time.seconds_ago", n = seconds),
        (_, minutes, 0, _) => t!("console.time.minutes_ago", n = minutes),
        (_, _, hours, 0) => t!("console.time.hours_ago", n = hours),
        (_, _, _, 1) => t!("console.time.day_ago"),
        (_, _, _, days @ 2..14) => t!("console.time.days_ago", n = days),
        _ => return when.with_timezone(&Local).format("%Y-%m-%d").to_string(),
    };
    text.into_owned()
}

/// A time on the person's clock: `2026-03-01 14:03:22`.
pub fn local(when: DateTime<Utc>) -> String {
    when.with_timezone(&Local)
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// A duration to about three digits: "4 ms", "1.2 s", "2 min 05 s", "1 h 03 min".
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs();
    let text = if length < Duration::from_millis(995) {
        t!("console.time.ms", n = length.as_millis())
    } else if length < Duration::from_millis(59_950) {
        t!("console.time.s", n = format!("{:.1}", length.as_secs_f64()))
    } else if seconds < 3600 {
        t!(
            "console.time.min_s",
            min = seconds / 60,
            s = format!("{:02}", seconds % 60)
        )
    } else {
        t!(
            "console.time.h_min",
            h = seconds / 3600,
            min = format!("{:02}", seconds / 60 % 60)
        )
    };
    text.into_owned()
}

/// `length` without parts of a second, for what still goes on.
pub fn so_far(length: Duration) -> String {
    match length.as_secs() {
        n @ 0..60 => t!("console.time.s", n = n).into_owned(),
        n => duration(Duration::from_secs(n)),
    }
}

/// The first moment of what `text` means, on the person's clock and never after `now` where it can be read so:
///
/// * an age before `now`: `30s`, `45m`, `3h`, `2d`, `2w`, `2 hours ago`, `2시간 전`;
/// * a day, with or without a time of day: `today`, `yesterday`, `tuesday`, `2026-03-01`, `tuesday 14:00`, `어제 10:00`;
/// * a time of day, `10:00`: today's, or yesterday's where today's is still to come;
/// * an ISO-8601 time, with an offset or without.
///
/// A weekday is the last one. Nothing else is a time: no crate reads all of this and looks back, as a history does.
pub fn moment(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    span(text, &now.with_timezone(&Local)).map(|(first, _)| first)
}

/// As [`moment`], but the last moment of a day that is named without a time of day.
pub fn last_moment(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    span(text, &now.with_timezone(&Local)).map(|(_, last)| last)
}

/// The first and the last moment of what `text` means.
fn span<Z: TimeZone>(text: &str, now: &DateTime<Z>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return None;
    }
    let exact = |moment: DateTime<Utc>| Some((moment, moment));
    if ["now", "지금"].contains(&text.as_str()) {
        return exact(now.to_utc());
    }
    if let Some(age) = age(&text) {
        return exact(now.to_utc().checked_sub_signed(age)?);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(&text.to_uppercase()) {
        return exact(time.to_utc());
    }
    let parts = [
        Some(("", text.as_str())),
        text.rsplit_once(' '),
        text.rsplit_once('t'),
    ];
    let mut parts = parts.into_iter().flatten();
    let with_clock = parts.find_map(|(day, rest)| Some((day, Some(clock(rest)?))));
    let (day, clock) = with_clock.unwrap_or((&text, None));
    let midnight = NaiveTime::MIN;
    let at = |date: NaiveDate, clock: Option<NaiveTime>| {
        let naive = date.and_time(clock.unwrap_or(midnight));
        let zone = now.timezone();
        // A clock that is set forward leaves an hour out.
        let later = || zone.from_local_datetime(&(naive + TimeDelta::hours(1)));
        let moment = zone.from_local_datetime(&naive).earliest();
        Some(moment.or_else(|| later().earliest())?.to_utc())
    };
    let (mut date, step) = date(day, now.date_naive())?;
    if at(date, clock)? > now.to_utc() {
        date = date.checked_sub_days(Days::new(step))?;
    }
    let first = at(date, clock)?;
    match clock {
        Some(_) => exact(first),
        None => Some((
            first,
            at(date.succ_opt()?, None)? - TimeDelta::nanoseconds(1),
        )),
    }
}

fn age(text: &str) -> Option<TimeDelta> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let unit = unit
        .strip_suffix(" ago")
        .or(unit.strip_suffix(" 전"))
        .unwrap_or(unit);
    let seconds = match unit {
        "s" | "sec" | "second" | "seconds" | "초" => 1,
        "m" | "min" | "minute" | "minutes" | "분" => 60,
        "h" | "hour" | "hours" | "시간" => 3600,
        "d" | "day" | "days" | "일" => 86_400,
        "w" | "week" | "weeks" | "주" => 604_800,
        _ => return None,
    };
    let number: i64 = number.parse().ok()?;
    TimeDelta::try_seconds(number.checked_mul(seconds)?)
}

/// The day that `text` names, today for none, and how many days before it the same words could mean another one.
fn date(text: &str, today: NaiveDate) -> Option<(NaiveDate, u64)> {
    match text {
        "" => return Some((today, 1)),
        "today" | "오늘" => return Some((today, 0)),
        "yesterday" | "어제" => return Some((today.pred_opt()?, 0)),
        _ => {}
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some((date, 0));
    }
    let weekday = match text {
        "월요일" => Weekday::Mon,
        "화요일" => Weekday::Tue,
        "수요일" => Weekday::Wed,
        "목요일" => Weekday::Thu,
        "금요일" => Weekday::Fri,
        "토요일" => Weekday::Sat,
        "일요일" => Weekday::Sun,
        text => text.parse().ok()?,
    };
    let since = today.weekday().days_since(weekday);
    Some((today.checked_sub_days(Days::new(since.into()))?, 7))
}

fn clock(text: &str) -> Option<NaiveTime> {
    ["%H:%M", "%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{self, Language};

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
    }

    #[test]
    fn ages_in_both_languages() {
        fn check(seconds: i64, english: &str, korean: &str) {
            let now = at("2026-03-01T12:00:00Z");
            let when = now - TimeDelta::seconds(seconds);
            words::choose(Language::English);
            assert_eq!(ago(when, now), english);
            words::choose(Language::Korean);
            assert_eq!(ago(when, now), korean);
        }
        check(0, "just now", "방금");
        check(-3, "just now", "방금");
        check(5, "5 s ago", "5초 전");
        check(59, "59 s ago", "59초 전");
        check(60, "1 min ago", "1분 전");
        check(3599, "59 min ago", "59분 전");
        check(7200, "2 h ago", "2시간 전");
        check(86_400, "1 day ago", "1일 전");
        check(13 * 86_400, "13 days ago", "13일 전");
    }

    #[test]
    fn far_times_are_dates() {
        let now = at("2026-03-01T12:00:00Z");
        let far = ago(at("2025-12-15T12:00:00Z"), now);
        assert!(far.starts_with("2025-12-1"), "{far}");
        let to_come = ago(at("2026-03-01T12:10:00Z"), now);
        assert!(to_come.starts_with("2026-03-0"), "{to_come}");
    }

    #[test]
    fn durations_in_both_languages() {
        fn check(ms: u64, english: &str, korean: &str) {
            words::choose(Language::English);
            assert_eq!(duration(Duration::from_millis(ms)), english);
            words::choose(Language::Korean);
            assert_eq!(duration(Duration::from_millis(ms)), korean);
        }
        check(0, "0 ms", "0밀리초");
        check(994, "994 ms", "994밀리초");
        check(995, "1.0 s", "1.0초");
        check(1234, "1.2 s", "1.2초");
        check(59_949, "59.9 s", "59.9초");
        check(60_000, "1 min 00 s", "1분 00초");
        check(3_780_000, "1 h 03 min", "1시간 03분");
    }

    #[test]
    fn moments() {
        // A Friday, on a clock nine hours ahead.
        fn check(text: &str, expected: Option<[&str; 2]>) {
            let now = DateTime::parse_from_rfc3339("2026-11-27T12:00:00+09:00").expect("a time");
            let at = |text| DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
            let expected = expected.map(|[first, last]| (at(first), at(last)));
            assert_eq!(span(text, &now), expected, "{text}");
        }
        fn exactly(text: &str, expected: &str) {
            let expected = format!("{expected}+09:00");
            check(text, Some([&expected, &expected]));
        }
        fn day(text: &str, expected: &str) {
            let (first, last) = (
                format!("{expected}T00:00:00+09:00"),
                format!("{expected}T23:59:59.999999999+09:00"),
            );
            check(text, Some([&first, &last]));
        }
        exactly("now", "2026-11-27T12:00:00");
        exactly("30s", "2026-11-27T11:59:30");
        exactly("45m", "2026-11-27T11:15:00");
        exactly("3h", "2026-11-27T09:00:00");
        exactly("2d", "2026-11-25T12:00:00");
        exactly("2w", "2026-11-13T12:00:00");
        exactly("2 hours ago", "2026-11-27T10:00:00");
        exactly("1 day", "2026-11-26T12:00:00");
        exactly("2시간 전", "2026-11-27T10:00:00");
        exactly("10:00", "2026-11-27T10:00:00");
        exactly("14:00", "2026-11-26T14:00:00");
        exactly("tuesday 14:00", "2026-11-24T14:00:00");
        exactly("friday 11:00", "2026-11-27T11:00:00");
        exactly("friday 14:00", "2026-11-20T14:00:00");
        exactly("yesterday 14:00:05", "2026-11-26T14:00:05");
        exactly("어제 9:05", "2026-11-26T09:05:00");
        exactly("2026-03-01T10:00", "2026-03-01T10:00:00");
        exactly("2026-03-01 10:00:59", "2026-03-01T10:00:59");
        exactly("2026-02-28T16:00:00Z", "2026-03-01T01:00:00");
        day("today", "2026-11-27");
        day("Yesterday", "2026-11-26");
        day("friday", "2026-11-27");
        day("Tue", "2026-11-24");
        day("saturday", "2026-11-21");
        day("화요일", "2026-11-24");
        day("2026-02-01", "2026-02-01");
        for bad in [
            "",
            "d",
            "-2d",
            "2y",
            "soon",
            "tuesday soon",
            "25:00",
            "2026-13-01",
            "99999999999999999d",
            "9223372036854775807w",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn moments_are_on_the_persons_clock() {
        let date = moment("2026-02-01", Utc::now()).expect("a date");
        let local = date.with_timezone(&Local).format("%F %T").to_string();
        assert_eq!(local, "2026-02-01 00:00:00");
    }
}
