//! Two equal worlds, one without us and one with us.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use aim_toolkit::testing::{self, Venv};

use super::seen::Seen;
use crate::sandbox::{Python, Sandbox, program_path};

/// No call takes nearly as long; one that does is killed, and so fails its comparison.
const LONGEST: Duration = Duration::from_secs(100);

/// What one call leaves in the history of the world that has us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remembered {
    /// No record.
    Never,
    /// One record.
    Once,
    /// As many records.
    Times(usize),
}

use Remembered::{Never, Once, Times};

/// The two worlds. Their paths are of one length, so that nothing is wrapped or cut differently.
pub(super) struct Twins {
    without: Sandbox,
    with: Sandbox,
    differences: Vec<String>,
}

impl Twins {
    /// Two environments with the pip of the main Python.
    pub(super) fn new() -> Self {
        Self::on(&Python::main())
    }

    /// Two environments with the pip of `python`.
    pub(super) fn on(python: &Python) -> Self {
        Self::prepared(python, |_| ())
    }

    /// Two environments, each changed by `prepare` before we come to one of them.
    pub(super) fn prepared(python: &Python, prepare: impl Fn(&Sandbox)) -> Self {
        let [without, with] = [(); 2].map(|()| {
            let sandbox = Sandbox::on(python.clone()).with_venv();
            prepare(&sandbox);
            sandbox
        });
        let venv = Venv::open(with.venv()).expect("an environment");
        testing::install(&venv, &program_path("aim-pip")).expect("installed");
        Self {
            without,
            with,
            differences: Vec::new(),
        }
    }

    /// The worlds: without us, with us.
    pub(super) fn each(&self) -> [&Sandbox; 2] {
        [&self.without, &self.with]
    }

    /// Makes a wheel, the same file in both.
    pub(super) fn wheel(&self, name: &str, version: &str) {
        let wheel = self.without.wheel(name, version);
        let name = wheel.file_name().expect("a name");
        std::fs::copy(&wheel, self.with.root().join("wheels").join(name)).expect("copied");
    }

    /// Writes a file of both projects.
    pub(super) fn write(&self, name: &str, text: &str) {
        for sandbox in self.each() {
            sandbox.write(name, text);
        }
    }

    /// Runs a line of bash in both and notes every difference.
    pub(super) fn play(&mut self, line: &str, remembered: Remembered) {
        self.play_where(line, remembered, |_| ());
    }

    /// The same, with what was seen changed by `adjust` before it is compared.
    pub(super) fn play_where(
        &mut self,
        line: &str,
        remembered: Remembered,
        adjust: impl Fn(&mut Seen),
    ) {
        let before = self.with.records().len();
        let seen = |sandbox: &Sandbox| {
            let output = bounded(shell(sandbox, line));
            Seen::of(sandbox, &output)
        };
        // The worlds share nothing, so they need not wait for one another.
        let [mut without, mut with] = std::thread::scope(|scope| {
            let threads = self
                .each()
                .map(|sandbox| scope.spawn(move || seen(sandbox)));
            threads.map(|thread| thread.join().expect("it was seen"))
        });
        adjust(&mut without);
        adjust(&mut with);
        for difference in without.differences(&with) {
            self.differences.push(format!("{line}\n{difference}"));
        }
        self.expect_records(line, before, remembered);
    }

    /// Notes it if the history did not grow from `before` as it should.
    pub(super) fn expect_records(&mut self, call: &str, before: usize, remembered: Remembered) {
        let expected = match remembered {
            Never => 0,
            Once => 1,
            Times(count) => count,
        };
        let grown = self.with.records().len() - before;
        if grown != expected {
            self.differences.push(format!(
                "{call}\n  remembered {grown} times, not {expected}"
            ));
        }
        let left = parts(&self.with);
        if !left.is_empty() {
            self.differences
                .push(format!("{call}\n  left unfinished logs: {left:?}"));
        }
    }

    /// Notes a difference.
    pub(super) fn note(&mut self, difference: String) {
        self.differences.push(difference);
    }

    /// Fails if any difference was noted.
    #[track_caller]
    pub(super) fn assert_equal(self) {
        assert!(
            self.differences.is_empty(),
            "{} differences:\n{}",
            self.differences.len(),
            self.differences.join("\n")
        );
    }
}

/// A line of bash in a world; `BIN`, `SITE` and `WHEELS` stand for the environment's own folders and that of the
/// wheels.
pub(super) fn shell(sandbox: &Sandbox, line: &str) -> Command {
    let text = |path: &Path| path.to_str().expect("utf-8").to_owned();
    let line = line
        .replace("BIN", &text(&sandbox.venv().join("bin")))
        .replace("SITE/", &(text(&sandbox.site_packages()) + "/"))
        .replace("WHEELS", &text(&sandbox.root().join("wheels")))
        .replace("PYTHON3", &text(sandbox.python().path()));
    let mut command = sandbox.command("/bin/bash");
    command
        .args(["--norc", "--noprofile", "-c", &line])
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env("PYTHONHASHSEED", "0");
    command
}

/// Runs `command` to its end, in a process group of its own that is killed when it takes too long.
fn bounded(mut command: Command) -> Output {
    let child = command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash starts");
    let group = rustix::process::Pid::from_child(&child);
    let (done, waiting) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if waiting.recv_timeout(LONGEST) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    });
    let output = child.wait_with_output().expect("waited for");
    drop(done);
    watch.join().expect("the watch ends");
    if output.status.signal() == Some(9) {
        println!("killed after {LONGEST:?}: {command:?}");
    }
    output
}

/// The logs of runs that never ended.
fn parts(sandbox: &Sandbox) -> Vec<String> {
    std::fs::read_dir(sandbox.project().join(".pip-logs"))
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("readable").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "part"))
        .collect()
}
