//! Paths of ours are spelled in `project/layout.rs` alone (docs/architecture.md).

use crate::source::{Source, sources};

/// Where they are spelled.
const LAYOUT: &str = "project/layout.rs";

/// Names of ours, and of an environment's own files, that stand nowhere else as a path or a part of one.
const NAMES: [&str; 17] = [
    ".aim",
    ".aim.toml",
    ".pip-logs",
    ".venv",
    "00_aim_pip.pth",
    "00_aim_pip.start",
    "_aim_pip_hook",
    "backend.sock",
    "conda-meta",
    "config.toml",
    "env_meta.json",
    "lib64",
    "projects.json",
    "pyvenv.cfg",
    "runs.jsonl",
    "snapshot.json",
    "structure.json",
];

/// Names in an environment that are words elsewhere: they stand in no `join` and in no relative path.
const IN_PATHS: [&str; 6] = ["activate", "bin", "lib", "python", "unfinished", "venv"];

#[test]
fn paths_of_ours_are_spelled_in_one_place() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| !source.path.ends_with(LAYOUT))
        .flat_map(|source| {
            let spelled = source
                .strings
                .iter()
                .filter(|(at, text)| is_ours(source, *at, text));
            spelled.map(|(at, text)| {
                format!("{}:{}: {text:?}", source.path.display(), source.line(*at))
            })
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "paths that belong into {LAYOUT}:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_name_is_one_of_the_layout() {
    let all = sources();
    let layout = all
        .iter()
        .find(|source| source.path.ends_with(LAYOUT))
        .expect("the layout");
    let spelled = |name: &&str| layout.strings.iter().any(|(_, text)| text == *name);
    let unknown: Vec<_> = NAMES.iter().filter(|name| !spelled(name)).collect();
    assert!(unknown.is_empty(), "not in {LAYOUT}: {unknown:?}");
}

/// Whether the string `text` is a path of ours. A sentence is none, nor is a path from the root, nor what the compiler
/// includes.
fn is_ours(source: &Source, at: usize, text: &str) -> bool {
    let before = source.code[..at].trim_end();
    let is_relative =
        text.starts_with(|first: char| first.is_alphanumeric() || "._".contains(first));
    if !is_relative || text.contains(char::is_whitespace) || before.ends_with("include_str!(") {
        return false;
    }
    let is_path = text.contains('/') || before.ends_with(".join(");
    text.split('/')
        .any(|name| NAMES.contains(&name) || (is_path && IN_PATHS.contains(&name)))
}
