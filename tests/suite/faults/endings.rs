//! Workers and daemons that are killed under a node.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{PID, is_running, serving, status, until, while_a_node_runs};
use crate::sandbox::Sandbox;

fn pid_of(pid: &Value) -> Pid {
    let number = i32::try_from(pid.as_i64().expect("a pid")).expect("small");
    Pid::from_raw(number).expect("a pid")
}

/// Leaves a child in the worker's group, one in a session of its own, and one below that; then is deaf.
const PARENT: &str = "import json, os, subprocess\ndef main():\n    \
    first = subprocess.Popen(['sleep', '600'])\n    \
    second = subprocess.Popen(['sh', '-c', 'sleep 600 & echo $!; wait'], start_new_session=True, \
        stdout=subprocess.PIPE)\n    \
    pids = [os.getpid(), first.pid, second.pid, int(second.stdout.readline())]\n    \
    json.dump(pids, open('new', 'w'))\n    os.rename('new', 'pids')\n    return sum(range(10 ** 14))\n";

#[cfg(target_os = "linux")]
#[test]
fn a_killed_daemon_leaves_its_files_whole_and_the_next_one_ends_what_nodes_left() {
    let sandbox = Sandbox::ready();
    sandbox.write("deaf.py", PARENT);
    sandbox.write("pid.py", PID);
    let mut daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    let registry = sandbox.root().join("state/aim-toolkit/projects.json");
    let files = || {
        [
            registry.clone(),
            sandbox.project().join("env_meta.json"),
            sandbox.project().join(".pip-logs/runs.jsonl"),
        ]
        .map(|path| std::fs::read_to_string(path).expect("a file"))
    };
    let before = files();
    assert!(before[0].contains("demo"), "{}", before[0]);
    let pids = std::thread::scope(|scope| {
        scope.spawn(|| sandbox.run("aim-worker", ["run", "deaf.py"]));
        until("the node's children run", || {
            sandbox.project().join("pids").exists()
        });
        daemon.kill();
        std::fs::read_to_string(sandbox.project().join("pids")).expect("pids")
    });
    let pids: Vec<Value> = serde_json::from_str(&pids).expect("pids");
    until("the worker ends with its daemon", || !is_running(&pids[0]));
    assert_eq!(files(), before);

    // A daemon beside it, whose workers must not be taken for the dead one's.
    let beside = Sandbox::ready();
    beside.write("pid.py", PID);
    let _beside = beside.daemon();
    beside.run("aim-worker", ["start"]).ok();

    let _second = sandbox.daemon();
    for pid in &pids {
        until("what the node left is ended", || !is_running(pid));
    }
    assert_eq!(files(), before);
    sandbox.run("aim-worker", ["run", "pid.py"]).ok();
    let other = status(&beside);
    assert_eq!(other["last_exit"], Value::Null, "{other}");
    assert!(is_running(&other["pid"]), "{other}");
}

#[test]
fn a_worker_that_is_killed_under_a_node_says_what_it_ran() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    sandbox.write("pid.py", PID);
    let reply = while_a_node_runs(&sandbox, || {
        let pid = status(&sandbox)["pid"].clone();
        kill_process(pid_of(&pid), Signal::KILL).expect("killed");
        until("it is gone", || !is_running(&pid));
    });
    assert_eq!(reply["error"], "worker-exit", "{reply}");
    assert_eq!(reply["signal"], "SIGKILL");
    let detail = reply["detail"].as_str().expect("text");
    assert!(
        detail.ends_with("was killed by SIGKILL while it ran holds.py"),
        "{detail}"
    );
    assert_eq!(status(&sandbox)["last_exit"]["was_running"], "holds.py");
    sandbox.run("aim-worker", ["run", "pid.py"]).ok();
}
