//! The launcher file: how it is written, and how it is known again.
//!
//! Its first line makes the kernel start `aim-pip` with the launcher's own path as first argument, however it
//! was called; its second ends with a mark. Where the kernel could not read the path of `aim-pip` from a `#!` line,
//! a line of `sh` does the same, which Python takes for a string.
//!
//! What follows is the Python of the script that it stands for, on the same lines. So `python bin/pip` runs pip
//! also where no hook is at work, and `aim-pip` starts pip by the same file: `sys.argv`, `__file__` and tracebacks
//! are what they would be without us.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::files::read;

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
        Self::parse(&read::head(path, LONGEST_FILE).ok()?)
    }

    /// The launcher that `bytes` are, if they are one of ours.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Self::split(bytes).map(|(launcher, _)| launcher)
    }

    /// Whether the file `path` is a launcher that Python can run. Launchers of the first version are not, nor are those
    /// whose head is not Python.
    pub fn is_python_in(path: &Path) -> bool {
        let Ok(bytes) = read::head(path, LONGEST_FILE) else {
            return false;
        };
        Self::split(&bytes).is_some_and(|(_, rest)| {
            let mut lines = rest.split(|byte| *byte == b'\n');
            lines.any(|line| !line.is_empty() && !line.starts_with(b"#"))
        })
    }

    /// The launcher that `bytes` are, and what follows its head.
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (interpreter, rest) = line_of(bytes.strip_prefix(b"#!")?)?;
        let (path, rest) = if interpreter == b"/bin/sh" {
            match rest.strip_prefix(SH_EXEC) {
                Some(rest) => {
                    let (path, rest) = unquoted(rest)?;
                    let (mark, rest) = line_of(rest.strip_prefix(SH_ARGUMENTS)?)?;
                    (path, rest.strip_prefix(SH_END).filter(|_| is_marked(mark))?)
                }
                None => Self::split_first_version(rest)?,
            }
        } else {
            let (second, rest) = line_of(rest)?;
            let is_ours = second == MARK || (second.starts_with(IMPORT) && is_marked(second));
            (is_ours.then(|| interpreter.to_vec())?, rest)
        };
        let aim_pip = PathBuf::from(OsString::from_vec(path));
        aim_pip.is_absolute().then_some((Self { aim_pip }, rest))
    }

    /// The first version's way through `sh`, which is no Python.
    fn split_first_version(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
        let rest = rest.strip_prefix(MARK)?.strip_prefix(b"\n")?;
        let (path, rest) = unquoted(rest.strip_prefix(ABOUT)?.strip_prefix(b"exec ")?)?;
        Some((path, rest.strip_prefix(SH_ARGUMENTS)?.strip_prefix(b"\n")?))
    }

    /// The file's bytes, in place of the script `original` if there was one. [`Launcher::parse`] gives the same
    /// launcher back.
    pub fn to_bytes(&self, original: Option<&[u8]>) -> Vec<u8> {
        let path = self.aim_pip.as_os_str().as_bytes();
        let is_short = fits_first_line(path);
        let (line, mut code) = original.and_then(python_of).unwrap_or((0, CODE));
        let head = if is_short {
            // Where the original's second line is code, the mark stands behind it.
            let mut second = b"".as_slice();
            if let Some((import, rest)) = line_of(code)
                && line == 1
                && import.starts_with(IMPORT)
                && !import.contains(&b'#')
            {
                (second, code) = (import, rest);
            }
            let gap: &[u8] = if second.is_empty() { b"" } else { GAP };
            [b"#!", path, b"\n", second, gap, MARK, b"\n"].concat()
        } else {
            let exec = [SH_EXEC, &quoted(path), SH_ARGUMENTS, GAP, MARK, b"\n"].concat();
            [b"#!/bin/sh\n".as_slice(), &exec, SH_END].concat()
        };
        if std::str::from_utf8(path).is_err() || (!is_short && path.contains(&b'\\')) {
            return [&head, ABOUT].concat(); // no Python could read this
        }
        let lines = lines_in(&head);
        let padding = b"#\n".repeat(line.saturating_sub(lines));
        let end: &[u8] = if code.ends_with(b"\n") { b"" } else { b"\n" };
        [&head, &padding, code, end, ABOUT].concat()
    }
}

/// Begins a line of code that the mark may stand behind.
const IMPORT: &[u8] = b"import ";
/// Between code and the mark.
const GAP: &[u8] = b"  ";
/// `exec` to `sh`; to Python the beginning of a string.
const SH_EXEC: &[u8] = b"'''exec' ";
/// `sh` knows the script by the path that the kernel gave it.
const SH_ARGUMENTS: &[u8] = b" \"$0\" \"$@\"";
/// The end of that string. `sh` does not come here.
const SH_END: &[u8] = b"' '''\n";

/// What a launcher does in Python where pip made no script of its name. pip 19.3 moved `main`, 26.3 made it `cli`.
const CODE: &[u8] = b"import sys
try:
    from pip._internal.cli.main import cli as main
except ImportError:
    try:
        from pip._internal.cli.main import main
    except ImportError:
        from pip._internal import main
if __name__ == '__main__':
    sys.exit(main())
";

/// A script of pip for `python`, as pip would write one.
pub(super) fn plain_script(python: &Path) -> Vec<u8> {
    let path = python.as_os_str().as_bytes();
    if fits_first_line(path) {
        return [b"#!", path, b"\n", CODE].concat();
    }
    let exec = [SH_EXEC, &quoted(path), SH_ARGUMENTS, b"\n", SH_END].concat();
    [b"#!/bin/sh\n", exec.as_slice(), CODE].concat()
}

fn is_marked(line: &[u8]) -> bool {
    line.strip_suffix(MARK)
        .is_some_and(|line| line.ends_with(GAP))
}

/// The code of a script in Python, and how many lines stand before it: `#!`, its way through `sh`, and comments,
/// among which our own lines find room.
fn python_of(script: &[u8]) -> Option<(usize, &[u8])> {
    std::str::from_utf8(script).ok()?;
    let (first, mut rest) = line_of(script.strip_prefix(b"#!")?)?;
    let mut line = 1;
    if first == b"/bin/sh" {
        let string = rest.strip_prefix(b"'''")?;
        let end = string.windows(3).position(|three| three == b"'''")?;
        let (tail, after) = line_of(&string[end + 3..])?;
        if !tail.is_empty() {
            return None;
        }
        line += lines_in(&string[..end]) + 1;
        rest = after;
    } else if !first.windows(6).any(|six| six == b"python") {
        return None;
    }
    while let Some((_, after)) = line_of(rest).filter(|(line, _)| line.starts_with(b"#")) {
        line += 1;
        rest = after;
    }
    (!rest.is_empty()).then_some((line, rest))
}

fn lines_in(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').count() - 1
}

/// The first line without its end, and the rest.
fn line_of(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((&text[..end], &text[end + 1..]))
}

fn fits_first_line(path: &[u8]) -> bool {
    b"#!\n".len() + path.len() <= LONGEST_LINE
        && path != b"/bin/sh"
        && !path.iter().any(u8::is_ascii_whitespace)
}

/// `path` as one word of `sh`. Never three quotes in a row without a backslash, which would end Python's string.
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

/// The word that [`quoted`] made at the start of `text`, and what follows it.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"'")?;
    let mut path = Vec::new();
    loop {
        let (byte, after) = rest.split_first()?;
        if *byte != b'\'' {
            path.push(*byte);
            rest = after;
        } else if let Some(after) = after.strip_prefix(b"\\''") {
            path.push(b'\'');
            rest = after;
        } else {
            return Some((path, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(path: &str, first_line: &str) {
        let launcher = Launcher {
            aim_pip: path.into(),
        };
        let bytes = launcher.to_bytes(None);
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

    /// pip's script as distlib writes it.
    const SCRIPT: &str =
        "#!/v/bin/python3\n# -*- coding: utf-8 -*-\nimport re\nfrom pip import main\nmain()\n";

    /// A launcher in place of `original` holds its last line where it was.
    fn check_code(aim_pip: &str, original: &str) {
        let launcher = Launcher {
            aim_pip: aim_pip.into(),
        };
        let bytes = launcher.to_bytes(Some(original.as_bytes()));
        let text = String::from_utf8(bytes.clone()).expect("utf-8");
        let line = |text: &str| text.lines().position(|line| line == "main()");
        assert_eq!(line(&text), line(original), "{text}");
        assert_eq!(Launcher::parse(&bytes), Some(launcher), "{text}");
    }

    #[test]
    fn the_original_is_in_there_line_by_line() {
        let without_comment = SCRIPT.replace("# -*- coding: utf-8 -*-\n", "");
        for script in [SCRIPT, &without_comment] {
            let by_sh = script.replace(
                "/v/bin/python3\n",
                "/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n' '''\n",
            );
            for aim_pip in ["/usr/bin/aim-pip", "/사용자/aim-pip"] {
                check_code(aim_pip, script);
                check_code(aim_pip, &by_sh);
            }
            check_code("/it's here/aim-pip''", &by_sh);
        }
    }

    #[test]
    fn what_is_no_python_is_left_out() {
        for original in [
            "#!/bin/sh\nexec python -m pip\n",
            "#!/usr/bin/perl\nx\n",
            "",
            "#!/bin/sh\n'''exec' x\n",
        ] {
            assert_eq!(python_of(original.as_bytes()), None, "{original:?}");
        }
    }

    #[test]
    fn launchers_of_the_first_version_are_known() {
        let about = std::str::from_utf8(ABOUT).expect("utf-8");
        for (path, first, last) in [
            ("/x y/p", "/bin/sh", "exec '/x y/p' \"$0\" \"$@\"\n"),
            ("/x/aim-pip", "/x/aim-pip", ""),
        ] {
            let text = format!("#!{first}\n# aim-toolkit launcher 1\n{about}{last}");
            let launcher = Launcher {
                aim_pip: path.into(),
            };
            assert_eq!(Launcher::parse(text.as_bytes()), Some(launcher));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_known_again(tail in prop::collection::vec(1_u8.., 1..300)) {
            let path = [b"/".as_slice(), &tail].concat();
            let launcher = Launcher { aim_pip: OsString::from_vec(path).into() };
            prop_assert_eq!(Launcher::parse(&launcher.to_bytes(None)), Some(launcher));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let marked = [b"#!/bin/sh\n", SH_EXEC, &bytes].concat();
            let _ = (Launcher::parse(&bytes), Launcher::parse(&marked), python_of(&bytes));
        }
    }
}
