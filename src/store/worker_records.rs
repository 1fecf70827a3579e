//! What became of workers, and how long their nodes waited: a line each in the person's own folder of state, which the
//! daemon writes and a report reads.
//!
//! **Invariant:** never in the way: the file has a bound, and what cannot be written is lost, not waited for.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::record::time;
use crate::files::{Folder, atomic, read};
use crate::project::UserLayout;

/// Bytes after which the older half goes: some ten thousand records.
const LONGEST: u64 = 4 << 20;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRecord {
    /// Version of the line's format: 1.
    pub schema: u32,
    /// When it was over.
    #[serde(with = "time")]
    pub at: DateTime<Utc>,
    /// The project's folder.
    pub project: PathBuf,
    /// What happened.
    pub what: WorkerWhat,
    /// The generation that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// How long it took.
    #[serde(default)]
    pub took_ms: u64,
    /// Why it failed, secrets taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerWhat {
    /// A worker has taken the place of another one.
    Restarted,
    /// The next one did not start.
    Failed,
    /// A node has waited for a worker.
    WaitedForWorker,
    /// A node has waited for another node.
    WaitedForNode,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

/// The file.
#[derive(Debug, Clone)]
pub struct WorkerRecords {
    file: PathBuf,
}

impl WorkerRecords {
    /// Those of the person with these folders.
    pub fn of(user: &UserLayout) -> Self {
        Self {
            file: user.worker_records(),
        }
    }

    /// Writes `records` at the end. What is older than `days` goes when the file has become too long.
    ///
    /// # Errors
    /// What the system says.
    #[expect(
        clippy::disallowed_methods,
        reason = "the person's state folder, which no project can bring"
    )]
    pub fn append(&self, records: &[WorkerRecord], days: u64) -> io::Result<()> {
        let (folder, name) = self.place()?;
        fs_err::create_dir_all(folder)?;
        let folder = Folder::open(folder)?;
        let file = folder.open_to_append(name)?;
        // In one piece, since two daemons of one person write here.
        io::Write::write_all(&mut &file, &lines(records)?)?;
        if file.metadata()?.len() > LONGEST {
            self.cut(days)?;
        }
        Ok(())
    }

    /// The lines that are understood, oldest first; none where there is no file.
    ///
    /// # Errors
    /// What the system says.
    pub fn all(&self) -> io::Result<Vec<WorkerRecord>> {
        let text = match read::read(&self.file, 2 * LONGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        let lines = text.split(|byte| *byte == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }

    fn cut(&self, days: u64) -> io::Result<()> {
        let days = i64::try_from(days).ok().and_then(TimeDelta::try_days);
        let oldest = days.and_then(|days| Utc::now().checked_sub_signed(days));
        let all = self.all()?;
        let half = all.len() / 2;
        let kept = all[half..]
            .iter()
            .filter(|record| oldest.is_none_or(|oldest| record.at >= oldest));
        atomic::write(&self.file, &lines(kept)?)
    }

    fn place(&self) -> io::Result<(&Path, &std::ffi::OsStr)> {
        let place = self.file.parent().zip(self.file.file_name());
        place.ok_or_else(|| io::ErrorKind::InvalidFilename.into())
    }
}

fn lines<'r>(records: impl IntoIterator<Item = &'r WorkerRecord>) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    fn record(number: u64, why: &str) -> WorkerRecord {
        WorkerRecord {
            schema: 1,
            at: Utc::now(),
            project: PathBuf::from("/p"),
            what: WorkerWhat::Failed,
            generation: Some(number),
            run_id: None,
            took_ms: 7,
            why: Some(why.to_owned()),
        }
    }

    #[test]
    fn what_is_written_is_read_and_what_is_not_understood_left_out() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"]).with_var("XDG_STATE_HOME", dir.path());
        let records = WorkerRecords::of(&UserLayout::of(&host).expect("folders"));
        assert_eq!(records.all().expect("none yet"), []);
        records.append(&[record(1, "a")], 90).expect("written");
        let file = dir.path().join("aim-toolkit/workers.jsonl");
        let later = r#"{"schema":2,"at":"2026-11-27T00:00:00Z","project":"/p","what":"sang"}"#;
        let text = std::fs::read_to_string(&file).expect("read") + later + "\n{\"torn";
        std::fs::write(&file, text + "\n").expect("write");
        records.append(&[record(2, "b")], 90).expect("written");
        let all = records.all().expect("read");
        let what: Vec<_> = all.iter().map(|one| (one.generation, one.what)).collect();
        let (failed, other) = (WorkerWhat::Failed, WorkerWhat::Other);
        assert_eq!(what, [(Some(1), failed), (None, other), (Some(2), failed)]);
    }

    #[test]
    fn the_file_has_a_bound() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"]).with_var("XDG_STATE_HOME", dir.path());
        let records = WorkerRecords::of(&UserLayout::of(&host).expect("folders"));
        let long = "x".repeat(100_000);
        let many: Vec<_> = (0..45).map(|number| record(number, &long)).collect();
        records.append(&many, 90).expect("written");
        let all = records.all().expect("read");
        assert_eq!(all.len(), 23);
        assert_eq!(all.last().and_then(|one| one.generation), Some(44));
    }
}
