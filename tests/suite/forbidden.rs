//! What may not be looked at is never taken for something that is gone: nothing is made up, and nobody is advised to
//! make it again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::bad_input::bound_by_modes;
use crate::sandbox::{Ran, Sandbox, skipped};

/// A place that nobody may look at while this lives.
struct Forbidden {
    path: PathBuf,
    mode: u32,
}

impl Forbidden {
    fn new(path: &Path) -> Self {
        let mode = path.metadata().expect("there").permissions().mode();
        let forbidden = Self {
            path: path.to_path_buf(),
            mode,
        };
        forbidden.set(0);
        forbidden
    }

    fn set(&self, mode: u32) {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&self.path, mode).expect("mode");
    }
}

impl Drop for Forbidden {
    fn drop(&mut self) {
        self.set(self.mode);
    }
}

/// The program, bound by the modes of files. None, with a printed reason, where that cannot be.
fn bound<const N: usize>(
    sandbox: &Sandbox,
    program: impl AsRef<Path>,
    args: [&str; N],
) -> Option<Ran> {
    let mut command = sandbox.command(program.as_ref());
    let Some(mut bound) = bound_by_modes(command.args(args)) else {
        skipped("root may look at everything, and setpriv (util-linux) is not here to stop it");
        return None;
    };
    Some(Ran::of(&mut bound))
}

/// Says that it may not be read, and nothing of an absence.
#[track_caller]
fn says_so(ran: &Ran) {
    let said = format!("{}{}", ran.stdout(), ran.stderr());
    assert!(said.contains("Permission denied"), "{ran:?}");
    for wrong in [
        "nothing is recorded",
        "is gone",
        "no Python environment",
        "no project",
        "not there",
        "mv ",
        "rm ",
    ] {
        assert!(!said.contains(wrong), "{wrong}: {ran:?}");
    }
}

#[test]
fn a_record_that_may_not_be_read() {
    let sandbox = Sandbox::ready();
    let meta = sandbox.project().join("env_meta.json");
    let before = (sandbox.records().len(), std::fs::read(&meta).expect("read"));
    let wheel = sandbox.wheel("greeting", "1.0");
    let forbidden = Forbidden::new(&meta);
    for args in [
        ["sync", "--check"],
        ["status", "--quiet"],
        ["sync", "--quiet"],
    ] {
        let Some(ran) = bound(&sandbox, "aim-venv-sync", args) else {
            return;
        };
        says_so(&ran.exits(1));
    }
    let doctor = bound(&sandbox, "aim-venv-sync", ["doctor"])
        .expect("runs")
        .exits(1);
    says_so(&doctor);
    doctor.says("chmod u+rw");
    let install = ["install", wheel.to_str().expect("UTF-8")];
    let ran = bound(&sandbox, sandbox.bin("pip"), install)
        .expect("runs")
        .ok();
    assert_eq!(ran.stderr().lines().count(), 1, "{ran:?}");
    says_so(&ran);
    assert_eq!(
        (sandbox.records().len(), std::fs::read(&meta).expect("root")),
        before
    );
    drop(forbidden);
    // What pip did is its own run, and nothing else happened.
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    assert_eq!(sandbox.records().len(), before.0 + 1);
    let record = sandbox.last_record();
    assert_eq!(record["action"], "install");
    assert_eq!(record["added"][0]["name"], "greeting");
    assert!(!sandbox.project().join("env_meta.json.broken-1").exists());
}

#[test]
fn an_environment_or_interpreter_that_may_not_be_looked_at() {
    let sandbox = Sandbox::ready();
    for place in [sandbox.venv(), sandbox.venv().join("bin")] {
        let _forbidden = Forbidden::new(&place);
        let Some(ran) = bound(&sandbox, "aim-venv-sync", ["init"]) else {
            return;
        };
        says_so(&ran.exits(1));
    }
    let _daemon = sandbox.daemon();
    let _forbidden = Forbidden::new(&sandbox.venv());
    for program in ["aim-venv-sync", "aim-logs", "aim-worker"] {
        let args = if program == "aim-logs" {
            "list"
        } else {
            "status"
        };
        says_so(&bound(&sandbox, program, [args]).expect("runs").exits(1));
    }
}

#[test]
fn a_log_that_may_not_be_read() {
    let sandbox = Sandbox::ready();
    sandbox.pip(["install", "greeting"]).exits(1);
    let log = sandbox.run("aim-logs", ["show", "--path"]).ok().stdout();
    let _forbidden = Forbidden::new(Path::new(log.trim_end()));
    let Some(shown) = bound(&sandbox, "aim-logs", ["show"]) else {
        return;
    };
    says_so(&shown.ok());
    says_so(
        &bound(&sandbox, "aim-logs", ["show", "--stdout"])
            .expect("runs")
            .exits(1),
    );
}
