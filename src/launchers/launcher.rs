//! The launcher file: how it is written, and how it is known again.
//!
//! Its first line makes the kernel start `aim-pip` with the launcher's own path as first argument, however it
//! was called; its second marks it as ours. Where the kernel could not read the path of `aim-pip` from a `#!` line,
//! a line of `sh` does the same.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Marks a launcher; the number is the format's version.
const MARK: &[u8] = b"# aim-toolkit launcher 1";
/// What a person who opens the file reads.
const ABOUT: &[u8] =
    b"# pip, remembered. `aim-venv-sync remove` puts the original back, which is kept in ../.aim/launchers.\n";
/// Longest first line, newline included, that every supported kernel reads whole (Linux before 5.1: 128 bytes
/// with a NUL; execve(2)).
const LONGEST_LINE: usize = 127;
/// More than any launcher of ours has: two paths of the longest length and some words.
const LONGEST_FILE: u64 = 16 * 1024;

/// A launcher of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// The shim that it leads to.
    pub aim_pip: PathBuf,
}

impl Launcher {
    /// The launcher in the file `path`, if it is one of ours. Follows links.
    pub fn read(path: &Path) -> Option<Self> {
        let mut bytes = Vec::with_capacity(1024); // one read for the usual ones
        let file = std::fs::File::open(path).ok()?;
        file.take(LONGEST_FILE).read_to_end(&mut bytes).ok()?;
        Self::parse(&bytes)
    }

    /// The launcher that `bytes` are, if they are one of ours.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"#!")?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (interpreter, rest) = (&rest[..end], &rest[end + 1..]);
        let rest = rest.strip_prefix(MARK)?.strip_prefix(b"\n")?;
        let path = if interpreter == b"/bin/sh" {
            let line = rest.strip_prefix(ABOUT)?.strip_prefix(b"exec ")?;
            unquoted(line.strip_suffix(SH_ARGUMENTS)?)?
        } else {
            interpreter.to_vec()
        };
        let aim_pip = PathBuf::from(OsString::from_vec(path));
        aim_pip.is_absolute().then_some(Self { aim_pip })
    }

    /// The file's bytes. [`Launcher::parse`] gives the same launcher back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let path = self.aim_pip.as_os_str().as_bytes();
        if fits_first_line(path) {
            [b"#!", path, b"\n", MARK, b"\n", ABOUT].concat()
        } else {
            let head = [b"#!/bin/sh\n", MARK, b"\n", ABOUT].concat();
            [&head, b"exec ".as_slice(), &quoted(path), SH_ARGUMENTS].concat()
        }
    }
}

/// `sh` knows the script by the path that the kernel gave it.
const SH_ARGUMENTS: &[u8] = b" \"$0\" \"$@\"\n";

fn fits_first_line(path: &[u8]) -> bool {
    b"#!\n".len() + path.len() <= LONGEST_LINE
        && path != b"/bin/sh"
        && !path.iter().any(u8::is_ascii_whitespace)
}

/// `path` as one word of `sh`.
fn quoted(path: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in path {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            other => word.push(*other),
        }
    }
    word.push(b'\'');
    word
}

fn unquoted(word: &[u8]) -> Option<Vec<u8>> {
    let mut rest = word.strip_prefix(b"'")?.strip_suffix(b"'")?;
    let mut path = Vec::with_capacity(rest.len());
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'\'' {
            path.push(b'\'');
            rest = rest.strip_prefix(b"'\\''")?;
        } else {
            path.push(*byte);
            rest = after;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(path: &str, first_line: &str) {
        let launcher = Launcher {
            aim_pip: path.into(),
        };
        let bytes = launcher.to_bytes();
        assert!(bytes.starts_with(first_line.as_bytes()), "{path}");
        assert_eq!(Launcher::parse(&bytes), Some(launcher), "{path}");
    }

    #[test]
    fn paths_that_the_kernel_cannot_read_go_through_sh() {
        check("/usr/bin/aim-pip", "#!/usr/bin/aim-pip\n");
        check("/사용자/bin/aim-pip", "#!/사용자/bin/aim-pip\n");
        check("/with space/aim-pip", "#!/bin/sh\n");
        check("/it's/a\nline/aim-pip", "#!/bin/sh\n");
        check(&format!("/{}", "x".repeat(123)), "#!/x");
        check(&format!("/{}", "x".repeat(124)), "#!/bin/sh\n");
    }

    #[test]
    fn scripts_of_others_are_not_ours() {
        for other in [
            "",
            "#!",
            "#!/usr/bin/python3\nimport sys\n",
            "#!/bin/sh\n# aim-toolkit launcher 1\n",
            "#!relative\n# aim-toolkit launcher 1\n",
            "#!/x\n# aim-toolkit launcher 12\n",
            "# aim-toolkit launcher 1\n",
        ] {
            assert_eq!(Launcher::parse(other.as_bytes()), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_known_again(tail in prop::collection::vec(1_u8.., 1..300)) {
            let path = [b"/".as_slice(), &tail].concat();
            let launcher = Launcher { aim_pip: OsString::from_vec(path).into() };
            prop_assert_eq!(Launcher::parse(&launcher.to_bytes()), Some(launcher));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let marked = [b"#!/bin/sh\n# aim-toolkit launcher 1\n".as_slice(), ABOUT, b"exec ", &bytes].concat();
            let _ = (Launcher::parse(&bytes), Launcher::parse(&marked));
        }
    }
}
