//! What standing in front of pip costs: with an interpreter that does nothing, where milliseconds can be told apart,
//! and with real pip.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::{row, run, timed, turns};
use crate::memory::kib;
use crate::sandbox::Sandbox;

/// Bytes of a long output.
const LONG_OUTPUT: usize = 200_000_000;

/// All of it.
pub(crate) fn rows() {
    nothing_changes();
    capture();
    long_output();
    memory();
    install();
}

/// A call that may change the environment and finds nothing to do: what pip does itself is next to nothing.
fn nothing_changes() {
    let (ours, plain) = (Sandbox::ready(), Sandbox::new().with_venv());
    let nothing = |sandbox: &Sandbox| {
        let mut pip = sandbox.command(sandbox.bin("pip"));
        run(pip.args(["uninstall", "-y", "nothing-there"]))
    };
    let (direct, hooked) = turns(40, || nothing(&plain), || nothing(&ours));
    let bound = "at most one start of Python and 2 ms more";
    row("pip uninstall of nothing", direct, hooked, bound);
    let python = plain.bin("python");
    let pass = || run(plain.command(&python).args(["-c", "pass"]));
    let (bare, hooked) = turns(60, pass, || {
        run(ours.command(ours.bin("python")).args(["-c", "pass"]))
    });
    row("python -c pass with the hook", bare, hooked, "at most 1.03");
}

/// The shim around an interpreter that does nothing, over that interpreter.
fn capture() {
    let sandbox = Sandbox::ready();
    be_interpreter(&sandbox, Path::new("/bin/true"));
    let python = sandbox.bin("python");
    let (direct, captured) = turns(
        200,
        || run(sandbox.command(&python).arg("install")),
        || run(&mut by_hook(&sandbox)),
    );
    let bound = "at most 2.0 ms more";
    row("capture of an empty program", direct, captured, bound);
}

/// The call that the hook makes of `aim-pip` for `pip install x`.
fn by_hook(sandbox: &Sandbox) -> Command {
    let mut shim = sandbox.command("aim-pip");
    let python = sandbox.bin("python");
    shim.arg("--aim-script=2").arg(sandbox.venv()).arg(&python);
    shim.arg(&python)
        .arg(sandbox.bin("pip"))
        .args(["install", "x"]);
    shim
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
    let python = sandbox.bin("python");
    let to_nowhere = |mut shim: Command| {
        timed(|| {
            let mut shim = shim.stdout(Stdio::piped()).spawn().expect("starts");
            let output = shim.stdout.take().expect("a pipe");
            let mut cat = sandbox.command("cat");
            let cat = cat.stdin(output).stdout(Stdio::null()).status();
            assert!(cat.expect("runs").success() && shim.wait().expect("ended").success());
        })
    };
    let (teed, captured) = turns(
        7,
        || shell(format!("{} | tee log | cat >/dev/null", python.display())),
        || to_nowhere(by_hook(&sandbox)),
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
    let mut shim = by_hook(&sandbox)
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
