//! `aim-venv-sync`: init, sync, status, remove, doctor, config.

use crate::sandbox::{Python, Sandbox};

#[test]
fn init_makes_an_environment_with_pip_and_a_generation() {
    let sandbox = Sandbox::new();
    let python = sandbox.python().path().to_owned();
    let init = sandbox
        .command("aim-venv-sync")
        .args(["init", "--python"])
        .arg(python)
        .output()
        .expect("runs");
    assert!(init.status.success(), "{init:?}");
    assert_eq!(sandbox.generation(), 1);
    sandbox.pip(["--version"]).ok().says("pip ");
    sandbox
        .run(sandbox.bin("python"), ["-m", "pip", "--version"])
        .ok();
}

#[test]
fn a_second_init_changes_nothing() {
    let sandbox = Sandbox::ready();
    let (meta, records) = (sandbox.env_meta(), sandbox.records());
    sandbox.run("aim-venv-sync", ["init"]).ok();
    assert_eq!(sandbox.env_meta(), meta);
    assert_eq!(sandbox.records(), records);
}

#[test]
fn init_takes_another_folder_and_another_python() {
    let Some(python) = Python::find(8) else {
        return;
    };
    let sandbox = Sandbox::new();
    let other = sandbox.root().join("projects/다른 project");
    std::fs::create_dir_all(&other).expect("folder");
    let mut init = sandbox.command("aim-venv-sync");
    let output = init
        .arg("init")
        .arg(&other)
        .arg("--python")
        .arg(python.path())
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    let version = sandbox
        .run(other.join(".venv/bin/python"), ["--version"])
        .ok();
    assert!(version.stdout().starts_with("Python 3.8"), "{version:?}");
    let list = sandbox.run(other.join(".venv/bin/pip"), ["list"]).ok();
    assert!(list.stdout().contains("pip"), "{list:?}");
}

#[test]
fn sync_finds_what_another_tool_changed() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("greeting", "1.0");
    let generation = sandbox.generation();
    sandbox.run("aim-venv-sync", ["--check"]).ok();

    let mut past_us = sandbox.command(sandbox.bin("pip"));
    let past_us = past_us
        .env("AIM_PIP_BYPASS", "1")
        .arg("install")
        .arg(&wheel)
        .output()
        .expect("runs");
    assert!(past_us.status.success(), "{past_us:?}");
    assert_eq!(sandbox.generation(), generation);

    let (meta, records) = (sandbox.env_meta(), sandbox.records());
    let check = sandbox.run("aim-venv-sync", ["sync", "--check"]).exits(1);
    assert!(
        (check.stdout() + &check.stderr()).contains("greeting"),
        "{check:?}"
    );
    assert_eq!(
        (sandbox.env_meta(), sandbox.records()),
        (meta, records),
        "--check changes nothing"
    );

    sandbox.run("aim-venv-sync", [] as [&str; 0]).ok();
    assert_eq!(sandbox.generation(), generation + 1);
    let record = sandbox.last_record();
    assert_eq!(record["added"][0]["name"], "greeting");
    assert_eq!(record["tool"], "pip");
    sandbox.run("aim-venv-sync", ["--check"]).ok();
}

#[test]
fn sync_notices_a_distribution_that_was_deleted_by_hand() {
    let sandbox = Sandbox::ready();
    sandbox
        .pip([
            "install",
            sandbox.wheel("greeting", "1.0").to_str().expect("utf-8"),
        ])
        .ok();
    let generation = sandbox.generation();
    std::fs::remove_dir_all(sandbox.site_packages().join("greeting-1.0.dist-info"))
        .expect("removed");
    sandbox.run("aim-venv-sync", ["--check"]).exits(1);
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    assert_eq!(sandbox.generation(), generation + 1);
    assert_eq!(sandbox.last_record()["removed"][0]["name"], "greeting");
}

#[test]
fn sync_waits_for_the_worker() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    let mut past_us = sandbox.command(sandbox.bin("pip"));
    let wheel = sandbox.wheel("greeting", "1.0");
    let output = past_us
        .env("AIM_PIP_BYPASS", "1")
        .arg("install")
        .arg(&wheel)
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
    sandbox.run("aim-venv-sync", ["sync", "--wait"]).ok();
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status["generation"], sandbox.generation());
}

#[test]
fn sync_wait_without_a_daemon_says_so() {
    let sandbox = Sandbox::ready();
    sandbox
        .run("aim-venv-sync", ["sync", "--wait"])
        .exits(3)
        .warns("aim-backend serve");
}

#[test]
fn sync_puts_back_a_hook_that_is_gone() {
    let sandbox = Sandbox::ready();
    let line = sandbox.site_packages().join("00_aim_pip.pth");
    std::fs::remove_file(&line).expect("removed");
    sandbox.run("aim-venv-sync", ["doctor"]).exits(1);
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    assert!(line.exists());
}

#[test]
fn remove_puts_everything_back_to_the_byte() {
    let sandbox = Sandbox::new().with_venv();
    let before = tree(&sandbox);
    let sandbox = sandbox.with_init();
    assert_ne!(tree(&sandbox), before);
    sandbox
        .pip([
            "install",
            sandbox.wheel("greeting", "1.0").to_str().expect("utf-8"),
        ])
        .ok();
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    sandbox.run("aim-venv-sync", ["remove"]).ok();
    assert_eq!(tree(&sandbox), before);
    sandbox.pip(["--version"]).ok();
    assert!(
        sandbox.project().join(".pip-logs/runs.jsonl").exists(),
        "history stays"
    );
}

/// Every file of `bin` and every name at the top of site-packages and the environment, with content where it is ours to
/// change.
fn tree(sandbox: &Sandbox) -> Vec<(String, Vec<u8>, u32)> {
    use std::os::unix::fs::MetadataExt;
    let mut found = Vec::new();
    for folder in [
        sandbox.venv().join("bin"),
        sandbox.site_packages(),
        sandbox.venv(),
    ] {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            let meta = path.symlink_metadata().expect("metadata");
            let content = if meta.is_file() {
                std::fs::read(&path).expect("readable")
            } else if meta.is_symlink() {
                std::fs::read_link(&path)
                    .expect("a link")
                    .into_os_string()
                    .into_encoded_bytes()
            } else {
                Vec::new()
            };
            if !path.ends_with("__pycache__") {
                found.push((path.display().to_string(), content, meta.mode()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn status_and_config_answer_in_json() {
    let sandbox = Sandbox::ready();
    let status = sandbox
        .run("aim-venv-sync", ["status", "--json"])
        .ok()
        .json();
    assert_eq!(status["generation"], 1, "{status}");
    std::fs::write(
        sandbox.project().join(".aim.toml"),
        "[retention]\nruns = 7\n",
    )
    .expect("written");
    let config = sandbox.run("aim-venv-sync", ["config", "--json"]).ok();
    assert!(
        config.stdout().contains(".aim.toml") && config.stdout().contains('7'),
        "{config:?}"
    );
}

#[test]
fn doctor_is_content_with_a_fresh_project_and_its_daemon() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.run("aim-venv-sync", ["doctor"]).ok();
}

/// What image layers, `cp -r`, tar and a checkout make of an environment: other times, other inodes, the same content.
#[test]
fn a_copied_environment_is_in_step() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("greeting", "1.0");
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    let layer = "cp -r .venv copy && rm -r .venv && mv copy .venv && find .venv -exec touch -d @1000000000 {} +";
    sandbox.run("sh", ["-c", layer]).ok();
    sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
    let (generation, runs) = (sandbox.generation(), sandbox.records().len());
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    assert_eq!(
        (sandbox.generation(), sandbox.records().len()),
        (generation, runs)
    );
}

#[test]
fn a_startup_file_alone_is_a_change() {
    let sandbox = Sandbox::ready();
    sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
    let generation = sandbox.generation();
    std::fs::write(sandbox.site_packages().join("mine.pth"), "/opt\n").expect("write");
    sandbox
        .run("aim-venv-sync", ["sync", "--check"])
        .exits(1)
        .says("+ mine.pth (startup file)");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    assert_eq!(sandbox.generation(), generation + 1);
    let record = sandbox.last_record();
    assert_eq!(record["startup"][0]["name"], "mine.pth", "{record}");
    sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
}
