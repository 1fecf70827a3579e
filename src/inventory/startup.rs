//! Startup files: what steers, beside the distributions, what an interpreter of the environment imports.
//!
//! They are `pyvenv.cfg`, the lines for `site` (`.pth`, and `.start` since Python 3.15), `.egg-link`, and the modules
//! `sitecustomize` and `usercustomize`. They are few and small, so each scan reads them: their content is what is
//! compared.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::distribution::Content;
use super::reading::read_whole;
use crate::files::momentary::readable;
use crate::project::{HOOK_LINE, HookLayout, Venv, VenvLayout};

/// The startup files by name, with what they hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct StartupFiles(BTreeMap<String, Content>);

impl StartupFiles {
    /// Takes in the file at `path`; gives its text.
    ///
    /// # Errors
    /// What the system says, but that nothing is there.
    pub(super) fn take(&mut self, path: &Path, name: &str) -> io::Result<Vec<u8>> {
        let Some(text) = readable(read_whole(path))? else {
            return Ok(Vec::new());
        };
        let content = Content::of([&*text]);
        self.0
            .entry(name.to_owned())
            // Of several folders, both count.
            .and_modify(|other| *other = other.with(content))
            .or_insert(content);
        Ok(text)
    }

    /// What differs in `after`: the name, whether it was there and whether it is.
    pub(super) fn differences(&self, after: &Self) -> Vec<(String, bool, bool)> {
        let names = self
            .0
            .keys()
            .chain(after.0.keys().filter(|name| !self.0.contains_key(*name)));
        let mut all: Vec<_> = names
            .filter(|name| self.0.get(*name) != after.0.get(*name))
            .map(|name| {
                let is_in = |files: &Self| files.0.contains_key(name);
                (name.clone(), is_in(self), is_in(after))
            })
            .collect();
        all.sort();
        all
    }
}

/// The file that makes `name`, which stands in a folder of packages, a startup file; none where it is no such thing,
/// or ours.
pub(super) fn file_of(name: &str) -> Option<PathBuf> {
    if [HOOK_LINE, HookLayout::START].contains(&name) {
        return None;
    }
    match name {
        "sitecustomize" | "usercustomize" => Some(Path::new(name).join("__init__.py")),
        "sitecustomize.py" | "usercustomize.py" => Some(name.into()),
        _ => {
            let (_, ending) = name.rsplit_once('.')?;
            matches!(ending, "pth" | "start" | "egg-link").then(|| name.into())
        }
    }
}

/// Whether a folder of packages that has `name` changes what is imported when that file alone is written anew.
pub(crate) fn is_startup_file(name: &str) -> bool {
    name == VenvLayout::PYVENV_CFG || file_of(name).is_some()
}

/// How the environment's Python reads `.pth` files. Its `site` has learned to leave out those whose names begin with a
/// dot (Python's issue 113659, in security releases of old lines too), and, in 3.13, that a byte order mark is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathFiles {
    leaves_out_hidden: bool,
    knows_marks: bool,
}

impl PathFiles {
    /// As the Python of `venv` reads them.
    ///
    /// # Errors
    /// What is of the moment.
    pub(super) fn of(venv: &Venv) -> io::Result<Self> {
        Ok(Self::by(venv.known_python_version()?.as_deref()))
    }

    /// As Python `version` reads them, `3.11.7`; as the newest does, where it is not known.
    pub(super) fn by(version: Option<&str>) -> Self {
        let mut numbers = version
            .unwrap_or_default()
            .split('.')
            .map(|part| part.parse().unwrap_or(u32::MAX));
        let mut next = || numbers.next().unwrap_or(u32::MAX);
        let (line, release) = ((next(), next()), next());
        let since = match line {
            (3, 13..) | (4.., _) => 0,
            (3, 12) => 2,
            (3, 11) => 8,
            (3, 10) => 14,
            (3, 8 | 9) => 19,
            _ => u32::MAX,
        };
        Self {
            leaves_out_hidden: release >= since,
            knows_marks: line >= (3, 13),
        }
    }

    /// The folders and files that the file `name` in `site` adds to the path of modules by its `text`: not what is
    /// executed, and not what is missing.
    pub(super) fn paths<'t>(
        self,
        site: &'t Path,
        name: &str,
        text: &'t str,
    ) -> impl Iterator<Item = PathBuf> + use<'t> {
        let is_left_out = self.leaves_out_hidden && name.starts_with('.');
        let text = match text.strip_prefix('\u{feff}') {
            _ if is_left_out => "",
            Some(rest) if self.knows_marks => rest,
            _ => text,
        };
        let lines = text.lines().map(str::trim_end);
        let is_path = |line: &&str| {
            let is_code = line.starts_with("import ") || line.starts_with("import\t");
            !line.is_empty() && !line.starts_with('#') && !is_code
        };
        lines.filter(is_path).map(|line| site.join(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_files_steer_what_is_imported() {
        for (name, expected) in [
            ("easy-install.pth", Some("easy-install.pth")),
            ("x.start", Some("x.start")),
            ("x.egg-link", Some("x.egg-link")),
            ("sitecustomize.py", Some("sitecustomize.py")),
            ("usercustomize", Some("usercustomize/__init__.py")),
            (HOOK_LINE, None),
            (HookLayout::START, None),
            ("six.py", None),
            ("pth", None),
        ] {
            assert_eq!(file_of(name), expected.map(PathBuf::from), "{name}");
        }
    }

    #[test]
    fn lines_that_are_paths() {
        let text = "# a\n\nimport os; x\nimport\ty\nimportlib\n./a.egg  \r\n/b c\n";
        let files = PathFiles::by(None);
        let found: Vec<_> = files.paths(Path::new("/s"), "x.pth", text).collect();
        let expected = ["/s/importlib", "/s/./a.egg", "/b c"];
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn each_python_reads_them_in_its_way() {
        let marked = "\u{feff}/lib\n";
        for (version, hidden, mark) in [
            (Some("3.7.17"), "/lib", "/s/\u{feff}/lib"),
            (Some("3.8.18"), "/lib", "/s/\u{feff}/lib"),
            (Some("3.8.19"), "", "/s/\u{feff}/lib"),
            (Some("3.10.13"), "/lib", "/s/\u{feff}/lib"),
            (Some("3.11.7"), "/lib", "/s/\u{feff}/lib"),
            (Some("3.11.8"), "", "/s/\u{feff}/lib"),
            (Some("3.12.1"), "/lib", "/s/\u{feff}/lib"),
            (Some("3.12"), "", "/s/\u{feff}/lib"),
            (Some("3.13.0"), "", "/lib"),
            (Some("4.0"), "", "/lib"),
            (None, "", "/lib"),
        ] {
            let files = PathFiles::by(version);
            let all = |name, text| -> String {
                let paths = files.paths(Path::new("/s"), name, text);
                paths.map(|path| path.display().to_string()).collect()
            };
            assert_eq!(all(".x.pth", "/lib\n"), hidden, "{version:?}");
            assert_eq!(all("x.pth", marked), mark, "{version:?}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let files = |all: &[(&str, &str)]| {
            let mut files = StartupFiles::default();
            for (name, text) in all {
                let path = dir.path().join(name);
                std::fs::write(&path, text).expect("write");
                files.take(&path, name).expect("readable");
            }
            files
        };
        let before = files(&[("a.pth", "1"), ("b.pth", "1"), ("d.pth", "1")]);
        let after = files(&[("a.pth", "1"), ("b.pth", "2"), ("c.pth", "1")]);
        let expected = [
            ("b.pth", true, true),
            ("c.pth", false, true),
            ("d.pth", true, false),
        ];
        let named = expected.map(|(name, was, is)| (name.to_owned(), was, is));
        assert_eq!(before.differences(&after), named);
        assert_eq!(before.differences(&before), []);
    }
}
