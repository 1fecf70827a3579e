//! What goes wrong around nodes and flows, with a real daemon: things die, go away, or say too much.

mod answers;
mod changes;
mod endings;
mod flows;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sandbox::{Daemon, Sandbox};

/// Long enough for a busy machine; a test that waits this long fails.
const LIMIT: Duration = Duration::from_secs(60);

const PID: &str = "import os\ndef main():\n    return os.getpid()\n";

/// Waits until `is_so`.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::yield_now();
    }
}

/// Whether a process runs; one that is dead and not collected yet does not.
fn is_running(pid: &Value) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// A daemon that knows the sandbox's project, by its worker.
pub(crate) fn serving(sandbox: &Sandbox) -> Daemon {
    let daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    daemon
}

fn status(sandbox: &Sandbox) -> Value {
    sandbox.run("aim-worker", ["status", "--json"]).ok().json()
}

/// A call whose answer ends with the connection.
fn call(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> UnixStream {
    let mut stream = UnixStream::connect(sandbox.socket()).expect("connects");
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    stream
}

/// The status and the body of the answer.
pub(crate) fn ask(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut answer = String::new();
    call(sandbox, method, path, body)
        .read_to_string(&mut answer)
        .expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("a status"), body.to_owned())
}

/// Writes `structure.json` of nodes, each with its type, and of edges such as `a>b.parameter`.
pub(crate) fn structure(sandbox: &Sandbox, nodes: &[(&str, &str)], edges: &[&str]) {
    let nodes: Vec<Value> = nodes
        .iter()
        .map(|(id, kind)| {
            let (title, file) = (format!("T{id}"), format!("{id}.py"));
            json!({"id": id, "type": kind, "data": {"title": title, "file": file}})
        })
        .collect();
    let edges: Vec<Value> = edges
        .iter()
        .map(|edge| {
            let (source, target) = edge.split_once('>').expect("an edge");
            let (target, into) = target
                .split_once('.')
                .map_or((target, None), |(target, into)| (target, Some(into)));
            json!({"source": source, "target": target, "sourceHandle": null, "targetHandle": into})
        })
        .collect();
    let text = json!({"nodes": nodes, "edges": edges}).to_string();
    sandbox.write("structure.json", &text);
}

fn flow(sandbox: &Sandbox, start: &str) -> Value {
    let request = json!({"project_id": "demo", "start_node_id": start}).to_string();
    let (status, body) = ask(sandbox, "POST", "/api/project/execute-flow", &request);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// Runs a node that holds until its worker is gone or the file `go` is there, and meanwhile does `during`.
fn while_a_node_runs(sandbox: &Sandbox, during: impl FnOnce()) -> Value {
    sandbox.write(
        "holds.py",
        "import os, sys, time\ndef main():\n    open('started', 'w').close()\n    \
         while not os.path.exists('go'):\n        time.sleep(0.001)\n    return sys.version_info[1]\n",
    );
    std::thread::scope(|scope| {
        let ran = scope.spawn(|| sandbox.run("aim-worker", ["run", "holds.py", "--json"]));
        until("the node runs", || {
            sandbox.project().join("started").exists()
        });
        during();
        sandbox.write("go", "");
        ran.join().expect("no panic").json()
    })
}
