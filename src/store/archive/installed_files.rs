//! The files of an installed distribution, as its RECORD lists them (PEP 376 and 627; "Recording installed projects").
//!
//! Anybody's wheel brings a RECORD: each path in it is made one below the environment, or is left out.

use std::io;
use std::path::{Component, Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use crate::files::Walk;
use crate::files::momentary::found;
use crate::project::{Venv, VenvLayout};

/// Longer than any RECORD: those of the largest distributions have some MiB.
const LONGEST: u64 = 64 << 20;
/// Deeper than any folder of a distribution; the way down is kept open.
const DEEPEST: usize = 64;
/// Name of the list in a metadata folder.
const RECORD: &str = "RECORD";
/// Name of the folders of what Python compiles.
pub(super) const COMPILED: &str = "__pycache__";

/// What a RECORD lists.
#[derive(Debug)]
pub(super) struct InstalledFiles {
    /// The files below the environment, in the order of their paths.
    pub(super) files: Vec<ListedFile>,
    /// The sum of the RECORD itself.
    pub(super) sum: String,
}

/// A file, as RECORD tells of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListedFile {
    /// Where it lies, from the environment's folder.
    pub(super) path: String,
    /// Its SHA-256, as RECORD writes it.
    pub(super) sha256: Option<String>,
}

impl ListedFile {
    /// Whether Python makes it again from the file beside it.
    pub(super) fn is_compiled(&self) -> bool {
        let above = Path::new(&self.path).parent();
        above.is_some_and(|above| above.ends_with(COMPILED))
    }
}

/// The folders of packages, from the environment's folder; those that lie elsewhere are left out.
pub(super) fn sites(venv: &Venv) -> Vec<PathBuf> {
    let Ok(root) = venv.root().canonicalize() else {
        return Vec::new();
    };
    let sites = venv.site_packages().into_iter();
    sites
        .filter_map(|site| site.strip_prefix(&root).ok().map(Path::to_path_buf))
        .collect()
}

/// The RECORD of the distribution whose metadata is the folder `metadata`, seen from the environment's: what `stat`
/// tells of it, while which it is the same.
pub(super) fn stamp(walk: &mut Walk, metadata: &Path) -> Option<(i64, u64)> {
    let found = walk.folder(metadata).ok()?.found(RECORD).ok()?;
    let since = found.modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    let nanoseconds = i64::try_from(since.as_nanos()).ok()?;
    found.is_file.then_some((nanoseconds, found.length))
}

/// Whether the file at `path` is the RECORD of a distribution.
pub(super) fn is_list(path: &str) -> bool {
    let path = Path::new(path);
    let above = path.parent().and_then(Path::extension);
    path.file_name().is_some_and(|name| name == RECORD)
        && above.is_some_and(|ending| ending == "dist-info")
}

/// What that RECORD lists; none where there is none.
///
/// # Errors
/// What is of the moment.
pub(super) fn read(
    walk: &mut Walk,
    site: &Path,
    metadata: &Path,
) -> io::Result<Option<InstalledFiles>> {
    let folder = walk.folder(metadata);
    let Some(text) = found(folder.and_then(|folder| folder.read(RECORD, LONGEST)))? else {
        return Ok(None);
    };
    let sum = sum_of(&text);
    let mut files = listed(&text, site);
    let own = metadata.join(RECORD);
    for file in &mut files {
        if Path::new(&file.path) == own {
            file.sha256 = Some(sum.clone());
        }
    }
    Ok(Some(InstalledFiles { files, sum }))
}

/// The files that the RECORD `text` in `site` lists. A line that cannot be read, or that leads elsewhere, says nothing.
fn listed(text: &[u8], site: &Path) -> Vec<ListedFile> {
    let mut lines = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let mut files: Vec<ListedFile> = lines
        .records()
        .filter_map(|line| {
            let line = line.ok()?;
            let sum = line.get(1).and_then(|sum| sum.strip_prefix("sha256="));
            Some(ListedFile {
                path: below(site, line.get(0)?)?,
                sha256: sum.map(|sum| sum.trim_end_matches('=').to_owned()),
            })
        })
        .collect();
    files.sort();
    files.dedup_by(|next, first| next.path == first.path);
    files
}

/// `path`, as RECORD has it, from the environment's folder: none where it leads out of it, or to what is ours.
fn below(site: &Path, path: &str) -> Option<String> {
    let mut way: Vec<&str> = Vec::new();
    for part in site.components().chain(Path::new(path).components()) {
        match part {
            Component::Normal(name) => way.push(name.to_str()?),
            Component::ParentDir => {
                way.pop()?;
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let is_ours = way.first().is_none_or(|first| *first == VenvLayout::AIM);
    (!is_ours && way.len() <= DEEPEST && !path.is_empty() && !path.ends_with('/'))
        .then(|| way.join("/"))
}

/// The SHA-256 of `bytes`, as RECORD writes it.
pub(super) fn sum_of(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(bytes))
}

/// The SHA-256 of what is read from `file`, as RECORD writes it.
///
/// # Errors
/// What the system says.
pub(super) fn sum_of_file(mut file: impl io::Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(BASE64URL_NOPAD.encode(&hasher.finalize())),
            length => hasher.update(&buffer[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_leads_nowhere_but_into_the_environment() {
        let site = Path::new("lib/python3.12/site-packages");
        let text = b"six.py,sha256=abc=,5\n../../../bin/six,,\n\"a,b/c.py\",sha256=x,1\nsix.py,,\n\
            __pycache__/six.cpython-312.pyc,,\n./d/../e.py,,\n\
            ../../../../outside,,\n/etc/passwd,,\n../../../.aim/lock,,\n../../..,,\nfolder/,,\n\xff,,\n,,\n";
        let files = listed(text, site);
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let inside = "lib/python3.12/site-packages/";
        assert_eq!(
            paths,
            [
                "bin/six".to_owned(),
                format!("{inside}__pycache__/six.cpython-312.pyc"),
                format!("{inside}a,b/c.py"),
                format!("{inside}e.py"),
                format!("{inside}six.py"),
            ]
        );
        assert!(files[1].is_compiled() && !files[4].is_compiled());
        let deep = "a/".repeat(100) + "x";
        assert_eq!(below(site, &deep), None);
    }
}
