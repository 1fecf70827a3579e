//! The layout of a run log: AIM-Forge's (compat, section 5), which people `cat` and AIM-Forge reads.
//!
//! A header of four lines, then `[stdout]` and `[stderr]` with their text. Names begin with 14 digits (UTC, to the
//! second) and the action, and end in the status; between them ours have milliseconds and the run's id.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::store::record::time;
use crate::store::record::{RunId, RunOutput};

/// The two sections of a run log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// What a log tells before its sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) action: String,
    /// As the line has them: joined by `, `.
    pub(crate) packages: String,
    pub(crate) success: bool,
    pub(crate) at: DateTime<Utc>,
}

const STDOUT: &str = "\n[stdout]\n";
const STDERR: &str = "\n[stderr]\n";
const NO_PACKAGES: &str = "(none)";

impl Log {
    /// The sections of the log `text`. Where the run's own output holds a line `[stderr]`, the last one counts.
    pub fn parse(text: &str) -> Self {
        let Some((mut stdout, stderr)) = sections(text) else {
            return Self::default();
        };
        if stderr.is_none()
            && let Some(at) = stdout.rfind(STDERR)
        {
            let stderr = &stdout[at + STDERR.len()..];
            stdout = &stdout[..at];
            return Self {
                stdout: stdout.to_owned(),
                stderr: stderr.to_owned(),
            };
        }
        Self {
            stdout: stdout.to_owned(),
            stderr: stderr.unwrap_or_default().to_owned(),
        }
    }

    /// The sections of the log `text` whose `[stdout]` text is known to have `length` bytes.
    pub fn parse_with_length(text: &str, length: u64) -> Self {
        let exact = || {
            let (stdout, None) = sections(text)? else {
                return None;
            };
            let length = usize::try_from(length).ok()?;
            let rest = stdout.get(length..)?;
            let stderr = if rest.is_empty() {
                ""
            } else {
                rest.strip_prefix(STDERR)?
            };
            Some(Self {
                stdout: stdout[..length].to_owned(),
                stderr: stderr.to_owned(),
            })
        };
        exact().unwrap_or_else(|| Self::parse(text))
    }
}

/// What follows `[stdout]`, or an empty text and what follows `[stderr]` in a log without the former.
fn sections(text: &str) -> Option<(&str, Option<&str>)> {
    let header = text
        .match_indices('\n')
        .nth(3)
        .map_or(text.len(), |(at, _)| at);
    let body = &text[header..];
    // AIM-Forge leaves one or two line ends before the first section.
    let body = body
        .strip_prefix("\n")
        .filter(|body| !body.starts_with('['))
        .unwrap_or(body);
    match body.strip_prefix(STDOUT) {
        Some(stdout) => Some((stdout, None)),
        None => Some((
            "",
            Some(body.trim_start_matches('\n').strip_prefix("[stderr]\n")?),
        )),
    }
}

impl Header {
    /// The header that `text` begins with.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let action = field("action")?.to_owned();
        let packages = match field("packages")? {
            NO_PACKAGES => String::new(),
            packages => packages.to_owned(),
        };
        let success = match field("status")? {
            "success" => true,
            "error" => false,
            _ => return None,
        };
        Some(Self {
            action,
            packages,
            success,
            at: time::parse(field("timestamp")?)?,
        })
    }

    /// What the file name of a log tells, for one whose header is torn.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".log")?;
        let (digits, rest) = stem.split_at_checked(14)?;
        let at = NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S")
            .ok()?
            .and_utc();
        let (middle, status) = rest.strip_prefix('_')?.rsplit_once('_')?;
        let success = match status {
            "success" => true,
            "error" => false,
            _ => return None,
        };
        let action = middle.split('_').next().unwrap_or(middle).to_owned();
        Some(Self {
            action,
            packages: String::new(),
            success,
            at,
        })
    }
}

/// The file name of the log of `run`, which ended at `at`.
pub(crate) fn name(action: &str, run: &RunId, success: bool, at: DateTime<Utc>) -> String {
    let action: String = action
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        })
        .take(40)
        .collect();
    format!(
        "{}_{action}_{:03}-{run}_{}.log",
        at.format("%Y%m%d%H%M%S"),
        at.timestamp_subsec_millis(),
        status(success),
    )
}

/// The text of a log.
pub(crate) fn text(
    action: &str,
    packages: &[String],
    success: bool,
    at: DateTime<Utc>,
    output: &RunOutput,
) -> String {
    let on_a_line = |text: &str| text.replace(char::is_control, " ");
    let packages = if packages.is_empty() {
        NO_PACKAGES.to_owned()
    } else {
        on_a_line(&packages.join(", "))
    };
    let mut text = format!(
        "action: {}\npackages: {packages}\nstatus: {}\ntimestamp: {}\n",
        on_a_line(action),
        status(success),
        time::text(at),
    );
    for (head, section) in [(STDOUT, &output.stdout), (STDERR, &output.stderr)] {
        if !section.is_empty() {
            text.push_str(head);
            text.push_str(section);
        }
    }
    text
}

fn status(success: bool) -> &'static str {
    if success { "success" } else { "error" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        time::parse("2025-10-04T08:30:28.123456+00:00").expect("a time")
    }

    fn output(stdout: &str, stderr: &str) -> RunOutput {
        RunOutput {
            stdout: stdout.into(),
            stderr: stderr.into(),
            part: None,
        }
    }

    const HEADER: &str = "action: install\npackages: requests==2.32.3, a\nstatus: success\n\
        timestamp: 2025-10-04T08:30:28.123456+00:00\n";

    fn check(stdout: &str, stderr: &str, body: &str) {
        let packages = ["requests==2.32.3".to_owned(), "a".to_owned()];
        let text = text("install", &packages, true, at(), &output(stdout, stderr));
        assert_eq!(text, format!("{HEADER}{body}"));
        let expected = Log {
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        assert_eq!(Log::parse_with_length(&text, stdout.len() as u64), expected);
        let header = Header::parse(&text).expect("a header");
        assert_eq!(
            (header.at, header.packages.as_str()),
            (at(), "requests==2.32.3, a")
        );
    }

    #[test]
    fn the_layout_is_aim_forges() {
        check("", "", "");
        check("out\n", "", "\n[stdout]\nout\n");
        check("out", "err", "\n[stdout]\nout\n[stderr]\nerr");
        check("out\n", "err\n", "\n[stdout]\nout\n\n[stderr]\nerr\n");
        check("", "err", "\n[stderr]\nerr");
        check("a\n[stderr]\nb\n", "", "\n[stdout]\na\n[stderr]\nb\n");
        check(
            "a\n[stderr]\nb",
            "c",
            "\n[stdout]\na\n[stderr]\nb\n[stderr]\nc",
        );
    }

    #[test]
    fn without_a_length_the_last_section_counts() {
        let parsed = |body: &str| {
            let log = Log::parse(&format!("{HEADER}{body}"));
            (log.stdout, log.stderr)
        };
        let pair = |out: &str, err: &str| (out.to_owned(), err.to_owned());
        assert_eq!(parsed(""), pair("", ""));
        assert_eq!(parsed("\n\n[stderr]\ne"), pair("", "e"));
        assert_eq!(
            parsed("\n[stdout]\na\n[stderr]\nb\n\n[stderr]\nc\n"),
            pair("a\n[stderr]\nb\n", "c\n")
        );
        assert_eq!(parsed("\n[std"), pair("", ""));
        assert_eq!(Log::parse("no log at all"), Log::default());
    }

    #[test]
    fn names_tell_time_action_and_status() {
        let id = RunId::new();
        let name = name("install", &id, false, at());
        assert_eq!(name, format!("20251004083028_install_123-{id}_error.log"));
        let header = Header::of_name(&name).expect("a name of ours");
        assert_eq!((header.action.as_str(), header.success), ("install", false));
        assert!(
            Header::of_name("20251004083028_install_success.log")
                .expect("AIM-Forge's")
                .success
        );
        assert_eq!(Header::of_name("notes.log"), None);
        assert!(crate::store::log::file::name("../x", &id, true, at()).contains("_---x_"));
    }

    #[test]
    fn arguments_cannot_forge_a_header() {
        let text = text(
            "install",
            &["a\nstatus: error".into()],
            true,
            at(),
            &output("", ""),
        );
        assert!(Header::parse(&text).expect("a header").success);
    }
}
