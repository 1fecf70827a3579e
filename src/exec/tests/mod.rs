//! Real children, on pipes and terminals of the test's own; and, for what concerns the whole process, a process of
//! its own: this test binary again, with [`stand_in`] as its only test.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::process::{Pid, Signal, kill_process};

use super::*;

mod copying;
mod process;
mod terminals;

/// The script that [`stand_in`] runs.
const SCRIPT: &str = "AIM_TEST_EXEC_SCRIPT";

/// What a run on descriptors of the test's own gave.
struct Ran {
    outcome: ChildOutcome,
    out: Vec<u8>,
    err: Vec<u8>,
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdin(Stdio::null());
    command
}

/// A real interpreter: the `python3` of PATH may be a script that leaves descriptors behind.
fn interpreter() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let output = Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    })
}

fn python(script: &str) -> Command {
    let mut command = Command::new(interpreter());
    command.args(["-c", script]).stdin(Stdio::null());
    command
}

/// Runs on these descriptors and collects what the tee got.
fn run_to(stdout: BorrowedFd<'_>, stderr: BorrowedFd<'_>, mut command: Command) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ends = Ends {
        stdout: Some(stdout),
        stderr: Some(stderr),
    };
    let outcome = run_on(&ends, &mut command, &mut |stream, bytes| match stream {
        ChildStream::Stdout => out.extend_from_slice(bytes),
        ChildStream::Stderr => err.extend_from_slice(bytes),
    });
    Ran {
        outcome: outcome.unwrap(),
        out,
        err,
    }
}

fn collect(mut reader: PipeReader) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    })
}

/// Runs on two pipes and checks that what arrives there is what the tee got.
fn run_apart(command: Command) -> Ran {
    let ((out, stdout), (err, stderr)) = (io::pipe().unwrap(), io::pipe().unwrap());
    let (out, err) = (collect(out), collect(err));
    let ran = run_to(stdout.as_fd(), stderr.as_fd(), command);
    drop((stdout, stderr));
    assert_eq!(out.join().unwrap(), ran.out);
    assert_eq!(err.join().unwrap(), ran.err);
    ran
}

/// Polls for something that another process does.
fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if condition() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it did not happen in 10 seconds");
}

fn is_zombie(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

/// Not a test by itself: what [`alone`] starts. Runs a script as `aim-pip` runs pip.
#[test]
#[ignore = "a process for other tests"]
fn stand_in() {
    let Some(script) = std::env::var_os(SCRIPT) else {
        return;
    };
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script).env_remove(SCRIPT);
    match run(&mut command, &mut |_, _| {}) {
        Ok(outcome) => leave(outcome.status),
        Err(error) => panic!("{error}"),
    }
}

/// A process of its own that runs `script` with [`run`] and ends with [`leave`], started by a shell after `setup`.
///
/// Whoever started the tests may ignore signals (`nohup`, a job in the background of a script); `env` of GNU gives
/// this process their defaults all the same. Elsewhere tests must be started in the foreground.
fn alone(setup: &str, script: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("env");
    #[cfg(target_os = "linux")]
    command.arg("--default-signal=HUP,INT,QUIT,TERM");
    command
        .args(["/bin/sh", "-c"])
        .arg(format!("{setup} exec \"$0\" exec::tests::stand_in --exact --ignored --nocapture --test-threads=1"))
        .arg(std::env::current_exe().unwrap())
        .env(SCRIPT, script);
    command
}
