//! From the path of modules to distributions and startup files.
//!
//! Looked at is what an interpreter of the environment has on its path of modules, in that order, as
//! `importlib.metadata` does: the folders of packages, the environment's own and those of others that it lets in, what
//! their `.pth` files add, and what `.egg-link` files name. What lies in one of them is known by the names of metadata
//! folders ([`package_folder`](super::package_folder)).
//!
//! **Invariant:** nothing but what is not there counts as nothing. What cannot be looked at makes the whole scan fail.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::distribution::{Distribution, Seen, is_valid, name_and_version};
use super::egg;
use super::metadata;
use super::package_folder::{PackageFolder, numbers, written};

use super::startup::{PathFiles, StartupFiles};
use crate::files::momentary::readable;
use crate::project::PackagePlace;

/// What a scan finds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The distributions; of several of one name the one first that is imported.
    pub(super) distributions: Vec<Distribution>,
    pub(super) files: StartupFiles,
    /// The folders of others that were looked at, each with its startup files.
    pub(super) outside: BTreeMap<String, StartupFiles>,
}

/// Everything in `places`, the folders of packages of an environment, and in what these lead to. Folders of others that
/// are forbidden to us are left out: nobody imports from them as us.
///
/// # Errors
/// What the system says, but that nothing is there.
pub(super) fn scan(places: &[PackagePlace], path_files: PathFiles) -> io::Result<Found> {
    let mut scan = Scan {
        path_files,
        known: places.iter().map(|place| place.path.clone()).collect(),
        outside: None,
        found: Found::default(),
    };
    for place in places {
        scan.outside = None;
        if !place.is_own {
            let Some(name) = place.path.to_str() else {
                continue;
            };
            scan.found.outside.entry(name.to_owned()).or_default();
            scan.outside = Some(name.to_owned());
        }
        scan.site(&place.path)?;
    }
    Ok(scan.found)
}

/// A scan under way.
struct Scan {
    /// How the environment's Python reads them.
    path_files: PathFiles,
    /// The places that were looked at, resolved.
    known: HashSet<PathBuf>,
    /// The folder of others that is looked at now, with what it leads to; none for the environment's own.
    outside: Option<String>,
    found: Found,
}

impl Scan {
    /// A site-packages folder and what it leads to.
    fn site(&mut self, path: &Path) -> io::Result<()> {
        let opened = PackageFolder::open(path);
        if let (Some(outside), Err(error)) = (&self.outside, &opened)
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            self.found.outside.remove(outside);
            return Ok(());
        }
        let Some(mut folder) = readable(opened)? else {
            return Ok(());
        };
        let entries = folder.entries()?;
        // What leads from site-packages here.
        let below = self.outside.as_ref().map(|path| format!("{path}/"));
        let below = below.unwrap_or_default();
        self.add(folder.distributions(&entries, &below)?);
        let mut startup = entries.startup;
        // The order in which `site` reads them.
        startup.sort();
        let mut links = Vec::new();
        for (name, file) in startup {
            let shown = format!("{below}{name}");
            let text = self.files().take(&path.join(file), &shown)?;
            let text = String::from_utf8_lossy(&text);
            match name.rsplit_once('.') {
                Some((_, "pth")) => {
                    for place in self.path_files.paths(path, &name, &text) {
                        self.place(path, &place)?;
                    }
                }
                Some((_, "egg-link")) => links.push((name, text.into_owned())),
                _ => {}
            }
        }
        for (name, text) in links {
            self.link(path, &below, &name, &text)?;
        }
        Ok(())
    }

    /// A folder or an egg that a `.pth` file in `site` adds to the path of modules.
    fn place(&mut self, site: &Path, place: &Path) -> io::Result<()> {
        let Some(place) = readable(place.canonicalize())? else {
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
        if let Some(mut folder) = readable(PackageFolder::open(&place))? {
            let entries = folder.entries()?;
            let found = folder.distributions(&entries, &format!("{below}/"))?;
            self.add(found);
            // `site` reads only those lines that lie in site-packages.
            let is_module = |name: &str| name.contains("customize");
            for (name, file) in entries.startup {
                if is_module(&name) {
                    let name = format!("{below}/{name}");
                    self.files().take(&place.join(file), &name)?;
                }
            }
        } else if egg::is_zipped(&place)? {
            self.add(zipped(&place, below)?);
        }
        Ok(())
    }

    /// Takes in distributions of what is looked at now.
    fn add(&mut self, found: impl IntoIterator<Item = Distribution>) {
        let outside = &self.outside;
        let found = found.into_iter().map(|one| Distribution {
            outside: outside.clone(),
            ..one
        });
        self.found.distributions.extend(found);
    }

    /// The startup files of what is looked at now.
    fn files(&mut self) -> &mut StartupFiles {
        match &self.outside {
            Some(outside) => self.found.outside.entry(outside.clone()).or_default(),
            None => &mut self.found.files,
        }
    }

    /// What `setup.py develop` installed: `<name>.egg-link` names the folder that has the project's egg-info.
    fn link(&mut self, site: &Path, below: &str, link: &str, text: &str) -> io::Result<()> {
        let Some(location) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
            return Ok(());
        };
        let folder = site.join(location);
        let Some(stat) = readable(rustix::fs::stat(site.join(link)).map_err(Into::into))? else {
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
                self.add([Distribution {
                    editable: Some(location.to_owned()),
                    folder: Some(format!("{below}{link}")),
                    stamp: Some(written(&stat)),
                    seen: Some(Seen::of(numbers(&stat))),
                    ..Distribution::new(name, version)
                }]);
                break;
            }
        }
        Ok(())
    }

    /// Takes out what was found at `egg_info` by a `.pth` file: the link says more of it.
    fn forget(&mut self, site: &Path, egg_info: &Path) -> io::Result<()> {
        if let Some(egg_info) = readable(egg_info.canonicalize())? {
            let found = &mut self.found.distributions;
            found.retain(|one| {
                one.folder()
                    .is_none_or(|folder| site.join(folder) != egg_info)
            });
        }
        Ok(())
    }
}

/// The egg in the zip file at `path`, `below` site-packages, by its file's name.
fn zipped(path: &Path, below: &str) -> io::Result<Option<Distribution>> {
    let Some((name, version)) = name_and_version(below).filter(|(name, _)| is_valid(name)) else {
        return Ok(None);
    };
    let stat = readable(rustix::fs::stat(path).map_err(Into::into))?;
    Ok(stat.map(|stat| Distribution {
        folder: Some(below.to_owned()),
        stamp: Some(written(&stat)),
        seen: Some(Seen::of(numbers(&stat))),
        ..Distribution::new(name, version)
    }))
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

    fn own(dir: &Path) -> PackagePlace {
        PackagePlace {
            path: dir.canonicalize().unwrap_or(dir.to_owned()),
            is_own: true,
        }
    }

    fn scanned(dir: &Path) -> Vec<String> {
        let snapshot: Snapshot = scan(&[own(dir)], PathFiles::by(None))
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
        let failed = scan(&[own(dir.path())], PathFiles::by(None)).map(|found| found.distributions);
        allow(0o755);
        let error = failed.expect_err("nobody can tell");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_folder_that_is_not_there_has_nothing() {
        let none = scan(
            &[own(Path::new("/nowhere/site-packages"))],
            PathFiles::by(None),
        );
        assert!(none.expect("nothing").distributions.is_empty());
    }
}
