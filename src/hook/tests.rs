//! The hook in made-up environments, and launchers of earlier versions; that Python obeys the hook is tested through
//! the built `aim-pip`.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

const SHIM: &str = "/opt/aim/aim-pip";
const SCRIPT: &str = "#!/v/bin/python\nimport sys\n";
const LAUNCHER: &str = "#!/opt/aim/aim-pip\nimport sys  # aim-toolkit launcher 1\n";

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
    /// An environment of Python 3.11 with pip, whose scripts are `scripts`.
    fn with_pip(scripts: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().join(".venv");
        let info = root.join("lib/python3.11/site-packages/pip-24.0.dist-info");
        fs_err::create_dir_all(root.join("bin")).expect("folders");
        fs_err::create_dir_all(&info).expect("folders");
        fs_err::write(root.join("pyvenv.cfg"), "version = 3.11.7\n").expect("write");
        let lines = scripts
            .iter()
            .map(|name| format!("../../../bin/{name},sha256=x,1\n"));
        fs_err::write(info.join("RECORD"), lines.collect::<String>()).expect("write");
        let venv = Venv::open(root).expect("an environment");
        let env = Self { _dir: dir, venv };
        for name in scripts {
            env.script(name, SCRIPT);
        }
        env
    }

    /// The same as an earlier version left it, with launchers of `names`.
    fn with_launchers(scripts: &[&str], names: &[&str]) -> Self {
        let env = Self::with_pip(scripts);
        fs_err::create_dir_all(env.kept()).expect("folders");
        for name in scripts {
            fs_err::rename(env.bin(name), env.kept().join(name)).expect("kept");
        }
        for name in names {
            env.script(name, LAUNCHER);
        }
        env
    }

    fn site(&self) -> PathBuf {
        self.venv.root().join("lib/python3.11/site-packages")
    }

    fn bin(&self, name: &str) -> PathBuf {
        self.venv.bin().join(name)
    }

    fn kept(&self) -> PathBuf {
        self.venv.layout().aim().join("launchers")
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

    fn mend(&self) -> Changes {
        mend(&self.venv, Path::new(SHIM)).expect("mended")
    }

    fn states(&self, aim_pip: &str) -> Vec<HookState> {
        let findings = inspect(&self.venv, Path::new(aim_pip)).expect("readable");
        findings.into_iter().map(|finding| finding.state).collect()
    }
}

#[test]
fn nothing_of_pips_is_changed() {
    let env = Env::with_pip(&["pip", "pip3"]);
    let before = listing(&env.venv.bin());
    env.install();
    assert_eq!(listing(&env.venv.bin()), before);
    assert!(is_installed(&env.venv).expect("readable"));
}

#[test]
fn removal_takes_everything_out() {
    let env = Env::with_pip(&["pip", "pip3"]);
    let before = listing(env.venv.root());
    env.install();
    // What Python compiles of the hook goes too.
    let cache = env.site().join("_aim_pip_hook/__pycache__");
    fs_err::create_dir(&cache).expect("folder");
    fs_err::write(cache.join("inside.cpython-311.pyc"), "").expect("write");
    remove(&env.venv).expect("removed");
    assert!(!is_installed(&env.venv).expect("readable"));
    fs_err::remove_dir_all(env.venv.layout().aim()).expect("removed");
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn doing_it_again_changes_nothing() {
    let env = Env::with_pip(&["pip"]);
    assert!(!env.install().is_empty());
    let before = listing(env.venv.root());
    assert!(env.install().is_empty());
    assert!(env.mend().is_empty());
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn what_another_tool_removed_is_put_back() {
    let env = Env::with_pip(&["pip"]);
    env.install();
    let whole = listing(env.venv.root());
    fs_err::remove_dir_all(env.site().join("_aim_pip_hook")).expect("removed");
    fs_err::remove_file(env.site().join("00_aim_pip.pth")).expect("removed");
    assert_eq!(env.states(SHIM), [HookState::Missing]);
    assert_eq!(env.mend().written.len(), 3);
    assert_eq!(listing(env.venv.root()), whole);
}

#[test]
fn findings_tell_what_is_where() {
    let env = Env::with_launchers(&["pip"], &["pip"]);
    assert_eq!(env.states(SHIM), [HookState::Missing, HookState::Launcher]);
    env.install();
    assert_eq!(env.states(SHIM), [HookState::Ours]);
    let other = HookState::Elsewhere(SHIM.into());
    assert_eq!(env.states("/elsewhere/aim-pip"), [other]);
}

/// From Python 3.15 on it switches the line of the same name off (PEP 829).
#[test]
fn what_a_later_toolkit_left_for_python_to_start_with_is_taken_away() {
    let env = Env::with_pip(&["pip"]);
    let start = env.site().join("00_aim_pip.start");
    let leave = || fs_err::write(&start, "_aim_pip_hook:start\n").expect("write");
    leave();
    assert!(env.install().removed.contains(&start));
    leave();
    let findings = inspect(&env.venv, Path::new(SHIM)).expect("readable");
    let hook = findings.last().expect("the hook");
    assert_eq!((&hook.path, &hook.state), (&start, &HookState::Foreign));
    assert_eq!(env.mend().removed, std::slice::from_ref(&start));
    leave();
    remove(&env.venv).expect("removed");
    assert!(!start.exists());
}

#[test]
fn mending_leaves_an_environment_alone_that_is_not_ours() {
    let env = Env::with_pip(&["pip"]);
    let before = listing(env.venv.root());
    assert!(env.mend().is_empty());
    assert!(put_launchers_out(&env.venv).expect("readable").is_empty());
    assert_eq!(listing(env.venv.root()), before);
}

#[test]
fn two_at_once_do_it_once() {
    let env = Env::with_pip(&["pip", "pip3", "pip3.11"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    env.install();
                }
            });
        }
    });
    assert_eq!(env.states(SHIM), [HookState::Ours]);
}

#[test]
fn a_relative_shim_is_refused() {
    let env = Env::with_pip(&[]);
    let refused = install(&env.venv, Path::new("aim-pip"));
    assert!(matches!(refused, Err(HookError::RelativeShim(_))));
}

/// Each way to put launchers out gives the scripts back to the byte, modes and links as well, and takes away what pip
/// never had.
#[test]
fn launchers_give_way_to_what_was_there() {
    let ways: [fn(&Env) -> Changes; 4] = [
        Env::install,
        Env::mend,
        |env| put_launchers_out(&env.venv).expect("put out"),
        |env| remove(&env.venv).expect("removed"),
    ];
    for way in ways {
        let env = Env::with_pip(&["pip3.11", "python", "pipx"]);
        env.script("pip", "#!/bin/sh\nexec python -m pip \"$@\"\n");
        let private = std::fs::Permissions::from_mode(0o700);
        fs_err::set_permissions(env.bin("pip"), private).expect("mode");
        symlink("pip", env.bin("pip3")).expect("link");
        let before = listing(&env.venv.bin());
        fs_err::create_dir_all(env.kept()).expect("folders");
        for name in ["pip", "pip3", "pip3.11"] {
            fs_err::rename(env.bin(name), env.kept().join(name)).expect("kept");
        }
        for name in ["pip", "pip3", "pip3.11", "pip-3.11"] {
            env.script(name, LAUNCHER);
        }
        assert!(is_installed(&env.venv).expect("readable"));
        let changes = way(&env);
        assert_eq!(changes.removed, [env.bin("pip-3.11")]);
        assert_eq!(listing(&env.venv.bin()), before);
        assert!(!env.kept().exists());
        assert!(way(&env).is_empty());
    }
}

#[test]
fn what_pip_wrote_since_stays() {
    let env = Env::with_launchers(&["pip", "pip3"], &["pip3"]);
    env.script("pip", "#!new");
    env.mend();
    let names = listing(&env.venv.bin());
    assert_eq!(names, ["pip 755 #!new", &format!("pip3 755 {SCRIPT}")]);
}

#[test]
fn what_pip_removed_since_stays_away() {
    let env = Env::with_launchers(&["pip", "pip3"], &["pip"]);
    let info = env.site().join("pip-24.0.dist-info/RECORD");
    fs_err::write(info, "../../../bin/pip,sha256=x,1\n").expect("write");
    env.mend();
    assert_eq!(listing(&env.venv.bin()), [format!("pip 755 {SCRIPT}")]);
}

/// `rm -rf .venv/.aim`, then the remedy that `doctor` names.
#[test]
fn pip_outlives_the_private_folder() {
    let env = Env::with_launchers(&["pip", "pip3"], &["pip", "pip3", "pip-3.11"]);
    fs_err::remove_dir_all(env.venv.layout().aim()).expect("removed");
    env.install();
    for name in ["pip", "pip3"] {
        let script = fs_err::read_to_string(env.bin(name)).expect("a script");
        let python = env.bin("python");
        assert!(script.starts_with(&format!("#!{}\n", python.display())));
    }
    assert!(!env.bin("pip-3.11").exists());
}
