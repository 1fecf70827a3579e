//! Imports go down only (docs/architecture.md).

use std::path::{Path, PathBuf};

/// The rows of the house, from the ground up. Rooms of the last row never import one another.
const ROWS: &[&[&str]] = &[
    &["env_vars", "host", "error", "files", "json", "system"],
    &["words", "project"],
    &["inventory", "exec"],
    &["store", "api"],
    &["launchers", "console"],
    &["shim", "venv_sync", "logs", "worker_cli", "backend"],
];

/// What the shim may reach, so that it stays lean.
const SHIM: &[&str] = &[
    "env_vars",
    "host",
    "error",
    "files",
    "system",
    "words",
    "project",
    "inventory",
    "exec",
    "store",
    "api",
    "launchers",
    "shim",
];

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for (room, file, imported) in imports() {
        let (from, to) = (row(&room), row(&imported));
        let down = to < from || room == imported || (to == from && from < 3);
        if !down {
            wrong.push(format!(
                "{}: {room} (row {from}) imports {imported} (row {to})",
                file.display()
            ));
        }
        if room == "shim" && !SHIM.contains(&imported.as_str()) {
            wrong.push(format!("{}: the shim imports {imported}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_row() {
    let rooms: Vec<String> = imports().map(|(room, _, _)| room).collect();
    assert!(
        rooms.len() > 50,
        "the reader of imports found next to nothing"
    );
    for entry in std::fs::read_dir(source()).expect("src") {
        let name = entry
            .expect("readable")
            .file_name()
            .to_string_lossy()
            .replace(".rs", "");
        if name != "lib" {
            row(&name);
        }
    }
}

#[test]
fn programs_are_thin() {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin");
    for entry in std::fs::read_dir(bin).expect("bin") {
        let path = entry.expect("readable").path();
        let lines = std::fs::read_to_string(&path)
            .expect("text")
            .lines()
            .count();
        assert!(lines < 20, "{} has {lines} lines", path.display());
    }
}

fn row(room: &str) -> usize {
    ROWS.iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("the room {room:?} has no row in tests/suite/imports.rs"))
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every `crate::room` in code: the room it stands in, the file, the room it names.
fn imports() -> impl Iterator<Item = (String, PathBuf, String)> {
    walkdir::WalkDir::new(source())
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rs")
        })
        .filter(|entry| entry.file_name() != "lib.rs")
        .flat_map(|entry| {
            let path = entry.into_path();
            let inside = path
                .strip_prefix(source())
                .expect("below src")
                .to_path_buf();
            let first = inside.components().next().expect("a part").as_os_str();
            let room = first.to_string_lossy().replace(".rs", "");
            let text = std::fs::read_to_string(&path).expect("text");
            named(&text)
                .into_iter()
                .map(move |imported| (room.clone(), path.clone(), imported))
                .collect::<Vec<_>>()
        })
}

/// The rooms that a file's text names as `crate::room` or in `use crate::{a, b}`, comments and doc links left out.
fn named(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = rest
                .strip_prefix('{')
                .map_or(rest, |list| list.split('}').next().unwrap_or(list));
            let count = if rest.starts_with('{') { usize::MAX } else { 1 };
            for name in names.split(',').take(count) {
                let name: String = name
                    .trim()
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                if !name.is_empty() && name != "t" && name != "_rust_i" {
                    found.push(name);
                }
            }
        }
    }
    found
}
