//! Launchers, which earlier versions of the toolkit put in the place of pip's scripts: how they are known, and how what
//! was there comes back.
//!
//! They led to `aim-pip`, and the scripts that had been there were kept in `<venv>/.aim/launchers`. The hook needs
//! neither (`docs/decisions/0017-the-hook-alone.md`).
//!
//! **Invariant:** every script comes back by a rename; at no moment is there no `pip`.
//! **Invariant:** a script that pip wrote since stays as it is.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::report::Changes;
use super::{names, place};
use crate::files::Folder;
use crate::files::momentary::found;
use crate::files::read;
use crate::project::{Venv, VenvLayout};
use crate::store::places;

/// Ends the second line of a launcher, or the third where a path has a line of its own in it; the number is the
/// format's version.
const MARK: &[u8] = b"# aim-toolkit launcher 1";
/// More than any launcher has: two paths of the longest length and some words. A script of pip's has less, too.
const LONGEST: u64 = 1 << 20;
/// Longest first line, newline included, that every supported kernel reads whole (Linux before 5.1: 128 bytes
/// with a NUL; execve(2)).
const LONGEST_LINE: usize = 127;

/// Whether `bytes` are a launcher.
pub(super) fn is_launcher(bytes: &[u8]) -> bool {
    let is_marked = |line: &[u8]| {
        line.strip_suffix(MARK)
            .is_some_and(|before| before.is_empty() || before.ends_with(b"  "))
    };
    bytes.starts_with(b"#!") && bytes.split(|byte| *byte == b'\n').skip(1).any(is_marked)
}

/// The environment whose launcher is at `path`, if there is one: that of the file itself, or of what it links to.
pub fn environment_of_launcher(path: &Path) -> Option<Venv> {
    let bytes = read::head(path, LONGEST).ok()?;
    let of = |script: &Path| Venv::open(script.parent()?.parent()?).ok();
    is_launcher(&bytes)
        .then(|| of(path).or_else(|| of(&path.canonicalize().ok()?)))
        .flatten()
}

/// Whether scripts that launchers stand for are kept in `venv`: the quick question.
///
/// # Errors
/// What is of the moment.
pub(super) fn are_kept(venv: &Venv) -> io::Result<bool> {
    Ok(found(kept(venv))?.is_some())
}

/// The launchers in `bin`.
///
/// # Errors
/// What is of the moment.
pub(super) fn launchers(venv: &Venv) -> io::Result<Vec<PathBuf>> {
    let Some(bin) = found(bin_of(venv))? else {
        return Ok(Vec::new());
    };
    let names = launchers_in(&bin)?.into_iter();
    Ok(names.map(|name| venv.script(name)).collect())
}

/// Gives back what pip would have in `bin` now: the scripts that were kept, to the byte; where they are gone, scripts
/// as pip writes them; and nothing where pip has none.
pub(super) fn put_back(venv: &Venv, changes: &mut Changes) -> io::Result<()> {
    let kept = found(kept(venv))?;
    let Some(bin) = found(bin_of(venv))? else {
        return Ok(()); // gone, or a link, by which nothing of ours was put anywhere
    };
    let launchers = launchers_in(&bin)?;
    if kept.is_none() && launchers.is_empty() {
        return Ok(());
    }
    let scripts = kept.as_ref().map(names_in).transpose()?.unwrap_or_default();
    let recorded = names::recorded(venv)?;
    for name in launchers.union(&scripts) {
        // Without a launcher: pip's newer one, or one that pip removed, or one that somebody removed who wants it back.
        let is_due = launchers.contains(name)
            || (recorded.contains(name) && found(bin.found(name))?.is_none());
        if !is_due {
            continue;
        }
        if let Some(kept) = kept.as_ref().filter(|_| scripts.contains(name)) {
            place::named(&bin, name, kept.rename(name, &bin, name))?;
            changes.written.push(venv.script(name));
        } else if recorded.contains(name) {
            place::file(&bin, name, &plain_script(&venv.python_path()), 0o755)?;
            changes.written.push(venv.script(name));
        } else if place::discard(&bin, name)? {
            changes.removed.push(venv.script(name));
        }
    }
    if kept.is_some() {
        places::aim(&venv.layout())?.remove_all(VenvLayout::LAUNCHERS)?;
    }
    Ok(())
}

/// The folder of kept scripts.
fn kept(venv: &Venv) -> io::Result<Folder> {
    places::aim(&venv.layout())?.folder(VenvLayout::LAUNCHERS)
}

/// The folder of programs: one in the environment itself.
fn bin_of(venv: &Venv) -> io::Result<Folder> {
    let root = places::environment(&venv.layout())?;
    place::named(&root, VenvLayout::BIN, root.folder(VenvLayout::BIN))
}

/// A link is none, even one to a launcher: it is what somebody else made.
fn launchers_in(bin: &Folder) -> io::Result<BTreeSet<String>> {
    let mut launchers = BTreeSet::new();
    for name in names_in(bin)? {
        if found(bin.read(&name, LONGEST))?.is_some_and(|bytes| is_launcher(&bytes)) {
            launchers.insert(name);
        }
    }
    Ok(launchers)
}

/// The names in `folder` that are pip's; files and links, not folders.
fn names_in(folder: &Folder) -> io::Result<BTreeSet<String>> {
    let names = folder.names()?.into_iter();
    let names = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| names::is_pip(name));
    let mut files = BTreeSet::new();
    for name in names {
        if found(folder.found(&name))?.is_some_and(|found| !found.is_folder) {
            files.insert(name);
        }
    }
    Ok(files)
}

/// What pip's script does. pip 19.3 moved `main`, 26.3 made it `cli`.
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
fn plain_script(python: &Path) -> Vec<u8> {
    let path = python.as_os_str().as_bytes();
    let fits = b"#!\n".len() + path.len() <= LONGEST_LINE;
    if fits && !path.iter().any(u8::is_ascii_whitespace) {
        return [b"#!", path, b"\n", CODE].concat();
    }
    // One line of sh, which Python takes for the beginning of a string.
    let quoted = path
        .split(|byte| *byte == b'\'')
        .collect::<Vec<_>>()
        .join(b"'\\''".as_slice());
    let exec = [
        b"'''exec' '",
        quoted.as_slice(),
        b"' \"$0\" \"$@\"\n' '''\n",
    ]
    .concat();
    [b"#!/bin/sh\n", exec.as_slice(), CODE].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_of_every_version_are_known() {
        for launcher in [
            "#!/x/aim-pip\n# aim-toolkit launcher 1\n# about\n",
            "#!/x/aim-pip\nimport re  # aim-toolkit launcher 1\nimport sys\n",
            "#!/bin/sh\n'''exec' '/x y/p' \"$0\" \"$@\"  # aim-toolkit launcher 1\n' '''\nimport sys\n",
            "#!/bin/sh\n'''exec' '/x\ny/p' \"$0\" \"$@\"  # aim-toolkit launcher 1\n' '''\nimport sys\n",
            "#!/bin/sh\n# aim-toolkit launcher 1\n# about\nexec '/x y/p' \"$0\" \"$@\"\n",
        ] {
            assert!(is_launcher(launcher.as_bytes()), "{launcher}");
        }
    }

    #[test]
    fn scripts_of_others_are_none() {
        for other in [
            "",
            "#!",
            "#!/usr/bin/python3\nimport sys\n",
            "#!/x\n# aim-toolkit launcher 12\n",
            "#!/x\n# no aim-toolkit launcher 1 is here\n",
            "# aim-toolkit launcher 1\n",
        ] {
            assert!(!is_launcher(other.as_bytes()), "{other:?}");
        }
    }

    /// A shell finds the interpreter at every path, and Python the code.
    #[test]
    fn a_plain_script_names_its_interpreter() {
        let text = |path: &str| String::from_utf8(plain_script(Path::new(path))).expect("utf-8");
        assert!(text("/v/bin/python").starts_with("#!/v/bin/python\nimport sys\n"));
        let quoted =
            "#!/bin/sh\n'''exec' '/it'\\''s mine/python' \"$0\" \"$@\"\n' '''\nimport sys\n";
        assert!(text("/it's mine/python").starts_with(quoted));
        assert!(text(&format!("/{}", "x".repeat(124))).starts_with("#!/bin/sh\n"));
    }
}
