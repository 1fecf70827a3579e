//! Flows through the daemon's socket.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use aim_toolkit::testing::{Client, Project};

use crate::floor::Echo;
use crate::http::Connection;
use crate::measure::{quick_turns, row, timed, turns};
use crate::sandbox::Sandbox;

/// Nodes of the long chain.
const CHAIN: u32 = 200;

pub(crate) fn rows() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let client = Client::at(&sandbox.socket()).expect("the daemon answers");
    let project = Project::at(sandbox.project()).expect("a project");
    client.start(&project).expect("a worker starts");
    let mut connection = Connection::open(&sandbox.socket());
    let mut echo = Echo::start(&sandbox.bin("python"));

    calculator(&sandbox);
    let request =
        r#"{"project_id":"demo","start_node_id":"9","node_values":{"5":"10","6":"20","7":0.1}}"#;
    for (what, call, bound) in [
        ("the example flow", "execute-flow", "at most 1.5 ms"),
        (
            "the example flow as a stream",
            "execute-flow-stream",
            "at most 2 ms",
        ),
    ] {
        let path = format!("/api/project/{call}");
        let (bare, ours) = quick_turns(
            8,
            || (0..4).map(|_| echo.once()).sum(),
            || {
                timed(|| {
                    let answer = connection.post(&path, request);
                    let text = String::from_utf8_lossy(&answer);
                    assert!(text.contains("0.15"), "{text}");
                })
            },
        );
        row(&format!("{what} / 4 bare echoes"), bare, ours, bound);
    }

    chain(&sandbox);
    let request = r#"{"project_id":"demo","start_node_id":"0"}"#;
    let (bare, ours) = turns(
        15,
        || (0..CHAIN).map(|_| echo.once()).sum::<Duration>() / CHAIN,
        || {
            let time = timed(|| {
                let answer = connection.post("/api/project/execute-flow", request);
                let text = String::from_utf8_lossy(&answer);
                assert!(text.contains("\"success\":true"), "{text}");
            });
            time / CHAIN
        },
    );
    row(
        "a chain of 200 nodes, a node / a bare echo",
        bare,
        ours,
        "at most 0.08 ms",
    );
}

/// The example of `tests/fixtures`.
fn calculator(sandbox: &Sandbox) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calculator");
    for entry in std::fs::read_dir(from).expect("the fixture").flatten() {
        let text = std::fs::read_to_string(entry.path()).expect("read");
        sandbox.write(entry.file_name().to_str().expect("a name"), &text);
    }
}

/// A start node and [`CHAIN`] nodes of which each passes its input on, in a structure of some 55 KB.
fn chain(sandbox: &Sandbox) {
    let mut nodes = r#"{"id":"0","type":"start","data":{"title":"Start Node"}}"#.to_owned();
    let mut edges = String::new();
    for id in 1..=CHAIN {
        let before = id - 1;
        // Writing to a string never fails.
        let _ = write!(
            nodes,
            r#",{{"id":"{id}","type":"custom","position":{{"x":{id},"y":0}},
            "data":{{"title":"step","file":"step.py","description":"{}"}}}}"#,
            "a".repeat(80)
        );
        let _ = write!(
            edges,
            r#"{}{{"id":"e{id}","source":"{before}","target":"{id}","sourceHandle":"sum","targetHandle":"a"}}"#,
            if id == 1 { "" } else { "," }
        );
    }
    sandbox.write(
        "structure.json",
        &format!(r#"{{"nodes":[{nodes}],"edges":[{edges}]}}"#),
    );
    sandbox.write("step.py", "def RunScript(a=0):\n    return {'sum': 1}\n");
}
