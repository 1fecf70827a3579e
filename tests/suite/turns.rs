//! One pip at a time: who waits for whom, and what each has changed where two went on side by side.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::held::Held;
use crate::sandbox::{Ran, Sandbox};

/// A process whose stderr is a terminal.
struct AtTerminal {
    child: Child,
    terminal: File,
}

impl AtTerminal {
    fn start(command: &mut Command) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("granted");
        unlockpt(&terminal).expect("unlocked");
        let name = ptsname(&terminal, Vec::new()).expect("a name");
        let name = name.into_string().expect("utf-8");
        let side = File::options()
            .read(true)
            .write(true)
            .open(name)
            .expect("open");
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::from(OwnedFd::from(side)))
            .spawn()
            .expect("starts");
        Self {
            child,
            terminal: File::from(terminal),
        }
    }

    /// Reads the next line.
    fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\n") {
            self.terminal.read_exact(&mut byte).expect("a line");
            line.extend(byte);
        }
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    /// What comes until all who have the terminal are gone.
    fn rest(&mut self) -> String {
        let mut text = Vec::new();
        let _ = self.terminal.read_to_end(&mut text); // on Linux the end is an error
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[test]
fn two_pips_take_turns() {
    let sandbox = Sandbox::ready();
    let first = Held::installing(&sandbox);
    let notice = format!("process {}: pip install ./held)", first.id());
    let pip = || {
        let mut command = sandbox.command(sandbox.bin("pip"));
        command.arg("install"); // fails at once, when its turn has come
        command
    };
    // Ctrl-C ends the wait.
    let mut second = AtTerminal::start(&mut pip());
    let line = second.line();
    assert!(line.ends_with(&notice), "{line}");
    kill_process(Pid::from_child(&second.child), Signal::INT).expect("sent");
    let status = second.child.wait().expect("ended");
    assert_eq!(status.signal(), Some(2));
    // Time ends it, and so does no wish to wait. Nobody at a terminal, nothing said.
    for seconds in ["1", "0"] {
        let ran = Ran::of(pip().env("AIM_PIP_LOCK_TIMEOUT", seconds)).exits(1);
        assert!(!ran.stderr().contains("aim-pip"), "{ran:?}");
    }
    let records = sandbox.records();
    assert_eq!(records.len(), 3, "init and these two");
    let waited = |record: &Value| record["waited_ms"].as_u64().unwrap_or_default();
    assert!(
        waited(&records[1]) > 500 && waited(&records[2]) == 0,
        "{records:?}"
    );
    // Its turn ends it.
    let mut third = AtTerminal::start(&mut pip());
    assert!(third.line().ends_with(&notice));
    let status = || {
        sandbox
            .run("aim-venv-sync", ["status", "--json"])
            .ok()
            .json()
    };
    let shown = status();
    let run =
        |pid: Pid, command: &str| json!({"pid": pid.as_raw_nonzero().get(), "command": command});
    assert_eq!(shown["running"], run(first.id(), "pip install ./held"));
    let waiting = run(Pid::from_child(&third.child), "pip install");
    assert_eq!(
        shown["waiting"],
        json!([waiting]),
        "the second one has left no word"
    );
    let text = format!("pip install (pid {})", waiting["pid"]);
    sandbox.run("aim-venv-sync", ["status"]).ok().says(&text);
    first.release();
    let first = first.output();
    assert!(first.status.success(), "{first:?}");
    let said = third.rest();
    assert!(!said.contains("aim-pip"), "said once: {said}");
    assert_eq!(third.child.wait().expect("ended").code(), Some(1));
    assert_eq!(
        (&status()["running"], &status()["waiting"]),
        (&json!(null), &json!([]))
    );
    let actions: Vec<_> = sandbox.records().split_off(3);
    assert_eq!(actions[0]["packages"][0], "./held");
    assert_eq!(actions.len(), 2);
    assert!(
        waited(&actions[1]) > 0 && waited(&actions[0]) == 0,
        "{actions:?}"
    );
}

#[test]
fn two_without_a_lock_that_are_cut_off_are_both_remembered() {
    let sandbox = Sandbox::ready();
    Held::prepare(&sandbox);
    let both = [(), ()].map(|()| {
        let mut command = sandbox.command(sandbox.bin("pip"));
        command.args(["install", "./held"]);
        Held::start(&sandbox, command.env("AIM_PIP_LOCK_TIMEOUT", "0"))
    });
    for held in both {
        held.cut();
    }
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let records = sandbox.records().split_off(1);
    assert_eq!(records.len(), 2, "{records:?}");
    for record in records {
        assert_eq!(record["interrupted"], true, "{record}");
        assert_eq!(record["packages"][0], "./held", "{record}");
    }
}

/// What the records after the first `before` say: what each was asked for, and what it added and removed.
fn changes(sandbox: &Sandbox, before: usize) -> Vec<(String, Vec<String>)> {
    sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
    let names = |record: &Value, kind: &str, sign: char| -> Vec<String> {
        let all = record[kind].as_array().expect("a list").iter();
        all.map(|change| format!("{sign}{}", change["name"].as_str().expect("a name")))
            .collect()
    };
    let records = sandbox.records().split_off(before).into_iter();
    records
        .map(|record| {
            let mut all = names(&record, "added", '+');
            all.extend(names(&record, "removed", '-'));
            all.extend(names(&record, "changed", '~'));
            (
                record["packages"][0]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                all,
            )
        })
        .collect()
}

fn change(asked: &str, what: &str) -> (String, Vec<String>) {
    (asked.to_owned(), vec![what.to_owned()])
}

#[test]
fn a_pip_that_asks_its_person_holds_nobody_up() {
    let sandbox = Sandbox::ready();
    for name in ["one", "two"] {
        sandbox.wheel(name, "1.0");
    }
    sandbox.pip(["install", "one"]).ok();
    let before = sandbox.records().len();
    let mut command = sandbox.command(sandbox.bin("pip"));
    command
        .args(["uninstall", "one"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut asks = command.spawn().expect("pip starts");
    let mut said = BufReader::new(asks.stdout.take().expect("piped"));
    let mut question = Vec::new();
    said.read_until(b'?', &mut question).expect("a question");
    sandbox.pip(["install", "two"]).ok();
    let mut answer = asks.stdin.take().expect("piped");
    answer.write_all(b"y\n").expect("heard");
    said.read_to_end(&mut question).expect("its output");
    assert!(asks.wait().expect("ended").success());
    assert_eq!(
        changes(&sandbox, before),
        [change("two", "+two"), change("one", "-one")]
    );
}

#[test]
fn a_pip_that_stands_stopped_holds_nobody_up() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("two", "1.0");
    let before = sandbox.records().len();
    let first = Held::installing(&sandbox);
    kill_process_group(first.id(), Signal::STOP).expect("stopped");
    // Quiet, so that nothing but the other's standing still tells whose change it is.
    sandbox.pip(["install", "-q", "two"]).ok();
    kill_process_group(first.id(), Signal::CONT).expect("goes on");
    first.release();
    assert!(first.output().status.success());
    assert_eq!(
        changes(&sandbox, before),
        [change("two", "+two"), change("./held", "+held")]
    );
}

/// What a stop of the one process does not reach is told when it goes on (`docs/decisions/0023-what-a-stop-stops.md`).
#[test]
fn a_stopped_shim_tells_all_when_it_goes_on() {
    let sandbox = Sandbox::ready();
    let before = sandbox.records().len();
    let first = Held::installing(&sandbox);
    kill_process(first.id(), Signal::STOP).expect("stopped");
    let pip = pidfd_open(first.pip(), PidfdFlags::empty()).expect("pip runs");
    first.release();
    poll(&mut [PollFd::new(&pip, PollFlags::IN)], None).expect("pip has ended");
    assert_eq!(sandbox.records().len(), before, "nobody has told of it");
    kill_process(first.id(), Signal::CONT).expect("goes on");
    let output = first.output();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Successfully installed held-1.0"), "{said}");
    assert_eq!(changes(&sandbox, before), [change("./held", "+held")]);
}

/// A build that runs pip in the environment that it is built for, and hides that it does so below a pip.
const BUILD_THAT_INSTALLS: &str = r#"
import os, subprocess, sys, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    hidden = "AIM_PIP_GUARD", "PYTHONPATH"
    given = {name: value for name, value in os.environ.items() if name not in hidden}
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "two"], env=given, check=True)
    name = "built-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        info = "built-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return name
"#;

#[test]
fn a_build_that_waits_for_the_pip_that_waits_for_it_goes_on() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("two", "1.0");
    let before = sandbox.records().len();
    sandbox.write("built/pyproject.toml", crate::held::PROJECT);
    sandbox.write("built/backend.py", BUILD_THAT_INSTALLS);
    sandbox.pip(["install", "./built"]).ok();
    assert_eq!(
        changes(&sandbox, before),
        [change("two", "+two"), change("./built", "+built")]
    );
}

#[test]
fn two_without_a_lock_have_each_its_own_change() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("two", "1.0");
    let before = sandbox.records().len();
    Held::prepare(&sandbox);
    let mut command = sandbox.command(sandbox.bin("pip"));
    command.args(["install", "./held"]);
    let first = Held::start(&sandbox, command.env("AIM_PIP_LOCK_TIMEOUT", "0"));
    let mut second = sandbox.command(sandbox.bin("pip"));
    Ran::of(
        second
            .args(["install", "two"])
            .env("AIM_PIP_LOCK_TIMEOUT", "0"),
    )
    .ok();
    // One that has a lock finds the first in the middle of its work, and enters nothing of it.
    sandbox.pip(["uninstall", "-y", "two"]).ok();
    first.release();
    assert!(first.output().status.success());
    assert_eq!(
        changes(&sandbox, before),
        [
            change("two", "+two"),
            change("two", "-two"),
            change("./held", "+held")
        ]
    );
}
