//! A file that grows, read line by line as it does.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The part of a growing file that has not been shown yet.
///
/// What stands after the last line end is left where it is: a progress bar there is still written over. The file stays
/// open: when its writer is done and takes it away, the rest can still be read.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    shown: u64,
}

impl Tail {
    /// Most bytes read at a time, so that a flood does not fill the memory.
    const CHUNK: usize = 1 << 20;

    /// The file from its beginning.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            shown: 0,
        })
    }

    /// The lines that are complete since the last call, as many as fit into a chunk; empty when there are none.
    pub(super) fn lines(&mut self) -> io::Result<Vec<u8>> {
        let mut lines = self.read()?;
        match lines.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => lines.truncate(end + 1),
            // A line that fills a whole chunk is shown as it is; a shorter one is waited for.
            None if lines.len() < Self::CHUNK => lines.clear(),
            None => {}
        }
        self.shown += lines.len() as u64;
        Ok(lines)
    }

    /// Everything that is left, its last line ended.
    pub(super) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        loop {
            let read = self.read()?;
            self.shown += read.len() as u64;
            if read.is_empty() {
                break;
            }
            rest.extend(read);
        }
        if rest.last().is_some_and(|byte| *byte != b'\n') {
            rest.push(b'\n');
        }
        Ok(rest)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        let left = self.file.metadata()?.len().saturating_sub(self.shown);
        let room = usize::try_from(left).map_or(Self::CHUNK, |left| left.min(Self::CHUNK));
        let mut bytes = vec![0; room];
        let mut filled = 0;
        while filled < room {
            match self
                .file
                .read_at(&mut bytes[filled..], self.shown + filled as u64)
            {
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
    use super::*;

    #[test]
    fn lines_come_when_they_are_complete_and_the_rest_at_the_end() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut tail = Tail::open(file.path()).expect("open");
        let write = |at: u64, text: &str| {
            file.as_file().set_len(at).expect("cut");
            let written = file.as_file().write_all_at(text.as_bytes(), at);
            written.expect("write");
        };
        assert_eq!(tail.lines().expect("read"), b"");
        write(0, "one\n10 %");
        assert_eq!(tail.lines().expect("read"), b"one\n");
        write(4, "20 %");
        assert_eq!(tail.lines().expect("read"), b"");
        write(4, "two\n한");
        assert_eq!(tail.lines().expect("read"), b"two\n");
        drop(file);
        assert_eq!(tail.rest().expect("read"), "한\n".as_bytes());
        assert_eq!(tail.rest().expect("read"), b"");
    }

    #[test]
    fn a_line_longer_than_a_chunk_comes_in_pieces() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let line = vec![b'x'; Tail::CHUNK + 10];
        file.as_file().write_all_at(&line, 0).expect("write");
        let mut tail = Tail::open(file.path()).expect("open");
        assert_eq!(tail.lines().expect("read").len(), Tail::CHUNK);
        assert_eq!(tail.lines().expect("read").len(), 0);
        assert_eq!(tail.rest().expect("read").len(), 11);
    }
}
