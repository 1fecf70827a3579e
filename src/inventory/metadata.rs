//! What distributions write of themselves: name and version, and the content that tells one installation from another.

use std::io;
use std::path::{Path, PathBuf};

use super::distribution::{Content, Distribution};
use super::egg;
use super::reading::{first, read_whole};
use crate::files::read as file;

/// Gives `one` the name and version of its metadata file, where it can be read. What cannot be read at this moment is
/// left for the next time.
pub(super) fn name(one: &mut Distribution, folders: &[PathBuf]) {
    let Some(folder) = &one.folder else { return };
    for site in folders {
        match read(&site.join(folder)) {
            Ok(Some((name, version))) => {
                one.name = name;
                one.version = version;
                break;
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
    one.named = true;
}

/// Name and version in the metadata at `path`: a dist-info or egg-info folder, or an egg-info file.
///
/// # Errors
/// What the system says, but that nothing is there.
pub(super) fn read(path: &Path) -> io::Result<Option<(String, String)>> {
    let head = first(places(path), |place| file::head(place, LONGEST_HEAD))?;
    Ok(head.and_then(|head| parse(&String::from_utf8_lossy(&head))))
}

/// Every header called `name` in the metadata at `path`, each on one line; none where nothing is there.
///
/// # Errors
/// What the system says, but that nothing is there.
pub(super) fn headers(path: &Path, name: &str) -> io::Result<Vec<String>> {
    let whole = first(places(path), read_whole)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&whole);
    let mut all: Vec<String> = Vec::new();
    let mut is_ours = false;
    for line in text.lines().take_while(|line| is_header(line)) {
        if line.starts_with([' ', '\t']) {
            if let Some(last) = all.last_mut().filter(|_| is_ours) {
                last.push(' ');
                last.push_str(line.trim());
            }
            continue;
        }
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        is_ours = key.eq_ignore_ascii_case(name);
        all.extend(is_ours.then(|| value.trim().to_owned()));
    }
    Ok(all)
}

/// Where metadata is looked for, as importlib does: the first that is not empty counts.
fn places(path: &Path) -> [PathBuf; 3] {
    [path.join("METADATA"), path.join("PKG-INFO"), path.into()]
}

/// What the metadata of `folder` holds, in the first of `sites` that has it: its RECORD, which has a hash of every
/// file, or the sizes of the files where there is none.
///
/// # Errors
/// What the system says, but that nothing is there.
pub(super) fn content(folder: &str, sites: &[PathBuf]) -> io::Result<Option<Content>> {
    for site in sites {
        let path = site.join(folder);
        let metadata = first(places(&path), read_whole)?;
        let Some(metadata) = metadata else {
            continue;
        };
        let record = match first([path.join("RECORD")], read_whole)? {
            Some(record) => record,
            None => egg::sizes(&path)?,
        };
        return Ok(Some(Content::of([&*metadata, &*record])));
    }
    Ok(None)
}

/// Name and Version stand at the top of the headers; what follows may be a long description.
const LONGEST_HEAD: u64 = 64 * 1024;

/// The `Name` and `Version` headers (core metadata specification: the form of e-mail headers, which end at the first
/// line that is none).
fn parse(text: &str) -> Option<(String, String)> {
    let headers = || text.lines().take_while(|line| is_header(line));
    let header = |name: &str| {
        headers().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let name = header("Name").filter(|name| !name.is_empty())?;
    let version = header("Version").filter(|version| !version.is_empty())?;
    Some((name, version))
}

/// Whether `line` is a header or goes on with the one above.
fn is_header(line: &str) -> bool {
    let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_graphic());
    line.starts_with([' ', '\t']) || line.split_once(':').is_some_and(|(key, _)| is_key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, &str)>) {
        let found = parse(text);
        let found = found
            .as_ref()
            .map(|(name, version)| (name.as_str(), version.as_str()));
        assert_eq!(found, expected, "{text:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_cannot_be_read_now_is_read_the_next_time() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("a_b-1.0.dist-info");
        std::fs::create_dir(&folder).expect("folder");
        let metadata = folder.join("METADATA");
        crate::files::testing::unreadable_now(&metadata);
        let mut one = Distribution {
            folder: Some("a_b-1.0.dist-info".to_owned()),
            named: false,
            ..Distribution::new("a_b", "1.0")
        };
        let sites = [dir.path().to_owned()];
        name(&mut one, &sites);
        assert_eq!((one.name.as_str(), one.named), ("a_b", false));
        std::fs::remove_file(&metadata).expect("removed");
        std::fs::write(&metadata, "Name: A.b\nVersion: 1.0\n").expect("write");
        name(&mut one, &sites);
        assert_eq!((one.name.as_str(), one.named), ("A.b", true));
    }

    #[test]
    fn only_headers_count() {
        check(
            "Metadata-Version: 2.1\nName: Jinja2\nVersion: 3.1\n",
            Some(("Jinja2", "3.1")),
        );
        check("Name: a\r\nVersion: 1\r\n\r\ntext", Some(("a", "1")));
        check(
            "Summary: x\n  Name: b\nNAME: a\nVersion: 1\nName: c\n",
            Some(("a", "1")),
        );
        check("Name: a\n\nVersion: 1\n", None);
        check("Name: a\nno header\nVersion: 1\n", None);
        check("Name:\nVersion: 1\n", None);
        check("", None);
    }
}
