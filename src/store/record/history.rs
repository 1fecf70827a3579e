//! `runs.jsonl`: run records, one a line, oldest first.
//!
//! **Invariant:** only who holds the project's lock appends or rewrites.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lines::{Lines, Piece};
use super::run_id::Generation;
use super::run_record::RunRecord;
use crate::error::brief;
use crate::files::Folder;
use crate::files::momentary::found;
use crate::project::ProjectLayout;

/// The newest records that are read: as many as fit into this many bytes, 16,000 of the usual ones. Who writes the file
/// anew keeps half of that, so a file that somebody blew up costs a reader milliseconds and is small after the next
/// run.
pub(crate) const LONGEST: u64 = 16 << 20;
/// A longer line is none of ours.
const LONGEST_LINE: usize = 4 << 20;

/// The records, as far as they are read.
#[derive(Debug, Clone)]
pub(crate) struct Records<R = RunRecord> {
    /// Oldest first.
    pub(crate) lines: Vec<Line<R>>,
    /// Whether the file holds more than the newest that are here.
    pub(crate) is_cut: bool,
}

/// One line of the file, as it stands there, read as far as `R` wants to know it.
#[derive(Debug, Clone)]
pub(crate) struct Line<R = RunRecord> {
    /// Without its line end; kept as it is when the file is written anew. None of a line that is too long.
    pub(crate) raw: Option<Vec<u8>>,
    /// What it says, or why it says nothing.
    pub(crate) record: Result<R, String>,
}

/// The newest records in `logs`; none when there is no file. A last line without an end that says nothing is what a
/// crash left of a record, and is left out.
pub(crate) fn read<R: DeserializeOwned>(logs: &Folder) -> io::Result<Records<R>> {
    newest(logs, LONGEST)
}

/// As [`read`], for who writes the file anew: of a file that is too long, only the newer half of what is read.
pub(crate) fn read_to_keep<R: DeserializeOwned>(logs: &Folder) -> io::Result<Records<R>> {
    let length = logs
        .found(ProjectLayout::RUNS)
        .map_or(0, |found| found.length);
    newest(
        logs,
        if length > LONGEST {
            LONGEST / 2
        } else {
            LONGEST
        },
    )
}

fn newest<R: DeserializeOwned>(logs: &Folder, longest: u64) -> io::Result<Records<R>> {
    let mut records = Records {
        lines: Vec::new(),
        is_cut: false,
    };
    let (mut file, length) = match logs.open_file(ProjectLayout::RUNS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(records),
        opened => opened?,
    };
    let start = length.saturating_sub(longest);
    records.is_cut = start > 0;
    file.seek(SeekFrom::Start(start))?;
    let pieces = BufReader::with_capacity(128 << 10, file.take(length - start));
    for piece in Lines::new(pieces, LONGEST_LINE).skip(usize::from(records.is_cut)) {
        let line = match piece? {
            Piece::Whole { line, is_ended } => {
                let record = serde_json::from_slice(&line);
                if record.is_err() && !is_ended {
                    break;
                }
                Line {
                    record: record.map_err(|error| brief(&error.to_string())),
                    raw: Some(line),
                }
            }
            Piece::TooLong => Line {
                record: Err(format!("longer than {} MiB", LONGEST_LINE >> 20)),
                raw: None,
            },
        };
        records.lines.push(line);
    }
    Ok(records)
}

/// A record that was appended, to be taken back where what belongs to it cannot be written.
pub(crate) struct Appended {
    file: File,
    length_before: u64,
}

impl Appended {
    /// Makes the file what it was before.
    pub(crate) fn take_back(self) {
        // If this fails, the next comparison of the environment finds the record and completes it.
        let _ = self.file.set_len(self.length_before);
    }
}

/// Appends `record`, so that it is on the disk when this returns. A torn last line is ended first. After a failure the
/// file is as it was.
pub(crate) fn append(logs: &Folder, record: &RunRecord) -> io::Result<Appended> {
    let mut file = logs.open_to_append(ProjectLayout::RUNS)?;
    let length = file.metadata()?.len();
    let mut line = Vec::with_capacity(1024);
    if length > 0 {
        let mut last = [0];
        file.read_exact_at(&mut last, length - 1)?;
        if last != *b"\n" {
            line.push(b'\n');
        }
    }
    serde_json::to_writer(&mut line, record)?;
    line.push(b'\n');
    file.write_all(&line)
        .and_then(|()| file.sync_data())
        .inspect_err(|_| {
            // If this fails, too, the torn line is ended by the next writer.
            let _ = file.set_len(length);
        })?;
    Ok(Appended {
        file,
        length_before: length,
    })
}

/// Writes the file anew with `lines`.
pub(crate) fn rewrite<'a>(logs: &Folder, lines: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    logs.write(ProjectLayout::RUNS, &bytes)
}

/// The highest generation that the last records name. Generations only grow, so the end of the file tells it.
///
/// # Errors
/// What is of the moment.
pub(crate) fn last_generation(logs: &Folder) -> io::Result<Generation> {
    let known = |longest| found(last_generations(logs, longest)).map(Option::unwrap_or_default);
    let mut last = known(USUAL_TAIL)?;
    if last.len() < ENOUGH {
        last = known(LONGEST_TAIL)?;
    }
    let believable = last.into_iter().filter(|last| last.is_believable());
    Ok(believable.max().unwrap_or_default())
}

/// The generations of the last records, of those that stand whole in the last `longest` bytes of the file.
fn last_generations(logs: &Folder, longest: u64) -> io::Result<Vec<Generation>> {
    let (file, length) = logs.open_file(ProjectLayout::RUNS)?;
    let mut tail = vec![0; usize::try_from(length.min(longest)).unwrap_or_default()];
    let start = length - tail.len() as u64;
    file.read_exact_at(&mut tail, start)?;
    let lines = tail.rsplit(|&byte| byte == b'\n');
    let records = lines.filter_map(|line| serde_json::from_slice::<GenerationOnly>(line).ok());
    Ok(records
        .take(ENOUGH)
        .map(|record| record.generation_after)
        .collect())
}

/// A record as far as its generation.
#[derive(Deserialize)]
struct GenerationOnly {
    generation_after: Generation,
}

/// Holds the last records in all but rare cases.
const USUAL_TAIL: u64 = 8 << 10;
/// Longer than the record of any plausible run: some 10,000 changed distributions.
const LONGEST_TAIL: u64 = 1 << 20;
/// Records looked at: more than one, in case the last was written by hand.
const ENOUGH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = Folder::open(dir.path()).expect("open");
        (dir, folder)
    }

    fn text(logs: &Folder) -> Vec<u8> {
        logs.read(ProjectLayout::RUNS, u64::MAX - 1).expect("read")
    }

    fn ids(logs: &Folder) -> Vec<String> {
        let records = read::<RunRecord>(logs).expect("read");
        records
            .lines
            .iter()
            .map(|line| {
                line.record
                    .as_ref()
                    .map_or("?".into(), |record| record.action.clone())
            })
            .collect()
    }

    #[test]
    fn a_torn_last_line_is_skipped_and_mended() {
        let (_dir, logs) = folder();
        assert!(ids(&logs).is_empty());
        append(&logs, &testing::record("one", 1)).expect("append");
        append(&logs, &testing::record("two", 2)).expect("append");
        let whole = text(&logs);
        logs.write(ProjectLayout::RUNS, &whole[..whole.len() - 20])
            .expect("tear");
        assert_eq!(ids(&logs), ["one"]);
        append(&logs, &testing::record("three", 3)).expect("append");
        assert_eq!(ids(&logs), ["one", "?", "three"]);
        assert_eq!(last_generation(&logs).expect("read"), Generation(3));
    }

    #[test]
    fn a_whole_last_line_without_end_counts() {
        let (_dir, logs) = folder();
        append(&logs, &testing::record("one", 1)).expect("append");
        let whole = text(&logs);
        logs.write(ProjectLayout::RUNS, &whole[..whole.len() - 1])
            .expect("cut");
        append(&logs, &testing::record("two", 2)).expect("append");
        assert_eq!(ids(&logs), ["one", "two"]);
    }

    #[test]
    fn unknown_fields_and_lines_survive_a_rewrite() {
        let (_dir, logs) = folder();
        append(&logs, &testing::record("one", 1)).expect("append");
        let mut bytes = text(&logs);
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(b",\"colour\":\"blue\"}\n\xff\xfe\n");
        logs.write(ProjectLayout::RUNS, &bytes).expect("write");
        let lines = read::<RunRecord>(&logs).expect("read").lines;
        assert_eq!(
            lines[0].record.as_ref().expect("sound").others["colour"],
            "blue"
        );
        rewrite(&logs, lines.iter().filter_map(|line| line.raw.as_deref())).expect("rewrite");
        assert_eq!(text(&logs), bytes);
    }

    #[test]
    fn a_line_without_end_costs_nothing() {
        let (_dir, logs) = folder();
        append(&logs, &testing::record("old", 1)).expect("append");
        let file = logs.open_to_append(ProjectLayout::RUNS).expect("open");
        file.set_len(1 << 30).expect("a hole");
        append(&logs, &testing::record("new", 2)).expect("append");
        let records = read::<RunRecord>(&logs).expect("read");
        assert!(records.is_cut, "the old one is out of sight");
        assert_eq!(ids(&logs), ["new"]);
        assert_eq!(last_generation(&logs).expect("read"), Generation(2));
        let kept = read_to_keep::<RunRecord>(&logs).expect("read").lines;
        rewrite(&logs, kept.iter().filter_map(|line| line.raw.as_deref())).expect("rewrite");
        assert!(text(&logs).len() < 4096);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_not_kept() {
        let (_dir, logs) = folder();
        append(&logs, &testing::record("one", 1)).expect("append");
        let mut bytes = text(&logs);
        bytes.resize(bytes.len() + LONGEST_LINE + 1, b'x');
        bytes.push(b'\n');
        logs.write(ProjectLayout::RUNS, &bytes).expect("write");
        append(&logs, &testing::record("two", 2)).expect("append");
        assert_eq!(ids(&logs), ["one", "?", "two"]);
        let records = read::<RunRecord>(&logs).expect("read");
        assert!(!records.is_cut);
        let why = records.lines[1].record.as_ref().expect_err("too long");
        assert_eq!(
            (why.as_str(), records.lines[1].raw.is_none()),
            ("longer than 4 MiB", true)
        );
    }
}
