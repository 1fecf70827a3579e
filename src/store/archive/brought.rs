//! What distributions brought that a program may load.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::installed_files::{COMPILED, sites};
use super::list::Item;
use super::shelf::Shelf;
use crate::files::momentary::found;
use crate::inventory::is_startup_file;
use crate::project::Venv;
use crate::store::record::Generation;

/// How the names of modules end that are no text: `.cpython-312-x86_64-linux-gnu.so`, `.pyd` elsewhere.
const EXTENSIONS: [&str; 2] = ["so", "pyd"];
/// By these a program finds what others offer it in their entry points.
const FINDERS: [&str; 3] = ["importlib.metadata", "importlib_metadata", "pkg_resources"];
/// The groups of entry points that are programs, and offer nothing to others.
const PROGRAMS: [&str; 2] = ["[console_scripts]", "[gui_scripts]"];
/// Name of the list of entry points in a metadata folder.
const ENTRY_POINTS: &str = "entry_points.txt";
/// More than that ever has.
const LONGEST: u64 = 1 << 20;

/// What some distributions brought, before a change and after it, where it is not the same.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// The full names of their modules (`google.cloud.storage`), of folders of theirs that have no module (data beside
    /// a package of somebody else's), and of what finds their entry points.
    pub modules: HashSet<String>,
    /// Whether a startup file is among it.
    pub has_startup: bool,
}

impl Brought {
    /// What the distributions called `names`, in canonical form, have in one of two generations and not in the other;
    /// none where the archive does not know it.
    ///
    /// # Errors
    /// What is of the moment.
    pub fn between(
        venv: &Venv,
        (before, after): (Generation, Generation),
        names: &BTreeSet<String>,
    ) -> io::Result<Option<Self>> {
        let Some(shelf) = Shelf::of(&venv.layout())? else {
            return Ok(None);
        };
        let (Some(before), Some(after)) = (shelf.list(before)?, shelf.list(after)?) else {
            return Ok(None);
        };
        let sites = sites(venv);
        let mut brought = Self::default();
        for name in names {
            let had: Vec<&Item> = before.called(name).collect();
            let has: Vec<&Item> = after.called(name).collect();
            let is_in = |item: &Item, others: &[&Item]| {
                let key = |one: &Item| (one.folder.clone(), one.entry.clone());
                others.iter().any(|other| key(other) == key(item))
            };
            // One that lies elsewhere, in the system's folder, say, is in no list.
            if had.is_empty() && has.is_empty() {
                return Ok(None);
            }
            let gone = had.iter().filter(|item| !is_in(item, &has));
            let came = has.iter().filter(|item| !is_in(item, &had));
            for item in gone.chain(came) {
                let Some(more) = Self::of(&shelf, &sites, item)? else {
                    return Ok(None);
                };
                brought.modules.extend(more.modules);
                brought.has_startup |= more.has_startup;
            }
        }
        Ok(Some(brought))
    }

    /// What `item` brought, in the folders of packages `sites`; none where that is not kept.
    fn of(shelf: &Shelf, sites: &[PathBuf], item: &Item) -> io::Result<Option<Self>> {
        let Some(entry) = &item.entry else {
            return Ok(None);
        };
        let Some(manifest) = shelf.manifest(entry)? else {
            return Ok(None);
        };
        let mut brought = Self::default();
        for site in sites {
            let below = |path| Path::new(path).strip_prefix(site).ok()?.to_str();
            let files = manifest.files.iter().map(|file| file.path.as_str());
            let files: Vec<&str> = files.filter_map(below).collect();
            brought.has_startup |= files.iter().any(|file| is_startup(file));
            brought.modules.extend(modules(&files));
        }
        let Some(mut files) = found(shelf.files(entry))? else {
            return Ok(None);
        };
        let metadata = found(files.folder(Path::new(&item.folder)))?;
        let text = metadata.map(|folder| folder.read(ENTRY_POINTS, LONGEST));
        let text = text.map_or(Ok(None), found)?.unwrap_or_default();
        if offers(&String::from_utf8_lossy(&text)) {
            brought.modules.extend(FINDERS.map(str::to_owned));
        }
        Ok(Some(brought))
    }
}

/// Whether the file at this place in a folder of packages steers what an interpreter imports.
fn is_startup(file: &str) -> bool {
    let name = file.split('/').next().unwrap_or(file);
    let is_package = file == format!("{name}/__init__.py");
    (file == name || is_package) && is_startup_file(name)
}

/// The names by which the `files`, of one distribution in one folder of packages, are loaded.
fn modules(files: &[&str]) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut packages = HashSet::new();
    let mut others = Vec::new();
    for file in files {
        let (folder, base) = file.rsplit_once('/').unwrap_or(("", file));
        if folder.ends_with(COMPILED) {
            continue;
        }
        let Some(module) = module(base) else {
            others.push(folder);
            continue;
        };
        packages.insert(folder);
        names.insert(match (folder, module) {
            (folder, "__init__") => dotted(folder),
            ("", module) => module.to_owned(),
            (folder, module) => format!("{}.{module}", dotted(folder)),
        });
    }
    for folder in others {
        let mut folder = folder;
        while !folder.is_empty() && !packages.contains(folder) {
            names.insert(dotted(folder));
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }
    names
}

/// The last part of the module's name, of a file that is one.
fn module(file: &str) -> Option<&str> {
    let (stem, ending) = file.rsplit_once('.')?;
    match ending {
        "py" | "pyc" => Some(stem),
        ending if EXTENSIONS.contains(&ending) => stem.split('.').next(),
        _ => None,
    }
}

fn dotted(folder: &str) -> String {
    folder.replace('/', ".")
}

/// Whether a list of entry points has some for other programs.
fn offers(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line.starts_with('[') && !PROGRAMS.contains(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_loaded_by_these_names() {
        fn check(files: &[&str], expected: &[&str]) {
            let found: BTreeSet<String> = modules(files).into_iter().collect();
            let expected: BTreeSet<String> = expected.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(found, expected, "{files:?}");
        }
        check(&["six.py", "__pycache__/six.cpython-312.pyc"], &["six"]);
        check(
            &[
                "a/__init__.py",
                "a/b.py",
                "a/c.cpython-312-x86_64-linux-gnu.so",
                "a/d.abi3.so",
            ],
            &["a", "a.b", "a.c", "a.d"],
        );
        // Half of a namespace is not the other half.
        check(
            &[
                "google/cloud/storage/__init__.py",
                "google/cloud/storage/data.json",
            ],
            &["google.cloud.storage"],
        );
        // What lies in somebody else's package is theirs to load.
        check(&["a/text/x.html"], &["a", "a.text"]);
        check(&["모듈.py", "old.pyc"], &["모듈", "old"]);
        check(&["a.pth", "LICENSE"], &[]);
    }

    #[test]
    fn a_startup_file_lies_at_the_top() {
        for (file, expected) in [
            ("a.pth", true),
            ("sitecustomize.py", true),
            ("usercustomize/__init__.py", true),
            ("a/b.pth", false),
            ("a/sitecustomize.py", false),
            ("six.py", false),
        ] {
            assert_eq!(is_startup(file), expected, "{file}");
        }
    }

    #[test]
    fn programs_are_no_offer() {
        assert!(!offers("[console_scripts]\nx = y:z\n\n[gui_scripts]\n"));
        assert!(offers(
            "[console_scripts]\nx = y:z\n[flask.commands]\na = b:c\n"
        ));
        assert!(!offers(""));
    }
}
