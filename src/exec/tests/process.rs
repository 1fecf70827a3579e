//! What concerns the whole process: signals, descriptors, and its own end.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

use rustix::process::{WaitOptions, kill_process_group, waitpid};

use super::*;

/// Starts it with its output piped and waits for the line `ready`.
fn started(mut command: Command) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = command
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.ends_with("ready\n") {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "ended before it was ready"
        );
    }
    (child, lines)
}

fn kill(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn leaving_is_dying_of_the_same_signal() {
    for signal in [
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGKILL,
        libc::SIGPIPE,
        libc::SIGQUIT,
        libc::SIGXFSZ,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = alone("ulimit -c 0;", format!("kill -{signal} $$"));
        let status = command
            .current_dir(&folder)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(ChildStatus::from(status), ChildStatus::Signaled(signal));
    }
    let status = alone("", "exit 123")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(ChildStatus::from(status), ChildStatus::Exited(123));
}

#[test]
fn what_is_sent_to_us_alone_is_passed_on() {
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::HUP, "HUP"),
        (Signal::USR1, "USR1"),
        (Signal::INT, "INT"),
    ] {
        let script = format!(
            "trap 'echo got {name}; exit 9' {name}; echo ready; while :; do read line || exit 1; done"
        );
        let (mut child, mut lines) = started(alone("", script));
        kill(&child, signal);
        let mut rest = String::new();
        // The shell's trap runs when `read` returns, which in some shells needs a line.
        let _ = child.stdin.as_mut().unwrap().write_all(b"\n");
        if signal == Signal::INT {
            // Held back first, so that a line may come too early; go on until the child has ended.
            let mut stdin = child.stdin.take().unwrap();
            until(|| stdin.write_all(b"\n").is_err());
        }
        lines.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, format!("got {name}\n"));
        assert_eq!(child.wait().unwrap().code(), Some(9), "{name}");
    }
}

#[test]
fn a_stop_that_is_sent_to_us_alone_stops_and_continues_both() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let script = format!(
        "echo $$ > {}; echo ready; read line; echo got $line",
        note.display()
    );
    let mut command = alone("", script);
    command.process_group(0); // not that of the tests, which may be an orphaned one, where nothing stops
    let (mut child, mut lines) = started(command);
    let script = std::fs::read_to_string(&note).unwrap();
    let is_stopped = |pid: &str| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") T "))
    };
    let ours = child.id().to_string();
    for _ in 0..2 {
        kill(&child, Signal::TSTP);
        until(|| is_stopped(&ours) && is_stopped(script.trim()));
        kill(&child, Signal::CONT);
        until(|| !is_stopped(&ours) && !is_stopped(script.trim()));
    }
    child.stdin.take().unwrap().write_all(b"it\n").unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "got it\n");
    assert!(child.wait().unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn the_child_does_not_outlive_us() {
    for signal in [Signal::KILL, Signal::VTALARM] {
        let (mut child, _lines) = started(alone("", "echo ready; while read line; do :; done"));
        kill(&child, signal);
        let mut stdin = child.stdin.take().unwrap();
        until(|| stdin.write_all(b"\n").is_err()); // nobody is left who could read it
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
    }
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let script = "echo ready; read line; kill -HUP $$; kill -PIPE $$; echo alive";
    let (mut child, mut lines) = started(alone("trap '' HUP PIPE;", script));
    kill(&child, Signal::HUP);
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "alive\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn signals_that_were_not_ignored_have_their_default_in_the_child() {
    let script = "-c 'import signal\nfor s in signal.valid_signals():\n  \
                  if signal.getsignal(s) == signal.SIG_IGN: print(\"ignored\", int(s))\n\
                  print(\"blocked\", signal.pthread_sigmask(signal.SIG_BLOCK, []))'";
    let output = alone("", format!("echo ready; {} {script}", interpreter()))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // Python itself ignores SIGPIPE (13) and SIGXFSZ (25).
    assert!(
        text.ends_with("ready\nignored 13\nignored 25\nblocked set()\n"),
        "{text}"
    );
}

#[test]
fn a_closed_descriptor_is_closed_for_the_child() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let check = |setup: &str, expected: &str| {
        let script = format!(
            "{} -c 'import os\nfor fd in range(3):\n  try: os.fstat(fd); print(fd, file=open(\"{}\", \"a\"))\n  \
             except OSError: pass'",
            interpreter(),
            report.display()
        );
        alone(setup, script)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(
            std::fs::read_to_string(&report).unwrap_or_default(),
            expected,
            "{setup}"
        );
        let _ = std::fs::remove_file(&report);
    };
    check("", "0\n1\n2\n");
    check("exec >&-;", "0\n2\n");
    check("exec 2>&-;", "0\n1\n");
    check("exec <&-;", "1\n2\n");
    check("exec <&- >&- 2>&-;", "");
}

#[test]
fn descriptors_are_the_same_as_without_us() {
    let list = "echo ready; echo /dev/fd/*";
    let direct = sh(&format!("exec 7</dev/null; {list}")).output().unwrap();
    let ours = alone("exec 7</dev/null;", list)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let open = |stdout: Vec<u8>| {
        String::from_utf8(stdout)
            .unwrap()
            .split_once("ready\n")
            .unwrap()
            .1
            .to_owned()
    };
    let expected = open(direct.stdout);
    assert!(expected.contains("/dev/fd/7"));
    assert_eq!(open(ours.stdout), expected);
}

#[test]
fn a_file_at_its_size_limit_fails_the_copy_and_not_us() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let setup = format!("exec >>'{}'; ulimit -f 1;", file.path().display());
    let status = alone(
        &setup,
        "ulimit -f unlimited 2>/dev/null; seq 1 100000; exit 6",
    )
    .status()
    .unwrap();
    assert_eq!(status.code(), Some(6));
}

#[test]
fn a_stop_and_a_continue_lose_nothing() {
    let mut command = alone("", "echo ready; read line; seq 1 1000; exit 8");
    command.process_group(0);
    let (mut child, mut lines) = started(command);
    let group = Pid::from_child(&child);
    kill_process_group(group, Signal::STOP).unwrap();
    let (_, stopped) = waitpid(Some(group), WaitOptions::UNTRACED)
        .unwrap()
        .unwrap();
    assert!(stopped.stopped());
    child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    kill_process_group(group, Signal::CONT).unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.lines().count(), 1000);
    assert_eq!(child.wait().unwrap().code(), Some(8));
}
