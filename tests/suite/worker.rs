//! `aim-worker` and the worker behind it.

use crate::sandbox::{Ran, Sandbox};

#[test]
fn without_a_daemon_it_says_what_to_type() {
    let sandbox = Sandbox::ready();
    for args in [
        &["status"][..],
        &["list"],
        &["start"],
        &["stop"],
        &["restart"],
        &["logs"],
        &["run", "x.py"],
        &["interrupt"],
        &["flow"],
    ] {
        sandbox
            .run("aim-worker", args)
            .exits(3)
            .warns("aim-backend serve");
    }
}

#[test]
fn it_starts_restarts_and_stops() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    let first = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(first["state"], "idle", "{first}");
    assert!(first["watching"]["mode"].is_string(), "{first}");
    sandbox.run("aim-worker", ["status"]).ok().says("noticed");
    sandbox.run("aim-worker", ["restart"]).ok();
    let second = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_ne!(first["pid"], second["pid"]);
    let list = sandbox.run("aim-worker", ["list"]).ok();
    assert!(list.stdout().contains("demo"), "{list:?}");
    sandbox.run("aim-worker", ["stop"]).ok();
    let stopped = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(stopped["state"], "stopped", "{stopped}");
    assert!(
        !alive(&first) && !alive(&second),
        "no worker outlives its stop"
    );
}

fn alive(status: &serde_json::Value) -> bool {
    let pid = i32::try_from(status["pid"].as_i64().expect("a pid")).expect("small");
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::test_kill_process(pid).is_ok()
}

#[test]
fn input_comes_from_the_command_line_or_standard_input() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write(
        "add.py",
        "def RunScript(a, b=10):\n    return {'sum': a + b}\n",
    );
    let given = sandbox
        .run(
            "aim-worker",
            ["run", "add.py", "--input", r#"{"a": 1, "b": 2}"#, "--json"],
        )
        .ok()
        .json();
    assert_eq!(given["output"]["sum"], 3);
    let mut piped = sandbox.command("aim-worker");
    let mut piped = piped
        .args(["run", "add.py", "--input", "-", "--json"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    std::io::Write::write_all(&mut piped.stdin.take().expect("piped"), br#"{"a": 5}"#)
        .expect("written");
    let output = piped.wait_with_output().expect("ends");
    let reply: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(reply["output"]["sum"], 15);
    sandbox
        .run("aim-worker", ["run", "add.py", "--input", "{nonsense"])
        .exits(2);
}

#[test]
fn what_a_node_prints_can_do_no_harm() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let code = "import os, sys, subprocess\ndef main():\n    print(42)\n    print('{\"id\": null}', end='')\n    \
        sys.stderr.write('to stderr\\n')\n    os.write(1, b'raw\\n')\n    \
        subprocess.run(['echo', 'from a child'])\n    return sys.stdin.read()\n";
    sandbox.write("noisy.py", code);
    let ran = sandbox.run("aim-worker", ["run", "noisy.py"]).ok();
    for text in ["42", "raw", "from a child"] {
        assert!(ran.stdout().contains(text), "{ran:?}");
    }
    assert!(ran.stderr().contains("to stderr"), "{ran:?}");
    let reply = sandbox
        .run("aim-worker", ["run", "noisy.py", "--json"])
        .ok()
        .json();
    assert_eq!(reply["output"], "");
}

#[test]
fn a_worker_that_dies_is_reported_and_replaced() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write(
        "die.py",
        "import os, signal\ndef main():\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    );
    sandbox.write("live.py", "def main():\n    return 'alive'\n");
    let died = sandbox
        .run("aim-worker", ["run", "die.py", "--json"])
        .exits(1)
        .json();
    assert!(
        died["error"]
            .as_str()
            .expect("a text")
            .starts_with("worker-exit"),
        "{died}"
    );
    sandbox
        .run("aim-worker", ["run", "live.py"])
        .ok()
        .says("alive");
}

#[test]
fn a_new_environment_that_does_not_start_is_said_clearly() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("live.py", "def main():\n    return 'alive'\n");
    sandbox.run("aim-worker", ["run", "live.py"]).ok();
    // The interpreter goes, and the generation is raised as another tool's change would.
    let python = sandbox.bin("python");
    std::fs::rename(&python, sandbox.bin("python.gone")).expect("renamed");
    std::fs::write(&python, "#!/bin/sh\necho no interpreter here >&2\nexit 3\n").expect("written");
    set_mode(&python, 0o755);
    raise_generation(&sandbox);
    let reply = sandbox
        .run("aim-worker", ["run", "live.py", "--json"])
        .exits(1)
        .json();
    assert!(
        reply["error"]
            .as_str()
            .expect("a text")
            .starts_with("환경 갱신 실패"),
        "{reply}"
    );
    sandbox
        .run("aim-worker", ["logs"])
        .ok()
        .says("no interpreter here");
    sandbox
        .run("aim-worker", ["run", "live.py"])
        .exits(1)
        .warns("environment refresh failed");
    std::fs::remove_file(&python).expect("removed");
    std::fs::rename(sandbox.bin("python.gone"), &python).expect("renamed");
    sandbox
        .run("aim-worker", ["run", "live.py"])
        .ok()
        .says("alive");
}

/// Goes on until somebody ends it, and says in files how far it came.
pub(crate) const LONG: &str = "import time\ndef main():\n    try:\n        open('started', 'w').close()\n        \
    time.sleep(600)\n    finally:\n        open('cleaned', 'w').close()\n";

#[test]
fn a_node_is_interrupted_from_elsewhere() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("long.py", LONG);
    sandbox
        .run("aim-worker", ["interrupt"])
        .ok()
        .warns("nothing was running");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| sandbox.run("aim-worker", ["run", "long.py"]));
        wait_for(&sandbox, "started");
        sandbox.write("other.py", "");
        sandbox
            .run("aim-worker", ["interrupt", "other.py"])
            .ok()
            .warns("other.py was not running");
        let json = sandbox
            .run("aim-worker", ["interrupt", "long.py", "--json"])
            .ok()
            .json();
        assert_eq!(json["interrupted"], 1);
        run.join()
            .expect("ended")
            .exits(1)
            .warns("KeyboardInterrupt")
            .warns("the node was interrupted");
    });
    assert!(sandbox.project().join("cleaned").exists());
    sandbox
        .run("aim-worker", ["interrupt", "nothing.py"])
        .exits(2);
}

#[test]
fn a_node_that_takes_too_long_is_ended() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("long.py", LONG);
    sandbox
        .run("aim-worker", ["run", "long.py", "--timeout", "0.2"])
        .exits(1)
        .warns("the node took too long");
    let reply = sandbox
        .run(
            "aim-worker",
            ["run", "long.py", "--timeout", "0.2", "--json"],
        )
        .exits(1)
        .json();
    assert_eq!(reply["code"], "timeout", "{reply}");
    for bad in ["0", "-1", "soon"] {
        let limit = format!("--timeout={bad}");
        sandbox
            .run("aim-worker", ["run", "long.py", &limit])
            .exits(2)
            .warns("positive number");
    }
}

#[test]
fn a_caller_that_is_interrupted_takes_its_node_along() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("long.py", LONG);
    interrupted(&sandbox, &["run", "long.py"]).warns("cancelled long.py");
    wait_for(&sandbox, "cleaned");
}

#[test]
fn every_verb_explains_itself_in_both_languages() {
    let sandbox = Sandbox::new();
    for verb in [
        "status",
        "list",
        "start",
        "stop",
        "restart",
        "interrupt",
        "run",
        "flow",
        "logs",
    ] {
        sandbox
            .run("aim-worker", [verb, "--help"])
            .ok()
            .says("Examples:")
            .says(&format!("aim-worker {verb}"));
        let mut korean = sandbox.command("aim-worker");
        let korean = Ran::of(korean.args([verb, "--help"]).env("AIM_LANG", "ko")).ok();
        assert!(!korean.stdout().contains("Examples"), "{korean:?}");
    }
}

/// Runs `aim-worker`, and sends it what Ctrl-C sends once its node has started; checks its exit status.
pub(crate) fn interrupted(sandbox: &Sandbox, args: &[&str]) -> Ran {
    let mut command = sandbox.command("aim-worker");
    command
        .args(args)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    Ran::watched(&mut command, |child| {
        wait_for(sandbox, "started");
        let pid = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("sent");
    })
    .exits(130)
}

/// Waits until a file of the project is there.
pub(crate) fn wait_for(sandbox: &Sandbox, file: &str) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !sandbox.project().join(file).exists() {
        assert!(std::time::Instant::now() < deadline, "{file} in time");
        std::thread::yield_now();
    }
}

fn raise_generation(sandbox: &Sandbox) {
    let mut meta = sandbox.env_meta();
    meta["generation"] = (sandbox.generation() + 1).into();
    std::fs::write(sandbox.project().join("env_meta.json"), meta.to_string()).expect("written");
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("mode");
}
