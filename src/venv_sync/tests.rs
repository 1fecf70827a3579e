//! The verbs on real folders. Interpreters are stood in for by a link, since nothing here may depend on one.

use std::cell::RefCell;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::project::Project;
use crate::store::{EnvMeta, Generation, RunLock, RunLog, Tool};

/// A home with an `aim-pip` and a project whose environment has `pip` in it.
struct Site {
    dir: tempfile::TempDir,
    host: Host,
}

/// What a verb printed and how it ended.
struct Said {
    exit: Exit,
    out: String,
    error: Option<String>,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = dir.path().canonicalize().expect("resolved");
        let site = Self {
            host: Host::fake(["aim-venv-sync"])
                .with_exe(home.join("bin/aim-venv-sync"))
                .with_cwd(home.join("demo"))
                .with_var("AIM_SOCKET", home.join("none.sock"))
                .with_var("XDG_CONFIG_HOME", home.join("config"))
                .with_var("XDG_STATE_HOME", home.join("state")),
            dir,
        };
        site.write("../bin/aim-pip", "");
        site.write(".venv/pyvenv.cfg", "version = 3.11.7\n");
        site.write(".venv/bin/pip", "#!/bin/sh\necho pip\n");
        std::os::unix::fs::symlink("/bin/sh", site.path(".venv/bin/python")).expect("link");
        site.write(".venv/lib/python3.11/site-packages/pip/__init__.py", "");
        site.install("pip", "24.0", "pip");
        site
    }

    fn path(&self, relative: &str) -> PathBuf {
        let home = self.dir.path().canonicalize().expect("resolved");
        home.join("demo").join(relative)
    }

    fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        let folder = path.parent().expect("inside");
        std::fs::create_dir_all(self.path("")).expect("folders");
        std::fs::create_dir_all(folder).expect("folders");
        std::fs::write(path, text).expect("write");
    }

    fn install(&self, name: &str, version: &str, installer: &str) {
        let folder = format!(".venv/lib/python3.11/site-packages/{name}-{version}.dist-info");
        let metadata = format!("Name: {name}\nVersion: {version}\n");
        self.write(&format!("{folder}/METADATA"), &metadata);
        self.write(&format!("{folder}/INSTALLER"), &format!("{installer}\n"));
        self.write(&format!("{folder}/RECORD"), "");
    }

    fn uninstall(&self, name: &str, version: &str) {
        let folder = format!(".venv/lib/python3.11/site-packages/{name}-{version}.dist-info");
        std::fs::remove_dir_all(self.path(&folder)).expect("removed");
    }

    fn run(&self, args: &[&str]) -> Said {
        let cli = Cli::parse_from([&["aim-venv-sync"], args].concat());
        let common = cli.common.clone();
        let out = Shared::default();
        let (to, talk) = (Box::new(out.clone()), Box::new(std::io::sink()));
        let mut console = Console::onto(&self.host, &common, to, talk);
        let (exit, error) = match run_on(&self.host, cli, &mut console) {
            Ok(exit) => (exit, None),
            Err(error) => (error.exit(), Some(format!("{error:?}"))),
        };
        let bytes = out.0.borrow().clone();
        Said {
            exit,
            out: String::from_utf8(bytes).expect("text"),
            error,
        }
    }

    fn meta(&self) -> EnvMeta {
        let project = Project::at(&self.path("")).expect("a project");
        EnvMeta::read(&project.layout()).0
    }

    fn runs(&self) -> usize {
        let project = Project::at(&self.path("")).expect("a project");
        RunLog::read(&project.layout()).runs.len()
    }

    fn listing(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut all: Vec<_> = walkdir::WalkDir::new(self.path(""))
            .into_iter()
            .map(|entry| entry.expect("entry").into_path())
            .map(|path| {
                let bytes = std::fs::read(&path).unwrap_or_default();
                (path, bytes)
            })
            .collect();
        all.sort();
        all
    }
}

/// Says why a test does not run here.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(super) fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// Makes a program. A shell writes it: a file that this process wrote could still be open for writing in a child that
/// another test is just starting, and then does not run ("text file busy").
pub(super) fn script(path: &Path, body: &str) {
    let status = std::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod +x "$1""#)
        .arg("sh")
        .args([path.as_os_str(), body.as_ref()])
        .status();
    assert!(status.expect("sh").success());
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn init_takes_an_environment_over_and_then_finds_it_done() {
    let site = Site::new();
    let said = site.run(&["init"]);
    assert_eq!(said.exit, Exit::Done, "{:?}", said.error);
    assert!(said.out.contains("Python 3.11.7"), "{}", said.out);
    let version = std::fs::read_to_string(site.path(".venv/.aim/version")).expect("a version");
    assert!(version.starts_with("2\n"), "{version}");
    let meta = site.meta();
    assert_eq!(meta.generation(), Generation(1));
    let change = meta.last_change.expect("a change");
    assert_eq!(change.source, Tool::Pip);
    assert_eq!(change.changes.added[0].name, "pip");

    let before = site.listing();
    let again = site.run(&["init"]);
    assert_eq!(again.exit, Exit::Done);
    assert!(again.out.contains("was there already"), "{}", again.out);
    assert_eq!(site.listing(), before);
}

#[test]
fn init_names_the_environment_by_its_folder_too() {
    let site = Site::new();
    let venv = site.path(".venv");
    let said = site.run(&["init", venv.to_str().expect("UTF-8"), "--json"]);
    assert_eq!(
        said.json()["project"],
        site.path("").to_str().expect("UTF-8").trim_end_matches('/')
    );
    assert_eq!(said.json()["generation"], 1);
}

#[test]
fn init_refuses_what_it_cannot_use_and_deletes_nothing() {
    fn check(spoil: impl Fn(&Site), args: &[&str], exit: Exit) {
        let site = Site::new();
        spoil(&site);
        let before = site.listing();
        let said = site.run(args);
        assert_eq!(said.exit, exit, "{args:?}: {:?}", said.error);
        assert_eq!(site.listing(), before);
        let hint = said.error.unwrap_or_default();
        assert!(
            exit == Exit::Usage || hint.contains("aim-venv-sync init"),
            "{hint}"
        );
    }
    let python_gone =
        |site: &Site| std::fs::remove_file(site.path(".venv/bin/python")).expect("gone");
    let cfg_gone = |site: &Site| std::fs::remove_file(site.path(".venv/pyvenv.cfg")).expect("gone");
    check(python_gone, &["init"], Exit::Failed);
    check(cfg_gone, &["init"], Exit::Failed);
    check(|_| (), &["init", "--python", "3.12"], Exit::Failed);
    check(
        |site| site.write("file", ""),
        &["init", "file"],
        Exit::Usage,
    );
}

#[test]
fn a_folder_that_could_not_become_a_project_is_gone_again() {
    let site = Site::new();
    let said = site.run(&["init", "../new/deep", "--python", "/nowhere/python"]);
    assert_eq!(said.exit, Exit::NotFound, "{:?}", said.error);
    assert!(!site.path("../new").exists());
}

#[test]
fn sync_records_what_other_tools_did() {
    let site = Site::new();
    site.run(&["init"]);
    site.install("six", "1.16.0", "uv");
    let check = site.run(&["--check"]);
    assert_eq!(check.exit, Exit::Failed);
    assert!(check.out.contains("+ six 1.16.0"), "{}", check.out);
    assert_eq!(site.meta().generation(), Generation(1));

    let said = site.run(&["sync", "--json"]);
    assert_eq!(said.exit, Exit::Done, "{:?}", said.error);
    assert_eq!(said.json()["generation"], 2);
    assert_eq!(said.json()["recorded"]["tool"], "uv");
    assert_eq!(site.run(&["--check"]).exit, Exit::Done);

    site.uninstall("six", "1.16.0");
    let said = site.run(&[]);
    assert!(said.out.contains("- six 1.16.0"), "{}", said.out);
    let change = site.meta().last_change.expect("a change");
    assert_eq!(
        (change.generation, change.source),
        (Generation(3), Tool::Unknown)
    );
    assert_eq!(site.runs(), 3);

    let before = site.listing();
    let said = site.run(&[]);
    assert_eq!(
        said.out,
        "already in step at generation 3 (1 distribution)\n"
    );
    assert_eq!(site.listing(), before);
}

#[test]
fn sync_puts_back_what_was_taken() {
    let site = Site::new();
    site.run(&["init"]);
    let line = site.path(".venv/lib/python3.11/site-packages/00_aim_pip.pth");
    std::fs::remove_file(&line).expect("removed");
    let said = site.run(&["sync"]);
    assert!(
        said.out.contains("put back: 00_aim_pip.pth"),
        "{}",
        said.out
    );
    assert!(line.exists());
    assert_eq!(site.meta().generation(), Generation(1));
}

#[test]
fn a_broken_record_is_made_anew_and_never_goes_back() {
    let site = Site::new();
    site.run(&["init"]);
    site.install("six", "1.16.0", "pip");
    site.run(&["sync"]);
    site.write("env_meta.json", "{\"generation\": ");
    assert_eq!(site.run(&["--check"]).exit, Exit::Failed);
    let said = site.run(&["sync"]);
    assert_eq!(said.exit, Exit::Done, "{:?}", said.error);
    assert!(site.meta().generation() >= Generation(2));
    assert_eq!(site.run(&["--check"]).exit, Exit::Done);
}

#[test]
fn looking_writes_nothing() {
    let site = Site::new();
    for args in [&["--check"][..], &["status"], &["doctor"], &["config"]] {
        let before = site.listing();
        let json = site.run(&[args, &["--json"]].concat()).json();
        assert!(json.is_object(), "{args:?}");
        assert!(!site.run(args).out.is_empty(), "{args:?}");
        assert_eq!(site.listing(), before, "{args:?}");
    }
}

#[test]
fn a_read_only_project_can_be_looked_at_and_is_no_failure_while_in_step() {
    if rustix::process::getuid().is_root() {
        return skip("root writes in read-only folders");
    }
    let site = Site::new();
    site.run(&["init"]);
    let folders = ["", ".venv", ".venv/.aim", ".pip-logs"];
    let mode = |mode: u32| {
        for folder in folders {
            let path = site.path(folder);
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("mode");
        }
        let lock = site.path(".venv/.aim/lock");
        if lock.exists() {
            std::fs::set_permissions(lock, PermissionsExt::from_mode(mode & 0o666)).expect("mode");
        }
    };
    mode(0o555);
    let check = site.run(&["--check"]).exit;
    let sync = site.run(&["sync"]);
    site.install("six", "1", "pip");
    let refused = site.run(&["sync"]);
    let doctor = site.run(&["doctor"]).exit;
    mode(0o755);
    assert_eq!(
        (check, sync.exit, doctor),
        (Exit::Done, Exit::Done, Exit::Failed),
        "{:?}",
        sync.error
    );
    assert_eq!(refused.exit, Exit::Failed);
    assert!(refused.error.expect("words").contains("doctor"));
}

#[test]
fn remove_gives_the_environment_back_and_keeps_the_history() {
    let site = Site::new();
    let original = std::fs::read(site.path(".venv/bin/pip")).expect("a script");
    let before: Vec<PathBuf> = site.listing().into_iter().map(|(path, _)| path).collect();
    site.run(&["init"]);
    let said = site.run(&["remove"]);
    assert_eq!(said.exit, Exit::Done, "{:?}", said.error);
    assert_eq!(
        std::fs::read(site.path(".venv/bin/pip")).expect("a script"),
        original
    );
    let inside = |path: &Path| path.starts_with(site.path(".venv"));
    let after: Vec<PathBuf> = site
        .listing()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| inside(path))
        .collect();
    let before: Vec<PathBuf> = before.into_iter().filter(|path| inside(path)).collect();
    assert_eq!(after, before);
    assert_eq!(site.meta().generation(), Generation(1));
    assert!(site.run(&["remove"]).out.contains("nothing of the toolkit"));
}

#[test]
fn nothing_is_removed_while_a_run_goes_on() {
    let site = Site::new();
    site.run(&["init"]);
    let project = Project::at(&site.path("")).expect("a project");
    let lock = RunLock::try_acquire(&project.venv().layout(), "pip install x").expect("free");
    let said = site.run(&["remove"]);
    drop(lock);
    assert_eq!(said.exit, Exit::Failed);
    assert!(said.error.expect("words").contains("pip install x"));
    assert!(site.path(".venv/.aim/version").is_file());
}

#[test]
fn waiting_needs_a_daemon() {
    let site = Site::new();
    site.run(&["init"]);
    assert_eq!(site.run(&["--wait"]).exit, Exit::NoDaemon);
}

#[test]
fn no_project_has_an_exit_status_of_its_own() {
    let site = Site::new();
    for args in [
        &["--project", "no-such-id"][..],
        &["status", "--project", "/"],
    ] {
        let said = site.run(args);
        assert_eq!(said.exit, Exit::NotFound, "{args:?}: {:?}", said.error);
    }
}

#[test]
fn what_is_to_be_typed_means_the_environment_that_was_asked_about() {
    let site = Site::new();
    site.run(&["init"]);
    site.write("other/pyvenv.cfg", "version = 3.11.7\n");
    site.write("other/lib/python3.11/site-packages/README", "");
    let other = site.path("other");
    let other = other.to_str().expect("UTF-8");
    let status = site.run(&["--env", other, "status"]).out;
    for words in [
        format!("{other} (Python 3.11.7"),
        format!("`aim-venv-sync init {other}`"),
        format!("`aim-venv-sync --env {other}` makes it"),
    ] {
        assert!(status.contains(&words), "{words}: {status}");
    }
    let refused = site.run(&["init", ".", "--env", other]).error;
    let refused = refused.expect("it has another one");
    let hint = format!("`aim-venv-sync init {other}`");
    assert!(refused.contains(&hint), "{refused}");
    std::fs::remove_file(site.path("env_meta.json")).expect("removed");
    let status = site.run(&["status"]).out;
    assert!(status.contains("`aim-venv-sync` makes it"), "{status}");
}

#[test]
fn who_shares_an_environment_is_told_so() {
    let site = Site::new();
    site.run(&["init"]);
    let status = site.run(&["status"]).out;
    assert!(!status.contains("shared"), "{status}");
    let second = site.path("../second");
    std::fs::create_dir(&second).expect("folder");
    std::os::unix::fs::symlink(site.path(".venv"), second.join(".venv")).expect("link");
    let (first, second) = (site.path(""), second.canonicalize().expect("resolved"));
    let first = first.to_str().expect("UTF-8").trim_end_matches('/');
    let named = second.to_str().expect("UTF-8");
    let words = format!("{first}; the record lies in {first}");
    let said = site.run(&["init", named]).out;
    assert!(said.contains(&words), "{said}");
    let status = site.run(&["--project", named, "status"]).out;
    assert!(status.contains(&words), "{status}");
    let status = site.run(&["status"]).out;
    assert!(
        status.contains(&format!("{named}; the record lies in {first}")),
        "{status}"
    );
}
