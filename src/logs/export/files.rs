//! Which files an index has for the versions of an export: pip is asked, since it knows the indexes, their logins and
//! proxies, and which file fits here. It keeps no sums of what it installed.

use std::collections::{BTreeMap, HashMap};
use std::process::{Command, Output};

use serde::Deserialize;

use super::pins::{File, Pin, Source};
use crate::env_vars;
use crate::error::{Error, Explain as _, Result};
use crate::inventory::canonical;
use crate::project::Venv;
use crate::secrets::{hide, public_url};
use crate::words::t;

/// What `pip install --report` writes (pip's documentation, "Installation report"), as far as it is read.
#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    download_info: Download,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Download {
    url: String,
    archive_info: Option<Archive>,
}

#[derive(Deserialize)]
struct Archive {
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

/// After so many that no index has, it is rather the index that is not there.
const MOST_MISSING: usize = 10;

/// Puts the files into those of `pins` that come from an index, and gives the names of those that no index has.
///
/// # Errors
/// When there is no pip that can tell.
pub(super) fn find(venv: &Venv, pins: &mut [Pin]) -> Result<Vec<String>> {
    let wanted = pins
        .iter()
        .filter(|pin| matches!(pin.source, Source::Index(None)));
    let mut wanted: Vec<String> = wanted.map(Pin::requirement).collect();
    let mut missing = Vec::new();
    let found = loop {
        if wanted.is_empty() {
            break HashMap::new();
        }
        let output = ask(venv, &wanted).context(t!("logs.export.cannot_ask"))?;
        if output.status.success() {
            break files(&output.stdout).context(t!("logs.export.cannot_ask"))?;
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let unknown = unknown(&said).filter(|_| missing.len() < MOST_MISSING);
        let place = unknown.and_then(|name| wanted.iter().position(|one| one == name));
        match place {
            Some(place) => missing.push(wanted.remove(place)),
            None => return Err(refused(&said)),
        }
    };
    for pin in pins {
        if let (Source::Index(file), Some(known)) = (&mut pin.source, found.get(&pin.name)) {
            *file = Some(known.clone());
        }
    }
    Ok(missing)
}

/// Lets the environment's pip say what it would install.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment's own pip, as a person calls it"
)]
fn ask(venv: &Venv, wanted: &[String]) -> std::io::Result<Output> {
    Command::new(venv.python_path())
        .args(["-m", "pip", "install", "--dry-run", "--report", "-"])
        .args(["--quiet", "--no-input", "--disable-pip-version-check"])
        .args(["--ignore-installed", "--no-deps"])
        .args(wanted)
        .env(env_vars::BYPASS, "1")
        .output()
}

/// The files in a report, by canonical name.
fn files(report: &[u8]) -> Result<HashMap<String, File>> {
    let report: Report = serde_json::from_slice(report)?;
    let items = report.install.into_iter().filter_map(|item| {
        let file = File {
            url: public_url(&item.download_info.url)?,
            sums: item.download_info.archive_info?.hashes,
        };
        Some((canonical(&item.metadata.name), file))
    });
    Ok(items.collect())
}

/// What no index has, as pip says it.
fn unknown(said: &str) -> Option<&str> {
    const WORDS: &str = "No matching distribution found for ";
    let at = said.find(WORDS)? + WORDS.len();
    said[at..].split_whitespace().next()
}

fn refused(said: &str) -> Error {
    let is_told = |line: &&str| line.starts_with("ERROR") || line.contains("error: ");
    let why = said.lines().rev().find(is_told);
    let why = why.or(said.lines().last()).unwrap_or_default();
    let error = Error::failed(hide(why.trim()).into_owned()).context(t!("logs.export.cannot_ask"));
    if said.contains("no such option") {
        error.hint("python -m pip install --upgrade pip")
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_index_has_is_named() {
        let said = "ERROR: Could not find a version that satisfies the requirement six==99 (from versions: 1.0)\n\
            ERROR: No matching distribution found for six==99\n";
        assert_eq!(unknown(said), Some("six==99"));
        assert_eq!(unknown("ERROR: no network"), None);
    }

    #[test]
    fn a_pip_that_cannot_tell_is_to_be_upgraded() {
        let error = refused("\nUsage:\n  pip install\n\nno such option: --dry-run\n");
        assert!(error.to_string().ends_with("no such option: --dry-run"));
        assert_eq!(error.hints(), ["python -m pip install --upgrade pip"]);
        let error = refused("WARNING: x\nERROR: https://kim:pw@h.org/ refused\nmore");
        assert!(
            error
                .to_string()
                .ends_with("https://kim:****@h.org/ refused")
        );
    }

    #[test]
    fn a_report_has_files_with_their_sums() {
        let report = r#"{"version": "1", "install": [
            {"download_info": {"url": "https://u:pw@h.org/Six_-1.whl", "archive_info": {"hashes": {"sha256": "ab"}}},
             "metadata": {"name": "Six_", "version": "1"}},
            {"download_info": {"url": "file:///x", "dir_info": {}}, "metadata": {"name": "x"}}]}"#;
        let found = files(report.as_bytes()).expect("a report");
        assert_eq!(found.len(), 1);
        let file = &found["six-"];
        assert_eq!(file.url, "https://h.org/Six_-1.whl");
        assert_eq!(file.sums["sha256"], "ab");
    }
}
