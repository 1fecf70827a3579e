//! Times and durations for people.

use std::time::Duration;

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};

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

/// The moment that `text` means: an age (`45m`, `3h`, `2d`, `2w`, also `30s`) before `now`, a date (its first moment on
/// the person's clock), or an ISO-8601 time (with an offset, else on the person's clock). `None` for anything else.
pub fn since(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    age(text).map_or_else(|| moment(text), |age| now.checked_sub_signed(age))
}

fn age(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = number.parse().ok()?;
    TimeDelta::try_seconds(number.checked_mul(seconds)?)
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let naive = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .or_else(|| {
            [
                "%Y-%m-%dT%H:%M:%S",
                "%Y-%m-%d %H:%M:%S",
                "%Y-%m-%dT%H:%M",
                "%Y-%m-%d %H:%M",
            ]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        })?;
    Some(Local.from_local_datetime(&naive).earliest()?.to_utc())
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
        fn check(text: &str, expected: Option<&str>) {
            let now = at("2026-03-01T12:00:00Z");
            assert_eq!(since(text, now), expected.map(at), "{text}");
        }
        check("2d", Some("2026-02-27T12:00:00Z"));
        check("3h", Some("2026-03-01T09:00:00Z"));
        check("45m", Some("2026-03-01T11:15:00Z"));
        check("2w", Some("2026-02-15T12:00:00Z"));
        check("2026-02-01T00:00:00+09:00", Some("2026-01-31T15:00:00Z"));
        for bad in [
            "",
            "d",
            "-2d",
            "2y",
            "2 d",
            "yesterday",
            "2026-13-01",
            "99999999999999999d",
            "9223372036854775807w",
        ] {
            check(bad, None);
        }
        let date = since("2026-02-01", Utc::now()).expect("a date");
        assert_eq!(
            date.with_timezone(&Local).format("%F %T").to_string(),
            "2026-02-01 00:00:00"
        );
    }
}
