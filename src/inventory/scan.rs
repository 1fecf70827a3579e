//! From folders of packages to distributions and startup files: by the names of metadata folders (binary distribution
//! format: `<name>-<version>.dist-info`, both escaped so that neither has a `-`) and two `stat`s each.
//!
//! Looked at is what an interpreter of the environment has on its path of modules, in that order, as
//! `importlib.metadata` does: the site-packages folders, what their `.pth` files add, and what `.egg-link` files name.
//! A file is read only for what has no version in its name, for editable installations and for the few startup files.
//!
//! **Invariant:** nothing but what is not there counts as nothing. What cannot be looked at makes the whole scan fail.

use std::collections::HashSet;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, openat, statat};

use super::distribution::{
    Distribution, Kind, Seen, WrittenStamp, is_valid, kind, name_and_version,
};
use super::editable;
use super::egg::{self, EGG_INFO};
use super::metadata;
use super::readable::there;
use super::startup::{self, StartupFiles};
use crate::files::read;
use crate::project::HOOK_LINE;

/// What a scan finds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The distributions; of several of one name the one first that is imported.
    pub(super) distributions: Vec<Distribution>,
    pub(super) files: StartupFiles,
}

/// Everything in `sites`, the environment's site-packages folders, and in what these lead to.
///
/// # Errors
/// What the system says, but that nothing is there.
pub(super) fn scan(sites: &[PathBuf]) -> io::Result<Found> {
    let mut scan = Scan {
        known: sites.iter().cloned().collect(),
        ..Scan::default()
    };
    for site in sites {
        scan.site(site)?;
    }
    Ok(scan.found)
}

/// `.pth` files that every other environment has and that no editable installation made.
const COMMON_PTH: [&str; 3] = ["distutils-precedence.pth", "_virtualenv.pth", HOOK_LINE];

/// A scan under way.
#[derive(Default)]
struct Scan {
    /// The places that were looked at, resolved.
    known: HashSet<PathBuf>,
    found: Found,
}

impl Scan {
    /// A site-packages folder and what it leads to.
    fn site(&mut self, path: &Path) -> io::Result<()> {
        let Some(mut folder) = there(PackageFolder::open(path))? else {
            return Ok(());
        };
        let entries = folder.entries()?;
        self.found
            .distributions
            .extend(folder.distributions(&entries, "")?);
        let mut startup = entries.startup;
        // The order in which `site` reads them.
        startup.sort();
        let mut links = Vec::new();
        for name in startup {
            let Some(file) = startup::file_of(&name) else {
                continue;
            };
            let text = self.found.files.take(&path.join(file), &name)?;
            let text = String::from_utf8_lossy(&text);
            match name.rsplit_once('.') {
                Some((_, "pth")) => {
                    for place in startup::paths(path, &text) {
                        self.place(path, &place)?;
                    }
                }
                Some((_, "egg-link")) => links.push((name, text.into_owned())),
                _ => {}
            }
        }
        for (name, text) in links {
            self.link(path, &name, &text)?;
        }
        Ok(())
    }

    /// A folder or an egg that a `.pth` file in `site` adds to the path of modules.
    fn place(&mut self, site: &Path, place: &Path) -> io::Result<()> {
        let Some(place) = there(place.canonicalize())? else {
            return Ok(());
        };
        if !self.known.insert(place.clone()) {
            return Ok(());
        }
        let below = match place.strip_prefix(site) {
            Ok(below) => below,
            Err(_) => &*place,
        };
        let Some(below) = below.to_str() else {
            return Ok(());
        };
        if let Some(mut folder) = there(PackageFolder::open(&place))? {
            let entries = folder.entries()?;
            let found = folder.distributions(&entries, &format!("{below}/"))?;
            self.found.distributions.extend(found);
            for name in entries.startup {
                // `site` reads only those lines that lie in site-packages.
                let is_module = name.contains("customize");
                if let Some(file) = startup::file_of(&name).filter(|_| is_module) {
                    self.found
                        .files
                        .take(&place.join(file), &format!("{below}/{name}"))?;
                }
            }
        } else if egg::is_zipped(&place)? {
            self.found.distributions.extend(zipped(&place, below)?);
        }
        Ok(())
    }

    /// What `setup.py develop` installed: `<name>.egg-link` names the folder that has the project's egg-info.
    fn link(&mut self, site: &Path, link: &str, text: &str) -> io::Result<()> {
        let Some(location) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
            return Ok(());
        };
        let folder = site.join(location);
        let Some(stat) = there(rustix::fs::stat(site.join(link)).map_err(Into::into))? else {
            return Ok(());
        };
        let stem = link.strip_suffix(".egg-link").unwrap_or(link);
        let mut stems = vec![
            stem.to_owned(),
            stem.replace('-', "_"),
            stem.replace(['-', '.'], "_"),
        ];
        stems.dedup();
        for stem in stems {
            let egg_info = folder.join(format!("{stem}.egg-info"));
            if let Some((name, version)) = metadata::read(&egg_info)? {
                self.forget(site, &egg_info)?;
                self.found.distributions.push(Distribution {
                    editable: Some(location.to_owned()),
                    folder: Some(link.to_owned()),
                    stamp: Some(written(&stat)),
                    seen: Some(Seen::of(numbers(&stat))),
                    ..Distribution::new(name, version)
                });
                break;
            }
        }
        Ok(())
    }

    /// Takes out what was found at `egg_info` by a `.pth` file: the link says more of it.
    fn forget(&mut self, site: &Path, egg_info: &Path) -> io::Result<()> {
        if let Some(egg_info) = there(egg_info.canonicalize())? {
            let found = &mut self.found.distributions;
            found.retain(|one| {
                one.folder()
                    .is_none_or(|folder| site.join(folder) != egg_info)
            });
        }
        Ok(())
    }
}

/// The names in a folder of packages that say something.
#[derive(Default)]
struct Entries {
    metadata: Vec<String>,
    startup: Vec<String>,
    /// Whether something may be installed in editable form: it must be importable, by a `.pth` file or a symbolic link.
    has_editable: bool,
}

/// One open folder of packages.
struct PackageFolder<'a> {
    path: &'a Path,
    dir: Dir,
}

impl<'a> PackageFolder<'a> {
    fn open(path: &'a Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let dir = Dir::new(fd)?;
        Ok(Self { path, dir })
    }

    fn entries(&mut self) -> io::Result<Entries> {
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
                    let is_startup = startup::file_of(name).is_some();
                    entries.has_editable |= entry.file_type() == FileType::Symlink
                        || (is_pth(name) && !COMMON_PTH.contains(&name));
                    if is_startup {
                        entries.startup.push(name.to_owned());
                    }
                }
            }
        }
        Ok(entries)
    }

    /// The distributions of `entries`; `below` leads from site-packages here.
    fn distributions(&self, entries: &Entries, below: &str) -> io::Result<Vec<Distribution>> {
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

fn is_pth(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == "pth")
}

/// Where the project lies if `folder` belongs to an editable installation.
fn editable_at(
    site: BorrowedFd<'_>,
    folder: &str,
    place: &mut String,
) -> io::Result<Option<String>> {
    place.clear();
    place.extend([folder, "/direct_url.json"]);
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = openat(site, place.as_str(), flags, Mode::empty()).map_err(io::Error::from);
    let text = there(opened.and_then(|fd| read::opened(fd, editable::LONGEST)))?;
    Ok(text.and_then(|text| editable::location(&text)))
}

/// The egg in the zip file at `path`, `below` site-packages, by its file's name.
fn zipped(path: &Path, below: &str) -> io::Result<Option<Distribution>> {
    let Some((name, version)) = name_and_version(below).filter(|(name, _)| is_valid(name)) else {
        return Ok(None);
    };
    let stat = there(rustix::fs::stat(path).map_err(Into::into))?;
    Ok(stat.map(|stat| Distribution {
        folder: Some(below.to_owned()),
        stamp: Some(written(&stat)),
        seen: Some(Seen::of(numbers(&stat))),
        ..Distribution::new(name, version)
    }))
}

/// The stamp of the file that an installer writes last, and all that `stat` tells; none where there is no metadata,
/// which pip takes for nothing installed.
fn look(
    folder: BorrowedFd<'_>,
    name: &str,
    place: &mut String,
) -> io::Result<Option<(WrittenStamp, Seen)>> {
    let mut file = |ending: &str| -> io::Result<Option<Stat>> {
        place.clear();
        place.extend([name, ending]);
        let stat = statat(folder, place.as_str(), AtFlags::empty()).map_err(io::Error::from);
        let is_file = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(there(stat)?.filter(|stat| is_file(stat) && stat.st_size > 0))
    };
    let is_wheels = matches!(kind(name), Some((Kind::DistInfo, _)));
    // An egg-info is a folder (pip before wheels, `setup.py install`) or a single file (distutils).
    let files: &[&str] = if is_wheels {
        &["/METADATA", "/PKG-INFO"]
    } else {
        &["/PKG-INFO", "/METADATA", ""]
    };
    let mut metadata = None;
    for ending in files {
        metadata = file(ending)?;
        if metadata.is_some() {
            break;
        }
    }
    let Some(metadata) = metadata else {
        return Ok(None);
    };
    let record = if is_wheels {
        record(folder, name, place)?
    } else {
        None
    };
    let stamp = written(record.as_ref().unwrap_or(&metadata));
    let numbers = numbers(&metadata)
        .into_iter()
        .chain(record.iter().flat_map(numbers));
    Ok(Some((stamp, Seen::of(numbers))))
}

fn record(folder: BorrowedFd<'_>, name: &str, place: &mut String) -> io::Result<Option<Stat>> {
    place.clear();
    place.extend([name, "/RECORD"]);
    let stat = statat(folder, place.as_str(), AtFlags::empty()).map_err(io::Error::from);
    Ok(there(stat)?.filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile))
}

#[expect(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the fields' types differ between systems; sizes are never negative"
)]
fn written(stat: &Stat) -> WrittenStamp {
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
fn numbers(stat: &Stat) -> [i64; 6] {
    [
        stat.st_ino as i64,
        stat.st_size as i64,
        stat.st_mtime as i64,
        stat.st_mtime_nsec as i64,
        stat.st_ctime as i64,
        stat.st_ctime_nsec as i64,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Snapshot;

    fn write(dir: &Path, place: &str, text: &str) {
        let path = dir.join(place);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("write");
    }

    fn scanned(dir: &Path) -> Vec<String> {
        let snapshot: Snapshot = scan(&[dir.canonicalize().expect("resolved")])
            .expect("readable")
            .distributions
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
        write(&site, "six-1.16.0.dist-info/METADATA", "Name: six\n");
        write(&site, "without-1.0.dist-info/RECORD", "");
        write(&site, "dangling-1.0.dist-info/RECORD", "");
        let gone = site.join("dangling-1.0.dist-info/METADATA");
        std::os::unix::fs::symlink("/nowhere/METADATA", gone).expect("linked");
        write(
            &site,
            "system-1.0.dist-info/METADATA",
            "Name: system\nVersion: 1.0\n",
        );
        write(&site, "empty-1.0.dist-info/other", "");
        write(&site, "~ix-1.15.0.dist-info/METADATA", "Name: six\n");
        write(
            &site,
            "PyYAML-5.3.1-py3.8.egg-info/PKG-INFO",
            "Name: PyYAML\n",
        );
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
        write(&site, "my_lib-0.1.dist-info/METADATA", "Name: my_lib\n");
        write(&site, "my_lib-0.1.dist-info/direct_url.json", url);
        write(&site, "__editable__.my_lib-0.1.pth", "/work/my lib/src");
        write(&site, "local-0.1.dist-info/METADATA", "Name: local\n");
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
    fn two_of_one_name_are_two() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for folder in ["six-1.9.0", "six-1.16.0"] {
            write(
                dir.path(),
                &format!("{folder}.dist-info/METADATA"),
                "Name: six\n",
            );
        }
        let mut found = scanned(dir.path());
        found.sort();
        assert_eq!(found, ["six 1.16.0", "six 1.9.0"]);
    }

    #[test]
    fn what_is_on_the_path_of_modules_counts() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (site, project) = (dir.path().join("site"), dir.path().join("project"));
        let info = |name: &str| format!("Name: {name}\nVersion: 1\n");
        write(&site, "on-1-py3.8.egg/EGG-INFO/PKG-INFO", &info("On"));
        write(&site, "off-1-py3.8.egg/EGG-INFO/PKG-INFO", &info("off"));
        write(&project, "here.egg-info/PKG-INFO", &info("here"));
        write(&project, "linked.egg-info/PKG-INFO", &info("linked"));
        write(
            &site,
            "linked.egg-link",
            &format!("\n{}\n.", project.display()),
        );
        write(&site, "gone.egg-link", "/nowhere\n.");
        let lines = format!(
            "# x\nimport y\n./on-1-py3.8.egg\n{}\n/nowhere\n.\n",
            project.display()
        );
        write(&site, "easy-install.pth", &lines);
        let linked = format!("linked 1 @ {}", project.display());
        assert_eq!(scanned(&site), ["here 1", &linked, "On 1"]);
    }

    #[test]
    fn what_cannot_be_looked_at_is_an_error() {
        use std::os::unix::fs::PermissionsExt as _;
        if rustix::process::geteuid().is_root() {
            return; // Nothing is forbidden.
        }
        let dir = tempfile::tempdir().expect("temporary folder");
        write(dir.path(), "six-1.16.0.dist-info/METADATA", "Name: six\n");
        let info = dir.path().join("six-1.16.0.dist-info");
        let allow = |mode: u32| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&info, mode).expect("mode");
        };
        allow(0);
        let failed = scan(&[dir.path().to_path_buf()]).map(|found| found.distributions);
        allow(0o755);
        let error = failed.expect_err("nobody can tell");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_folder_that_is_not_there_has_nothing() {
        let none = scan(&[PathBuf::from("/nowhere/site-packages")]);
        assert!(none.expect("nothing").distributions.is_empty());
    }
}
