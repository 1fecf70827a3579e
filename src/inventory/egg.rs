//! Eggs, and other installations without a RECORD: setuptools and distutils before wheels.
//!
//! An egg is a folder or a zip file with `EGG-INFO` in it. Nothing in it has a hash of what was installed, so the sizes
//! of the files say whether it is another one.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::reading::read_whole;
use crate::files::momentary::readable;
use crate::files::read;

/// The metadata's name in an egg.
pub(super) const EGG_INFO: &str = "EGG-INFO";

/// Longer than the list of what is in any egg.
const LONGEST_DIRECTORY: u64 = 16 << 20;
/// The end of a zip file: its last record, with a comment of at most 64 KiB.
const LONGEST_END: u64 = (64 << 10) + 22;
/// More files than any egg has.
const MOST_FILES: usize = 100_000;

/// Whether the file at `path` is a zip file with `EGG-INFO` in it.
///
/// # Errors
/// What the system says, but that nothing is there.
pub(super) fn is_zipped(path: &Path) -> io::Result<bool> {
    let Some((file, length)) = readable(read::open(path))? else {
        return Ok(false);
    };
    let part = |from: u64, length: u64| -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    };
    let end_length = length.min(LONGEST_END);
    let end = part(length - end_length, end_length)?;
    let Some(at) = memmem::rfind(&end, b"PK\x05\x06") else {
        return Ok(false);
    };
    let number = |at: usize| -> Option<u64> {
        let bytes = end.get(at..at + 4)?.try_into().ok()?;
        Some(u64::from(u32::from_le_bytes(bytes)))
    };
    let (Some(size), Some(from)) = (number(at + 12), number(at + 16)) else {
        return Ok(false);
    };
    if size > LONGEST_DIRECTORY || from.saturating_add(size) > length {
        return Ok(false);
    }
    Ok(names(&part(from, size)?).any(is_metadata))
}

fn is_metadata(name: &[u8]) -> bool {
    let first = name.split(|&byte| byte == b'/').next().unwrap_or_default();
    first.eq_ignore_ascii_case(EGG_INFO.as_bytes()) && first.len() < name.len()
}

/// The names in a zip file's central directory (APPNOTE, 4.3.12).
fn names(directory: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = directory;
    std::iter::from_fn(move || {
        let header = rest
            .get(..46)
            .filter(|header| header.starts_with(b"PK\x01\x02"))?;
        let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let (name, others) = (length(28), length(30) + length(32));
        let found = rest.get(46..46 + name)?;
        rest = rest.get(46 + name + others..).unwrap_or_default();
        Some(found)
    })
}

/// The sizes of the files that belong to the metadata at `path`, which has no RECORD: a line each.
///
/// # Errors
/// What the system says, but that nothing is there.
pub(super) fn sizes(path: &Path) -> io::Result<Vec<u8>> {
    let mut sizes = Sizes::default();
    let Some(site) = path.parent() else {
        return Ok(Vec::new());
    };
    if path
        .file_name()
        .is_some_and(|name| name.eq_ignore_ascii_case(EGG_INFO))
    {
        sizes.take(site, "")?;
    } else if let Some(list) = readable(read_whole(&path.join("installed-files.txt")))? {
        for line in String::from_utf8_lossy(&list).lines() {
            sizes.take(&path.join(line), line)?;
        }
    } else {
        let list = readable(read_whole(&path.join("top_level.txt")))?.unwrap_or_default();
        for module in String::from_utf8_lossy(&list).lines() {
            for name in [module.to_owned(), format!("{module}.py")] {
                sizes.take(&site.join(&name), &name)?;
            }
        }
    }
    Ok(sizes.text())
}

#[derive(Default)]
struct Sizes(Vec<(String, u64)>);

/// Whether Python made the file or folder called `name`.
fn is_compiled(name: &str) -> bool {
    name.ends_with("__pycache__") || name.rsplit_once('.').is_some_and(|(_, end)| end == "pyc")
}

impl Sizes {
    /// Takes in the file or the folder at `path`, which is called `name`; what Python compiles does not count.
    fn take(&mut self, path: &Path, name: &str) -> io::Result<()> {
        if self.0.len() > MOST_FILES || is_compiled(name) {
            return Ok(());
        }
        let Some(found) = readable(path.symlink_metadata())? else {
            return Ok(());
        };
        if !found.is_dir() {
            self.0.push((name.to_owned(), found.len()));
            return Ok(());
        }
        for entry in readable(std::fs::read_dir(path))?.into_iter().flatten() {
            let entry: PathBuf = entry?.path();
            let last = entry.file_name().unwrap_or_default().to_string_lossy();
            self.take(&entry, &format!("{name}/{last}"))?;
        }
        Ok(())
    }

    fn text(mut self) -> Vec<u8> {
        self.0.sort();
        let lines = self.0.iter().map(|(name, size)| format!("{name} {size}\n"));
        lines.collect::<String>().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip file of empty members, as `zipfile` writes it.
    fn zip(names: &[&str], comment: &str) -> Vec<u8> {
        let mut directory = Vec::new();
        for name in names {
            let mut header = [0_u8; 46];
            header[..4].copy_from_slice(b"PK\x01\x02");
            header[28] = u8::try_from(name.len()).expect("short");
            directory.extend(header);
            directory.extend(name.as_bytes());
        }
        let mut zip = b"what the members hold".to_vec();
        let from = u32::try_from(zip.len()).expect("short");
        let mut end = [0_u8; 22];
        end[..4].copy_from_slice(b"PK\x05\x06");
        end[12..16].copy_from_slice(&u32::try_from(directory.len()).expect("short").to_le_bytes());
        end[16..20].copy_from_slice(&from.to_le_bytes());
        zip.extend(directory);
        zip.extend(end);
        zip.extend(comment.as_bytes());
        zip
    }

    #[test]
    fn a_zip_file_is_an_egg_by_what_is_in_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("x.egg");
        let check = |bytes: &[u8], expected: bool| {
            std::fs::write(&path, bytes).expect("write");
            assert_eq!(is_zipped(&path).expect("readable"), expected, "{bytes:?}");
        };
        check(&zip(&["x.py", "EGG-INFO/PKG-INFO"], ""), true);
        check(&zip(&["EGG-INFO/PKG-INFO"], "a comment"), true);
        check(&zip(&["x.py", "y/EGG-INFO/PKG-INFO"], ""), false);
        check(&zip(&[], ""), false);
        check(b"", false);
        check(b"no zip file", false);
        check(b"PK\x05\x06", false);
        let whole = zip(&["x.py", "EGG-INFO/PKG-INFO"], "");
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[cut..]).expect("write");
            is_zipped(&path).expect("no failure of the system");
        }
        assert!(!is_zipped(dir.path()).expect("a folder"));
        assert!(!is_zipped(&dir.path().join("gone")).expect("nothing"));
    }

    #[test]
    fn sizes_are_of_what_was_installed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let write = |place: &str, text: &str| {
            let path = dir.path().join(place);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("write");
        };
        let check = |place: &str, expected: &str| {
            let found = sizes(&dir.path().join(place)).expect("readable");
            assert_eq!(String::from_utf8_lossy(&found), expected, "{place}");
        };
        write("e.egg/EGG-INFO/PKG-INFO", "12345");
        write("e.egg/e/__init__.py", "1");
        write("e.egg/e/__pycache__/__init__.cpython-311.pyc", "compiled");
        check("e.egg/EGG-INFO", "/EGG-INFO/PKG-INFO 5\n/e/__init__.py 1\n");
        write(
            "f.egg-info/installed-files.txt",
            "../f.py\n../gone.py\nPKG-INFO\n",
        );
        write("f.egg-info/PKG-INFO", "12");
        write("f.py", "123");
        check("f.egg-info", "../f.py 3\nPKG-INFO 2\n");
        write("g.egg-info/top_level.txt", "g\nh\n");
        write("g/a.py", "1");
        write("h.py", "12");
        check("g.egg-info", "g/a.py 1\nh.py 2\n");
        write("i.egg-info", "a file");
        check("i.egg-info", "");
    }
}
