//! What differs between systems stands in few files (docs/architecture.md).

use std::path::{Component, Path};

/// The files that may ask which system this is; the first one for a section of the program's file.
const MAY_ASK: &[&str] = &["exec/sys.rs", "system/mod.rs", "system/other.rs"];

#[test]
fn few_files_ask_for_the_system() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = walkdir::WalkDir::new(&source)
        .into_iter()
        .filter_map(Result::ok);
    let mut asking = Vec::new();
    for entry in files.filter(|entry| entry.file_type().is_file()) {
        let name = entry.path().strip_prefix(&source).expect("below src");
        let text = std::fs::read_to_string(entry.path()).expect("text");
        // Tests may be for one system alone.
        let product = text.split("mod tests {").next().unwrap_or_default();
        let product = product
            .lines()
            .filter(|line| !line.contains("cfg(all(test,"));
        let asks = product
            .filter(|line| line.contains("target_os") || line.contains("target_vendor"))
            .count();
        let is_test =
            |part: Component<'_>| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs"));
        if asks > 0 && !name.components().any(is_test) {
            asking.push(name.display().to_string());
        }
    }
    asking.sort();
    assert_eq!(asking, MAY_ASK);
}

/// Each has what the other has, so that whoever calls one compiles with the other.
#[test]
fn both_systems_offer_the_same() {
    let offered = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src/system")
            .join(name);
        let text = std::fs::read_to_string(path).expect("text");
        let mut offered: Vec<String> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub(crate) "))
            .map(signature)
            .collect();
        offered.sort();
        offered.dedup();
        offered
    };
    assert_eq!(offered("linux.rs"), offered("other.rs"));
    assert!(offered("linux.rs").len() > 10);
}

/// A declaration without what may differ: how a type looks inside, what a constant is, whether an argument is used.
fn signature(line: &str) -> String {
    let line = line
        .replace("enum ", "struct ")
        .replace("(_", "(")
        .replace(", _", ", ");
    let end = line
        .find(" = ")
        .or_else(|| line.find(" {"))
        .or_else(|| line.find("(OwnedFd);"))
        .unwrap_or(line.len());
    line[..end].to_owned()
}
