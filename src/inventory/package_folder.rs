//! One folder of packages: its startup files, and the distributions that lie in it, by the names of their metadata
//! folders (binary distribution format: `<name>-<version>.dist-info`, both escaped so that neither has a `-`) and two
//! `stat`s each.
//!
//! A file is read only for what has no version in its name, and for editable installations.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};

use super::direct_url::{DIRECT_URL, LONGEST_DIRECT_URL};
use super::distribution::{
    Content, Distribution, Kind, Seen, WrittenStamp, is_valid, kind, name_and_version,
};
use super::editable;
use super::egg::EGG_INFO;
use super::metadata;
use super::startup;
use crate::files::momentary::readable;
use crate::files::read;
use crate::project::HOOK_LINE;

/// `.pth` files that every other environment has and that no editable installation made.
const COMMON_PTH: [&str; 3] = ["distutils-precedence.pth", "_virtualenv.pth", HOOK_LINE];

/// The names in a folder of packages that say something.
#[derive(Default)]
pub(super) struct Entries {
    metadata: Vec<String>,
    /// The startup files by name, with the file that each is.
    pub(super) startup: Vec<(String, PathBuf)>,
    /// Whether something may be installed in editable form: it must be importable, by a `.pth` file or a symbolic link.
    has_editable: bool,
}

/// One open folder of packages.
pub(super) struct PackageFolder<'a> {
    path: &'a Path,
    dir: Dir,
}

impl<'a> PackageFolder<'a> {
    pub(super) fn open(path: &'a Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let dir = Dir::new(fd)?;
        Ok(Self { path, dir })
    }

    pub(super) fn entries(&mut self) -> io::Result<Entries> {
        let is_egg = self
            .path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("egg"));
        let mut entries = Entries {
            metadata: Vec::with_capacity(512),
            ..Entries::default()
        };
        while let Some(entry) = self.dir.read() {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            match kind(name) {
                Some((Kind::DistInfo | Kind::EggInfo, _)) => entries.metadata.push(name.to_owned()),
                _ if is_egg && name.eq_ignore_ascii_case(EGG_INFO) => {
                    entries.metadata.push(name.to_owned());
                }
                _ => {
                    entries.has_editable |= entry.file_type() == FileType::Symlink
                        || (is_pth(name) && !COMMON_PTH.contains(&name));
                    let file = startup::file_of(name);
                    entries
                        .startup
                        .extend(file.map(|file| (name.to_owned(), file)));
                }
            }
        }
        Ok(entries)
    }

    /// What the folder at `path` has of distributions and startup files, in one number that moves when an installer
    /// works there.
    pub(super) fn outline(path: &Path) -> io::Result<Content> {
        let mut folder = PackageFolder::open(path)?;
        let Entries {
            metadata, startup, ..
        } = folder.entries()?;
        let fd = folder.dir.fd()?;
        let mut lines = Vec::new();
        for name in metadata.iter().chain(startup.iter().map(|(name, _)| name)) {
            let stat = statat(fd, name.as_str(), AtFlags::empty()).map_err(io::Error::from);
            lines.push(format!(
                "{name} {:?}",
                readable(stat)?.as_ref().map(numbers)
            ));
        }
        lines.sort();
        Ok(Content::of(lines.iter().map(String::as_bytes)))
    }

    /// The distributions of `entries`; `below` leads from site-packages here.
    pub(super) fn distributions(
        &self,
        entries: &Entries,
        below: &str,
    ) -> io::Result<Vec<Distribution>> {
        let fd = self.dir.fd()?;
        let mut place = String::with_capacity(128);
        let mut all = Vec::with_capacity(entries.metadata.len());
        for folder in &entries.metadata {
            let Some((stamp, seen)) = look(fd, folder, &mut place)? else {
                continue;
            };
            let Some((name, version, named)) = self.name(folder)? else {
                continue;
            };
            let editable = if entries.has_editable {
                editable_at(fd, folder, &mut place)?
            } else {
                None
            };
            all.push(Distribution {
                name,
                version,
                editable,
                folder: Some(format!("{below}{folder}")),
                stamp: Some(stamp),
                named,
                seen: Some(seen),
                content: None,
                outside: None,
            });
        }
        Ok(all)
    }

    /// Name and version of `folder`, and whether they are its metadata's own; none where pip takes it for no
    /// distribution.
    fn name(&self, folder: &str) -> io::Result<Option<(String, String, bool)>> {
        let from_folder = name_and_version(folder);
        if let Some((name, version)) = from_folder {
            if !is_valid(name) {
                return Ok(None);
            }
            if !version.is_empty() {
                return Ok(Some((name.to_owned(), version.to_owned(), false)));
            }
        }
        let own = metadata::read(&self.path.join(folder))?;
        Ok(own
            .filter(|(name, _)| is_valid(name))
            .map(|(name, version)| (name, version, true)))
    }
}

pub(super) fn is_pth(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == "pth")
}

/// Where the project lies if `folder` belongs to an editable installation.
fn editable_at(
    site: BorrowedFd<'_>,
    folder: &str,
    place: &mut String,
) -> io::Result<Option<String>> {
    place.clear();
    place.extend([folder, "/", DIRECT_URL]);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = openat(site, place.as_str(), flags, Mode::empty()).map_err(io::Error::from);
    let text = readable(opened.and_then(|fd| read::opened(fd, LONGEST_DIRECT_URL)))?;
    Ok(text.and_then(|text| editable::location(&text)))
}

/// The stamp of the file that an installer writes last, and all that `stat` tells; none where there is no metadata,
/// which pip takes for nothing installed.
fn look(
    folder: BorrowedFd<'_>,
    name: &str,
    place: &mut String,
) -> io::Result<Option<(WrittenStamp, Seen)>> {
    let is_wheels = matches!(kind(name), Some((Kind::DistInfo, _)));
    // An egg-info is a folder (pip before wheels, `setup.py install`) or a single file (distutils).
    let files: &[&str] = if is_wheels {
        &["/METADATA", "/PKG-INFO"]
    } else {
        &["/PKG-INFO", "/METADATA", ""]
    };
    let mut metadata = None;
    for ending in files {
        metadata = file(folder, name, ending, place)?.filter(|stat| stat.st_size > 0);
        if metadata.is_some() {
            break;
        }
    }
    let Some(metadata) = metadata else {
        return Ok(None);
    };
    let record = if is_wheels {
        file(folder, name, "/RECORD", place)?
    } else {
        None
    };
    let stamp = written(record.as_ref().unwrap_or(&metadata));
    let numbers = numbers(&metadata)
        .into_iter()
        .chain(record.iter().flat_map(numbers));
    Ok(Some((stamp, Seen::of(numbers))))
}

/// What `stat` tells of a file of the metadata folder `name`, or of `name` itself.
fn file(
    folder: BorrowedFd<'_>,
    name: &str,
    ending: &str,
    place: &mut String,
) -> io::Result<Option<Stat>> {
    place.clear();
    place.extend([name, ending]);
    let stat = statat(folder, place.as_str(), AtFlags::empty()).map_err(io::Error::from);
    let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok(readable(stat)?.filter(is_file))
}

#[expect(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the fields' types differ between systems; sizes are never negative"
)]
pub(super) fn written(stat: &Stat) -> WrittenStamp {
    WrittenStamp {
        mtime_ns: (stat.st_mtime as i64)
            .saturating_mul(1_000_000_000)
            .saturating_add(stat.st_mtime_nsec as i64),
        size: stat.st_size as u64,
    }
}

/// What moves when the file is written or replaced. Not its device, which a restart of the machine may number anew.
#[expect(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    reason = "the fields' types differ between systems"
)]
pub(super) fn numbers(stat: &Stat) -> [i64; 6] {
    [
        stat.st_ino as i64,
        stat.st_size as i64,
        stat.st_mtime as i64,
        stat.st_mtime_nsec as i64,
        stat.st_ctime as i64,
        stat.st_ctime_nsec as i64,
    ]
}
