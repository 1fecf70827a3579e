//! Launchers and hook in made-up environments; that Python obeys them is tested through the built `aim-pip`.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

const SHIM: &str = "/opt/aim/aim-pip";
const SCRIPT: &str = "#!/v/bin/python\nimport sys\n";

/// What a folder holds, a line a file, links and modes shown: what "to the byte" is measured by.
fn listing(root: &Path) -> Vec<String> {
    let mut lines: Vec<String> = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.expect("readable"))
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| {
            let path = entry.path();
            let name = path.strip_prefix(root).expect("below").display();
            if let Ok(target) = std::fs::read_link(path) {
                return format!("{name} -> {}", target.display());
            }
            let mode = path.metadata().expect("metadata").permissions().mode() & 0o777;
            let text = std::fs::read(path).expect("readable");
            format!("{name} {mode:o} {}", String::from_utf8_lossy(&text))
        })
        .collect();
    lines.sort();
    lines
}

struct Env {
    _dir: tempfile::TempDir,
    venv: Venv,
}

impl Env {
    /// An environment of Python 3.11 with pip's package, and `scripts` in `bin`.
    fn with_pip(scripts: &[&str]) -> Self {
        let env = Self::bare();
        fs_err::create_dir_all(env.site().join("pip")).expect("folders");
        fs_err::write(env.site().join("pip/__init__.py"), "").expect("write");
        for name in scripts {
            env.script(name, SCRIPT);
        }
        env
    }

    /// The same without pip, as `uv venv` makes it.
    fn bare() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().join(".venv");
        fs_err::create_dir_all(root.join("bin")).expect("folders");
        fs_err::create_dir_all(root.join("lib/python3.11/site-packages")).expect("folders");
        fs_err::write(root.join("pyvenv.cfg"), "version = 3.11.7\n").expect("write");
        let venv = Venv::open(root).expect("an environment");
        Self { _dir: dir, venv }
    }

    fn site(&self) -> PathBuf {
        self.venv.root().join("lib/python3.11/site-packages")
    }

    fn bin(&self, name: &str) -> PathBuf {
        self.venv.bin().join(name)
    }

    /// Writes a script as pip does: away with what is there, then a new file.
    fn script(&self, name: &str, text: &str) {
        let path = self.bin(name);
        let _ = std::fs::remove_file(&path);
        fs_err::write(&path, text).expect("write");
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    }

    fn install(&self) -> Changes {
        install(&self.venv, Path::new(SHIM)).expect("installed")
    }

    fn heal(&self) -> Changes {
        heal(&self.venv, Path::new(SHIM)).expect("healed")
    }

    fn ours(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.venv.bin())
            .expect("bin")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| !path.is_symlink() && Launcher::read(path).is_some())
            .map(|path| {
                path.file_name()
                    .expect("name")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }
}

const ALL: [&str; 4] = ["pip", "pip-3.11", "pip3", "pip3.11"];

#[test]
fn removal_gives_everything_back_to_the_byte() {
    let env = Env::with_pip(&["pip3.11", "python", "pipx"]);
    env.script("pip", "#!/bin/sh\nexec python -m pip \"$@\"\n");
    fs_err::set_permissions(env.bin("pip"), std::fs::Permissions::from_mode(0o700)).expect("mode");
    symlink("pip", env.bin("pip3")).expect("link");
    let before = listing(env.venv.root());
    env.install();
    assert_eq!(env.ours(), ALL);
    // What Python compiles of the hook goes too.
    let cache = env.site().join("_aim_pip_hook/__pycache__");
    fs_err::create_dir(&cache).expect("folder");
    let compiled = cache.join("inside.cpython-311.pyc");
    fs_err::write(compiled, "").expect("write");
    remove(&env.venv).expect("removed");
    assert_eq!(listing(env.venv.root()), before);
    assert!(!is_installed(&env.venv).expect("readable"));
}

#[test]
fn doing_it_again_changes_nothing() {
    let env = Env::with_pip(&["pip", "pip3"]);
    assert!(!env.install().is_empty());
    let before = listing(env.venv.root());
    assert!(env.install().is_empty());
    assert!(env.heal().is_empty());
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn pip_that_upgrades_itself_leaves_new_originals() {
    let env = Env::with_pip(&["pip", "pip3"]);
    env.install();
    env.script("pip", "#!new");
    env.script("pip3.12", "#!new");
    fs_err::remove_file(env.bin("pip3")).expect("removed");
    env.heal();
    assert_eq!(
        env.ours(),
        ["pip", "pip-3.11", "pip3", "pip3.11", "pip3.12"]
    );
    remove(&env.venv).expect("removed");
    let names: Vec<String> = listing(&env.venv.bin());
    assert_eq!(names, ["pip 755 #!new", "pip3.12 755 #!new"]);
}

#[test]
fn an_environment_without_pip_gets_launchers_and_gives_them_up() {
    let env = Env::bare();
    let before = listing(env.venv.root());
    env.install();
    assert_eq!(env.ours(), ALL);
    remove(&env.venv).expect("removed");
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn where_pip_has_no_launcher_of_its_name_none_is_made() {
    let env = Env::with_pip(&["pip3.11"]);
    env.install();
    assert_eq!(env.ours(), ["pip3.11"]);
    // Launchers from the time without pip go when pip comes without them.
    let env = Env::bare();
    env.install();
    fs_err::create_dir_all(env.site().join("pip")).expect("folders");
    fs_err::write(env.site().join("pip/__init__.py"), "").expect("write");
    env.script("pip3.11", SCRIPT);
    env.heal();
    assert_eq!(env.ours(), ["pip3.11"]);
}

#[test]
fn findings_tell_what_is_where() {
    let env = Env::with_pip(&["pip"]);
    let states = |aim_pip: &str| -> Vec<EntryState> {
        let findings = inspect(&env.venv, Path::new(aim_pip)).expect("readable");
        findings.into_iter().map(|finding| finding.state).collect()
    };
    let missing = EntryState::Missing;
    assert_eq!(
        states(SHIM),
        [
            EntryState::Foreign,
            missing.clone(),
            missing.clone(),
            missing.clone(),
            missing
        ]
    );
    env.install();
    assert_eq!(states(SHIM), vec![EntryState::Ours; 5]);
    assert_eq!(
        states("/elsewhere/aim-pip"),
        vec![EntryState::Elsewhere(SHIM.into()); 5]
    );
}

/// From Python 3.15 on it switches the line of the same name off (PEP 829).
#[test]
fn what_a_later_toolkit_left_for_python_to_start_with_is_taken_away() {
    let env = Env::with_pip(&["pip"]);
    let start = env.site().join("00_aim_pip.start");
    let leave = || fs_err::write(&start, "_aim_pip_hook:start\n").expect("write");
    let before = listing(env.venv.root());
    leave();
    assert!(env.install().removed.contains(&start));
    leave();
    let findings = inspect(&env.venv, Path::new(SHIM)).expect("readable");
    let hook = findings.last().expect("the hook");
    assert_eq!((&hook.path, &hook.state), (&start, &EntryState::Foreign));
    assert_eq!(env.heal().removed, std::slice::from_ref(&start));
    leave();
    remove(&env.venv).expect("removed");
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn healing_leaves_an_environment_alone_that_is_not_ours() {
    let env = Env::with_pip(&["pip"]);
    let before = listing(env.venv.root());
    assert!(env.heal().is_empty());
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn two_at_once_never_take_a_launcher_for_an_original() {
    let env = Env::with_pip(&["pip", "pip3", "pip3.11"]);
    let before = listing(env.venv.root());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    env.install();
                }
            });
        }
    });
    remove(&env.venv).expect("removed");
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn a_relative_shim_is_refused() {
    let env = Env::bare();
    let refused = install(&env.venv, Path::new("aim-pip"));
    assert!(matches!(refused, Err(LauncherError::RelativeShim(_))));
}

/// `rm -rf .venv/.aim`, then the remedy that `doctor` names, or the end.
#[test]
fn pip_outlives_the_private_folder() {
    let env = Env::with_pip(&["pip", "pip3"]);
    let info = env.site().join("pip-24.0.dist-info");
    fs_err::create_dir(&info).expect("folder");
    let record = "../../../bin/pip,sha256=x,1\n../../../bin/pip3,,\npip/__init__.py,,\n";
    fs_err::write(info.join("RECORD"), record).expect("write");
    env.install();
    fs_err::remove_dir_all(env.venv.layout().aim()).expect("removed");
    env.install();
    for name in ["pip", "pip3", "pip-3.11"] {
        assert!(Launcher::read(&env.bin(name)).is_some(), "{name}");
    }
    for _ in 0..2 {
        remove(&env.venv).expect("removed");
        for name in ["pip", "pip3"] {
            let script = fs_err::read_to_string(env.bin(name)).expect("a script");
            let python = env.bin("python");
            assert!(script.starts_with(&format!("#!{}\n", python.display())));
        }
        assert!(!env.bin("pip-3.11").exists());
        env.install();
        fs_err::remove_dir_all(env.venv.layout().aim()).expect("removed");
    }
}

/// What cannot be read at this moment is not gone: nothing is taken away, or said to be missing, because of it.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_now_takes_no_launcher_away() {
    let check = |unreadable: fn(&Env) -> PathBuf| {
        let env = Env::with_pip(&["pip", "pip3"]);
        let info = env.site().join("pip-24.0.dist-info");
        fs_err::create_dir(&info).expect("folder");
        fs_err::write(info.join("RECORD"), "../../../bin/pip,,\n").expect("write");
        env.install();
        // As if somebody had taken one: then pip's own account is asked for.
        fs_err::remove_file(env.bin("pip3")).expect("removed");
        let path = unreadable(&env);
        crate::files::testing::unreadable_now(&path);
        let before = listed_names(&env);
        for (what, refused) in [
            ("put", install(&env.venv, Path::new(SHIM)).is_err()),
            ("inspect", inspect(&env.venv, Path::new(SHIM)).is_err()),
        ] {
            assert!(refused, "{what} with {}", path.display());
        }
        assert_eq!(listed_names(&env), before);
    };
    check(|env| env.site().join("pip-24.0.dist-info/RECORD"));
    check(|env| env.venv.pyvenv_cfg());
}

fn listed_names(env: &Env) -> Vec<String> {
    crate::files::testing::names(&env.venv.bin())
}
