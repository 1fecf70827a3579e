//! A supervised command of one test, and what it and its supervisor said.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::place::wait_until;
use crate::sandbox::{Sandbox, program_path};
use crate::shells::with_usual_signals;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says that it has begun, with its process and what it was given, and goes on until somebody ends it. Its arguments
/// are what it does besides.
const SCRIPT: &str = r#"
import os, signal, sys, time

def said(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())

def obey(number, frame):
    said("heard", signal.Signals(number).name)
    if number in (signal.SIGTERM, signal.SIGINT):
        sys.exit(40)

for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"):
    signal.signal(getattr(signal, name), obey)
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    import greeting
    has = getattr(greeting, "VERSION", "some")
except ImportError:
    has = "none"
said("began", os.getpid(), has)
if "breaks" in sys.argv and has == "broken":
    sys.exit(3)
while True:
    signal.pause()
"#;

/// `aim-worker supervise`, running.
pub(super) struct Supervised {
    child: Child,
    output: PathBuf,
}

impl Supervised {
    /// The script with `words`, supervised with `options`; it has begun.
    pub(super) fn script(sandbox: &Sandbox, options: &[&str], words: &[&str]) -> Self {
        sandbox.write("serve.py", SCRIPT);
        let command = [&["python", "serve.py"], words].concat();
        let this = Self::start(sandbox, options, &command);
        this.says("began", 1);
        this
    }

    /// `command`, supervised with `options`.
    pub(super) fn start(sandbox: &Sandbox, options: &[&str], command: &[&str]) -> Self {
        let output = sandbox.root().join(format!(
            "said-{}",
            fs::read_dir(sandbox.root()).expect("readable").count()
        ));
        let file = File::create(&output).expect("a file");
        let mut call = call(sandbox, options, command);
        call.stdout(file.try_clone().expect("again")).stderr(file);
        Self {
            child: call.spawn().expect("starts"),
            output,
        }
    }

    /// All that was said so far.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.output).expect("text")
    }

    /// Waits until `words` were said `times` times, and no more often; gives all that was said.
    #[track_caller]
    pub(super) fn says(&self, words: &str, times: usize) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.said();
            let found = said.matches(words).count();
            if found == times {
                return said;
            }
            assert!(
                found < times && Instant::now() < deadline,
                "{words:?} {times} times in:\n{said}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The processes of the script that have begun, oldest first, each with what it found.
    pub(super) fn begun(&self) -> Vec<(u32, String)> {
        let said = self.said();
        let begun = said.lines().filter_map(|line| line.strip_prefix("began "));
        begun
            .filter_map(|words| words.split_once(' '))
            .map(|(pid, has)| (pid.parse().expect("a number"), has.to_owned()))
            .collect()
    }

    /// Sends the supervisor alone a signal.
    pub(super) fn send(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ends.
    pub(super) fn ends(mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the supervisor ends", || {
            status = self.child.try_wait().expect("waited for");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Ends it; its command is gone with it.
    pub(super) fn stop(self) {
        self.send("TERM");
        let status = self.ends();
        assert!(
            status.code() == Some(40) || status.signal() == Some(15),
            "{status:?}"
        );
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // A test that failed leaves nothing: the command ends with its supervisor.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The call of `aim-worker supervise`, not started yet.
pub(super) fn call(sandbox: &Sandbox, options: &[&str], command: &[&str]) -> Command {
    let mut call = with_usual_signals(sandbox, program_path("aim-worker"));
    call.arg("supervise").args(options).arg("--").args(command);
    call
}

/// Sends the process `pid` a signal.
pub(super) fn kill(pid: u32, signal: &str) {
    let status = Command::new("kill")
        .args(["-s", signal, &pid.to_string()])
        .status();
    assert!(status.expect("kill runs").success(), "{signal} to {pid}");
}

/// Whether the process `pid` is there.
pub(super) fn is_there(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Installs a `greeting` whose module says that it is `version`.
pub(super) fn install(sandbox: &Sandbox, version: &str, says: &str) {
    let module = format!("VERSION = {says:?}\n");
    let wheel = sandbox.wheel_of("greeting", version, &[("greeting.py", &module)]);
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
}
