//! Around a run: crashes, other tools, installations that go elsewhere, disks that are full.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::held::Held;
use crate::sandbox::{Ran, Sandbox};

#[test]
fn a_run_that_cannot_be_entered_is_entered_later_with_its_status() {
    let sandbox = Sandbox::ready();
    let logs = sandbox.project().join(".pip-logs");
    let aside = sandbox.project().join("logs-aside");
    std::fs::rename(&logs, &aside).expect("moved");
    std::fs::write(&logs, "no folder").expect("written");
    // Nothing changed, so there is no change that is not remembered, and nothing is said.
    let ran = sandbox.pip(["install"]).exits(1);
    assert!(!ran.stderr().contains("aim-pip: "), "{ran:?}");
    std::fs::remove_file(&logs).expect("removed");
    std::fs::rename(&aside, &logs).expect("moved back");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let record = sandbox.last_record();
    assert_eq!(
        (&record["action"], &record["exit_code"]),
        (&"install".into(), &1.into())
    );
    assert_eq!(record.get("interrupted"), None, "{record}");
}

#[test]
fn a_state_that_cannot_be_written_is_entered_once_it_can() {
    let sandbox = Sandbox::ready();
    let generation = sandbox.generation();
    let meta = sandbox.project().join("env_meta.json");
    let Some(fixed) = Unchangeable::new(&meta) else {
        println!("skipped: chattr +i is not possible here");
        return;
    };
    for version in ["1.0", "2.0", "3.0"] {
        let wheel = sandbox.wheel("greeting", version);
        let ran = sandbox.pip(["install", wheel.to_str().expect("utf-8")]);
        assert!(ran.ok().stderr().contains("env_meta.json"));
    }
    let actions = || -> Vec<_> {
        let records = sandbox.records().split_off(1);
        records
            .iter()
            .map(|record| record["action"].clone())
            .collect()
    };
    assert_eq!(actions(), [""; 0], "nothing is entered by half");
    drop(fixed);
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    assert_eq!(actions(), ["install"; 3]);
    assert_eq!(sandbox.generation(), generation + 3);
}

/// A file that nobody can replace, not even the superuser, until this is dropped (chattr(1)).
struct Unchangeable(PathBuf);

impl Unchangeable {
    fn new(path: &Path) -> Option<Self> {
        chattr("+i", path).then(|| Self(path.to_path_buf()))
    }
}

impl Drop for Unchangeable {
    fn drop(&mut self) {
        chattr("-i", &self.0);
    }
}

fn chattr(change: &str, path: &Path) -> bool {
    let mut chattr = Command::new("chattr");
    let status = chattr.arg(change).arg(path).output();
    status.is_ok_and(|output| output.status.success())
}

#[test]
fn a_run_that_was_cut_off_is_remembered_by_the_next() {
    for next in ["pip", "sync"] {
        let sandbox = Sandbox::ready();
        let generation = sandbox.generation();
        let first = Held::installing(&sandbox);
        past_us(&sandbox, &sandbox.wheel("greeting", "1.0")); // as if pip had come so far
        first.cut();
        match next {
            "pip" => sandbox.pip(["install"]).exits(1),
            _ => sandbox.run("aim-venv-sync", ["sync"]).ok(),
        };
        let record = &sandbox.records()[1];
        assert_eq!(record["interrupted"], true, "{record}");
        assert_eq!(record["packages"][0], "./held");
        assert_eq!(record["added"][0]["name"], "greeting");
        assert_eq!(sandbox.generation(), generation + 1);
        let log = sandbox
            .run("aim-logs", ["show", record["id"].as_str().expect("an id")])
            .ok();
        assert!(log.stdout().contains("Processing ./held"), "{log:?}");
    }
}

#[test]
fn pip_that_is_killed_takes_its_shim_along() {
    let sandbox = Sandbox::ready();
    let first = Held::installing(&sandbox);
    Held::kill(first.pip());
    first.release();
    assert_eq!(first.output().status.signal(), Some(9));
    assert_eq!(sandbox.last_record()["signal"], 9);
    assert_eq!(sandbox.records().len(), 2);
}

/// Installs `wheel` without our knowing.
fn past_us(sandbox: &Sandbox, wheel: &Path) {
    let mut command = sandbox.command(sandbox.bin("pip"));
    Ran::of(command.env("AIM_PIP_BYPASS", "1").arg("install").arg(wheel)).ok();
}

#[test]
fn what_another_tool_did_before_is_a_run_of_its_own() {
    let sandbox = Sandbox::ready();
    let generation = sandbox.generation();
    past_us(&sandbox, &sandbox.wheel("greeting", "1.0"));
    let farewell = sandbox.wheel("farewell", "1.0");
    sandbox
        .pip(["install", farewell.to_str().expect("utf-8")])
        .ok();
    let records = sandbox.records();
    let told: Vec<_> = records[1..]
        .iter()
        .map(|record| (&record["action"], &record["added"][0]["name"]))
        .collect();
    assert_eq!(
        told,
        [
            (&"sync".into(), &"greeting".into()),
            (&"install".into(), &"farewell".into())
        ]
    );
    assert_eq!(sandbox.generation(), generation + 2);
}

#[test]
fn what_goes_elsewhere_changes_nothing_here() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("greeting", "1.0");
    let wheel = wheel.to_str().expect("utf-8");
    let (generation, records) = (sandbox.generation(), sandbox.records());
    for call in [
        &["install", "--dry-run"][..],
        &["install", "--target", "there"],
        &["install", "--prefix", "prefix"],
        &["install", "--root", "root"],
        &["download", "-d", "there"],
        &["wheel", "-w", "there"],
    ] {
        sandbox.pip(call.iter().chain([&wheel])).ok();
    }
    sandbox.pip(["install", "--user", wheel]).exits(1); // pip refuses it in an environment
    assert_eq!(sandbox.generation(), generation);
    assert_eq!(sandbox.records(), records);
}

#[test]
fn another_interpreters_environment_is_the_one_that_changes() {
    let (here, there) = (Sandbox::ready(), Sandbox::ready());
    let python = there.bin("python");
    let python = python.to_str().expect("utf-8");
    let wheel = here.wheel("greeting", "1.0");
    let wheel = wheel.to_str().expect("utf-8");
    let records = here.records();
    here.pip(["--python", python, "install", wheel]).ok();
    assert_eq!(there.last_record()["added"][0]["name"], "greeting");
    let mut by_setting = here.command(here.bin("pip"));
    Ran::of(
        by_setting
            .env("PIP_PYTHON", python)
            .args(["uninstall", "-y", "greeting"]),
    )
    .ok();
    assert_eq!(there.last_record()["removed"][0]["name"], "greeting");
    assert_eq!(there.records().len(), 3);
    // None of ours: nobody remembers it.
    let stranger = Sandbox::new().with_venv();
    let python = stranger.bin("python");
    here.pip([
        "--python",
        python.to_str().expect("utf-8"),
        "install",
        wheel,
    ])
    .ok();
    assert!(!stranger.project().join(".pip-logs").exists());
    assert_eq!(here.records(), records);
}

#[test]
fn a_log_that_has_no_room_leaves_no_torn_one() {
    let sandbox = Sandbox::ready();
    // Files end at 2 KiB: enough for a record, not for what pip prints.
    let script = "ulimit -f 4; exec \"$0\" \"$@\"";
    let pip = sandbox.bin("pip");
    let mut command = sandbox.command("/bin/sh");
    command.args(["-c", script]).arg(&pip);
    sandbox.write("long.txt", &"no name ".repeat(400)); // pip says the whole line again
    let ran = Ran::of(command.args(["install", "-r", "long.txt"])).exits(1);
    assert!(ran.stderr().len() > 2048, "{ran:?}");
    let record = sandbox.last_record();
    assert_eq!(
        (&record["exit_code"], &record["log_path"]),
        (&1.into(), &().into())
    );
    let logs = std::fs::read_dir(sandbox.project().join(".pip-logs")).expect("logs");
    let names: Vec<_> = logs
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    let strange =
        |name: &&std::ffi::OsString| !matches!(name.to_str(), Some(".lock" | "runs.jsonl"));
    let left: Vec<_> = names.iter().filter(strange).collect();
    assert!(left.is_empty(), "{left:?} {record}");
    // The next one has room again.
    sandbox.pip(["install"]).exits(1);
    assert!(sandbox.last_record()["log_path"].is_string());
}

#[test]
fn a_project_or_a_person_can_switch_it_off() {
    let sandbox = Sandbox::ready();
    let records = sandbox.records();
    let settings = sandbox.write(".aim.toml", "enabled = false\n");
    let calls = || {
        sandbox.pip(["install"]).exits(1);
        sandbox
            .run(sandbox.bin("python"), ["-m", "pip", "install"])
            .exits(1);
        let inside = "import pip; pip.main(['install'])";
        sandbox.run(sandbox.bin("python"), ["-c", inside]).ok();
    };
    calls();
    std::fs::remove_file(settings).expect("removed");
    let folder = sandbox.root().join("config/aim-toolkit");
    std::fs::create_dir_all(&folder).expect("folder");
    std::fs::write(folder.join("config.toml"), "enabled = false\n").expect("written");
    calls();
    assert_eq!(sandbox.records(), records);
    std::fs::remove_dir_all(folder).expect("removed");
    calls();
    assert_eq!(sandbox.records().len(), records.len() + 3);
}
