//! From site-packages folders to distributions, by the names of metadata folders (binary distribution format:
//! `<name>-<version>.dist-info`, both escaped so that neither has a `-`) and one `stat` each.
//!
//! A file is read only for what has no version in its name, and for editable installations.

use std::borrow::Cow;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use serde::Deserialize;

use super::distribution::{Distribution, WrittenStamp, name_and_version};
use super::metadata;
use crate::files::momentary::{found, there};
use crate::files::read;
use crate::project::HOOK_LINE;

/// Every distribution in `folders`.
///
/// # Errors
/// What the system says of a folder, but that it is missing; of what is in it, only what is of the moment.
pub(super) fn scan(folders: &[PathBuf]) -> io::Result<Vec<Distribution>> {
    let mut all = Vec::new();
    for folder in folders {
        if let Some(site) = there(Site::open(folder))? {
            all.extend(site.scan()?);
        }
    }
    Ok(all)
}

/// `.pth` files that every other environment has and that no editable installation made.
const COMMON_PTH: [&str; 3] = ["distutils-precedence.pth", "_virtualenv.pth", HOOK_LINE];

/// Longer than any `.egg-link`.
const LONGEST_LINK: u64 = 64 << 10;
/// Longer than any `direct_url.json`.
const LONGEST_URL: u64 = 64 << 10;

/// One open site-packages folder.
struct Site<'a> {
    path: &'a Path,
    dir: Dir,
}

impl<'a> Site<'a> {
    fn open(path: &'a Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let dir = Dir::new(fd)?;
        Ok(Self { path, dir })
    }

    fn scan(mut self) -> io::Result<Vec<Distribution>> {
        let mut folders: Vec<String> = Vec::with_capacity(512);
        let mut links: Vec<String> = Vec::new();
        let mut has_editable = false;
        while let Some(entry) = self.dir.read() {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            match name.rsplit_once('.') {
                // pip renames what it is about to remove so that it begins with `~`.
                Some((_, "dist-info" | "egg-info")) if !name.starts_with('~') => {
                    folders.push(name.to_owned());
                }
                Some((_, "egg-link")) => links.push(name.to_owned()),
                // An editable installation must be importable: by a `.pth` file or a symbolic link.
                Some((_, "pth")) => has_editable |= !COMMON_PTH.contains(&name),
                _ => has_editable |= entry.file_type() == FileType::Symlink,
            }
        }
        let fd = self.dir.fd()?;
        let mut all: Vec<Distribution> = Vec::with_capacity(folders.len() + links.len());
        let mut place = String::with_capacity(128);
        for folder in folders {
            let Some(stamp) = stamp(fd, &folder, &mut place)? else {
                continue;
            };
            let editable = if has_editable {
                editable(fd, &folder, &mut place)?
            } else {
                None
            };
            all.extend(self.distribution(folder, stamp, editable)?);
        }
        for link in links {
            all.extend(self.linked(&link)?);
        }
        Ok(all)
    }

    fn distribution(
        &self,
        folder: String,
        stamp: WrittenStamp,
        editable: Option<String>,
    ) -> io::Result<Option<Distribution>> {
        let Some((name, version)) = name_and_version(&folder) else {
            return Ok(None);
        };
        let named = version.is_empty();
        let (name, version) = if named {
            match metadata::read(&self.path.join(&folder))? {
                Some(read) => read,
                None => return Ok(None),
            }
        } else {
            (name.to_owned(), version.to_owned())
        };
        Ok(Some(Distribution {
            name,
            version,
            editable,
            folder: Some(folder),
            stamp: Some(stamp),
            named,
        }))
    }

    /// What `setup.py develop` installed: `<name>.egg-link` holds the folder of the project's egg-info.
    fn linked(&self, link: &str) -> io::Result<Option<Distribution>> {
        let path = self.path.join(link);
        let (Some(text), Some(meta)) = (
            found(read::text(&path, LONGEST_LINK))?,
            found(std::fs::metadata(&path))?,
        ) else {
            return Ok(None);
        };
        let location = text.lines().next().unwrap_or_default().trim();
        let stem = link.strip_suffix(".egg-link").unwrap_or(link);
        for stem in [stem.to_owned(), stem.replace('-', "_")] {
            let egg = Path::new(location).join(format!("{stem}.egg-info"));
            if let Some((name, version)) = metadata::read(&egg)? {
                return Ok(Some(Distribution {
                    name,
                    version,
                    editable: Some(location.to_owned()),
                    folder: Some(link.to_owned()),
                    stamp: Some(WrittenStamp::of(&meta)),
                    named: true,
                }));
            }
        }
        Ok(None)
    }
}

/// The stamp of the file that an installer writes last, or none where there is no metadata at all.
fn stamp(
    site: BorrowedFd<'_>,
    folder: &str,
    place: &mut String,
) -> io::Result<Option<WrittenStamp>> {
    let files: &[&str] = if folder.ends_with(".dist-info") {
        &["/RECORD", "/METADATA"]
    } else {
        // An egg-info is a folder (pip before wheels, `setup.py install`) or a single file (distutils).
        &["/PKG-INFO", ""]
    };
    for file in files {
        place.clear();
        place.extend([folder, file]);
        let stat = statat(site, place.as_str(), AtFlags::empty()).map_err(io::Error::from);
        if let Some(stat) = found(stat)?
            && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        {
            return Ok(Some(raw_stamp(&stat)));
        }
    }
    Ok(None)
}

#[expect(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the fields' types differ between systems; sizes are never negative"
)]
fn raw_stamp(stat: &rustix::fs::Stat) -> WrittenStamp {
    WrittenStamp {
        mtime_ns: (stat.st_mtime as i64)
            .saturating_mul(1_000_000_000)
            .saturating_add(stat.st_mtime_nsec as i64),
        size: stat.st_size as u64,
    }
}

/// Where the project lies if `folder` belongs to an editable installation (PEP 610).
fn editable(site: BorrowedFd<'_>, folder: &str, place: &mut String) -> io::Result<Option<String>> {
    #[derive(Deserialize)]
    struct DirectUrl {
        url: String,
        dir_info: DirInfo,
    }
    #[derive(Deserialize)]
    struct DirInfo {
        #[serde(default)]
        editable: bool,
    }
    place.clear();
    place.extend([folder, "/direct_url.json"]);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = openat(site, place.as_str(), flags, Mode::empty()).map_err(io::Error::from);
    let text = found(fd.and_then(|fd| read::opened(fd, LONGEST_URL)))?;
    let url: Option<DirectUrl> = text.and_then(|text| serde_json::from_slice(&text).ok());
    let url = url.filter(|url| url.dir_info.editable);
    Ok(url.map(|url| path_of_url(&url.url)))
}

/// The path in a `file://` URL, percent-decoded; another URL as it is.
fn path_of_url(url: &str) -> String {
    let Some(path) = url.strip_prefix("file://") else {
        return url.to_owned();
    };
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
    decoded.map_or_else(|_| path.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Snapshot;

    #[test]
    fn names_and_versions_are_in_the_folders_name() {
        for (folder, expected) in [
            ("six-1.16.0.dist-info", Some(("six", "1.16.0"))),
            (
                "ruamel.yaml-0.17.21.dist-info",
                Some(("ruamel.yaml", "0.17.21")),
            ),
            (
                "torch-2.1.0+cu118.dist-info",
                Some(("torch", "2.1.0+cu118")),
            ),
            (
                "foo_2-1!2.0.post1.dist-info",
                Some(("foo_2", "1!2.0.post1")),
            ),
            ("foo-bar-1.0.dist-info", Some(("foo-bar", "1.0"))),
            ("old-1.0-1.dist-info", Some(("old", "1.0-1"))),
            ("PyYAML-5.3.1-py3.8.egg-info", Some(("PyYAML", "5.3.1"))),
            (
                "PyYAML-5.3.1-py3.8-linux-x86_64.egg-info",
                Some(("PyYAML", "5.3.1")),
            ),
            ("bare.egg-info", Some(("bare", ""))),
            ("-1.0.dist-info", None),
            ("six", None),
        ] {
            assert_eq!(name_and_version(folder), expected, "{folder}");
        }
    }

    #[test]
    fn urls_become_paths() {
        for (url, expected) in [
            ("file:///home/a%20b/%ED%95%9C", "/home/a b/한"),
            ("file://localhost/x", "/x"),
            ("file:///100%", "/100%"),
            ("file:///a%+1", "/a%+1"),
            ("file:///%ff%20", "/%ff%20"),
            ("https://example.org/x", "https://example.org/x"),
        ] {
            assert_eq!(path_of_url(url), expected, "{url}");
        }
    }

    fn write(dir: &Path, place: &str, text: &str) {
        let path = dir.join(place);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("write");
    }

    fn scanned(dir: &Path) -> Vec<String> {
        let snapshot: Snapshot = scan(&[dir.to_path_buf()])
            .expect("readable")
            .into_iter()
            .collect();
        let show = |one: &Distribution| {
            let editable = one
                .editable
                .as_ref()
                .map(|at| format!(" @ {at}"))
                .unwrap_or_default();
            format!("{} {}{editable}", one.name, one.version)
        };
        snapshot.distributions().map(show).collect()
    }

    #[test]
    fn every_form_of_installation_is_found_and_the_broken_left_out() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let site = dir.path().join("site");
        write(&site, "six-1.16.0.dist-info/RECORD", "");
        write(
            &site,
            "system-1.0.dist-info/METADATA",
            "Name: system\nVersion: 1.0\n",
        );
        write(&site, "empty-1.0.dist-info/other", "");
        write(&site, "~ix-1.15.0.dist-info/RECORD", "");
        write(&site, "PyYAML-5.3.1-py3.8.egg-info/PKG-INFO", "");
        write(&site, "single-2.0-py3.8.egg-info", "Name: single\n");
        write(&site, "bare.egg-info/PKG-INFO", "Name: Bare\nVersion: 3\n");
        write(&site, "mute.egg-info/PKG-INFO", "no headers");
        write(&site, "afile-1.0.dist-info", "a file, not a folder");
        assert_eq!(
            scanned(&site),
            [
                "Bare 3",
                "PyYAML 5.3.1",
                "single 2.0",
                "six 1.16.0",
                "system 1.0"
            ]
        );
    }

    #[test]
    fn editable_installations_know_their_project() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let site = dir.path().join("site");
        let url = r#"{"url":"file:///work/my%20lib","dir_info":{"editable":true}}"#;
        write(&site, "my_lib-0.1.dist-info/RECORD", "");
        write(&site, "my_lib-0.1.dist-info/direct_url.json", url);
        write(&site, "__editable__.my_lib-0.1.pth", "/work/my lib/src");
        write(&site, "local-0.1.dist-info/RECORD", "");
        write(
            &site,
            "local-0.1.dist-info/direct_url.json",
            r#"{"url":"file:///x","dir_info":{}}"#,
        );
        let project = dir.path().join("old");
        write(
            &project,
            "old_one.egg-info/PKG-INFO",
            "Name: old-one\nVersion: 7\n",
        );
        write(
            &site,
            "old-one.egg-link",
            &format!("{}\n.", project.display()),
        );
        let old = format!("old-one 7 @ {}", project.display());
        assert_eq!(
            scanned(&site),
            ["local 0.1", "my_lib 0.1 @ /work/my lib", &old]
        );
    }

    #[test]
    fn of_two_of_one_name_the_one_installed_last_counts() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (folder, seconds) in [("six-1.9.0", 2_000), ("six-1.16.0", 1_000)] {
            let record = format!("{folder}.dist-info/RECORD");
            write(dir.path(), &record, "");
            let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let file = std::fs::File::options()
                .write(true)
                .open(dir.path().join(&record))
                .expect("open");
            file.set_modified(when).expect("set the time");
        }
        assert_eq!(scanned(dir.path()), ["six 1.9.0"]);
    }

    #[test]
    fn a_folder_that_is_not_there_has_nothing() {
        let none = scan(&[PathBuf::from("/nowhere/site-packages")]);
        assert!(none.expect("nothing").is_empty());
    }
}
