//! What is installed in one environment at one moment.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::scan::Found;
use super::startup::{PathFiles, StartupFiles};
use super::{Diff, Fingerprint, Names, canonical, conda, metadata, scan};
use crate::files::{momentary, read};
use crate::host::Host;
use crate::project::{Venv, VenvLayout};

/// Longer than the name of any installer.
const LONGEST_NAME: u64 = 4 << 10;

/// The distributions of an environment, ordered by canonical name, and the files that steer what it imports. Several
/// may have one name: then the first is the one that is imported, and the one that `pip list` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Snapshot {
    distributions: Vec<Distribution>,
    /// None where nobody looked: what is known from `env_meta.json`, or from an earlier toolkit.
    #[serde(rename = "startup", skip_serializing_if = "Option::is_none")]
    files: Option<StartupFiles>,
    /// The folders of others that were looked at, each with its startup files.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outside: BTreeMap<String, StartupFiles>,
}

/// A snapshot in a file; earlier toolkits wrote the bare list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    List(Vec<Distribution>),
    Whole {
        distributions: Vec<Distribution>,
        #[serde(default)]
        startup: Option<StartupFiles>,
        #[serde(default)]
        outside: BTreeMap<String, StartupFiles>,
    },
}

impl Snapshot {
    /// What an interpreter of `venv` that `host`'s person starts finds installed now. What is broken in itself is left
    /// out.
    ///
    /// Names and versions come from the names of metadata folders, without opening a file;
    /// [`Snapshot::name_all`] puts METADATA's own in their place.
    ///
    /// # Errors
    /// When something cannot be looked at that may be there: then nobody knows what is there.
    pub fn scan(venv: &Venv, host: &Host) -> io::Result<Self> {
        let path_files = PathFiles::of(venv)?;
        let Found {
            distributions,
            mut files,
            outside,
        } = scan::scan(&venv.package_places(host)?, path_files)?;
        files.take(&venv.pyvenv_cfg(), VenvLayout::PYVENV_CFG)?;
        let mut found: Self = distributions.into_iter().collect();
        for one in conda::scan(&venv.layout().conda_meta())? {
            if found.find(&one.name).is_none() {
                found.distributions.push(one);
            }
        }
        found.sort();
        found.files = Some(files);
        found.outside = outside;
        Ok(found)
    }

    /// As [`Snapshot::scan`], with names and versions as METADATA writes them ([`Snapshot::name_all`]).
    ///
    /// # Errors
    /// As [`Snapshot::scan`].
    pub fn scan_named(venv: &Venv, host: &Host) -> io::Result<Self> {
        let mut found = Self::scan(venv, host)?;
        found.name_all(venv, &Self::default());
        Ok(found)
    }

    /// From the parts that it is written in: the members `distributions`, `startup` and `outside`.
    pub(crate) fn of_parts(
        distributions: Vec<Distribution>,
        startup: Option<StartupFiles>,
        outside: BTreeMap<String, StartupFiles>,
    ) -> Self {
        Self {
            files: startup,
            outside,
            ..distributions.into_iter().collect()
        }
    }

    /// This snapshot, with what `other` has of `part` in the place of its own.
    #[must_use]
    pub fn with(&self, part: &Names, other: &Self) -> Self {
        let is_in = |one: &&Distribution| part.distributions.contains(&one.canonical_name());
        let kept = self.distributions.iter().filter(|one| !is_in(one));
        let taken = other.distributions.iter().filter(is_in);
        let startup = if part.startup { other } else { self };
        let (files, outside) = (startup.files.clone(), startup.outside.clone());
        Self::of_parts(kept.chain(taken).cloned().collect(), files, outside)
    }

    /// Gives every distribution the name and version that its METADATA writes, which is what `pip list` shows.
    /// What `known` has already (same folder, nothing written since) is taken from there, with what its metadata
    /// holds; only the rest is read from `venv`.
    pub fn name_all(&mut self, venv: &Venv, known: &Self) {
        let known = known.by_folder();
        let mut folders = None;
        for one in &mut self.distributions {
            take_known(one, &known);
            if !one.named {
                let folders = folders.get_or_insert_with(|| venv.site_packages());
                metadata::name(one, folders);
            }
        }
        // A name may be another one than its folder says.
        self.sort();
    }

    /// As [`Snapshot::name_all`], and looks into what was written since `known`, so that the two can be compared by
    /// what the metadata holds: a copy, or a file that only has another time, is the same.
    ///
    /// # Errors
    /// When something cannot be read that is there.
    pub fn settle(&mut self, venv: &Venv, known: &Self) -> io::Result<()> {
        self.name_all(venv, known);
        let known = known.by_folder();
        let mut folders = None;
        for one in &mut self.distributions {
            let Some(folder) = one.folder.as_deref().filter(|_| one.content.is_none()) else {
                continue;
            };
            if known
                .get(folder)
                .is_some_and(|before| before.content.is_some())
            {
                let folders = folders.get_or_insert_with(|| venv.site_packages());
                one.content = metadata::content(folder, folders)?;
            }
        }
        Ok(())
    }

    /// Whether [`Snapshot::settle`] would look into something: what was written since `known`.
    pub fn has_to_settle(&self, known: &Self) -> bool {
        let known = known.by_folder();
        self.distributions.iter().any(|one| {
            let before = one.folder.as_deref().and_then(|folder| known.get(folder));
            before.is_some_and(|before| !one.is_untouched_since(before))
        })
    }

    /// Looks into everything that nobody looked into before, so that a later snapshot can be compared with this one.
    /// What cannot be read is compared by its times.
    pub(crate) fn weigh(&mut self, venv: &Venv) {
        let folders = venv.site_packages();
        for one in &mut self.distributions {
            if let Some(folder) = one.folder.as_deref().filter(|_| one.content.is_none()) {
                one.content = metadata::content(folder, &folders).ok().flatten();
            }
        }
    }

    /// Whether `now`, which is the same, would be known with less looking if it were written down.
    pub(crate) fn is_better_known_as(&self, now: &Self) -> bool {
        let is_known = |one: &Distribution| one.content.is_some() && one.seen.is_some();
        (self.files.is_none() && now.files.is_some())
            || !self.outside.keys().eq(now.outside.keys())
            || now.has_to_settle(self)
            || self
                .distributions
                .iter()
                .any(|one| !one.is_listed_only() && !is_known(one))
    }

    fn by_folder(&self) -> HashMap<&str, &Distribution> {
        let all = self.distributions.iter();
        all.filter_map(|one| Some((one.folder.as_deref()?, one)))
            .collect()
    }

    /// The distributions, by canonical name.
    pub fn distributions(&self) -> impl Iterator<Item = &Distribution> {
        self.distributions.iter()
    }

    /// The distributions that `pip list` shows, one a name: of several the first that is imported.
    pub fn shown(&self) -> impl Iterator<Item = &Distribution> {
        let names = self
            .distributions
            .chunk_by(|a, b| a.canonical_name() == b.canonical_name());
        names.filter_map(|all| all.first())
    }

    /// The distribution called `name`, in any spelling; of several the one that is imported.
    pub fn find(&self, name: &str) -> Option<&Distribution> {
        let name = canonical(name);
        self.distributions
            .iter()
            .find(|one| one.canonical_name() == name)
    }

    /// Which tool installed the distribution called `name`, of that `version` if there are several, by its INSTALLER
    /// file (PEP 376) or by what conda keeps.
    ///
    /// # Errors
    /// What is of the moment: then nobody knows.
    pub fn installer(
        &self,
        venv: &Venv,
        name: &str,
        version: Option<&str>,
    ) -> io::Result<Option<String>> {
        let key = canonical(name);
        let same = |one: &&Distribution| {
            one.canonical_name() == key && version.is_none_or(|version| one.version == version)
        };
        let found = self
            .distributions
            .iter()
            .find(same)
            .or_else(|| self.find(name));
        let Some(folder) = found.and_then(Distribution::folder) else {
            return Ok(None);
        };
        if conda::keeps(folder) {
            return Ok(Some("conda".to_owned()));
        }
        let place = Path::new(folder).join("INSTALLER");
        for site in venv.all_site_packages()? {
            if let Some(text) = momentary::found(read::text(&site.join(&place), LONGEST_NAME))? {
                return Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()));
            }
        }
        Ok(None)
    }

    /// How many names are installed.
    pub fn len(&self) -> usize {
        self.shown().count()
    }

    /// Whether nothing is installed.
    pub fn is_empty(&self) -> bool {
        self.distributions.is_empty()
    }

    /// This snapshot in one short text: of names, versions and editable locations, so that the same environment
    /// elsewhere has the same one.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.distributions())
    }

    /// What changed from here to `after`. A distribution that was installed again at its version is a change from
    /// that version to itself.
    ///
    /// Folders of others that only one of the two has looked at are not compared: nobody installed or removed what is
    /// there. Another `HOME` looks at others, and so does an environment that lets others in now (its `pyvenv.cfg`
    /// tells of that).
    pub fn diff_to(&self, after: &Self) -> Diff {
        let mut startup = match (&self.files, &after.files) {
            (Some(before), Some(after)) => before.differences(after),
            _ => Vec::new(),
        };
        for (place, before) in &self.outside {
            if let Some(after) = after.outside.get(place) {
                startup.extend(before.differences(after));
            }
        }
        let (before, after) = (self.compared_with(after), after.compared_with(self));
        Diff::between(&before, &after, startup)
    }

    /// What is here as far as it can be compared with `other`. Where that is a list of what `pip list` shows, it has
    /// what others have, too, and does not tell it apart.
    fn compared_with(&self, other: &Self) -> Vec<&Distribution> {
        if self.outside.is_empty() {
            return self.distributions.iter().collect();
        }
        let listed: HashSet<String> = other
            .distributions
            .iter()
            .filter(|one| one.is_listed_only())
            .map(Distribution::canonical_name)
            .collect();
        let is_compared = |one: &&Distribution| match &one.outside {
            Some(place) => {
                other.outside.contains_key(place) || listed.contains(&one.canonical_name())
            }
            None => true,
        };
        self.distributions.iter().filter(is_compared).collect()
    }

    fn sort(&mut self) {
        self.distributions
            .sort_by_cached_key(Distribution::canonical_name);
    }
}

/// What `known` has of `one`, if nothing was written since.
fn take_known(one: &mut Distribution, known: &HashMap<&str, &Distribution>) {
    let before = one.folder.as_deref().and_then(|folder| known.get(folder));
    let Some(before) = before.filter(|before| one.is_untouched_since(before)) else {
        return;
    };
    if before.named && !one.named {
        one.name.clone_from(&before.name);
        one.version.clone_from(&before.version);
        one.named = true;
    }
    one.content = one.content.or(before.content);
}

impl FromIterator<Distribution> for Snapshot {
    fn from_iter<I: IntoIterator<Item = Distribution>>(all: I) -> Self {
        let mut found = Self {
            distributions: all.into_iter().collect(),
            ..Self::default()
        };
        found.sort();
        found
    }
}

impl From<Written> for Snapshot {
    fn from(written: Written) -> Self {
        match written {
            Written::List(distributions) => distributions.into_iter().collect(),
            Written::Whole {
                distributions,
                startup,
                outside,
            } => Self::of_parts(distributions, startup, outside),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    struct Environment {
        _dir: tempfile::TempDir,
        site: PathBuf,
        venv: Venv,
    }

    impl Environment {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temporary folder");
            let site = dir.path().join("lib/python3.12/site-packages");
            fs::create_dir_all(&site).expect("folders");
            fs::write(dir.path().join("pyvenv.cfg"), "version = 3.12.1\n").expect("write");
            let venv = Venv::open(dir.path()).expect("an environment");
            Self {
                _dir: dir,
                site,
                venv,
            }
        }

        fn write(&self, place: &str, text: &str) {
            let path = self.site.join(place);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("write");
        }

        fn scan(&self) -> Snapshot {
            Snapshot::scan(&self.venv, &Host::default()).expect("readable")
        }

        /// What was installed, as it would be written down.
        fn recorded(&self) -> Snapshot {
            let mut now = self.scan();
            now.name_all(&self.venv, &Snapshot::default());
            now.weigh(&self.venv);
            serde_json::from_value(serde_json::to_value(now).expect("written")).expect("read")
        }

        fn change_since(&self, recorded: &Snapshot) -> Diff {
            let mut now = self.scan();
            now.settle(&self.venv, recorded).expect("readable");
            recorded.diff_to(&now)
        }
    }

    /// Every file anew, with whole seconds: what `tar`, `cp -r` or a checkout makes of it.
    fn copied(folder: &Path) {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                copied(&path);
            } else {
                let bytes = fs::read(&path).expect("read");
                fs::remove_file(&path).expect("removed");
                fs::write(&path, bytes).expect("write");
                let file = fs::File::options().append(true).open(&path).expect("open");
                file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000))
                    .expect("set the time");
            }
        }
    }

    #[test]
    fn a_copy_is_the_same_and_another_content_is_not() {
        let env = Environment::new();
        env.write("six-1.dist-info/METADATA", "Name: six\nVersion: 1\n");
        env.write("six-1.dist-info/RECORD", "six.py,sha256=aaa,3\n");
        env.write("old.egg-info/PKG-INFO", "Name: old\nVersion: 1\n");
        env.write("old.egg-info/top_level.txt", "old\n");
        env.write("old.py", "123");
        env.write("a.pth", "# nothing\n");
        let recorded = env.recorded();
        assert!(!env.scan().has_to_settle(&recorded));
        copied(env.venv.root());
        assert!(env.scan().has_to_settle(&recorded));
        assert_eq!(env.change_since(&recorded), Diff::default());
        assert!(recorded.is_better_known_as(&env.scan()));
        assert!(!env.recorded().is_better_known_as(&env.scan()));
        // Another file at the same size.
        env.write("six-1.dist-info/RECORD", "six.py,sha256=bbb,3\n");
        copied(env.venv.root());
        assert_eq!(env.change_since(&recorded).changed.len(), 1);
        env.write("six-1.dist-info/RECORD", "six.py,sha256=aaa,3\n");
        assert_eq!(env.change_since(&recorded), Diff::default());
        // No RECORD has a hash of it.
        env.write("old.py", "1234");
        env.write("old.egg-info/PKG-INFO", "Name: old\nVersion: 1\n");
        assert_eq!(env.change_since(&recorded).changed[0].name, "old");
    }

    #[test]
    fn startup_files_alone_are_a_change() {
        let env = Environment::new();
        env.write("a.pth", "# nothing\n");
        let recorded = env.recorded();
        assert_eq!(env.change_since(&recorded), Diff::default());
        env.write("a.pth", "import os\n");
        env.write("sitecustomize.py", "x = 1\n");
        fs::write(env.venv.pyvenv_cfg(), "version = 3.12.2\n").expect("write");
        let diff = env.change_since(&recorded);
        let names: Vec<_> = diff.startup.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a.pth", "pyvenv.cfg", "sitecustomize.py"]);
        assert!(!diff.is_empty());
        assert_eq!(diff.len(), 0);
    }

    #[test]
    fn what_earlier_toolkits_wrote_is_read() {
        let old = r#"[{"name":"six","version":"1","folder":"six-1.dist-info",
            "stamp":{"mtime_ns":1000000000000,"size":20},"named":true}]"#;
        let recorded: Snapshot = serde_json::from_str(old).expect("reads");
        let env = Environment::new();
        env.write("six-1.dist-info/METADATA", "Name: six\nVersion: 1\n");
        env.write("six-1.dist-info/RECORD", "six.py,sha256=aaa,3\n");
        copied(env.venv.root());
        assert_eq!(env.change_since(&recorded), Diff::default());
        assert!(recorded.is_better_known_as(&env.scan()));
    }
}
