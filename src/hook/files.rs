//! The hook's three files in site-packages, in no RECORD, so that pip leaves them alone.
//!
//! `00_aim_pip.pth` has one line that Python's `site` compiles and runs at every start, so it is short: it installs a
//! finder, which imports the package `_aim_pip_hook` when Python looks for a module `pip`: for `python -m pip` and for
//! pip's scripts, wherever they lie; or for `pip._internal`, where another finder has brought `pip`, as another
//! Python's pip does it with `--python`. Where the command line names pip, it asks that finder at once. The package
//! looks at the command line and, for a call of pip that can change the environment, becomes `aim-pip`; a program that
//! calls pip itself is the affair of its module `inside` (`docs/decisions/0007-hook-by-finder.md`). The files are in
//! `shims/`, and their comments say the rest.
//!
//! Python 3.15 to 3.17 run such lines as before unless a `00_aim_pip.start` stands beside them, and 3.18 ignores them
//! and runs entry points that `.start` files name instead (PEP 829). None is shipped: it would switch the line off
//! where it still works. When 3.18 is supported, `put` writes a `00_aim_pip.start` that names a function
//! `_aim_pip_hook:start`, with the line's one step, for interpreters that need it. Until then, a `.start` that a later
//! toolkit left is taken away: without its function, every start of Python would show an error.

use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::place;
use super::report::{Changes, Finding, HookState};
use super::sites::sites;
use crate::files::{Folder, momentary};
use crate::project::{HOOK_LINE, HOOK_PACKAGE, HookLayout, Venv};

const PTH_TEXT: &str = include_str!("../../shims/00_aim_pip.pth");
const MODULE_TEXT: &str = include_str!("../../shims/_aim_pip_hook/__init__.py");
const INSIDE_TEXT: &str = include_str!("../../shims/_aim_pip_hook/inside.py");
/// Stands in the module for the path of `aim-pip`, as a Python bytes literal.
const BLANK: &str = "b\"/@AIM_PIP@\"";

/// More than any of our files has.
const LONGEST: u64 = 1 << 20;

/// Puts the hook in every site-packages folder.
pub(super) fn put(venv: &Venv, aim_pip: &Path, changes: &mut Changes) -> io::Result<()> {
    for site in sites(venv)? {
        let hook = HookLayout::new(site.path());
        if place::discard(&site, HookLayout::START)? {
            changes.removed.push(hook.start());
        }
        let package = place::named(&site, HOOK_PACKAGE, site.make_folder(HOOK_PACKAGE))?;
        for File { place, name, text } in files(aim_pip) {
            let folder = place.among(&site, &package);
            if holds(folder, name, &text) {
                continue;
            }
            place::file(folder, name, text.as_bytes(), 0o644)?;
            if matches!(place, Place::Package) {
                // A compiled file is known by its source's time in seconds and size, which may be the same.
                place::named(
                    &package,
                    HookLayout::COMPILED,
                    package.remove_all(HookLayout::COMPILED),
                )?;
            }
            changes.written.push(folder.path().join(name));
        }
    }
    Ok(())
}

/// Takes the hook away, with what Python compiled of it.
pub(super) fn remove(venv: &Venv, changes: &mut Changes) -> io::Result<()> {
    // Where all ways in are links, none of ours went by them.
    for site in momentary::found(sites(venv))?.unwrap_or_default() {
        let mut discard = |folder: &Folder, name: &str| -> io::Result<()> {
            if place::discard(folder, name)? {
                changes.removed.push(folder.path().join(name));
            }
            Ok(())
        };
        // What Python starts with goes first.
        discard(&site, HookLayout::START)?;
        discard(&site, HOOK_LINE)?;
        let Some(package) = momentary::found(site.folder(HOOK_PACKAGE))? else {
            continue;
        };
        discard(&package, HookLayout::INSIDE)?;
        discard(&package, HookLayout::MODULE)?;
        place::named(
            &package,
            HookLayout::COMPILED,
            package.remove_all(HookLayout::COMPILED),
        )?;
        let _ = site.remove_folder(HOOK_PACKAGE); // stays when somebody else's files are in it
    }
    Ok(())
}

/// What is in each site-packages folder.
///
/// # Errors
/// What is of the moment.
pub(super) fn inspect(venv: &Venv, aim_pip: &Path) -> io::Result<Vec<Finding>> {
    let Some(sites) = momentary::found(sites(venv))? else {
        // Where the hook would go, were it not for a link.
        let elsewhere = venv.site_packages().into_iter();
        return Ok(elsewhere
            .map(|site| Finding {
                path: HookLayout::new(site).line(),
                state: HookState::Missing,
            })
            .collect());
    };
    sites
        .into_iter()
        .map(|site| -> io::Result<Finding> {
            let hook = HookLayout::new(site.path());
            let (state, path) = if momentary::found(site.found(HookLayout::START))?.is_some() {
                (HookState::Foreign, hook.start())
            } else {
                (state(&site, aim_pip)?, hook.line())
            };
            Ok(Finding { path, state })
        })
        .collect()
}

fn state(site: &Folder, aim_pip: &Path) -> io::Result<HookState> {
    let files = files(aim_pip);
    let package = momentary::found(site.folder(HOOK_PACKAGE))?;
    let read = |place: Place, name: &str| {
        let folder = package.as_ref().map(|package| place.among(site, package));
        let read = folder.map(|folder| momentary::found(folder.read(name, LONGEST)));
        read.transpose().map(Option::flatten)
    };
    let mut is_whole = true;
    for file in &files {
        match read(file.place, file.name)? {
            Some(bytes) => is_whole &= bytes == file.text.as_bytes(),
            None => return Ok(HookState::Missing),
        }
    }
    if is_whole {
        return Ok(HookState::Ours);
    }
    let text = read(Place::Package, HookLayout::MODULE)?;
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let named = text.and_then(|text| named(&text));
    Ok(named.map_or(HookState::Foreign, HookState::Elsewhere))
}

fn holds(folder: &Folder, name: &str, text: &str) -> bool {
    let found = folder.read(name, LONGEST);
    found.is_ok_and(|bytes| bytes == text.as_bytes())
}

/// A file of the hook.
struct File {
    place: Place,
    name: &'static str,
    text: String,
}

/// The folder that a file of the hook is in.
#[derive(Debug, Clone, Copy)]
enum Place {
    Site,
    Package,
}

impl Place {
    fn among<'a>(self, site: &'a Folder, package: &'a Folder) -> &'a Folder {
        match self {
            Self::Site => site,
            Self::Package => package,
        }
    }
}

/// The files, the line last: what it leads to is there before it.
fn files(aim_pip: &Path) -> [File; 3] {
    [
        (Place::Package, HookLayout::MODULE, module(aim_pip)),
        (Place::Package, HookLayout::INSIDE, INSIDE_TEXT.to_owned()),
        (Place::Site, HOOK_LINE, PTH_TEXT.to_owned()),
    ]
    .map(|(place, name, text)| File { place, name, text })
}

/// The module's text, leading to `aim_pip`.
fn module(aim_pip: &Path) -> String {
    MODULE_TEXT.replacen(BLANK, &literal(aim_pip), 1)
}

/// `path` as a Python bytes literal.
fn literal(path: &Path) -> String {
    use std::fmt::Write as _;

    let mut text = String::from("b\"");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => {
                let _ = write!(text, "\\x{other:02x}");
            }
        }
    }
    text.push('"');
    text
}

/// The path that a module of ours leads to.
fn named(module: &str) -> Option<PathBuf> {
    let (before, _) = MODULE_TEXT.split_once(BLANK)?;
    let assignment = before.rsplit('\n').next()?;
    let line = module
        .lines()
        .find_map(|line| line.strip_prefix(assignment))?;
    let mut rest = line.strip_prefix("b\"")?.strip_suffix('"')?.bytes();
    let mut path = Vec::new();
    while let Some(byte) = rest.next() {
        path.push(match byte {
            b'\\' => match rest.next()? {
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                other => other,
            },
            other => other,
        });
    }
    Some(std::ffi::OsString::from_vec(path).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_names_its_shim_and_can_be_asked_for_it() {
        for path in [
            "/usr/bin/aim-pip",
            "/a \"b\"\\/aim-pip",
            "/사용자/\n/aim-pip",
        ] {
            let text = module(Path::new(path));
            assert!(!text.contains("@AIM_PIP@"));
            assert_eq!(named(&text), Some(PathBuf::from(path)));
        }
        assert_eq!(named("import os\n"), None);
    }

    #[test]
    fn the_line_is_one_line() {
        let lines: Vec<&str> = PTH_TEXT
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("import "));
    }
}
