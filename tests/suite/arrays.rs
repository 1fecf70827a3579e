//! Real arrays between nodes: by reference in one worker, by shared memory from one to another.

use serde_json::Value;

use crate::faults::{ask, serving, structure};
use crate::sandbox::{Sandbox, stored_wheel};

/// Gives an array when the node of the other branch runs, too, so that the two are on two workers.
const BRANCH: &str = "
import os, time
import numpy
def main():
    open('NAME', 'w').close()
    while not os.path.exists('OTHER'):
        time.sleep(0.001)
    return numpy.full(1_000_000, VALUE)
";

#[test]
fn numpys_arrays_go_from_branch_to_branch() {
    let Some(wheel) = stored_wheel("numpy-") else {
        return;
    };
    let sandbox = Sandbox::ready();
    let wheel = wheel.into_os_string();
    let install = ["install".into(), "--no-index".into(), wheel];
    sandbox.pip(install).ok();
    let _daemon = serving(&sandbox);
    for (name, other, value) in [("a", "b", "1.5"), ("b", "a", "2.0")] {
        let text = BRANCH.replace("NAME", &format!("{name}.runs"));
        let text = text.replace("OTHER", &format!("{other}.runs"));
        sandbox.write(&format!("{name}.py"), &text.replace("VALUE", value));
    }
    sandbox.write(
        "c.py",
        "def RunScript(x, y):\n    y[0] = 0.0\n    return float((x + y).sum())\n",
    );
    let nodes = [
        ("s", "start"),
        ("a", "custom"),
        ("b", "custom"),
        ("c", "custom"),
        ("shown", "result"),
    ];
    let edges = ["s>a", "s>b", "a>c.x", "b>c.y", "a>shown"];
    structure(&sandbox, &nodes, &edges);
    let request = r#"{"project_id":"demo","start_node_id":"s","max_workers":2}"#;
    let (_, body) = ask(&sandbox, "POST", "/api/project/execute-flow", request);
    let answer: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(answer["success"], true, "{answer}");
    let results = &answer["execution_results"];
    assert_eq!(results["c"]["output"], 3_499_998.0, "{answer}");
    let shown = &answer["result_nodes"]["shown"];
    assert_eq!(
        (&shown["data_type"], &shown["preview"]),
        (
            &"ndarray".into(),
            &"Array: shape=(1000000,), dtype=float64".into()
        )
    );
}
