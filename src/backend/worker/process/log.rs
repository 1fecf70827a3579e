//! A project's worker log: what its workers printed, and when they came and went.
//!
//! Nodes' output is in it as it came, byte by byte; lines that begin with `--- ` and a time are the daemon's. Two files
//! at most, `<id>.log` and `<id>.log.1`, so that a node that prints without end fills no disk.
//!
//! **Invariant:** a log that cannot be written costs nobody anything but the log; the lines that are missing are
//! counted, and the count is the first line that can be written again.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};

use chrono::{SecondsFormat, Utc};

use crate::backend::locked::Locked;
use crate::project::ProjectId;
use crate::secrets;

/// Bytes of one file, after which it becomes the older one.
const LIMIT: u64 = 4 << 20;

/// Where the log of project `id` is, in the folder of worker logs.
pub fn log_path(folder: &Path, id: &ProjectId) -> PathBuf {
    folder.join(format!("{}.log", file_stem(id.as_str())))
}

/// An id as a file name: the id itself, unless it would be too long with what is added to it.
fn file_stem(id: &str) -> String {
    if id.len() <= 200 {
        return id.to_owned();
    }
    // FNV-1a: ids that share their first characters still get a file each.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut end = 160;
    while !id.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{hash:016x}", &id[..end])
}

/// The writing side; one a project, which its workers share.
#[derive(Debug, Clone)]
pub(crate) struct WorkerLog(Arc<Locked<Writer>>);

#[derive(Debug)]
struct Writer {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    limit: u64,
    is_at_line_start: bool,
    missing: Missing,
}

/// The lines that could not be written, or not whole.
#[derive(Debug, Default)]
struct Missing {
    /// Since the log began.
    lines: u64,
    /// Those of which nothing is said in the log yet.
    unsaid: u64,
    /// The last of them has not ended: what comes next belongs to it.
    is_in_line: bool,
}

impl Missing {
    fn add(&mut self, bytes: &[u8]) {
        let is_ended = bytes.ends_with(b"\n");
        let ends = memchr::memchr_iter(b'\n', bytes).count();
        let touched = ends + usize::from(!is_ended) - usize::from(self.is_in_line);
        self.lines += touched as u64;
        self.unsaid += touched as u64;
        self.is_in_line = !is_ended;
    }
}

impl WorkerLog {
    pub(crate) fn new(folder: &Path, id: &ProjectId) -> Self {
        Self(Arc::new(Locked::new(Writer {
            path: log_path(folder, id),
            file: None,
            size: 0,
            limit: LIMIT,
            is_at_line_start: true,
            missing: Missing::default(),
        })))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.lock()
    }

    /// Adds what a worker printed.
    pub(crate) fn output(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.writer().put(bytes);
        }
    }

    /// How many lines could not be written since the log began.
    pub(crate) fn lost(&self) -> u64 {
        self.writer().missing.lines
    }

    /// Closes the file until there is something to add: a project whose worker has ended holds no descriptor.
    pub(crate) fn rest(&self) {
        self.writer().file = None;
    }

    /// Adds a line of the daemon's own.
    pub(crate) fn note(&self, what: impl Display) {
        let mut writer = self.writer();
        let line = writer.note(&what);
        writer.put(line.as_bytes());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person's state folder, which no project can bring"
)]
impl Writer {
    /// A line of the daemon's own, which ends the one before it.
    fn note(&self, what: &dyn Display) -> String {
        let newline = if self.is_at_line_start { "" } else { "\n" };
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, false);
        let what = what.to_string();
        format!("{newline}--- {now} {}\n", secrets::hide(&what))
    }

    /// Writes `bytes`, or counts their lines.
    fn put(&mut self, bytes: &[u8]) {
        if self.says_what_is_missing() && self.write(bytes) {
            self.missing.is_in_line = false;
        } else {
            self.missing.add(bytes);
        }
    }

    fn says_what_is_missing(&mut self) -> bool {
        let lines = self.missing.unsaid;
        if lines > 0 {
            let words = self.note(&format_args!(
                "{lines} lines of this log could not be written"
            ));
            if !self.write(words.as_bytes()) {
                return false;
            }
            self.missing.unsaid = 0;
        }
        true
    }

    /// Whether all of `bytes` was written.
    fn write(&mut self, bytes: &[u8]) -> bool {
        if self.size >= self.limit {
            self.file = None;
            let _ = std::fs::rename(&self.path, older(&self.path));
        }
        if self.file.is_none() {
            self.open();
        }
        let Some(file) = &mut self.file else {
            return false;
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            match file.write(rest) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => {
                    // Tried again with the next output: the disk may have room by then.
                    self.file = None;
                    return false;
                }
                Ok(written) => {
                    self.size += written as u64;
                    self.is_at_line_start = rest[..written].ends_with(b"\n");
                    rest = &rest[written..];
                }
            }
        }
        true
    }

    fn open(&mut self) {
        if let Some(folder) = self.path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let opened = File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path);
        self.size = 0;
        if let Ok(file) = opened {
            self.size = file.metadata().map_or(0, |found| found.len());
            self.file = Some(file);
        }
    }
}

/// The name that a full file gets. (`Path::with_added_extension` is newer than our oldest compiler.)
fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ProjectId {
        ProjectId::new(text).expect("an id")
    }

    #[test]
    fn notes_stand_on_lines_of_their_own() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let log = WorkerLog::new(&dir.path().join("not/yet"), &id("p"));
        log.output(b"half a line");
        log.note("worker 7 stopped: https://kim:hunter2@host/");
        log.output(b"next\n");
        let text = std::fs::read_to_string(dir.path().join("not/yet/p.log")).expect("read");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!((lines[0], lines[2]), ("half a line", "next"));
        assert!(
            lines[1].starts_with("--- 2")
                && lines[1].ends_with(" worker 7 stopped: https://kim:****@host/")
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lines_that_a_full_disk_refuses_are_counted_and_told_later() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("p.log");
        let log = WorkerLog::new(dir.path(), &id("p"));
        log.output(b"written\n");
        log.rest();
        std::fs::rename(&path, dir.path().join("before")).expect("moved");
        std::os::unix::fs::symlink("/dev/full", &path).expect("link");
        for (part, lost) in [("a\nb", 2), ("b", 2), ("b\n", 2), ("c\n", 3)] {
            log.output(part.as_bytes());
            assert_eq!(log.lost(), lost, "{part:?}");
        }
        log.note("worker 7 stopped");
        assert_eq!(log.lost(), 4);
        std::fs::remove_file(&path).expect("removed");
        log.output(b"d\n");
        log.output(b"e\n");
        assert_eq!(log.lost(), 4);
        let text = std::fs::read_to_string(&path).expect("read");
        let (note, rest) = text.split_once('\n').expect("lines");
        assert!(
            note.ends_with(" 4 lines of this log could not be written"),
            "{note}"
        );
        assert_eq!(rest, "d\ne\n");
    }

    #[test]
    fn a_log_that_has_no_place_is_counted_too() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("file"), "").expect("write");
        let log = WorkerLog::new(&dir.path().join("file"), &id("p"));
        log.note("worker 7 stopped");
        log.output(b"half");
        assert_eq!(log.lost(), 2);
    }

    #[test]
    fn two_files_at_most() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let log = WorkerLog::new(dir.path(), &id("p"));
        log.writer().limit = 10;
        for part in ["0123456789", "abc", "defghijkl", "last"] {
            log.output(part.as_bytes());
        }
        let read = |name| std::fs::read_to_string(dir.path().join(name)).expect("read");
        assert_eq!(
            (read("p.log").as_str(), read("p.log.1").as_str()),
            ("last", "abcdefghijkl")
        );
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 2);
    }

    #[test]
    fn long_ids_have_files_too() {
        let (a, b) = ("가".repeat(84), format!("{}나", "가".repeat(83)));
        assert_ne!(file_stem(&a), file_stem(&b));
        assert!(file_stem(&a).len() < 200);
    }
}
