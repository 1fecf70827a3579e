//! What each file of `src` uses of the others: every `use` and every path in code, followed to the file that has the
//! thing.
//!
//! A name that a `mod.rs` re-exports belongs to the file that defines it: who imports `super::Name` from there depends
//! on that file, not on the folder's door. A re-export by itself is no dependence.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::{Source, sources};

/// A module's names, from the room down.
pub(crate) type Module = Vec<String>;

/// One file uses something of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrow {
    /// Who uses.
    pub(crate) from: Module,
    /// What is used.
    pub(crate) to: Module,
    /// Where: file and line.
    pub(crate) place: String,
}

/// All files, and what their names mean.
pub(crate) struct Uses {
    files: BTreeMap<Module, File>,
}

struct File {
    source: Source,
    imports: Vec<Import>,
}

/// A name that a `use` brings.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Import {
    /// The name here; `*` for all.
    name: String,
    path: Vec<String>,
    is_re_export: bool,
    at: usize,
}

impl Uses {
    /// Of the whole product.
    pub(crate) fn read() -> Self {
        Self::of(sources())
    }

    fn of(sources: Vec<Source>) -> Self {
        let files = sources
            .into_iter()
            .filter(|source| !is_outside(source))
            .map(|mut source| {
                let imports = take_imports(&mut source.code);
                (source.module(), File { source, imports })
            });
        Self {
            files: files.collect(),
        }
    }

    /// Every arrow from one file to another.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (from, file) in &self.files {
            let imports = file.imports.iter().map(|import| {
                let is_door = import.is_re_export;
                (import.at, import.path.clone(), is_door)
            });
            let paths = paths(&file.source.code);
            let paths = paths.into_iter().map(|(at, path)| (at, path, false));
            for (at, path, is_re_export) in imports.chain(paths) {
                let Some(to) = self.resolve(from, &path, 0) else {
                    continue;
                };
                let is_door = is_re_export && to.starts_with(from);
                if to != *from && !to.is_empty() && !is_door {
                    let place = format!("{}:{}", file.source.path.display(), file.source.line(at));
                    arrows.push(Arrow {
                        from: from.clone(),
                        to,
                        place,
                    });
                }
            }
        }
        arrows
    }

    /// The module whose file has what `path` names in the module `at`; none for what is not ours.
    fn resolve(&self, at: &[String], path: &[String], depth: usize) -> Option<Module> {
        let mut here = at.to_vec();
        let mut is_ours = false;
        for (index, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" => here.clear(),
                "super" => {
                    here.pop();
                }
                "self" => {}
                name => {
                    let child = [here.as_slice(), &[name.to_owned()]].concat();
                    if self.files.contains_key(&child) {
                        here = child;
                    } else if let Some(import) = self.import(&here, name).filter(|_| depth < 8) {
                        let rest = &path[index + 1..];
                        let path = [import.path.as_slice(), rest].concat();
                        return self.resolve(&here, &path, depth + 1);
                    } else {
                        return is_ours.then_some(here);
                    }
                }
            }
            is_ours = true;
        }
        Some(here)
    }

    fn import(&self, module: &[String], name: &str) -> Option<&Import> {
        let imports = &self.files.get(module)?.imports;
        imports.iter().find(|import| import.name == name)
    }
}

/// Whether the file stands above the rooms: `lib.rs`, which names them, and what tests look at in them.
pub(crate) fn is_outside(source: &Source) -> bool {
    ["lib.rs", "testing.rs"]
        .map(Path::new)
        .contains(&source.path.as_path())
}

/// The imports of blanked `code`, which is blank where they stood.
fn take_imports(code: &mut String) -> Vec<Import> {
    let mut imports = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("use ") {
        let at = from + found;
        from = at + "use ".len();
        if code[..at].ends_with(|last: char| last.is_alphanumeric() || last == '_') {
            continue;
        }
        let end = from + code[from..].find(';').expect("the end of an import");
        let before = code[..at].trim_end();
        let is_re_export = before.ends_with("pub")
            || before.ends_with("pub(crate)")
            || before.ends_with("pub(super)");
        let mut leaves = Vec::new();
        flatten(&code[from..end], &[], &mut leaves);
        imports.extend(leaves.into_iter().map(|(name, path)| Import {
            name,
            path,
            is_re_export,
            at,
        }));
        code.replace_range(at..end, &" ".repeat(end - at));
        from = end;
    }
    imports
}

/// The names of a tree of imports, and their paths.
fn flatten(tree: &str, above: &[String], leaves: &mut Vec<(String, Vec<String>)>) {
    let tree = tree.trim();
    let segments = |text: &str| -> Vec<String> {
        text.split("::")
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    };
    let Some((path, list)) = tree.split_once('{') else {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path = [above, &segments(path)].concat();
        path.pop_if(|last| last == "self" && !above.is_empty());
        let own = path.last().cloned().unwrap_or_default();
        let name = if name.is_empty() {
            own
        } else {
            name.trim().to_owned()
        };
        return leaves.push((name, path));
    };
    let above = [above, &segments(path)].concat();
    let list = list
        .trim_end()
        .strip_suffix('}')
        .expect("the end of a list");
    let mut depth = 0_usize;
    let is_comma = |c: char| {
        depth = if c == '{' {
            depth + 1
        } else {
            depth - usize::from(c == '}')
        };
        c == ',' && depth == 0
    };
    for part in list.split(is_comma).filter(|part| !part.trim().is_empty()) {
        flatten(part, &above, leaves);
    }
}

/// Every `a::b::c` of blanked `code`, and where it stands.
fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = code[at..].find(is_name) {
        let start = at + start;
        let is_member = code[..start].ends_with("::") || code[..start].ends_with('.');
        let mut path = Vec::new();
        at = start;
        loop {
            let length = code[at..].find(|c| !is_name(c)).unwrap_or(code.len() - at);
            path.push(code[at..at + length].to_owned());
            at += length;
            let Some(rest) = code[at..].strip_prefix("::") else {
                break;
            };
            if !rest.starts_with(is_name) {
                break;
            }
            at += "::".len();
        }
        // Who may see a thing is nobody that it uses.
        let is_visibility = code[..start].ends_with("pub(in ");
        if path.len() > 1 && !is_member && !is_visibility {
            found.push((start, path));
        }
    }
    found
}

/// What is left of `arrows` when everything that lies in no circle is taken away.
pub(crate) fn circles<T: Ord + Clone>(mut arrows: BTreeSet<(T, T)>) -> BTreeSet<(T, T)> {
    loop {
        let ends: [BTreeSet<T>; 2] = [
            arrows.iter().map(|(from, _)| from.clone()).collect(),
            arrows.iter().map(|(_, to)| to.clone()).collect(),
        ];
        let before = arrows.len();
        arrows.retain(|(from, to)| ends[1].contains(from) && ends[0].contains(to));
        if arrows.len() == before {
            return arrows;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let sources = files.iter().map(|(path, text)| Source {
            path: path.into(),
            code: (*text).to_owned(),
            strings: Vec::new(),
        });
        let arrows = Uses::of(sources.collect()).arrows();
        arrows
            .iter()
            .map(|arrow| (arrow.from.join("/"), arrow.to.join("/")))
            .collect()
    }

    #[test]
    fn every_way_to_use_is_an_arrow() {
        let check = |text: &str, expected: &[&str]| {
            let files = [
                (
                    "a/mod.rs",
                    "mod b;\nmod c;\npub use b::{B, self};\npub(crate) use c::*;\nfn own() {}",
                ),
                ("a/b.rs", "pub struct B;"),
                ("a/c.rs", ""),
                ("a/d/mod.rs", "pub use e::E as Other;"),
                ("a/d/e.rs", ""),
                ("f.rs", text),
            ];
            let arrows = read(&files);
            let found: Vec<&str> = arrows.iter().map(|(_, to)| to.as_str()).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("use crate::a::B;", &["a/b"]);
        check(
            "use crate::a::{\n    B,\n    d::{self, Other},\n};",
            &["a/b", "a/d", "a/d/e"],
        );
        check("fn f() { crate::a::own() }", &["a"]);
        check(
            "use crate::a;\nfn f() { a::b::g(); x.a::<b>() }",
            &["a", "a/b"],
        );
        check("use std::a::B;\nuse serde::de;", &[]);
        check(
            "use super::a::d::Other as E;\nfn f() -> E { E::new() }",
            &["a/d/e", "a/d/e"],
        );
    }

    #[test]
    fn a_door_is_no_arrow_and_a_parent_is_one() {
        let files = [
            (
                "a/mod.rs",
                "mod b;\nmod c;\npub use b::B;\nuse c::run;\npub struct A;",
            ),
            ("a/b.rs", "use super::A;"),
            ("a/c.rs", "use super::B;"),
        ];
        let arrows = read(&files);
        let expected = [("a", "a/c"), ("a/b", "a"), ("a/c", "a/b")];
        assert_eq!(
            arrows,
            expected.map(|(from, to)| (from.to_owned(), to.to_owned()))
        );
        assert_eq!(circles(arrows.iter().cloned().collect()).len(), 3);
    }

    #[test]
    fn only_circles_stay() {
        let arrows = BTreeSet::from([(1, 2), (2, 3), (3, 2), (3, 4), (5, 6)]);
        assert_eq!(circles(arrows), BTreeSet::from([(2, 3), (3, 2)]));
    }
}
