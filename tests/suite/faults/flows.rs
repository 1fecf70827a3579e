//! Flows whose clients, objects or time are gone.

use serde_json::{Value, json};

use super::{ask, call, flow, serving, status, structure, until};
use crate::sandbox::Sandbox;

#[test]
fn a_client_that_goes_away_takes_its_flow_along() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    structure(&sandbox, &[("a", "custom"), ("b", "custom")], &["a>b"]);
    sandbox.write(
        "a.py",
        "import time\ndef main():\n    open('started', 'w').close()\n    time.sleep(600)\n",
    );
    sandbox.write("b.py", "def main(x):\n    open('ran', 'w').close()\n");
    for path in ["execute-flow", "execute-flow-stream"] {
        let request = r#"{"project_id":"demo","start_node_id":"a","timeout_sec":300}"#;
        let stream = call(&sandbox, "POST", &format!("/api/project/{path}"), request);
        let started = sandbox.project().join("started");
        until("the flow runs", || started.exists());
        drop(stream);
        until("its node is ended", || status(&sandbox)["state"] == "idle");
        std::fs::remove_file(started).expect("removed");
    }
    assert!(!sandbox.project().join("ran").exists());
}

/// AIM-Forge's example pipeline of a class instance that goes from node to node (compat, section 15, start 14): the
/// shape of it, in code of our own.
#[test]
fn an_instance_goes_through_a_flow_by_reference() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    sandbox.write(
        "people.py",
        "class Person:\n    def __init__(self, name, age):\n        \
        self.name, self.age = name, age\n",
    );
    sandbox.write(
        "15.py",
        "from people import Person\ndef RunScript():\n    return Person('Kim', 30)\n",
    );
    sandbox.write(
        "18.py",
        "def RunScript(person):\n    person.age += 1\n    return person\n",
    );
    sandbox.write("20.py", "def RunScript(person):\n    return person\n");
    sandbox.write(
        "16.py",
        "def RunScript(person):\n    return 'Hello, ' + person.name\n",
    );
    sandbox.write(
        "25.py",
        "def RunScript(person):\n    return {'name': person.name, 'age': person.age}\n",
    );
    let nodes = [
        ("14", "start"),
        ("15", "custom"),
        ("18", "custom"),
        ("20", "custom"),
        ("16", "custom"),
        ("25", "custom"),
        ("17", "result"),
        ("26", "result"),
        ("29", "result"),
    ];
    let edges = [
        "14>15",
        "15>18.person",
        "18>20.person",
        "20>16.person",
        "20>25.person",
        "16>17",
        "25>26",
        "20>29",
    ];
    structure(&sandbox, &nodes, &edges);
    let answer = flow(&sandbox, "14");
    assert_eq!(answer["success"], true, "{answer}");
    let shown = &answer["result_nodes"];
    assert_eq!(shown["17"], "Hello, Kim");
    assert_eq!(shown["26"], json!({"name": "Kim", "age": 31}));
    assert_eq!(
        (&shown["29"]["type"], &shown["29"]["data_type"]),
        (&"reference".into(), &"Person".into())
    );
}

#[test]
fn a_flow_says_which_node_must_run_again_when_its_object_is_gone() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    structure(
        &sandbox,
        &[("a", "custom"), ("b", "custom"), ("c", "custom")],
        &["a>c.x", "b>c.y"],
    );
    sandbox.write("a.py", "def main():\n    return {1, 2}\n");
    // Runs when `a` is done, and takes the worker that has its object away.
    sandbox.write("b.py", "import os\ndef main():\n    os._exit(3)\n");
    sandbox.write(
        "c.py",
        "def RunScript(x=None, y=None):\n    return len(x)\n",
    );
    let request =
        r#"{"project_id":"demo","start_node_id":"a","max_workers":1,"halt_on_error":false}"#;
    let (_, body) = ask(&sandbox, "POST", "/api/project/execute-flow", request);
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    let error = answer["execution_results"]["c"]["error"]
        .as_str()
        .unwrap_or_default();
    assert!(
        error.starts_with("The object that node a gave is gone")
            && error.contains("Run node a again"),
        "{answer}"
    );
}

/// Newest first: what is older goes when there is no room, and that is said where it is missed and in the status.
#[test]
fn the_bound_of_kept_objects_is_said_aloud() {
    let sandbox = Sandbox::ready();
    sandbox.write(".aim.toml", "[worker]\nobject_limit_mib = 1\n");
    let _daemon = serving(&sandbox);
    structure(
        &sandbox,
        &[("a", "custom"), ("b", "custom"), ("c", "custom")],
        &["a>b.x", "a>c.x", "b>c.y"],
    );
    let megabyte = "def RunScript(x=None):\n    return bytearray(1 << 20)\n";
    sandbox.write("a.py", megabyte);
    sandbox.write("b.py", megabyte);
    sandbox.write("c.py", "def RunScript(x, y):\n    return len(x) + len(y)\n");
    let answer = flow(&sandbox, "a");
    let results = &answer["execution_results"];
    assert_eq!(results["b"]["status"], "success", "{answer}");
    let error = results["c"]["error"].as_str().unwrap_or_default();
    assert!(
        error.contains(
            "is no longer kept (a worker keeps 1 MiB of objects at most, the newest: worker.object_limit_mib)"
        ),
        "{answer}"
    );
    let objects = status(&sandbox)["objects"].clone();
    assert_eq!(
        (
            &objects["count"],
            &objects["dropped"],
            &objects["limit_mib"]
        ),
        (&1.into(), &1.into(), &1.into()),
        "{objects}"
    );
    sandbox
        .run("aim-worker", ["status"])
        .ok()
        .says("(a worker keeps the newest 1.0 MiB); 1 older ones had to go");
    // What nothing can reach any more is dropped.
    sandbox.write("b.py", "def RunScript(x=None):\n    return 1\n");
    sandbox.write("a.py", "def RunScript():\n    return 1\n");
    flow(&sandbox, "a");
    until("it is let go of", || {
        status(&sandbox)["objects"]["count"] == 0
    });
}

#[test]
fn a_node_of_a_flow_keeps_its_limit() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    structure(&sandbox, &[("a", "custom")], &[]);
    sandbox.write(
        "a.py",
        "import time\ndef main():\n    open('count', 'a').write('x')\n    time.sleep(600)\n",
    );
    let request = r#"{"project_id":"demo","start_node_id":"a","timeout_sec":1}"#;
    let (_, body) = ask(&sandbox, "POST", "/api/project/execute-flow", request);
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    let error = answer["execution_results"]["a"]["error"]
        .as_str()
        .unwrap_or_default();
    assert!(error.starts_with("Node timed out after 1 s"), "{answer}");
    assert_eq!(answer["success"], false);
    let count = std::fs::read_to_string(sandbox.project().join("count"));
    assert_eq!(count.expect("it ran"), "x", "never twice");
}
