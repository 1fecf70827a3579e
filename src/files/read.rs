//! Reading files that anybody may have put there.
//!
//! **Invariant:** nothing is waited for, and nothing is read beyond a bound: a FIFO, a device or an endless file in the
//! place of one of ours must not hold up pip, or whoever else is about to begin.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// The content of the regular file at `path`, links followed, of at most `longest` bytes.
///
/// # Errors
/// What the system says, that it is no regular file, or that it is longer.
pub fn read(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let (file, length) = open(path)?;
    all(file, length, longest)
}

/// As [`read()`], as text.
///
/// # Errors
/// As [`read()`], or that it is no UTF-8.
pub fn text(path: &Path, longest: u64) -> io::Result<String> {
    String::from_utf8(read(path, longest)?).map_err(|error| invalid(error.to_string()))
}

/// `text` without the mark that editors of other systems put before it to say that it is UTF-8.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// The first bytes of the regular file at `path`, links followed: at most `longest`.
///
/// # Errors
/// What the system says, or that it is no regular file.
pub fn head(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let (file, length) = open(path)?;
    let mut bytes = Vec::with_capacity(room(length.min(longest)));
    file.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The content of the regular file that was `opened` without waiting, of at most `longest` bytes.
///
/// # Errors
/// As [`read()`].
pub fn opened(opened: OwnedFd, longest: u64) -> io::Result<Vec<u8>> {
    let (file, length) = regular(opened)?;
    all(file, length, longest)
}

/// The regular file at `path`, links followed, open for reading, and its length in bytes.
///
/// # Errors
/// What the system says, or that it is no regular file.
#[expect(clippy::disallowed_methods, reason = "opens for reading alone")]
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    regular(
        OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)?,
    )
}

/// What was opened, if it is a regular file, and its length.
pub(super) fn regular(opened: impl Into<OwnedFd>) -> io::Result<(File, u64)> {
    let file = File::from(opened.into());
    let found = file.metadata()?;
    if found.is_file() {
        Ok((file, found.len()))
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// All of `file`, which has `length` bytes.
pub(super) fn all(file: File, length: u64, longest: u64) -> io::Result<Vec<u8>> {
    let too_long = || invalid(format!("longer than {}", words(longest)));
    if length > longest {
        return Err(too_long());
    }
    let mut bytes = Vec::with_capacity(room(length));
    // It may grow while it is read.
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(too_long());
    }
    Ok(bytes)
}

fn room(length: u64) -> usize {
    usize::try_from(length).unwrap_or_default() + 1
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// A bound in words. All of ours are powers of two.
fn words(bytes: u64) -> String {
    match bytes {
        0..0x400 => format!("{bytes} bytes"),
        0x400..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (file, fifo) = (dir.path().join("file"), dir.path().join("fifo"));
        std::fs::write(&file, "text").expect("write");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("mkfifo runs").success());
        assert_eq!(read(&file, 4).expect("read"), b"text");
        for other in [
            &fifo,
            dir.path(),
            Path::new("/dev/null"),
            Path::new("/dev/zero"),
        ] {
            let error = read(other, 4).expect_err("no regular file");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
            assert!(head(other, 4).is_err());
        }
        let missing = read(&dir.path().join("missing"), 4).expect_err("nothing there");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_is_too_long_is_refused_in_words_or_cut() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("file");
        let file = File::create(&path).expect("made");
        file.set_len(5 << 30).expect("a hole");
        for (longest, expected) in [(7, "7 bytes"), (4 << 10, "4 KiB"), (4 << 20, "4 MiB")] {
            let error = read(&path, longest).expect_err("too long").to_string();
            assert_eq!(error, format!("longer than {expected}"));
        }
        assert_eq!(head(&path, 3).expect("read"), [0; 3]);
    }

    #[test]
    fn a_file_that_says_nothing_of_its_length_has_a_bound_too() {
        let stream = Path::new("/proc/self/status");
        if stream.exists() {
            let error = read(stream, 10).expect_err("it is longer");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
    }
}
