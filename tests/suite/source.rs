//! The product's source as tests look at it: code without comments, tests and the insides of strings, and the strings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One file of `src`.
pub(crate) struct Source {
    /// Its path below `src`.
    pub(crate) path: PathBuf,
    /// Its text, in which comments, tests and what stands in quotes are blank. Lines are where they were.
    pub(crate) code: String,
    /// What stands in quotes, tests left out, and at which byte it begins.
    pub(crate) strings: Vec<(usize, String)>,
}

impl Source {
    /// The line of the byte `at`, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    /// The modules from the room down: `["store", "log", "file"]`; a `mod.rs` is its folder.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.path.with_extension("");
        let mut names: Vec<String> = path
            .iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.pop_if(|last| last == "mod");
        names
    }

    fn of(path: PathBuf, text: &str) -> (Self, Vec<String>) {
        let (mut code, mut strings) = blanked(text);
        let mut tests = Vec::new();
        while let Some(start) = code
            .find("#[cfg(test)]")
            .or_else(|| code.find("#[cfg(all(test"))
        {
            let end = end_of_item(&code, start);
            if let Some(name) = declared(&code[start..end]) {
                tests.push(name);
            }
            strings.retain(|(at, _)| !(start..end).contains(at));
            let blank = blank(&code[start..end]);
            code.replace_range(start..end, &blank);
        }
        (
            Self {
                path,
                code,
                strings,
            },
            tests,
        )
    }
}

/// Every file of `src` that is not a test, sorted.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = walkdir::WalkDir::new(&root).sort_by_file_name();
    let mut found = Vec::new();
    let mut tests = BTreeSet::new();
    for file in files.into_iter().map(|file| file.expect("readable")) {
        let path = file.path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("text");
        let below = path.strip_prefix(&root).expect("below src").to_path_buf();
        let (source, names) = Source::of(below, &text);
        let module = source.module();
        tests.extend(
            names
                .into_iter()
                .map(|name| [module.as_slice(), &[name]].concat()),
        );
        found.push(source);
    }
    assert!(found.len() > 100, "next to nothing was found");
    found.retain(|source| {
        let module = source.module();
        !(1..=module.len()).any(|length| tests.contains(&module[..length]))
    });
    found
}

/// `text` without comments and the insides of strings, and these with their places.
fn blanked(text: &str) -> (String, Vec<(usize, String)>) {
    let mut code = String::with_capacity(text.len());
    let mut strings = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let is_name = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let (taken, inside) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if next == '"' {
            let length = quoted(rest);
            (length, Some(1..length - 1))
        } else if let Some(hashes) = raw(rest).filter(|_| !is_name) {
            let start = rest.find('"').expect("a quote") + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = start..start + rest[start..].find(&end).expect("an end");
            (inside.end + end.len(), Some(inside))
        } else if let Some(length) = character(rest) {
            (length, None)
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        if let Some(inside) = inside {
            strings.push((code.len(), rest[inside].to_owned()));
        }
        code.push_str(&blank(&rest[..taken]));
        rest = &rest[taken..];
    }
    (code, strings)
}

/// Spaces for every byte, lines kept.
fn blank(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

/// The length of the string that `text` begins with.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.expect("the end of a string") + 2
}

/// How many `#` the raw string has that `text` begins with.
fn raw(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// The length of the character that `text` begins with; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let length = if first == '\\' {
        2 + inside[2..].find('\'')?
    } else {
        first.len_utf8()
    };
    inside[length..].starts_with('\'').then_some(length + 2)
}

/// Where the item ends that begins at `start` of blanked code: at its `;`, or the end of its braces.
fn end_of_item(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return start + at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return start + at + 1,
            _ => {}
        }
    }
    code.len()
}

/// The module that `item` declares as a file of its own.
fn declared(item: &str) -> Option<String> {
    let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
    Some(name.trim().to_owned())
}

#[test]
fn comments_strings_and_tests_are_told_from_code() {
    let text = r##"//! "a" // b
let a = "x // \" y"; let b = r#"z" w"#; let c = '"'; let d = b"v"; fn f<'a>() {} // "c"
#[cfg(test)]
mod tests { const T: &str = "t"; }
fn g() {}
#[cfg(test)]
mod more;
"##;
    let (source, tests) = Source::of("store/mod.rs".into(), text);
    let strings: Vec<&str> = source
        .strings
        .iter()
        .map(|(_, text)| text.as_str())
        .collect();
    assert_eq!(strings, [r#"x // \" y"#, r#"z" w"#, "v"]);
    assert_eq!(tests, ["more"]);
    assert_eq!(source.module(), ["store"]);
    let words: Vec<&str> = source.code.split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "let a = ; let b = ; let c = ; let d = b ; fn f<'a>() {} fn g() {}"
    );
    assert_eq!(source.code.len(), text.len());
    assert_eq!(source.line(source.code.find("fn g").expect("code")), 5);
}
