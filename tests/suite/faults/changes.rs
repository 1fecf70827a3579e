//! An environment that changes under a node, or unseen.

use std::path::Path;
use std::process::Command;

use super::{PID, flow, serving, status, structure, while_a_node_runs};
use crate::sandbox::{Daemon, Python, Ran, Sandbox, program_path, skipped};

#[test]
fn a_change_under_a_running_node_is_in_the_next_one() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    sandbox.write(
        "uses.py",
        "def main():\n    import greeting\n    return greeting.greet('x')\n",
    );
    let wheel = sandbox.wheel("greeting", "1.0");
    let before = sandbox.generation();
    let reply = while_a_node_runs(&sandbox, || {
        sandbox
            .pip(["install", wheel.to_str().expect("utf-8")])
            .ok();
    });
    assert_eq!(
        (&reply["ok"], &reply["generation"]),
        (&true.into(), &before.into()),
        "{reply}"
    );
    let next = sandbox
        .run("aim-worker", ["run", "uses.py", "--json"])
        .ok()
        .json();
    assert_eq!(next["generation"], before + 1, "{next}");
}

#[test]
fn an_environment_made_again_under_a_running_node_is_the_next_ones() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    sandbox.write("pid.py", PID);
    let old = while_a_node_runs(&sandbox, || {
        std::fs::remove_dir_all(sandbox.venv()).expect("removed");
        sandbox.python().copy_venv(&sandbox.venv());
    });
    assert_eq!(old["ok"], true, "{old}");
    let old = status(&sandbox)["pid"].clone();
    let next = sandbox
        .run("aim-worker", ["run", "pid.py", "--json"])
        .ok()
        .json();
    assert_ne!(next["output"], old, "{next}");
}

#[test]
fn another_python_in_the_environment_is_the_next_nodes() {
    let (Some(older), Some(newer)) = (Python::find(11), Python::find(12)) else {
        return;
    };
    let sandbox = Sandbox::on(older).with_venv().with_init();
    let _daemon = serving(&sandbox);
    sandbox.write(
        "version.py",
        "import sys\ndef main():\n    return sys.version_info[1]\n",
    );
    let version = || {
        sandbox
            .run("aim-worker", ["run", "version.py", "--json"])
            .ok()
            .json()["output"]
            .clone()
    };
    assert_eq!(version(), 11);
    let finished = while_a_node_runs(&sandbox, || {
        let upgraded = Command::new(newer.path())
            .args(["-I", "-m", "venv", "--without-pip", "--clear"])
            .arg(sandbox.venv())
            .status();
        assert!(upgraded.expect("python runs").success());
    });
    assert_eq!(finished["output"], 11, "where it began: {finished}");
    assert_eq!(version(), 12);
    let python = status(&sandbox)["python"].clone();
    assert!(
        python
            .as_str()
            .is_some_and(|python| python.starts_with("3.12.")),
        "{python}"
    );
}

/// What was written before the clock was set back is from the future then; what comes after it is older.
#[test]
fn a_clock_that_was_set_back_hides_no_change() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    let install = |version: &str| {
        let wheel = sandbox.wheel("greeting", version);
        let mut pip = sandbox.command(sandbox.bin("pip"));
        Ran::of(pip.env("AIM_PIP_BYPASS", "1").arg("install").arg(wheel)).ok();
    };
    let write = |helper: &str| {
        sandbox.write("helper.py", &format!("WORD = '{helper}'\n"));
        let node = "import greeting, helper\ndef main():\n    return greeting.greet(helper.WORD)\n";
        sandbox.write("uses.py", &format!("# {helper}\n{node}"));
    };
    let runs = |version: &str, helper: &str| {
        let ran = sandbox.run("aim-worker", ["run", "uses.py"]).ok();
        ran.says(version).says(helper);
    };
    install("1.0");
    write("before");
    let tomorrow = std::time::SystemTime::now() + std::time::Duration::from_secs(86_400);
    let project = sandbox.project();
    for path in [
        sandbox.site_packages(),
        sandbox
            .site_packages()
            .join("greeting-1.0.dist-info/RECORD"),
        project.join("helper.py"),
        project.join("uses.py"),
    ] {
        let file = std::fs::File::open(path).expect("open");
        file.set_modified(tomorrow).expect("set the time");
    }
    runs("1.0", "before");
    let meta = std::fs::File::open(project.join("env_meta.json")).expect("open");
    meta.set_modified(tomorrow).expect("set the time");
    runs("1.0", "before");
    let generation = sandbox.generation();
    install("2.0");
    write("after");
    runs("2.0", "after");
    assert_eq!(sandbox.generation(), generation + 1);
    // From here on the generation is the shim's to raise.
    let wheel = sandbox.wheel("greeting", "3.0");
    sandbox
        .pip(["install", wheel.to_str().expect("UTF-8")])
        .ok();
    runs("3.0", "after");
}

/// A daemon that the system lets watch no folder; none where a namespace with limits of its own cannot be had.
#[cfg(target_os = "linux")]
fn daemon_without_watches(sandbox: &Sandbox) -> Option<Daemon> {
    const LIMITS: &str = "/proc/sys/user/max_inotify_watches";
    let unshared = |script: &str| {
        let mut command = sandbox.command("unshare");
        command.args(["-Ur", "sh", "-c", script]);
        command
    };
    let can = unshared(&format!("echo 0 > {LIMITS}")).output();
    if !can.is_ok_and(|output| output.status.success()) {
        skipped("no user namespace with limits of its own");
        return None;
    }
    let serve = format!(
        "echo 0 > {LIMITS}; exec {} serve",
        program_path("aim-backend").display()
    );
    Some(Daemon::start(&mut unshared(&serve)))
}

#[cfg(target_os = "linux")]
#[test]
fn without_watches_every_node_still_sees_what_is_there_and_doctor_says_why() {
    let sandbox = Sandbox::ready();
    let Some(_daemon) = daemon_without_watches(&sandbox) else {
        return;
    };
    sandbox.run("aim-worker", ["start"]).ok();
    let doctor = sandbox.run("aim-venv-sync", ["doctor", "--json"]).json();
    let checks = doctor["checks"].as_array().expect("checks");
    let watching = checks
        .iter()
        .find(|check| check["name"] == "watching")
        .expect("a check");
    assert_eq!(watching["outcome"], "odd", "{watching}");
    assert!(
        watching.to_string().contains("max_user_watches"),
        "{watching}"
    );

    sandbox.write(
        "uses.py",
        "def main():\n    import greeting\n    return greeting.greet('x')\n",
    );
    let install = |version: &str| {
        let wheel = sandbox.wheel("greeting", version);
        let mut pip = sandbox.command(sandbox.bin("pip"));
        Ran::of(pip.env("AIM_PIP_BYPASS", "1").arg("install").arg(wheel)).ok();
    };
    install("1.0");
    sandbox
        .run("aim-worker", ["run", "uses.py"])
        .ok()
        .says("1.0");

    // Within a flow as well: the first node installs what the second one imports.
    structure(
        &sandbox,
        &[("a", "custom"), ("uses", "custom")],
        &["a>uses"],
    );
    let wheel = sandbox.wheel("greeting", "2.0");
    sandbox.write("a.py", &installing(&sandbox.bin("pip"), &wheel));
    let answer = flow(&sandbox, "a");
    let output = answer["execution_results"]["uses"]["output"].to_string();
    assert!(output.contains("2.0"), "{answer}");
}

/// A node that runs pip as if the toolkit were not there.
#[cfg(target_os = "linux")]
fn installing(pip: &Path, wheel: &Path) -> String {
    format!(
        "import os, subprocess\ndef main():\n    subprocess.run(['{pip}', 'install', '{wheel}'], check=True,\n        \
         env=dict(os.environ, AIM_PIP_BYPASS='1'))\n",
        pip = pip.display(),
        wheel = wheel.display()
    )
}
