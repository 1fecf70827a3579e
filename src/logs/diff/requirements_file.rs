//! A `requirements.txt` as one side of a comparison (pip's documentation, "Requirements File Format"; PEP 508).

use std::io;
use std::path::Path;
use std::str::FromStr as _;

use pep508_rs::{Requirement, VerbatimUrl};

use super::side::{Listed, Versions, wheel};
use crate::files::read;
use crate::inventory::Markers;

/// Longer than any list that people keep.
const LONGEST: u64 = 16 << 20;
/// Files that lead to files: more is a circle.
const DEEPEST: usize = 8;

/// What the file at `path`, and those that it names, ask for where `markers` hold.
///
/// # Errors
/// What the system says of a file.
pub(super) fn read(path: &Path, markers: &Markers) -> io::Result<Listed> {
    let mut listed = Listed::default();
    let mut reader = Reader {
        markers,
        listed: &mut listed,
    };
    reader.file(path, DEEPEST)?;
    Ok(listed)
}

struct Reader<'a> {
    markers: &'a Markers,
    listed: &'a mut Listed,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, deeper: usize) -> io::Result<()> {
        let text = read::read(path, LONGEST)?;
        let text = String::from_utf8_lossy(read::without_mark(&text)).into_owned();
        let folder = path.parent().unwrap_or(Path::new(""));
        for line in lines(&text) {
            match option(&line) {
                None => self.requirement(&line),
                Some(("-r" | "--requirement", file)) if !file.contains("://") && deeper > 0 => {
                    self.file(&folder.join(file), deeper - 1)?;
                }
                Some(("-e" | "--editable", place)) => self.editable(place, &line),
                Some(("-r" | "--requirement", _)) => self.listed.unread.push(line),
                // Where to look, and what to be content with: no distribution.
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn requirement(&mut self, line: &str) {
        let wanted = line.split(" --").next().unwrap_or_default().trim();
        if let Ok(wish) = Requirement::<VerbatimUrl>::from_str(wanted) {
            if self.markers.hold(&wish.marker) {
                let versions = Versions::of(&wish);
                self.listed.side.add(wish.name.as_ref(), versions);
            }
        } else if let Some((name, version)) = wheel(wanted) {
            let version = Versions::One(version.to_owned());
            self.listed.side.add(name, version);
        } else if let Some(name) = egg(wanted) {
            self.listed.side.add(name, Versions::Any);
        } else {
            self.listed.unread.push(line.to_owned());
        }
    }

    fn editable(&mut self, place: &str, line: &str) {
        let own = || name_of_project(Path::new(place.strip_prefix("file://").unwrap_or(place)));
        match egg(place).map(str::to_owned).or_else(own) {
            Some(name) => self.listed.side.add(&name, Versions::Any),
            None => self.listed.unread.push(line.to_owned()),
        }
    }
}

/// The lines that say something: put together where they go on, and without comments.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begun = String::new();
    for line in text.lines() {
        if let Some(part) = line.strip_suffix('\\') {
            begun.push_str(part);
            continue;
        }
        begun.push_str(line);
        let whole = std::mem::take(&mut begun);
        let mut marks = whole.match_indices('#');
        let comment = marks.find(|(at, _)| *at == 0 || whole[..*at].ends_with([' ', '\t']));
        let said = whole[..comment.map_or(whole.len(), |(at, _)| at)].trim();
        if !said.is_empty() {
            lines.push(said.to_owned());
        }
    }
    lines
}

/// The option that a line is, and its value.
fn option(line: &str) -> Option<(&str, &str)> {
    if !line.starts_with('-') {
        return None;
    }
    let split = match line.strip_prefix("--") {
        Some(_) => line.split_once(['=', ' ']).unwrap_or((line, "")),
        // `-rfile`
        None => line.split_at(line.char_indices().nth(2).map_or(line.len(), |(at, _)| at)),
    };
    Some((split.0, split.1.trim().trim_matches(['"', '\''])))
}

/// The name in a fragment, `#egg=name`.
fn egg(place: &str) -> Option<&str> {
    let (_, fragment) = place.split_once('#')?;
    let name = fragment
        .split('&')
        .find_map(|part| part.strip_prefix("egg="))?;
    name.split(['[', '-'])
        .next()
        .filter(|name| !name.is_empty())
}

/// The name of the project in `folder` (PEP 621).
fn name_of_project(folder: &Path) -> Option<String> {
    let text = read::text(&folder.join("pyproject.toml"), LONGEST).ok()?;
    let table: toml::Table = text.parse().ok()?;
    let name = table.get("project")?.get("name")?.as_str()?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::diff::side::Side;

    fn listed(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
            std::fs::write(path, text).expect("written");
        }
        let markers = Markers::default();
        let listed = read(&dir.path().join(files[0].0), &markers).expect("read");
        let diff = Side::default().diff_to(&listed.side);
        let words = |change: &crate::inventory::Change| {
            format!(
                "{} {}",
                change.name,
                change.to.as_deref().unwrap_or_default()
            )
        };
        (diff.added.iter().map(words).collect(), listed.unread)
    }

    #[test]
    fn every_kind_of_line_is_understood_or_told() {
        let text = "\u{feff}# head\n--index-url https://h.org/simple\n-c constraints.txt\n\
            Six==1.16.0 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n\
            requests[socks] >= 2, < 3  # why\n\
            colorama ; extra == 'x'\n\
            x @ https://h.org/x-2.0-py3-none-any.whl#sha256=ab\n\
            https://h.org/y-3.0-py3-none-any.whl\n\
            git+https://h.org/z.git@main#egg=z\n\
            -e git+https://h.org/w.git#egg=w&subdirectory=s\n\
            -r more/other.txt\n--requirement=more/last.txt\n\
            ./folder\n-e ./nowhere\n";
        let (listed, unread) = listed(&[
            ("requirements.txt", text),
            ("more/other.txt", "other==1\n-r last.txt\n"),
            ("more/last.txt", "last\n"),
        ]);
        assert_eq!(
            listed,
            [
                "last *",
                "other 1",
                "requests >=2,<3",
                "six 1.16.0",
                "w *",
                "x 2.0",
                "y 3.0",
                "z *"
            ]
        );
        assert_eq!(unread, ["./folder", "-e ./nowhere"]);
    }

    #[test]
    fn files_that_lead_in_a_circle_have_an_end() {
        let (listed, unread) = listed(&[("a.txt", "a\n-r a.txt\n")]);
        assert_eq!(listed, ["a *"]);
        assert_eq!(unread, ["-r a.txt"]);
    }

    #[test]
    fn an_editable_project_says_its_name() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let project = "[project]\nname = 'Live_One'\n";
        std::fs::write(dir.path().join("pyproject.toml"), project).expect("written");
        let line = format!("-e {}\n", dir.path().display());
        let (listed, _) = listed(&[("r.txt", &line)]);
        assert_eq!(listed, ["live-one *"]);
    }
}
