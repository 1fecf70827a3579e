//! The hook in front of pip, and reading what is installed.

use std::path::Path;

use aim_toolkit::testing::{Gate, Host, Snapshot, Venv};

use crate::measure::{quick_turns, row, run, timed, turns};
use crate::sandbox::Sandbox;

pub(crate) fn rows() {
    reading_command();
    scan();
}

/// A reading command with the hook, and without it.
fn reading_command() {
    let ours = Sandbox::ready();
    let plain = Sandbox::new().with_venv();
    let (direct, hooked) = turns(
        60,
        || run(plain.command(plain.bin("pip")).arg("--version")),
        || run(ours.command(ours.bin("pip")).arg("--version")),
    );
    row(
        "pip --version with the hook",
        direct,
        hooked,
        "at most 1.01",
    );
}

/// A scan of 300 distributions, and a bare list and stat of them.
fn scan() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let site = dir.path().join("lib/python3.12/site-packages");
    std::fs::create_dir_all(&site).expect("folders");
    std::fs::write(dir.path().join("pyvenv.cfg"), "version = 3.12.0\n").expect("written");
    for number in 0..300 {
        let info = site.join(format!("distribution_{number}-1.{number}.dist-info"));
        std::fs::create_dir_all(&info).expect("folder");
        std::fs::create_dir_all(site.join(format!("distribution_{number}"))).expect("folder");
        for (name, text) in [
            ("RECORD", ""),
            ("METADATA", "Name: x\n"),
            ("INSTALLER", "pip\n"),
        ] {
            std::fs::write(info.join(name), text).expect("written");
        }
    }
    let venv = Venv::open(dir.path()).expect("an environment");
    let (bare, ours) = turns(
        300,
        || timed(|| list_and_stat(&site)),
        || timed(|| Snapshot::scan(&venv, &Host::default())),
    );
    row(
        "scan of 300 distributions / bare list and stat",
        bare,
        ours,
        "at most 1 ms",
    );
    let gate = Gate::of(&venv, &Host::default());
    let (stat, gate) = quick_turns(
        60,
        || timed(|| std::fs::metadata(&site)),
        || timed(|| gate.has_moved()),
    );
    row("the gate / one stat", stat, gate, "2 us");
}

fn list_and_stat(site: &Path) -> usize {
    let entries = std::fs::read_dir(site).expect("readable").flatten();
    let infos = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".dist-info"));
    infos
        .filter(|entry| std::fs::metadata(entry.path().join("RECORD")).is_ok())
        .count()
}
