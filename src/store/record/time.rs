//! Times as they stand in files: UTC, ISO-8601, `+00:00`, six fraction digits or none when they are zero (compat,
//! section 4: Python's `isoformat`).

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, Utc};
use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

/// `time` as text.
pub(crate) fn text(time: DateTime<Utc>) -> String {
    let time = time.trunc_subsecs(6);
    let form = if time.timestamp_subsec_micros() == 0 {
        "%Y-%m-%dT%H:%M:%S+00:00"
    } else {
        "%Y-%m-%dT%H:%M:%S%.6f+00:00"
    };
    time.format(form).to_string()
}

/// The time that `text` says; without an offset it is taken as UTC.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .or_else(|_| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc())
        })
        .ok()
}

/// For `#[serde(with = "time")]`.
pub(crate) fn serialize<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text(*time))
}

/// For `#[serde(with = "time")]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(from)?;
    parse(&text).ok_or_else(|| D::Error::custom(format!("not a time: {text:?}")))
}

/// Whether it took no time.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
pub(super) fn is_zero(milliseconds: &u64) -> bool {
    *milliseconds == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_has_six_digits_or_is_left_out() {
        for (given, expected) in [
            ("2025-10-04T08:30:28+00:00", "2025-10-04T08:30:28+00:00"),
            ("2025-10-04T08:30:28.1Z", "2025-10-04T08:30:28.100000+00:00"),
            (
                "2025-10-04T08:30:28.123456789+09:00",
                "2025-10-03T23:30:28.123456+00:00",
            ),
            (
                "2025-10-04T08:30:28.0000001+00:00",
                "2025-10-04T08:30:28+00:00",
            ),
            ("2025-10-04T08:30:28.5", "2025-10-04T08:30:28.500000+00:00"),
        ] {
            assert_eq!(text(parse(given).expect(given)), expected);
        }
        assert_eq!(parse("yesterday"), None);
    }
}
