//! `runs.jsonl`: run records, one a line, oldest first.
//!
//! **Invariant:** only who holds the project's lock appends or rewrites.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::run_id::Generation;
use super::run_record::RunRecord;
use crate::files::atomic;
use crate::files::hand_over;
use crate::files::read;

/// One line of the file, as it stands there, read as far as `R` wants to know it.
#[derive(Debug, Clone)]
pub(crate) struct Line<R = RunRecord> {
    /// Without its line end; kept as it is when the file is written anew.
    pub(crate) raw: Vec<u8>,
    /// What it says, or why it says nothing.
    pub(crate) record: Result<R, String>,
}

/// Every line of the file at `path`; none when it is not there. A last line without an end that says nothing is what a
/// crash left of a record, and is left out.
pub(crate) fn read<R: DeserializeOwned>(path: &Path) -> io::Result<Vec<Line<R>>> {
    let bytes = match read::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let mut lines: Vec<Line<R>> = bytes
        .split(|&byte| byte == b'\n')
        .filter(|raw| !raw.is_empty())
        .map(|raw| Line {
            raw: raw.to_vec(),
            record: serde_json::from_slice(raw).map_err(|error| error.to_string()),
        })
        .collect();
    if !bytes.ends_with(b"\n") && lines.last().is_some_and(|line| line.record.is_err()) {
        lines.pop();
    }
    Ok(lines)
}

/// Appends `record`, so that it is on the disk when this returns. A torn last line is ended first. After a failure the
/// file is as it was.
pub(crate) fn append(path: &Path, record: &RunRecord) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let length = file.metadata()?.len();
    if length == 0 {
        hand_over(&file, path, None);
    }
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
        })
}

/// Writes the file anew with `lines`.
pub(crate) fn rewrite<'a>(path: &Path, lines: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let mut bytes = Vec::new();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    atomic::write(path, &bytes)
}

/// The highest generation that the last records name. Generations only grow, so the end of the file tells it.
pub(crate) fn last_generation(path: &Path) -> Generation {
    let known = |longest| last_generations(path, longest).unwrap_or_default();
    let mut last = known(USUAL_TAIL);
    if last.len() < ENOUGH {
        last = known(LONGEST_TAIL);
    }
    last.into_iter().max().unwrap_or_default()
}

/// What the last records name that stand whole in the last `longest` bytes of the file.
fn last_generations(path: &Path, longest: u64) -> io::Result<Vec<Generation>> {
    let (file, length) = read::open(path)?;
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

    fn ids(path: &Path) -> Vec<String> {
        let lines = read::<RunRecord>(path).expect("read");
        lines
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
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("runs.jsonl");
        assert!(ids(&path).is_empty());
        append(&path, &testing::record("one", 1)).expect("append");
        append(&path, &testing::record("two", 2)).expect("append");
        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() - 20]).expect("tear");
        assert_eq!(ids(&path), ["one"]);
        append(&path, &testing::record("three", 3)).expect("append");
        assert_eq!(ids(&path), ["one", "?", "three"]);
        assert_eq!(last_generation(&path), Generation(3));
    }

    #[test]
    fn a_whole_last_line_without_end_counts() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("runs.jsonl");
        append(&path, &testing::record("one", 1)).expect("append");
        let whole = std::fs::read(&path).expect("read");
        std::fs::write(&path, &whole[..whole.len() - 1]).expect("cut");
        append(&path, &testing::record("two", 2)).expect("append");
        assert_eq!(ids(&path), ["one", "two"]);
    }

    #[test]
    fn unknown_fields_and_lines_survive_a_rewrite() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("runs.jsonl");
        append(&path, &testing::record("one", 1)).expect("append");
        let mut bytes = std::fs::read(&path).expect("read");
        bytes.truncate(bytes.len() - 2);
        bytes.extend_from_slice(b",\"colour\":\"blue\"}\n\xff\xfe\n");
        std::fs::write(&path, &bytes).expect("write");
        let lines = read::<RunRecord>(&path).expect("read");
        assert_eq!(
            lines[0].record.as_ref().expect("sound").others["colour"],
            "blue"
        );
        rewrite(&path, lines.iter().map(|line| line.raw.as_slice())).expect("rewrite");
        assert_eq!(std::fs::read(&path).expect("read"), bytes);
    }
}
