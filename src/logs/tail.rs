//! A file that grows, read line by line as it does.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The part of a growing file that has not been read yet.
///
/// The file stays open: when its writer is done and takes it away, the rest can still be read.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    /// Read, but without a line end so far.
    begun: Vec<u8>,
}

impl Tail {
    /// Most bytes read at a time, so that a flood does not fill the memory.
    const CHUNK: u64 = 1 << 20;

    /// The file from its beginning.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            begun: Vec::new(),
        })
    }

    /// The lines that are complete since the last call; empty when there are none.
    pub(super) fn lines(&mut self) -> io::Result<Vec<u8>> {
        (&mut self.file)
            .take(Self::CHUNK)
            .read_to_end(&mut self.begun)?;
        let end = self.begun.iter().rposition(|byte| *byte == b'\n');
        let rest = self.begun.split_off(end.map_or(0, |end| end + 1));
        Ok(std::mem::replace(&mut self.begun, rest))
    }

    /// Everything that is left, its last line ended.
    pub(super) fn rest(&mut self) -> io::Result<Vec<u8>> {
        self.file.read_to_end(&mut self.begun)?;
        if self.begun.last().is_some_and(|byte| *byte != b'\n') {
            self.begun.push(b'\n');
        }
        Ok(std::mem::take(&mut self.begun))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_come_when_they_are_complete_and_the_rest_at_the_end() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let mut tail = Tail::open(file.path()).expect("open");
        assert_eq!(tail.lines().expect("read"), b"");
        file.write_all(b"one\ntw").expect("write");
        assert_eq!(tail.lines().expect("read"), b"one\n");
        file.write_all("o\n한".as_bytes()).expect("write");
        assert_eq!(tail.lines().expect("read"), b"two\n");
        file.write_all(b"!").expect("write");
        drop(file);
        assert_eq!(tail.rest().expect("read"), "한!\n".as_bytes());
        assert_eq!(tail.rest().expect("read"), b"");
    }
}
