//! What a look at site-packages shows of an installer at work.
//!
//! Installers write in a known order. pip renames what it removes so that it begins with `~`, unpacks the new
//! distribution, compiles it, and only then writes a RECORD that lists INSTALLER; uv, pdm and poetry write that RECORD
//! last as well. So a fresh `~` folder or a fresh RECORD without INSTALLER means that somebody may still be at work,
//! and is, as long as something moves. What looks so and is at rest was left by a crash, or installed by hand.

use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::distribution::is_set_aside;
use crate::files::momentary::{found, there};
use crate::files::read;

/// How long a sign may count: longer than any installer takes for one distribution.
const FRESH: Duration = Duration::from_secs(60);

/// After so long without a movement nobody is at work: longer than an installer pauses within a distribution.
pub const AT_REST: Duration = Duration::from_secs(2);

/// Something in site-packages that tells of an installer at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// Its name in the folder.
    pub name: String,
    /// Since anything last moved of what changed as lately as it.
    pub at_rest: Duration,
    /// What it is.
    pub kind: SignKind,
}

/// What tells of an installer at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignKind {
    /// pip put it aside, to remove it or put it back.
    SetAside,
    /// Metadata without a RECORD that lists INSTALLER.
    Incomplete,
}

/// The fresh signs in `folders`; what is old is not looked at, so that a large environment costs one `stat` a
/// distribution.
///
/// # Errors
/// What the system says of a folder, but that it is missing.
pub fn signs(folders: &[PathBuf]) -> io::Result<Vec<Sign>> {
    let now = SystemTime::now();
    let mut found = Vec::new();
    for folder in folders {
        for entry in there(std::fs::read_dir(folder))?.into_iter().flatten() {
            found.extend(sign(&entry?, now)?);
        }
    }
    let at_rest = if found.is_empty() {
        Duration::MAX
    } else {
        at_rest_at(folders, now)
    };
    let sign = |(name, kind)| Sign {
        name,
        at_rest,
        kind,
    };
    Ok(found.into_iter().map(sign).collect())
}

/// Entries that are looked at for movements.
const MOST_ENTRIES: usize = 100_000;

/// Since anything last moved in `folders`, as far as an installer at work would move it.
pub fn at_rest(folders: &[PathBuf]) -> Duration {
    at_rest_at(folders, SystemTime::now())
}

/// Since anything last moved in `folders`: of what is fresh, all that lies in it, since an installer writes there for
/// long before the next entry appears. What cannot be read does not move.
fn at_rest_at(folders: &[PathBuf], now: SystemTime) -> Duration {
    let of_folder = |folder: &PathBuf| Some(age(&folder.metadata().ok()?, now));
    let mut least = folders
        .iter()
        .filter_map(of_folder)
        .min()
        .unwrap_or(Duration::MAX);
    let mut entries = 0;
    let mut fresh = folders.to_vec();
    while let Some(folder) = fresh.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else {
                continue;
            };
            // Whoever links a shared file elsewhere, as uv does from its cache, changes its other time only.
            let is_shared = found.is_file() && found.nlink() > 1;
            let age = if is_shared {
                written(&found, now)
            } else {
                age(&found, now)
            };
            least = least.min(age);
            entries += 1;
            if found.is_dir() && is_fresh(age) && entries < MOST_ENTRIES {
                fresh.push(entry.path());
            }
        }
    }
    least
}

/// # Errors
/// What is of the moment: a change that is not over would be taken for one that is.
fn sign(entry: &DirEntry, now: SystemTime) -> io::Result<Option<(String, SignKind)>> {
    let Ok(name) = entry.file_name().into_string() else {
        return Ok(None);
    };
    let is_set_aside = is_set_aside(name.as_ref());
    if !is_set_aside && !name.ends_with(".dist-info") {
        return Ok(None);
    }
    let Some(metadata) = found(entry.metadata())? else {
        return Ok(None);
    };
    let age = age(&metadata, now);
    if !is_fresh(age) {
        return Ok(None);
    }
    let kind = if is_set_aside {
        SignKind::SetAside
    } else if is_complete(&entry.path()) {
        return Ok(None);
    } else {
        SignKind::Incomplete
    };
    Ok(Some((name, kind)))
}

/// Whether a sign of this age says anything.
fn is_fresh(age: Duration) -> bool {
    age < FRESH
}

/// Since the last change, by the time that no program can set: a renamed folder keeps its modification time.
fn age(found: &Metadata, now: SystemTime) -> Duration {
    let seconds = u64::try_from(found.ctime()).unwrap_or_default();
    let nanoseconds = u32::try_from(found.ctime_nsec()).unwrap_or_default();
    since(
        SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds),
        now,
    )
}

/// Since what is in a file was last written.
fn written(found: &Metadata, now: SystemTime) -> Duration {
    since(found.modified().unwrap_or(SystemTime::UNIX_EPOCH), now)
}

/// What is written while somebody looks is a little later than the beginning of the look. What is far ahead (the clock
/// was set back) counts as old, so that nobody waits for it.
fn since(time: SystemTime, now: SystemTime) -> Duration {
    match now.duration_since(time) {
        Ok(age) => age,
        Err(ahead) if ahead.duration() < AT_REST => Duration::ZERO,
        Err(_) => Duration::MAX,
    }
}

/// Longer than the name of any installer.
const LONGEST_NAME: u64 = 4 << 10;
/// Longer than any RECORD: a line for each of 200,000 files.
const LONGEST_RECORD: u64 = 32 << 20;

/// Whether the metadata in `folder` has the RECORD that an installer writes last. conda does not write it: it links the
/// files of a package in any order, and tells of it in its own folder when all are there.
fn is_complete(folder: &Path) -> bool {
    let installer = read::text(&folder.join("INSTALLER"), LONGEST_NAME);
    if installer.is_ok_and(|name| name.trim() == "conda") {
        return true;
    }
    let Ok(record) = read::read(&folder.join("RECORD"), LONGEST_RECORD) else {
        return false;
    };
    record.split(|&byte| byte == b'\n').any(|line| {
        line.split(|&byte| byte == b',')
            .next()
            .is_some_and(lists_installer)
    })
}

fn lists_installer(path: &[u8]) -> bool {
    // A path with a comma is quoted (PEP 376: RECORD is CSV).
    let path = path.strip_prefix(b"\"").unwrap_or(path);
    path.strip_suffix(b"\"")
        .unwrap_or(path)
        .ends_with(b".dist-info/INSTALLER")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: &[(&str, &str)], expected: &[(&str, SignKind)]) {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (place, text) in entries {
            let path = dir.path().join(place);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, text).expect("write");
        }
        let mut found: Vec<_> = signs(&[dir.path().to_path_buf(), "/nowhere".into()])
            .expect("readable")
            .into_iter()
            .map(|sign| (sign.name, sign.kind))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect();
        assert_eq!(found, expected, "{entries:?}");
    }

    #[test]
    fn what_an_installer_at_work_leaves() {
        let whole = "six.py,sha256=x,1\nsix-1.0.dist-info/INSTALLER,sha256=y,4\nsix-1.0.dist-info/RECORD,,\n";
        let quoted = "\"six-1.0.dist-info/INSTALLER\",,\n";
        let from_the_wheel = "six.py,sha256=x,1\nsix-1.0.dist-info/RECORD,,\n";
        let record = "six-1.0.dist-info/RECORD";
        let incomplete = [("six-1.0.dist-info", SignKind::Incomplete)];
        check(&[("six.py", ""), (record, whole)], &[]);
        check(&[(record, quoted)], &[]);
        check(&[(record, from_the_wheel)], &incomplete);
        check(&[("six-1.0.dist-info/METADATA", "")], &incomplete);
        check(
            &[(record, whole), ("~ix-0.9.dist-info/RECORD", "")],
            &[("~ix-0.9.dist-info", SignKind::SetAside)],
        );
        check(&[("old.egg-info/PKG-INFO", "")], &[]);
        check(&[("six-1.0.dist-info/INSTALLER", "conda\n")], &[]);
        check(&[("six-1.0.dist-info/INSTALLER", "pip\n")], &incomplete);
    }

    #[test]
    fn what_moves_deep_in_a_fresh_folder_is_a_movement() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let deep = dir.path().join("six/inner/__pycache__");
        std::fs::create_dir_all(&deep).expect("folders");
        std::fs::create_dir(dir.path().join("~ix")).expect("folder");
        let folders = [dir.path().to_path_buf()];
        let made = dir.path().join("~ix").metadata().expect("there");
        let now = SystemTime::now();
        let made = now - age(&made, now);
        let rest = at_rest_at(&folders, made + Duration::from_secs(30));
        assert!((29..=30).contains(&rest.as_secs()), "{rest:?}");
        assert_eq!(at_rest_at(&["/nowhere".into()], made), Duration::MAX);
        assert!(signs(&folders).expect("readable")[0].at_rest < FRESH);
    }

    #[test]
    fn what_is_written_during_a_look_is_a_movement() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folders = [dir.path().to_path_buf()];
        let begun = SystemTime::now();
        std::fs::create_dir(dir.path().join("~ix")).expect("folder");
        let before = begun - Duration::from_millis(100);
        assert_eq!(at_rest_at(&folders, before), Duration::ZERO);
        let set_back = begun - Duration::from_secs(30);
        assert_eq!(at_rest_at(&folders, set_back), Duration::MAX);
    }

    #[test]
    fn a_link_that_others_make_is_no_movement_here() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (site, elsewhere) = (dir.path().join("site"), dir.path().join("elsewhere"));
        std::fs::create_dir(&site).expect("folder");
        let cached = dir.path().join("cached");
        std::fs::write(&cached, "x = 1\n").expect("write");
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        let file = std::fs::File::options().write(true).open(&cached);
        file.expect("open").set_modified(long_ago).expect("set");
        std::fs::hard_link(&cached, site.join("a.py")).expect("linked");
        let seen = SystemTime::now() + Duration::from_secs(30);
        let before = at_rest_at(std::slice::from_ref(&site), seen);
        assert!(before > Duration::from_secs(29), "{before:?}");
        // Much later somebody else installs from the same cache.
        std::fs::hard_link(&cached, &elsewhere).expect("linked");
        let found = site.join("a.py").metadata().expect("there");
        let changed = Duration::new(
            u64::try_from(found.ctime()).expect("a time"),
            u32::try_from(found.ctime_nsec()).expect("a time"),
        );
        let seen = SystemTime::UNIX_EPOCH + changed;
        let (rest, of_folder) = (
            at_rest_at(std::slice::from_ref(&site), seen),
            age(&site.metadata().expect("there"), seen),
        );
        assert_eq!(rest, of_folder);
    }

    #[test]
    fn only_what_changed_lately_counts() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let found = dir.path().metadata().expect("metadata");
        let now = SystemTime::now();
        assert!(is_fresh(age(&found, now)));
        assert!(!is_fresh(age(&found, now + Duration::from_secs(61))));
        let clock_set_back = now - Duration::from_secs(3_600);
        assert!(!is_fresh(age(&found, clock_set_back)));
    }
}
