//! The log of a run while it runs: cleaned, bounded, and readable by others as it grows.
//!
//! What is kept is at most 8 MiB: the first and the last half of each stream's share, without secrets. Beside that
//! stands the *part file* below `.pip-logs`, by which `aim-logs follow` reads a running run and from which the text of
//! a killed one is recovered. It is best effort: a run is never kept from going on by it. Its writer holds a lock on
//! it, so that others know it is alive.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::screen::boundary;
use super::text::Cleaner;
use crate::project::ProjectLayout;
use crate::secrets::{self, Hiding};
use crate::store::places;
use crate::store::record::{PartFile, RunId, RunOutput};

/// Bytes of standard output that are kept, and of standard error: 8 MiB together.
const STDOUT_SHARE: usize = 6 << 20;
const STDERR_SHARE: usize = 2 << 20;
/// A part file does not grow beyond this.
const LONGEST_PART: u64 = 8 << 20;
/// How far behind a cut its line is looked for.
const LONGEST_CUT: usize = 64 << 10;
/// Bytes before the tail that is kept, in which secrets may begin that go on in it.
const MARGIN: usize = 64 << 10;

/// A log that grows. What is written to it appears, cleaned, in a part file below `.pip-logs`.
#[derive(Debug)]
pub struct LogDraft {
    stdout: StreamDraft,
    stderr: StreamDraft,
    part: Option<Part>,
}

impl LogDraft {
    /// Begins the log of `run`. Never fails: where no file can be written, the text is kept in memory alone.
    pub fn begin(project: &ProjectLayout, run: &RunId) -> Self {
        Self {
            stdout: StreamDraft::new(STDOUT_SHARE),
            stderr: StreamDraft::new(STDERR_SHARE),
            part: Part::create(project, run).ok(),
        }
    }

    /// Takes what the run printed to standard output.
    pub fn stdout(&mut self, bytes: &[u8]) {
        let text = self.stdout.take(bytes);
        self.show(text);
    }

    /// Takes what the run printed to standard error, where that is not the same as standard output.
    pub fn stderr(&mut self, bytes: &[u8]) {
        let text = self.stderr.take(bytes);
        self.show(text);
    }

    /// The whole text, at the end of the run.
    pub fn into_output(self) -> RunOutput {
        RunOutput {
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            part: self.part.map(|part| part.place),
        }
    }

    fn show(&mut self, settled: String) {
        let Some(part) = &mut self.part else { return };
        if part.is_full() {
            return;
        }
        let moving = [self.stdout.moving(), self.stderr.moving()].concat();
        if part.show(settled, &moving).is_err() {
            // Full, or gone: what is there stays until the log is written, from memory.
            part.settled = u64::MAX;
        }
    }
}

/// One stream on its way into the log.
#[derive(Debug)]
struct StreamDraft {
    cleaner: Cleaner,
    hiding: Hiding,
    kept: Kept,
    /// Bytes that went through `hiding`.
    hidden: usize,
}

impl StreamDraft {
    fn new(share: usize) -> Self {
        Self {
            cleaner: Cleaner::default(),
            hiding: Hiding::default(),
            kept: Kept::new(share),
            hidden: 0,
        }
    }

    /// Takes what was printed and gives what others may read of it now.
    fn take(&mut self, bytes: &[u8]) -> String {
        let mut settled = String::new();
        self.cleaner.feed(bytes, &mut settled);
        if self.is_beyond_head() {
            // Most of it will not be kept: secrets are looked for in what is, at the end.
            self.kept.push(&settled);
            return String::new();
        }
        self.hidden += settled.len();
        let mut shown = self.hiding.feed(&settled);
        self.kept.push(&shown);
        if self.is_beyond_head() {
            let held = self.hiding.take_held();
            shown.push_str(&secrets::hide(&held));
            self.kept.push(&held);
        }
        shown
    }

    /// What may still change, as far as it can be shown.
    fn moving(&self) -> String {
        self.hiding.preview(&self.cleaner.rest())
    }

    /// Whether what comes now stands neither in the head nor in the part file.
    fn is_beyond_head(&self) -> bool {
        self.hidden > usize::try_from(LONGEST_PART).unwrap_or(usize::MAX)
    }

    fn finish(mut self) -> String {
        let is_beyond_head = self.is_beyond_head();
        let mut last = self.hiding.take_held();
        self.cleaner.finish(&mut last);
        if is_beyond_head {
            self.kept.push(&last);
        } else {
            self.kept.push(&secrets::hide(&last));
        }
        self.kept.into_text()
    }
}

/// The head and the tail of a text.
#[derive(Debug)]
struct Kept {
    half: usize,
    head: String,
    is_head_full: bool,
    tail: String,
    dropped: usize,
}

impl Kept {
    fn new(share: usize) -> Self {
        Self {
            half: share / 2,
            head: String::new(),
            is_head_full: false,
            tail: String::new(),
            dropped: 0,
        }
    }

    fn push(&mut self, mut text: &str) {
        if !self.is_head_full {
            let fits = boundary(text, self.half - self.head.len());
            self.head.push_str(&text[..fits]);
            self.is_head_full = fits < text.len();
            text = &text[fits..];
        }
        self.tail.push_str(text);
        if self.tail.len() > 2 * self.half + MARGIN {
            self.trim(self.half + MARGIN);
        }
    }

    /// Takes the first line from the tail, or its first word where the line is long: it was cut, and may begin in the
    /// middle of a secret.
    fn cut_at_line(&mut self) {
        let near = boundary(&self.tail, LONGEST_CUT);
        let near = &self.tail[..near];
        let line = near.find('\n').map(|at| at + 1);
        let cut = line.or_else(|| near.find(char::is_whitespace)).unwrap_or(0);
        self.tail.drain(..cut);
        self.dropped += cut;
    }

    /// Cuts the tail to its last `most` bytes, at a character. Gives whether it was longer.
    fn trim(&mut self, most: usize) -> bool {
        let excess = self.tail.len().saturating_sub(most);
        let cut = (excess..=self.tail.len())
            .find(|&at| self.tail.is_char_boundary(at))
            .unwrap_or(excess);
        self.tail.drain(..cut);
        self.dropped += cut;
        cut > 0
    }

    /// The text, in which nothing is secret: what is in the head was hidden before it came.
    fn into_text(mut self) -> String {
        self.trim(self.half + MARGIN);
        if self.dropped > 0 {
            self.cut_at_line();
        }
        if let Cow::Owned(hidden) = secrets::hide(&self.tail) {
            self.tail = hidden;
        }
        if self.trim(self.half) {
            self.cut_at_line();
        }
        if self.dropped > 0 {
            let end = if self.head.ends_with('\n') { "" } else { "\n" };
            let note = format!("{end}[... {} bytes left out ...]\n", self.dropped);
            self.head.push_str(&note);
        }
        self.head.push_str(&self.tail);
        self.head
    }
}

/// The file that others read meanwhile: settled text, then what may still change.
#[derive(Debug)]
struct Part {
    place: PartFile,
    file: File,
    settled: u64,
    length: u64,
}

impl Part {
    fn create(project: &ProjectLayout, run: &RunId) -> io::Result<Self> {
        let place = PartFile::of(run, places::made_logs(project)?);
        let file = place.create()?;
        file.try_lock()?;
        Ok(Self {
            place,
            file,
            settled: 0,
            length: 0,
        })
    }

    /// Whether nothing more is shown in it.
    fn is_full(&self) -> bool {
        self.settled > LONGEST_PART
    }

    fn show(&mut self, settled: String, moving: &str) -> io::Result<()> {
        let (from, mut text) = (self.settled, settled);
        self.settled += text.len() as u64;
        text.push_str(moving);
        self.file.write_all_at(text.as_bytes(), from)?;
        let end = from + text.len() as u64;
        if end < self.length {
            self.file.set_len(end)?;
        }
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::is_growing;

    fn project() -> (tempfile::TempDir, ProjectLayout) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let layout = ProjectLayout::new(dir.path());
        (dir, layout)
    }

    #[test]
    fn the_part_file_shows_what_a_person_would_see() {
        let (_dir, layout) = project();
        let id = RunId::new();
        let mut draft = LogDraft::begin(&layout, &id);
        let logs = || places::logs(&layout).expect("the folder of logs");
        let name = logs().names().expect("listed").remove(0);
        let name = name.to_str().expect("text");
        let shown = || {
            let bytes = logs().read(name, 1 << 20).expect("a part file");
            String::from_utf8(bytes).expect("text")
        };
        draft.stdout(b"Collecting six\n 10% of it");
        assert_eq!(shown(), "Collecting six\n 10% of it");
        draft.stdout(b"\r\x1b[2K100%");
        assert_eq!(shown(), "Collecting six\n100%");
        for line in 0..100 {
            draft.stdout(format!("\nline {line}").as_bytes());
        }
        assert!(shown().ends_with("line 98\nline 99"));
        draft.stderr(b"\nwarning");
        assert!(is_growing(&logs(), name));
        let output = draft.into_output();
        assert!(output.stdout.starts_with("Collecting six\n100%\nline 0\n"));
        assert_eq!(output.stderr, "\nwarning");
        assert!(!is_growing(&logs(), name));
        assert_eq!(PartFile::run_of(name), Some(id));
    }

    #[test]
    fn a_long_text_keeps_its_head_and_its_tail() {
        let mut kept = Kept::new(20);
        kept.push("12345678");
        kept.push("한글한글한글한글");
        for _ in 0..100 {
            kept.push("middle ");
        }
        kept.push("the end");
        let text = kept.into_text();
        assert_eq!(text, "12345678\n[... 723 bytes left out ...]\n the end");
        let mut short = Kept::new(20);
        short.push("12345678901234567890");
        assert_eq!(short.into_text(), "12345678901234567890");
    }

    #[test]
    fn where_nothing_can_be_written_the_text_is_kept_all_the_same() {
        let layout = ProjectLayout::new("/nowhere/at/all");
        let mut draft = LogDraft::begin(&layout, &RunId::new());
        draft.stdout(b"text");
        assert_eq!(
            draft.into_output(),
            RunOutput {
                stdout: "text".into(),
                ..RunOutput::default()
            }
        );
    }

    /// What is in the part files.
    fn parts(layout: &ProjectLayout) -> Vec<String> {
        let logs = places::logs(layout).expect("the folder of logs");
        let names = logs.names().expect("listed");
        assert!(!names.is_empty());
        let read = |name: &std::ffi::OsString| logs.read(name.to_str().expect("text"), 1 << 20);
        let texts = names.iter().map(|name| read(name).expect("a part file"));
        texts
            .map(|bytes| String::from_utf8(bytes).expect("text"))
            .collect()
    }

    #[test]
    fn secrets_reach_neither_the_log_nor_its_part_file() {
        let (_dir, layout) = project();
        let text = "Collecting x@ http://u:hunter22@h/x.whl\n\x1b[31mhttps://u:hun\x1b[0mter22@h/\n\
                    Looking in: https://u:hunter22@h\r\x1b[2KPIP_PASSWORD=hunter22 https://hunter22@h/x";
        for size in 1..=text.len() {
            let id = RunId::new();
            let mut draft = LogDraft::begin(&layout, &id);
            for piece in text.as_bytes().chunks(size) {
                draft.stdout(piece);
                for part in parts(&layout) {
                    assert!(!part.contains("hunter2"), "{part}");
                }
            }
            let output = draft.into_output();
            assert_eq!(
                output.stdout,
                "Collecting x@ http://u:****@h/x.whl\nhttps://u:****@h/\nPIP_PASSWORD=**** https://****@h/x"
            );
        }
    }

    #[test]
    fn what_is_drawn_over_leaves_no_part_of_a_secret() {
        let (_dir, layout) = project();
        for over in [
            "\rDownloading from the mirror",
            "\r\x1b[20Cx",
            "\x1b[1G\x1b[22Px",
            "\x1b[12D\x1b[1Kx",
            "\x1b[12D\x1b[Kx",
            "\n\x1b[AL\x1b[30Cx",
        ] {
            let text = format!("Looking in https://user:hunter22secret@host/simple{over}");
            let mut draft = LogDraft::begin(&layout, &RunId::new());
            let is_clean = |text: &str| {
                assert!(
                    !text.contains("secret") && !text.contains("22"),
                    "{over:?} {text}"
                );
            };
            for byte in text.bytes() {
                draft.stdout(&[byte]);
                for text in parts(&layout) {
                    is_clean(&text);
                }
            }
            is_clean(&draft.into_output().stdout);
        }
    }

    #[test]
    fn a_broken_secret_at_the_cut_is_hidden_whichever_of_its_lines_the_cut_is_at() {
        let url = format!("https://{}", "a".repeat(50));
        let line = format!("{url}:hunt\ner22@host/x and so on\n");
        let filled = line.repeat(2 * MARGIN / line.len());
        for indent in 0..line.len() + 20 {
            let mut kept = Kept::new(400);
            kept.push(&format!("{filled}{}\n", "x".repeat(indent)));
            let text = kept.into_text();
            let tail = text.split("left out").nth(1).expect("a cut");
            assert!(!tail.contains("hunt") && !tail.contains("er22"), "{tail}");
        }
    }

    #[test]
    fn a_secret_at_the_cut_of_a_long_log_is_hidden() {
        let mut draft = LogDraft::begin(&ProjectLayout::new("/nowhere/at/all"), &RunId::new());
        let line = b"see https://user:hunter22@host/simple/ and go on\n";
        for _ in 0..(20 << 20) / line.len() {
            draft.stdout(line);
        }
        let text = draft.into_output().stdout;
        assert!(text.len() < STDOUT_SHARE + 200 && text.contains("bytes left out"));
        assert!(!text.contains("hunter") && !text.contains("unter22"));
    }
}
