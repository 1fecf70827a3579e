//! The cheapest question: may something have been installed or removed since?

use std::io;
use std::path::{Path, PathBuf};

use super::distribution::Content;
use super::package_folder::{PackageFolder, is_pth};
use super::reading::read_whole;
use super::startup::PathFiles;
use crate::files::Stamp;
use crate::files::momentary::readable;
use crate::host::Host;
use crate::project::{PackagePlace, Venv};

/// The state of an environment's folders of packages, of conda's where it has one, of its startup files, and of what
/// lies elsewhere and is imported all the same. Every installer makes or removes an entry in such a folder, which moves
/// its modification time; so a gate that has not moved means that nothing changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The environment's own folders.
    folders: Vec<(PathBuf, Option<Stamp>)>,
    /// The folders of others, and the startup files of both, which may be written in place.
    others: Vec<(PathBuf, Option<Stamp>)>,
    named: Vec<Named>,
}

/// What a `.pth` file names. It may be a project's own folder, where files come and go all the time: then what the
/// folder has of distributions counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    path: PathBuf,
    stamp: Option<Stamp>,
    outline: Option<Content>,
}

impl Gate {
    /// The gate of `venv` as it is now, for an interpreter that `host`'s person starts.
    pub fn of(venv: &Venv, host: &Host) -> Self {
        // Where nobody can tell which folders there are, there is none to rely on.
        Self::read(venv, host).unwrap_or(Self {
            folders: Vec::new(),
            others: Vec::new(),
            named: Vec::new(),
        })
    }

    fn read(venv: &Venv, host: &Host) -> io::Result<Self> {
        let mut gate = Self {
            folders: Vec::new(),
            others: vec![stamped(venv.pyvenv_cfg())],
            named: Vec::new(),
        };
        let path_files = PathFiles::of(venv)?;
        for PackagePlace { path, is_own } in venv.package_places(host)? {
            let place = stamped(path.clone());
            if is_own {
                gate.folders.push(place);
            } else {
                gate.others.push(place);
            }
            gate.take_startup(&path, path_files)?;
        }
        gate.folders.extend(venv.conda_meta().map(stamped));
        Ok(gate)
    }

    /// Takes in the startup files in `site`, and what they name.
    fn take_startup(&mut self, site: &Path, path_files: PathFiles) -> io::Result<()> {
        let Some(mut folder) = readable(PackageFolder::open(site))? else {
            return Ok(());
        };
        for (name, file) in folder.entries()?.startup {
            let path = site.join(file);
            if is_pth(&name)
                && let Some(text) = readable(read_whole(&path))?
            {
                let text = String::from_utf8_lossy(&text);
                let paths = path_files.paths(site, &name, &text);
                self.named.extend(paths.map(Named::of));
            }
            self.others.push(stamped(path));
        }
        Ok(())
    }

    /// Whether something may have changed since: one `stat` a folder or file. An environment without any folder that
    /// can be told is always taken as changed.
    pub fn has_moved(&self) -> bool {
        let mut stamps = self.folders.iter().chain(&self.others);
        self.folders.is_empty()
            || stamps.any(|(path, then)| Stamp::of(path) != *then)
            || self.named.iter().any(Named::has_moved)
    }

    /// Whether `other` is of the same folders, moved or not; not of folders that were made again at the same paths.
    pub fn is_same_place_as(&self, other: &Self) -> bool {
        let is_same = |here: &Option<Stamp>, there: &Option<Stamp>| match (here, there) {
            (Some(here), Some(there)) => here.is_same_file(there),
            (here, there) => here.is_none() && there.is_none(),
        };
        let mut both = self.folders.iter().zip(&other.folders);
        self.folders.len() == other.folders.len()
            && both.all(|(ours, theirs)| ours.0 == theirs.0 && is_same(&ours.1, &theirs.1))
    }
}

impl Named {
    fn of(path: PathBuf) -> Self {
        let stamp = Stamp::of(&path);
        let outline = PackageFolder::outline(&path).ok();
        Self {
            path,
            stamp,
            outline,
        }
    }

    fn has_moved(&self) -> bool {
        Stamp::of(&self.path) != self.stamp
            && (self.outline.is_none() || PackageFolder::outline(&self.path).ok() != self.outline)
    }
}

fn stamped(path: PathBuf) -> (PathBuf, Option<Stamp>) {
    let now = Stamp::of(&path);
    (path, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Environment {
        dir: tempfile::TempDir,
        venv: Venv,
        host: Host,
    }

    impl Environment {
        fn new(cfg: &str) -> Self {
            let dir = tempfile::tempdir().expect("temporary folder");
            let site = dir.path().join("venv/lib/python3.12/site-packages");
            std::fs::create_dir_all(&site).expect("folders");
            std::fs::write(dir.path().join("venv/pyvenv.cfg"), cfg).expect("write");
            let venv = Venv::open(dir.path().join("venv")).expect("an environment");
            let host = Host::default();
            Self { dir, venv, host }
        }

        fn site(&self) -> PathBuf {
            self.venv.site_packages().remove(0)
        }

        fn gate(&self) -> Gate {
            Gate::of(&self.venv, &self.host)
        }

        /// Whether `change` moves the gate.
        fn moves(&self, change: impl FnOnce()) -> bool {
            let gate = self.gate();
            assert!(!gate.has_moved(), "nothing was done yet");
            change();
            gate.has_moved()
        }
    }

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("write");
    }

    #[test]
    fn an_entry_made_or_removed_moves_the_gate() {
        let env = Environment::new("include-system-site-packages = false\n");
        let site = env.site();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
        let folder = std::fs::File::open(&site).expect("open");
        folder.set_modified(long_ago).expect("set the time");
        let gate = env.gate();
        assert!(!gate.has_moved());
        std::fs::create_dir(site.join("six-1.16.0.dist-info")).expect("folder");
        assert!(gate.has_moved());
        assert!(gate.is_same_place_as(&env.gate()));
        std::fs::remove_dir_all(&site).expect("remove");
        assert!(gate.has_moved());
        assert!(!gate.is_same_place_as(&env.gate()));
        assert!(
            env.gate().has_moved(),
            "nothing to watch is taken as changed"
        );
    }

    #[test]
    fn a_startup_file_that_is_written_in_place_moves_the_gate() {
        let env = Environment::new("include-system-site-packages = false\n");
        let site = env.site();
        for file in [
            "a.pth",
            "old.egg-link",
            "usercustomize.py",
            "sitecustomize/__init__.py",
        ] {
            let file = site.join(file);
            write(&file, "# nothing\n");
            assert!(env.moves(|| write(&file, "# nothing else\n")), "{file:?}");
        }
        let cfg = env.venv.pyvenv_cfg();
        assert!(env.moves(|| write(&cfg, "include-system-site-packages = False\n")));
        write(&site.join("six.py"), "");
        assert!(!env.moves(|| write(&site.join("six.py"), "x = 1")));
    }

    #[test]
    fn a_folder_that_a_path_file_names_moves_the_gate_by_its_distributions_alone() {
        let env = Environment::new("include-system-site-packages = false\n");
        let beside = env.dir.path().join("beside");
        write(&beside.join("one-1.dist-info/METADATA"), "Name: one");
        write(
            &env.site().join("a.pth"),
            &format!("{}\n", beside.display()),
        );
        assert!(!env.moves(|| write(&beside.join("result.txt"), "")));
        let (here, there) = (
            beside.join("one-1.dist-info"),
            beside.join("one-2.dist-info"),
        );
        assert!(env.moves(|| std::fs::rename(here, there).expect("renamed")));
        assert!(env.moves(|| std::fs::remove_dir_all(&beside).expect("removed")));
    }

    #[test]
    fn folders_of_others_count_where_they_are_let_in_also_before_they_are_there() {
        let mut env = Environment::new("include-system-site-packages = true\n");
        let home = env.dir.path().join("home");
        env.host = Host::fake(["x"]).with_var("HOME", &home);
        let user = home.join(".local/lib/python3.12/site-packages");
        assert!(env.moves(|| write(&user.join("six-1.dist-info/METADATA"), "")));
        assert!(env.moves(|| write(&user.join("two-1.dist-info/METADATA"), "")));
        write(&user.join("a.pth"), "");
        assert!(env.moves(|| write(&user.join("a.pth"), "# longer")));
        let before = env.gate();
        std::fs::remove_dir_all(home).expect("removed");
        assert!(before.is_same_place_as(&env.gate()), "it is not its own");
    }
}
