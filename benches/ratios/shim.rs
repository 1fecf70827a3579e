//! What standing in front of pip costs: with an interpreter that does nothing, where milliseconds can be told apart,
//! and with real pip.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::measure::{row, run, turns};
use crate::memory::kib;
use crate::sandbox::Sandbox;

/// Bytes of a long output.
const LONG_OUTPUT: usize = 200_000_000;

/// All of it.
pub(crate) fn rows() {
    launcher();
    long_output();
    memory();
    install();
}

/// The launcher around an interpreter that does nothing, over that interpreter.
fn launcher() {
    let sandbox = Sandbox::ready();
    be_interpreter(&sandbox, Path::new("/bin/true"));
    let python = sandbox.bin("python");
    for (command, what, bound) in [
        ("list", "exec of an empty program", "at most 1.0 ms more"),
        (
            "install",
            "capture of an empty program",
            "at most 2.0 ms more",
        ),
    ] {
        let (direct, launched) = turns(
            200,
            || run(sandbox.command(&python).arg(command)),
            || run(sandbox.command(sandbox.bin("pip")).arg(command)),
        );
        row(what, direct, launched, bound);
    }
}

/// `pip install` of a wheel that lies there, over the same without us.
fn install() {
    let (ours, plain) = (Sandbox::ready(), Sandbox::new().with_venv());
    let _daemon = ours.daemon();
    for sandbox in [&ours, &plain] {
        sandbox.wheel("bench", "1.0");
    }
    let install = |sandbox: &Sandbox| {
        let mut pip = sandbox.command(sandbox.bin("pip"));
        run(pip.args(["install", "--force-reinstall", "bench"]))
    };
    let (direct, launched) = turns(25, || install(&plain), || install(&ours));
    row("pip install of a wheel", direct, launched, "at most 1.03");
}

/// A long output through the shim, over the same through `tee`.
fn long_output() {
    let line = "Collecting a-distribution-with-a-name (from -r requirements.txt (line 12))\n";
    let sandbox = Sandbox::ready();
    let text = sandbox.write("long", &line.repeat(LONG_OUTPUT / line.len()));
    be_interpreter(
        &sandbox,
        &script(&sandbox, &format!("exec cat {}", text.display())),
    );
    let shell = |line: String| run(sandbox.command("/bin/sh").args(["-c", &line]));
    let (python, pip) = (sandbox.bin("python"), sandbox.bin("pip"));
    let (teed, captured) = turns(
        7,
        || shell(format!("{} | tee log | cat >/dev/null", python.display())),
        || shell(format!("{} install x | cat >/dev/null", pip.display())),
    );
    row(
        "200 MB of output / through tee",
        teed,
        captured,
        "at most 1.11",
    );
}

/// What the shim holds of memory while pip runs.
fn memory() {
    let sandbox = Sandbox::ready();
    be_interpreter(&sandbox, &script(&sandbox, "echo ready; read line"));
    let mut shim = sandbox
        .command(sandbox.bin("pip"))
        .arg("install")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut said = String::new();
    let stdout = shim.stdout.take().expect("a pipe");
    let mut stdout = BufReader::new(stdout);
    stdout.read_line(&mut said).expect("read");
    assert_eq!(said, "ready\n");
    let peak_kib = kib(shim.id(), "status", "VmHWM:");
    drop(shim.stdin.take());
    shim.wait().expect("ended");
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 4 MB",
        "memory of the shim while pip runs",
        "",
        format!("{} kB", peak_kib * 1024 / 1000),
        ""
    );
}

/// A shell script in `sandbox`.
fn script(sandbox: &Sandbox, commands: &str) -> PathBuf {
    let path = sandbox.write("interpreter", &format!("#!/bin/sh\n{commands}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("mode");
    path
}

/// Puts `program` in the place of the environment's interpreter.
fn be_interpreter(sandbox: &Sandbox, program: &Path) {
    for entry in std::fs::read_dir(sandbox.venv().join("bin"))
        .expect("readable")
        .flatten()
    {
        if entry.file_name().to_string_lossy().starts_with("python") {
            std::fs::remove_file(entry.path()).expect("removed");
            symlink(program, entry.path()).expect("linked");
        }
    }
}
