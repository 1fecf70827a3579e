//! Both languages say the same things, and the code asks only for what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn both_languages_have_the_same_keys_and_placeholders() {
    let (english, korean) = (texts("en"), texts("ko"));
    let keys = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<BTreeSet<_>>();
    let (en, ko) = (keys(&english), keys(&korean));
    let missing: Vec<_> = en.symmetric_difference(&ko).collect();
    assert!(missing.is_empty(), "in one language only: {missing:?}");
    for (key, text) in &english {
        assert_eq!(
            placeholders(text),
            placeholders(&korean[key]),
            "placeholders of {key}"
        );
    }
}

#[test]
fn every_key_that_the_code_asks_for_is_there_and_every_key_is_asked_for() {
    let english = texts("en");
    let code = code();
    let asked: BTreeSet<String> = code
        .match_indices("t!(")
        .filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .filter_map(|(at, _)| {
            let rest = code[at + 3..].trim_start();
            rest.strip_prefix('"')?.split('"').next().map(str::to_owned)
        })
        .filter(|key| key != "room.what_it_says") // the example in words/mod.rs
        .collect();
    assert!(asked.len() > 50, "the reader of keys found next to nothing");
    let unknown: Vec<_> = asked
        .iter()
        .filter(|key| !english.contains_key(*key))
        .collect();
    assert!(
        unknown.is_empty(),
        "asked for, but not in locales/en.yml: {unknown:?}"
    );
    let unused: Vec<_> = english
        .keys()
        .filter(|key| !code.contains(&format!("\"{key}\"")))
        .collect();
    assert!(
        unused.is_empty(),
        "in locales/en.yml, but never asked for: {unused:?}"
    );
}

/// Key (`room.key`) and text of each line of a locale file.
fn texts(language: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("locales/{language}.yml"));
    let text = std::fs::read_to_string(path).expect("a locale file");
    let mut stack: Vec<(usize, String)> = Vec::new();
    let mut found = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    {
        let indent = line.len() - line.trim_start().len();
        let (key, value) = line
            .trim()
            .split_once(':')
            .unwrap_or_else(|| panic!("not a key: {line:?}"));
        stack.retain(|(depth, _)| *depth < indent);
        stack.push((indent, key.trim().trim_matches('"').to_owned()));
        if !value.trim().is_empty() && key != "_version" {
            let path: Vec<&str> = stack.iter().map(|(_, key)| key.as_str()).collect();
            let known = found.insert(path.join("."), value.trim().to_owned());
            assert!(
                known.is_none(),
                "{} stands twice in {language}.yml",
                path.join(".")
            );
        }
    }
    found
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.match_indices("%{")
        .map(|(at, _)| text[at + 2..].split('}').next().unwrap_or_default())
        .collect()
}

fn code() -> String {
    walkdir::WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rs")
        })
        .map(|entry| std::fs::read_to_string(entry.path()).expect("text"))
        .collect()
}
