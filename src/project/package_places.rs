//! Every folder that an environment's interpreter finds distributions in: its own, and those of the system and of the
//! person where the environment lets them in.
//!
//! Told by files and by `HOME` alone, as Python's `site` would; nothing is started. An environment that makers of them
//! made lets others in by `include-system-site-packages` in its `pyvenv.cfg` (which counts as `true` where the line is
//! missing); one of conda's has no such file and always has the person's. Whether the person's are switched off for one
//! process (`PYTHONNOUSERSITE`, `-s`) does not matter: the environment is the same for all who look at it.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::layout::VenvLayout;
use super::venv::{Settings, Venv};
use crate::host::Host;

/// A folder of distributions, whether it is there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagePlace {
    /// Where it is; resolved if it is there.
    pub path: PathBuf,
    /// Whether it is the environment's own.
    pub is_own: bool,
}

impl Venv {
    /// The folders, in the order in which an interpreter of the environment looks through them. `HOME` and
    /// `PYTHONUSERBASE` of `host` tell whose the person's are.
    ///
    /// # Errors
    /// What the system says of the environment's own, but that one is missing.
    pub fn package_places(&self, host: &Host) -> io::Result<Vec<PackagePlace>> {
        let settings = self.settings()?;
        let own = self.site_packages_by(&settings)?;
        let pythons = pythons(&own);
        let mut places: Vec<PackagePlace> = own
            .into_iter()
            .map(|path| PackagePlace { path, is_own: true })
            .collect();
        if lets_others_in(&settings) {
            // conda's Python has the person's first, as every Python that is no environment of venv's.
            let at = if settings.is_there() { places.len() } else { 0 };
            let users = pythons.iter().filter_map(|python| of_user(python, host));
            places.splice(at..at, users.map(outside));
        }
        if lets_system_in(&settings) {
            let home = settings.of("home").map(Path::new);
            let of_system = |python: &String| home.map(|home| of_system(home, python));
            let found = pythons.iter().filter_map(of_system).flatten();
            places.extend(found.map(outside));
        }
        let mut known = HashSet::new();
        places.retain(|place| known.insert(place.path.clone()));
        Ok(places)
    }

    /// Whether the packages of the Python that the environment was made with are imported in it.
    ///
    /// # Errors
    /// What is of the moment.
    pub fn lets_system_in(&self) -> io::Result<bool> {
        Ok(lets_system_in(&self.settings()?))
    }

    /// Whether what the person has installed beside all environments is imported in this one.
    pub fn lets_user_in(&self) -> bool {
        self.settings()
            .is_ok_and(|settings| lets_others_in(&settings))
    }
}

/// An environment without `pyvenv.cfg` (conda's) has no other Python behind it.
fn lets_system_in(settings: &Settings) -> bool {
    settings.is_there() && lets_others_in(settings)
}

fn lets_others_in(settings: &Settings) -> bool {
    settings
        .of("include-system-site-packages")
        .is_none_or(|value| value.eq_ignore_ascii_case("true"))
}

/// The names of the folders that a Python has in `lib`: `python3.13`, `python3.13t`, `pypy3.10`.
fn pythons(own: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = own
        .iter()
        .filter_map(|site| site.parent()?.file_name()?.to_str().map(str::to_owned))
        .collect();
    names.dedup();
    names
}

/// The person's folder for `python`.
fn of_user(python: &str, host: &Host) -> Option<PathBuf> {
    let base = host
        .path_var("PYTHONUSERBASE")
        .or_else(|| Some(host.path_var("HOME")?.join(".local")))?;
    let base = base.is_absolute().then_some(base)?;
    let [lib, _] = VenvLayout::new(&base).libs();
    Some(lib.join(python).join(VenvLayout::SITE_PACKAGES))
}

/// The folders of the Python that the environment was made with, whose interpreter is in `home`.
fn of_system(home: &Path, python: &str) -> Vec<PathBuf> {
    let Some(prefix) = prefix_of(home, python) else {
        return Vec::new();
    };
    let [lib, lib64] = VenvLayout::new(&prefix).libs();
    let [local, _] = VenvLayout::new(&prefix.join("local")).libs();
    let site = |lib: &Path| lib.join(python).join(VenvLayout::SITE_PACKAGES);
    let dist = |lib: &Path, python: &str| lib.join(python).join(VenvLayout::DIST_PACKAGES);
    let mut places = vec![site(&lib64), site(&lib)];
    let of_debian = dist(&lib, "python3");
    if of_debian.is_dir() {
        places.extend([dist(&local, python), of_debian, dist(&lib, python)]);
    }
    places
}

/// The folder that has the standard library of `python`: the nearest one above its interpreter, as Python itself looks
/// for it; where `home` has only a link to the interpreter, above what that leads to.
fn prefix_of(home: &Path, python: &str) -> Option<PathBuf> {
    let landmark = |prefix: &&Path| {
        let mut libs = VenvLayout::new(prefix).libs().into_iter();
        libs.any(|lib| lib.join(python).join("os.py").is_file())
    };
    let real = [home.canonicalize(), home.join(python).canonicalize()];
    let found = real
        .iter()
        .flatten()
        .find_map(|path| path.ancestors().find(landmark));
    found.map(Path::to_path_buf)
}

fn outside(path: PathBuf) -> PackagePlace {
    PackagePlace {
        path: path.canonicalize().unwrap_or(path),
        is_own: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment whose Python is in `base`, beside which `made` folders are.
    fn check(cfg: Option<&str>, made: &[&str], expected: &[&str]) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        let folder = |place: &str| std::fs::create_dir_all(root.join(place)).expect("folders");
        folder("venv/lib/python3.11/site-packages");
        for place in made {
            folder(place);
        }
        if let Some(cfg) = cfg {
            folder("base/bin");
            folder("base/lib/python3.11");
            std::fs::write(root.join("base/lib/python3.11/os.py"), "").expect("write");
            let home = root.join("base/bin");
            let text = format!("home = {}\nversion = 3.11.2\n{cfg}", home.display());
            std::fs::write(root.join("venv/pyvenv.cfg"), text).expect("write");
        } else {
            folder("venv/conda-meta");
            std::fs::write(root.join("venv/conda-meta/history"), "").expect("write");
        }
        let venv = Venv::open(root.join("venv")).expect("an environment");
        let host = Host::fake(["x"]).with_var("HOME", root.join("home"));
        let places = venv.package_places(&host).expect("readable");
        let shown: Vec<String> = places
            .iter()
            .map(|place| {
                let below = place.path.strip_prefix(&root).expect("below");
                let mark = if place.is_own { "" } else { "+" };
                format!("{mark}{}", below.display())
            })
            .collect();
        assert_eq!(shown, expected, "{cfg:?}");
        assert_eq!(venv.lets_user_in(), expected.len() > 1);
    }

    const OWN: &str = "venv/lib/python3.11/site-packages";
    const USER: &str = "+home/.local/lib/python3.11/site-packages";
    const SYSTEM: [&str; 2] = [
        "+base/lib64/python3.11/site-packages",
        "+base/lib/python3.11/site-packages",
    ];

    #[test]
    fn an_environment_has_its_own_alone_unless_it_lets_others_in() {
        check(Some("include-system-site-packages = false"), &[], &[OWN]);
        let all = [OWN, USER, SYSTEM[0], SYSTEM[1]];
        check(Some("include-system-site-packages = True"), &[], &all);
        check(Some(""), &[], &all);
        check(None, &[], &[USER, OWN]);
    }

    #[test]
    fn debians_python_has_folders_of_its_own() {
        let debian = [
            "+base/local/lib/python3.11/dist-packages",
            "+base/lib/python3/dist-packages",
            "+base/lib/python3.11/dist-packages",
        ];
        let mut all = vec![OWN, USER, SYSTEM[0], SYSTEM[1]];
        all.extend(debian);
        check(Some(""), &["base/lib/python3/dist-packages"], &all);
    }

    #[test]
    fn whose_the_persons_are_is_told_by_variables() {
        let with = |name: &str, value: &str| {
            let host = Host::fake(["x"]).with_var(name, value);
            of_user("python3.11", &host).map(|path| path.display().to_string())
        };
        let in_base = Some("/b/lib/python3.11/site-packages".to_owned());
        assert_eq!(with("PYTHONUSERBASE", "/b"), in_base);
        let at_home = Some("/h/.local/lib/python3.11/site-packages".to_owned());
        assert_eq!(with("HOME", "/h"), at_home);
        assert_eq!(with("HOME", "relative"), None);
        assert_eq!(with("NONE", ""), None);
    }
}
