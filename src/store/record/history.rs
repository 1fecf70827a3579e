//! `runs.jsonl`: run records, one a line, oldest first.
//!
//! **Invariant:** only who holds the project's lock appends or rewrites.
//! **Invariant:** a line has one number for all readers and writers: its own; where an earlier version wrote it, the
//! number that its place gives it beside the nearest line with a number of its own (see [`Records::numbers`]).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;

use memchr::{memchr_iter, memrchr_iter};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lines::{Lines, Piece};
use super::run_id::{Generation, RunNumber};
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
    /// Lines of the file before these, as far as they were counted.
    pub(crate) lines_before: usize,
    /// Whether the file is longer than what is read of it.
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

/// The last `most` records, and the text of all lines before them: to read each of those would cost a hundred times
/// as much as to have a look whether it is there.
pub(crate) fn read_last<R: DeserializeOwned + Numbered>(
    logs: &Folder,
    most: usize,
) -> io::Result<(Records<R>, Vec<u8>)> {
    let length = found(logs.found(ProjectLayout::RUNS))?.map_or(0, |found| found.length);
    if length == 0 || length > LONGEST {
        return Ok((read(logs)?, Vec::new()));
    }
    let mut text = logs.read(ProjectLayout::RUNS, LONGEST)?;
    let whole = text.strip_suffix(b"\n").unwrap_or(&text);
    let start = memrchr_iter(b'\n', whole).nth(most.saturating_sub(1));
    let last = text.split_off(start.map_or(0, |before| before + 1));
    let mut records: Records<R> = parsed(last.as_slice())?;
    if !records.lines.iter().any(|line| line.number().is_some()) {
        // Only those before them tell their numbers: once, after an earlier version wrote them.
        return Ok((read(logs)?, Vec::new()));
    }
    records.lines_before = memchr_iter(b'\n', &text).count();
    Ok((records, text))
}

fn newest<R: DeserializeOwned>(logs: &Folder, longest: u64) -> io::Result<Records<R>> {
    let (mut file, length) = match logs.open_file(ProjectLayout::RUNS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return parsed(io::empty()),
        opened => opened?,
    };
    let start = length.saturating_sub(longest);
    file.seek(SeekFrom::Start(start))?;
    let mut text = BufReader::with_capacity(128 << 10, file.take(length - start));
    if start > 0 {
        text.skip_until(b'\n')?;
    }
    let records = parsed(text)?;
    Ok(Records {
        is_cut: start > 0,
        ..records
    })
}

fn parsed<R: DeserializeOwned>(text: impl BufRead) -> io::Result<Records<R>> {
    let mut records = Records {
        lines: Vec::new(),
        lines_before: 0,
        is_cut: false,
    };
    for piece in Lines::new(text, LONGEST_LINE) {
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

/// What the end of the file tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Last {
    /// The highest generation that the last records name: generations only grow.
    pub(crate) generation: Generation,
    /// The number of the last line; 0 where there is none.
    pub(crate) number: RunNumber,
}

/// What the end of the file tells. The whole file is read only where none of the last records has a number: once, after
/// an earlier version wrote them.
///
/// # Errors
/// What is of the moment.
pub(crate) fn last(logs: &Folder) -> io::Result<Last> {
    let known = |longest| found(tail(logs, longest)).map(Option::unwrap_or_default);
    let mut last = known(USUAL_TAIL)?;
    if last.len() < ENOUGH {
        last = known(LONGEST_TAIL)?;
    }
    let generations = last.iter().map(|(_, record)| record.generation_after);
    let generation = generations.filter(|last| last.is_believable()).max();
    let numbers = last
        .iter()
        .filter_map(|(after, record)| Some(own(record.number)?.later(*after)));
    let number = match numbers.max() {
        None if !last.is_empty() => read::<NumberOnly>(logs)?.last_number(),
        number => number,
    };
    Ok(Last {
        generation: generation.unwrap_or_default(),
        number: number.unwrap_or_default(),
    })
}

/// The last records, newest first, each with how many lines follow it; of those that stand whole in the last `longest`
/// bytes of the file.
fn tail(logs: &Folder, longest: u64) -> io::Result<Vec<(u64, Tail)>> {
    let (file, length) = logs.open_file(ProjectLayout::RUNS)?;
    let mut tail = vec![0; usize::try_from(length.min(longest)).unwrap_or_default()];
    let start = length - tail.len() as u64;
    file.read_exact_at(&mut tail, start)?;
    let ended = tail.strip_suffix(b"\n").unwrap_or(&tail);
    let lines = ended.rsplit(|&byte| byte == b'\n').zip(0..);
    let records =
        lines.filter_map(|(line, after)| Some((after, serde_json::from_slice(line).ok()?)));
    Ok(records.take(ENOUGH).collect())
}

/// A record as far as the next one counts on from it.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Tail {
    generation_after: Generation,
    #[serde(default)]
    number: Option<RunNumber>,
}

/// A record as far as its number.
#[derive(Debug, Clone, Copy, Deserialize)]
struct NumberOnly {
    #[serde(default)]
    number: Option<RunNumber>,
}

/// A record that may have a number.
pub(crate) trait Numbered {
    /// What it says.
    fn number(&self) -> Option<RunNumber>;
}

impl Numbered for NumberOnly {
    fn number(&self) -> Option<RunNumber> {
        self.number
    }
}

impl Numbered for RunRecord {
    fn number(&self) -> Option<RunNumber> {
        self.number
    }
}

fn own(number: Option<RunNumber>) -> Option<RunNumber> {
    number.filter(|number| number.is_believable())
}

impl<R: Numbered> Line<R> {
    /// Its own number.
    fn number(&self) -> Option<RunNumber> {
        own(self.record.as_ref().ok()?.number())
    }
}

impl<R: Numbered> Records<R> {
    /// The number of each line, whatever it says: its own; else that of the nearest numbered line before it, counted
    /// on, or after it, counted back; its place in the file where no line has one. Counting back ends at 1.
    pub(crate) fn numbers(&self) -> Vec<Option<RunNumber>> {
        let first = self.lines.iter().position(|line| line.number().is_some());
        let before = match first {
            None => 0,
            Some(place) => {
                let number = self.lines[place].number().unwrap_or_default();
                i128::from(number.0) - place as i128 - 1
            }
        };
        let mut last = before;
        let number = |line: &Line<R>| {
            last = line.number().map_or(last + 1, |number| number.0.into());
            let number = u64::try_from(last).ok().filter(|number| *number > 0);
            number.map(RunNumber)
        };
        self.lines.iter().map(number).collect()
    }

    /// Puts the number of each record that has none into its line, for who writes the file anew: with other lines
    /// beside it, its place would say another one.
    pub(crate) fn number_all(&mut self) {
        let numbers = self.numbers();
        for (line, number) in self.lines.iter_mut().zip(numbers) {
            let lacks = matches!(&line.record, Ok(record) if record.number().is_none());
            let rest = line.raw.as_deref().and_then(|raw| raw.strip_prefix(b"{"));
            if let (true, Some(RunNumber(number)), Some(rest)) = (lacks, number, rest) {
                let mut raw = format!("{{\"number\":{number},").into_bytes();
                raw.extend_from_slice(rest);
                line.raw = Some(raw);
            }
        }
    }

    fn last_number(&self) -> Option<RunNumber> {
        self.numbers().last().copied().flatten()
    }
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
        assert_eq!(last(&logs).expect("read").generation, Generation(3));
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

    /// Writes a file of lines with these numbers; 0 for a record of an earlier version, `u64::MAX` for a line that says
    /// nothing.
    fn numbered(logs: &Folder, numbers: &[u64]) {
        logs.write(ProjectLayout::RUNS, b"").expect("written");
        for number in numbers {
            let mut record = testing::record("one", 1);
            record.number = Some(RunNumber(*number)).filter(|number| number.is_believable());
            append(logs, &record).expect("append");
            if *number == u64::MAX {
                let mut bytes = text(logs);
                let end = bytes.len();
                bytes[end - 9..end - 1].fill(b'x');
                logs.write(ProjectLayout::RUNS, &bytes).expect("written");
            }
        }
    }

    #[test]
    fn a_line_has_one_number_for_all_readers_and_writers() {
        fn check(numbers: &[u64], expected: &[u64]) {
            let (_dir, logs) = folder();
            numbered(&logs, numbers);
            let shown = |records: &Records| -> Vec<u64> {
                let numbers = records.numbers().into_iter();
                numbers
                    .map(|number| number.map_or(0, |number| number.0))
                    .collect()
            };
            let mut records = read::<RunRecord>(&logs).expect("read");
            assert_eq!(shown(&records), expected, "{numbers:?}");
            let next = last(&logs).expect("read").number;
            assert_eq!(
                next.0,
                expected.last().copied().unwrap_or_default(),
                "{numbers:?}"
            );
            for most in 1..numbers.len() {
                let (last, _) = read_last::<RunRecord>(&logs, most).expect("read");
                assert!(
                    shown(&last).ends_with(&expected[expected.len() - most..]),
                    "{numbers:?}"
                );
            }
            // Written anew without the first lines, as retention does.
            records.number_all();
            let lines = records.lines.iter().filter_map(|line| line.raw.as_deref());
            rewrite(&logs, lines.skip(1)).expect("rewritten");
            let rest = read::<RunRecord>(&logs).expect("read");
            assert_eq!(
                shown(&rest),
                expected.get(1..).unwrap_or_default(),
                "{numbers:?}"
            );
        }
        const NOTHING: u64 = u64::MAX;
        check(&[], &[]);
        check(&[1, 2, 3], &[1, 2, 3]);
        check(&[7, 9, 12], &[7, 9, 12]);
        check(&[0, 0, 0, 0, 0], &[1, 2, 3, 4, 5]);
        check(&[0, 0, 0, 9], &[6, 7, 8, 9]);
        check(&[7, 0, 0, 10, 0], &[7, 8, 9, 10, 11]);
        check(&[7, NOTHING, 0, 0, 0, 0], &[7, 8, 9, 10, 11, 12]);
        check(&[0, 0, 0, 2], &[0, 0, 1, 2]);
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
        assert_eq!(last(&logs).expect("read").generation, Generation(2));
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
