//! A file that grows, read as it does.
//!
//! The file stays open, so that what its writer has written can still be read after the file was removed or renamed.
//! A file that was cut below what has been read is read anew from its beginning.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::read;
use super::stamp::Stamp;

/// Most bytes that are read at once, so that a flood does not fill the memory.
const PIECE: usize = 1 << 20;

/// A file that grows, and how far it has been read.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// By which another file at the same path is known.
    stamp: Stamp,
    /// Bytes that have been read.
    at: u64,
}

impl Growing {
    /// The file at `path`, which need not be there yet.
    pub fn at(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// The file at `path` from its beginning.
    ///
    /// # Errors
    /// When it is not there, cannot be read, or is no regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            open: Some(Open::file(path)?),
        })
    }

    /// The last `lines` lines; only the last piece of a very long file is looked through for them. [`Growing::more`]
    /// goes on after them.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn last_lines(&mut self, lines: usize) -> io::Result<Vec<u8>> {
        self.open = Open::if_there(&self.path)?;
        let Some(open) = &mut self.open else {
            return Ok(Vec::new());
        };
        open.at = open.file.metadata()?.len().saturating_sub(PIECE as u64);
        let mut bytes = open.take()?;
        let body = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line_ends = body.iter().enumerate().rev();
        let mut starts = line_ends.filter_map(|(at, byte)| (*byte == b'\n').then_some(at + 1));
        let start = match lines {
            0 => bytes.len(),
            lines => starts.nth(lines - 1).unwrap_or(0),
        };
        bytes.drain(..start);
        Ok(bytes)
    }

    /// What was added, at most one piece of it; nothing when that is all. Where another file has taken the path, that
    /// one is read as soon as the earlier one has been read to its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn more(&mut self) -> io::Result<Vec<u8>> {
        let added = self.take()?;
        if !added.is_empty() {
            return Ok(added);
        }
        let Some(successor) = self.successor()? else {
            return Ok(Vec::new());
        };
        // Something may have been written to the earlier file between the last look and its removal.
        let last = self.take()?;
        if !last.is_empty() {
            return Ok(last);
        }
        self.open = Some(successor);
        self.take()
    }

    /// The lines of this file that are complete since the last call, at most one piece of them; nothing when there are
    /// none. What stands after the last line end is left: a progress bar there is still written over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn more_lines(&mut self) -> io::Result<Vec<u8>> {
        let Some(open) = &mut self.open else {
            return Ok(Vec::new());
        };
        let mut lines = open.read()?;
        match lines.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => lines.truncate(end + 1),
            // A line that fills a whole piece is given as it is; a shorter one is waited for.
            None if lines.len() < PIECE => lines.clear(),
            None => {}
        }
        open.at += lines.len() as u64;
        Ok(lines)
    }

    /// Everything that is left of this file, its last line ended.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        loop {
            let piece = self.take()?;
            if piece.is_empty() {
                break;
            }
            rest.extend(piece);
        }
        if rest.last().is_some_and(|byte| *byte != b'\n') {
            rest.push(b'\n');
        }
        Ok(rest)
    }

    fn take(&mut self) -> io::Result<Vec<u8>> {
        self.open.as_mut().map_or(Ok(Vec::new()), Open::take)
    }

    /// The file that is at the path now, if it is another one.
    fn successor(&self) -> io::Result<Option<Open>> {
        let Some(now) = Stamp::of(&self.path) else {
            return Ok(None);
        };
        match &self.open {
            Some(open) if open.stamp.is_same_file(&now) => Ok(None),
            _ => Open::if_there(&self.path),
        }
    }
}

impl Open {
    fn file(path: &Path) -> io::Result<Self> {
        let (file, _) = read::open(path)?;
        let stamp = Stamp::of_metadata(&file.metadata()?);
        Ok(Self { file, stamp, at: 0 })
    }

    fn if_there(path: &Path) -> io::Result<Option<Self>> {
        match Self::file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// The next piece, which counts as read from now on.
    fn take(&mut self) -> io::Result<Vec<u8>> {
        let bytes = self.read()?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }

    /// The next piece.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let length = self.file.metadata()?.len();
        if length < self.at {
            self.at = 0;
        }
        let room = usize::try_from(length - self.at).map_or(PIECE, |left| left.min(PIECE));
        let mut bytes = vec![0; room];
        let mut filled = 0;
        while filled < room {
            let at = self.at + filled as u64;
            match self.file.read_at(&mut bytes[filled..], at) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[track_caller]
    fn check(read: io::Result<Vec<u8>>, expected: &str) {
        assert_eq!(String::from_utf8_lossy(&read.expect("read")), expected);
    }

    #[test]
    fn lines_come_when_they_are_complete_and_the_rest_at_the_end() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut growing = Growing::open(file.path()).expect("open");
        let write = |at: u64, text: &str| {
            file.as_file().set_len(at).expect("cut");
            let written = file.as_file().write_all_at(text.as_bytes(), at);
            written.expect("write");
        };
        check(growing.more_lines(), "");
        write(0, "one\n10 %");
        check(growing.more_lines(), "one\n");
        write(4, "20 %");
        check(growing.more_lines(), "");
        write(4, "two\n한");
        check(growing.more_lines(), "two\n");
        drop(file);
        check(growing.rest(), "한\n");
        check(growing.rest(), "");
    }

    #[test]
    fn a_line_longer_than_a_piece_comes_in_pieces() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let line = vec![b'x'; PIECE + 10];
        file.as_file().write_all_at(&line, 0).expect("write");
        let mut growing = Growing::open(file.path()).expect("open");
        assert_eq!(growing.more_lines().expect("read").len(), PIECE);
        assert_eq!(growing.more_lines().expect("read").len(), 0);
        assert_eq!(growing.rest().expect("read").len(), 11);
    }

    #[test]
    fn the_last_lines_of_a_file() {
        fn check(text: &str, lines: usize, expected: &str) {
            let file = tempfile::NamedTempFile::new().expect("a file");
            fs::write(file.path(), text).expect("write");
            let last = Growing::at(file.path().to_owned()).last_lines(lines);
            let last = String::from_utf8(last.expect("read")).expect("text");
            assert_eq!(last, expected, "{lines} of {text:?}");
        }
        check("a\nb\nc\n", 2, "b\nc\n");
        check("a\nb\nc", 2, "b\nc");
        check("a\nb\n", 9, "a\nb\n");
        check("a\nb\n", 0, "");
        check("\n\n\n", 1, "\n");
        check("", 3, "");
    }

    #[test]
    fn a_file_that_comes_later_grows_and_is_replaced() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
        let mut growing = Growing::at(path.clone());
        check(growing.last_lines(5), "");
        fs::write(&path, "one\n").expect("write");
        check(growing.more(), "one\n");
        check(growing.more(), "");
        fs::write(&path, "one\ntwo\n").expect("write");
        check(growing.more(), "two\n");
        fs::rename(&path, &old).expect("rename");
        check(growing.more(), "");
        fs::write(&path, "three\n").expect("write");
        fs::write(&old, "one\ntwo\nlast\n").expect("write");
        check(growing.more(), "last\n");
        check(growing.more(), "three\n");
    }

    #[test]
    fn a_file_that_was_cut_is_read_anew() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "one\ntwo\n").expect("write");
        let mut growing = Growing::at(file.path().to_owned());
        check(growing.last_lines(1), "two\n");
        fs::write(file.path(), "new\n").expect("cut and write");
        check(growing.more(), "new\n");
    }

    #[test]
    fn nothing_is_waited_for_where_it_is_no_file() {
        let dir = tempfile::tempdir().expect("temporary folder");
        assert!(Growing::open(dir.path()).is_err());
        assert!(Growing::open(&dir.path().join("missing")).is_err());
    }
}
