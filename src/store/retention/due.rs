//! Whether retention could find anything to do. Every run asks, so the answer must cost microseconds: reading each
//! record and the size of each log would cost as much as everything else that a run writes.
//!
//! It counts lines, adds up the sizes that the records name, and counts the logs beside them. A "yes" may be wrong, and
//! costs time; a "no" is always right.

use std::io;

use chrono::{DateTime, Utc};
use memchr::memmem;

use super::limits::Limits;
use crate::files::Folder;
use crate::project::ProjectLayout;
use crate::store::record::history;

/// Whether the history may hold more than `limits` allow, or something that a crash left, at `now`.
pub(crate) fn may_be_over(logs: &Folder, limits: Limits, now: DateTime<Utc>) -> bool {
    let look = || -> io::Result<bool> {
        let records = Tally::of(&logs.read(ProjectLayout::RUNS, history::LONGEST)?);
        let fits = |records: Tally| records.fit(limits, now) && is_tidy(logs, records.logs);
        Ok(!records.is_some_and(fits))
    };
    look().unwrap_or(true)
}

/// What the records tell without being read.
#[derive(Debug, PartialEq, Eq)]
struct Tally {
    runs: u64,
    /// Of themselves and of their logs.
    bytes: u64,
    logs: usize,
    oldest: DateTime<Utc>,
}

impl Tally {
    /// None where a line is not as this version writes it.
    fn of(text: &[u8]) -> Option<Self> {
        let runs = memchr::memchr_iter(b'\n', text).count();
        let mut sizes = 0_usize;
        let mut bytes = text.len() as u64;
        // In a JSON text a quote within a string has a backslash before it, so these are members.
        for at in memmem::find_iter(text, BYTES) {
            let digits = text[at + BYTES.len()..].split(|byte| !byte.is_ascii_digit());
            let size: u64 = std::str::from_utf8(digits.take(1).next()?)
                .ok()?
                .parse()
                .ok()?;
            bytes = bytes.saturating_add(size);
            sizes += 1;
        }
        let oldest = &text[memmem::find(text, STARTED)? + STARTED.len()..];
        let oldest = oldest.split(|&byte| byte == b'"').next()?;
        let oldest = DateTime::parse_from_rfc3339(std::str::from_utf8(oldest).ok()?).ok()?;
        (sizes == runs && text.ends_with(b"\n")).then(|| Self {
            runs: runs as u64,
            bytes,
            logs: memmem::find_iter(text, LOG).count(),
            oldest: oldest.to_utc(),
        })
    }

    fn fit(&self, limits: Limits, now: DateTime<Utc>) -> bool {
        self.runs <= limits.runs
            && self.bytes <= limits.bytes()
            && limits
                .oldest(now)
                .is_none_or(|oldest| self.oldest >= oldest)
    }
}

const BYTES: &[u8] = b"\"bytes\":";
const STARTED: &[u8] = b"\"started_at\":\"";
const LOG: &[u8] = b"\"log_path\":\"";

/// Whether the folder of logs holds the `logs` of the records and nothing that was left half-done.
fn is_tidy(folder: &Folder, logs: usize) -> bool {
    let Ok(names) = folder.names() else {
        return false;
    };
    let mut found = 0;
    for name in names {
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b".") && name != ProjectLayout::LOCK {
            return false;
        }
        found += usize::from(bytes.ends_with(b".log"));
    }
    found <= logs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Snapshot;
    use crate::project::{Config, Project};
    use crate::store::testing::{finished, project};

    const WIDE: Limits = Limits {
        runs: 3,
        days: 90,
        mib: 1,
        before: None,
    };

    fn publish(project: &Project, text: &str) {
        let nothing = Snapshot::default();
        let run = finished("install", text);
        let config = Config::default();
        crate::store::publish(project, &config, run, &nothing, &nothing).expect("published");
    }

    fn check(project: &Project, limits: Limits, expected: bool) {
        let logs = crate::store::places::logs(&project.layout()).expect("the folder of logs");
        let over = may_be_over(&logs, limits, Utc::now());
        assert_eq!(over, expected, "{limits:?}");
    }

    #[test]
    fn each_limit_is_seen() {
        let (_dir, project) = project();
        for _ in 0..3 {
            publish(&project, "text");
        }
        check(&project, WIDE, false);
        check(&project, Limits { runs: 2, ..WIDE }, true);
        check(&project, Limits { days: 0, ..WIDE }, true);
        check(&project, Limits { mib: 0, ..WIDE }, true);
        let runs: Limits = Limits { runs: 4, ..WIDE };
        publish(&project, &"x".repeat(1 << 20));
        check(&project, runs, true);
        check(&project, Limits { mib: 2, ..runs }, false);
    }

    #[test]
    fn what_is_not_as_we_write_it_is_looked_at() {
        let strange: [(&str, &[u8]); 4] = [
            (".0.log.1-1.aim-tmp", b""),
            (".01a2104f-e3b4-7049-abe7-2fbdf1262dc4.part", b""),
            ("20251004083028_install_success.log", b"action: install\n"),
            ("runs.jsonl", b"{\"schema\":1, \"bytes\": 5}\n"),
        ];
        for (name, text) in strange {
            let (_dir, project) = project();
            publish(&project, "text");
            check(&project, WIDE, false);
            std::fs::write(project.layout().logs().join(name), text).expect("write");
            check(&project, WIDE, true);
        }
    }

    #[test]
    fn a_text_that_looks_like_a_member_counts_for_nothing() {
        let (_dir, project) = project();
        let mut run = finished("install", "text");
        run.started.argv = vec!["\"bytes\":99999999".into(), "\"started_at\":\"1999".into()];
        let nothing = Snapshot::default();
        crate::store::publish(&project, &Config::default(), run, &nothing, &nothing)
            .expect("published");
        check(&project, WIDE, false);
    }
}
