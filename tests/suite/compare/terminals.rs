//! What a person sees and does at a terminal, with and without us.

use std::os::unix::process::ExitStatusExt;

use super::index::{Index, Manner};
use super::stand_in;
use super::terminal::{Scene, Terminal};
use super::twins::Remembered::{self, Never, Once};
use super::twins::Twins;
use crate::sandbox::Python;

/// Plays a scene in both worlds, and notes what differs.
fn play(
    twins: &mut Twins,
    line: &str,
    columns: u16,
    remembered: Remembered,
    act: impl Fn(&mut Terminal),
) -> Scene {
    let before = twins.each()[1].records().len();
    let [without, with] = twins.each().map(|sandbox| {
        let mut terminal = Terminal::start(sandbox, line, columns);
        act(&mut terminal);
        terminal.end(sandbox)
    });
    let simple = |scene: &Scene| (steady(&scene.shown), scene.status);
    if simple(&without) != simple(&with) {
        twins.note(format!(
            "{line}\n  {without:#?} without us\n  {with:#?} with us"
        ));
    }
    twins.expect_records(line, before, remembered);
    with
}

/// Text without what the clock makes: of a line that was drawn over only its last state, and of a progress bar, whose
/// speed is never the same, only how wide it is.
fn steady(shown: &str) -> String {
    let lines = shown.split("\r\n").map(|line| {
        let last = line.rsplit('\r').find(|part| !part.is_empty());
        let last = last.unwrap_or_default();
        if last.contains("B/s") {
            format!("a bar {} columns wide", columns_of(last))
        } else {
            last.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How many columns text takes, colours and movements not counted.
fn columns_of(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let plain = parts.next().unwrap_or_default().chars().count();
    let after = |part: &str| {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        end.map_or(0, |end| part[end + 1..].chars().count())
    };
    plain + parts.map(after).sum::<usize>()
}

fn twins() -> Twins {
    let twins = Twins::new();
    twins.wheel("greeting", "1.0");
    twins
}

/// Lines, how wide the terminal is, how often they are remembered, and what is typed when pip asks.
#[rustfmt::skip]
const AT_A_TERMINAL: &[(&str, u16, Remembered, &str)] = &[
    // Colours, and text that is as wide as the terminal.
    ("BIN/pip install greeting", 80, Once, ""),
    ("BIN/pip install nothing-there", 80, Once, ""),
    ("BIN/pip install --help", 50, Never, ""),
    ("BIN/python -m pip install --no-such", 60, Once, ""),
    ("BIN/pip list", 30, Never, ""),
    ("NO_COLOR=1 BIN/pip install nothing-there", 80, Once, ""),
    // Only one stream is the terminal.
    // What comes through the pipe is shown when pip has ended: nobody says which of two processes writes first.
    ("BIN/pip install nothing-there greeting | (said=$(cat); echo \"$said\")", 80, Once, ""),
    ("BIN/pip install nothing-there 2>&1 | cat", 80, Once, ""),
    ("BIN/pip install nothing-there 2> err.txt; cat err.txt", 80, Once, ""),
    ("BIN/pip install nothing-there < /dev/null", 80, Once, ""),
    // Yes, no, neither, Ctrl-D, Ctrl-C, Ctrl-\.
    ("BIN/pip uninstall greeting; echo status $?", 80, Once, "n\r"),
    ("BIN/pip uninstall greeting; echo status $?", 80, Once, "what\rn\r"),
    ("BIN/pip uninstall greeting; echo status $?", 80, Once, "\u{4}"),
    ("BIN/pip uninstall greeting", 80, Once, "\u{3}"),
    ("BIN/python -m pip uninstall greeting", 80, Once, "\u{3}"),
    ("BIN/pip uninstall greeting", 80, Once, "\u{1c}"),
    ("BIN/python -m pip uninstall greeting", 40, Once, "y\r"),
];

#[test]
fn pip_at_a_terminal() {
    let mut twins = twins();
    for &(line, columns, remembered, keys) in AT_A_TERMINAL {
        play(&mut twins, line, columns, remembered, |terminal| {
            if !keys.is_empty() {
                terminal.wait_for("Proceed (Y/n)? ").press(keys);
            }
        });
    }
    twins.assert_equal();
}

#[test]
fn stopped_and_continued_by_a_shell() {
    let mut twins = twins();
    play(&mut twins, "BIN/pip install -q greeting", 80, Once, |_| ());
    let shell = "export PS1='@ '; exec bash --norc --noprofile --noediting -i";
    let scene = play(&mut twins, shell, 100, Once, |terminal| {
        terminal
            .wait_for("@ ")
            .press(".venv/bin/pip uninstall greeting\r");
        terminal.wait_for("(Y/n)? ").press("\u{1a}"); // Ctrl-Z
        terminal.wait_for("Stopped").wait_for("@ ").press("jobs\r");
        terminal.wait_for("Stopped").wait_for("@ ").press("fg\r");
        terminal.wait_for("uninstall greeting\r\n").press("n\r");
        terminal.wait_for("@ ").press("echo status $?; exit\r");
    });
    assert!(scene.shown.contains("status 0"), "{}", scene.shown);
    twins.assert_equal();
}

#[test]
fn a_terminal_that_hangs_up() {
    let mut twins = twins();
    play(&mut twins, "BIN/pip install -q greeting", 80, Once, |_| ());
    let scene = play(
        &mut twins,
        "exec BIN/pip uninstall greeting",
        80,
        Once,
        |terminal| {
            terminal.wait_for("(Y/n)? ").hang_up();
        },
    );
    assert_eq!(scene.status.signal(), Some(1));
    twins.assert_equal();
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let mut twins = twins();
    let index = Index::start(Manner::AsksForPassword);
    let line = format!(
        "env -u PIP_NO_INDEX BIN/pip install --retries 0 -i {} thing",
        index.url()
    );
    let scene = play(&mut twins, &line, 120, Once, |terminal| {
        terminal.wait_for("User for ").wait_for(": ").press("me\r");
        terminal.wait_for("Password: ").press("sec ret\r");
    });
    assert!(!scene.shown.contains("sec ret"), "{}", scene.shown);
    twins.assert_equal();
}

#[test]
fn a_download_draws_its_bar_through_a_resize() {
    let mut twins = twins();
    let wheel = twins.each()[0].wheel("large", "1.0");
    // What stands before a zip archive does not matter, and makes it big enough for pip to draw a bar at all.
    let mut bytes = vec![b'#'; 60_000];
    bytes.extend(std::fs::read(&wheel).expect("a wheel"));
    let name = "large-1.0-py3-none-any.whl".to_owned();
    std::fs::remove_file(wheel).expect("removed");
    let index = Index::start(Manner::Slow(name, bytes));
    let line = format!(
        "env -u PIP_NO_INDEX BIN/pip install --no-cache-dir -i {} --find-links /nowhere large",
        index.url()
    );
    let scene = play(&mut twins, &line, 100, Once, |terminal| {
        index.wait_halfway();
        terminal.resize(60);
        index.go_on();
    });
    assert!(scene.shown.contains("B/s"), "no bar: {}", scene.shown);
    twins.assert_equal();
}

/// Counts what reaches pip itself. Of a resize it may hear twice, from the kernel and from us, since only then the size
/// is the new one; so it tells of changes.
const COUNTS_SIGNALS: &str = r#"
import os, signal, sys
count = 0
columns = os.get_terminal_size().columns
def widen(signal, frame):
    nonlocal columns
    if columns != os.get_terminal_size().columns:
        columns = os.get_terminal_size().columns
        print("columns", columns, flush=True)
signal.signal(signal.SIGWINCH, widen)
print("ready", columns, flush=True)
while count < 2:
    try:
        sys.stdin.readline()
        print("line", flush=True)
    except KeyboardInterrupt:
        count += 1
        print("interrupt", count, flush=True)
# A third one would end this by a traceback.
sys.stdin.readline()
print(os.tcgetpgrp(0) == os.getpgrp(), os.isatty(1), os.isatty(2), os.path.sameopenfile(1, 2), flush=True)
sys.exit(5)
"#;

#[test]
fn each_key_reaches_pip_once() {
    let mut twins = Twins::prepared(&Python::main(), |sandbox| {
        stand_in::put(sandbox, COUNTS_SIGNALS);
    });
    for line in ["BIN/pip install x", "BIN/python -m pip install x"] {
        let scene = play(&mut twins, line, 90, Once, |terminal| {
            terminal.wait_for("ready 90").resize(70);
            terminal.wait_for("columns 70").press("a\r");
            terminal.wait_for("line").press("\u{3}");
            terminal.wait_for("interrupt 1").press("\u{3}");
            terminal.wait_for("interrupt 2").press("\r");
        });
        assert_eq!(scene.status.code(), Some(5));
    }
    twins.assert_equal();
}
