//! `aim-worker flow`: a flow from the terminal.

use crate::sandbox::{Ran, Sandbox};
use crate::worker::{LONG, interrupted, wait_for};

/// A flow of three nodes and a result: the second divides by the text input, the third is beside it.
fn dividing(sandbox: &Sandbox) {
    sandbox.write("structure.json", r#"{"nodes":[
        {"id":"s","type":"start"},
        {"id":"1","type":"custom","data":{"title":"First","file":"first.py"}},
        {"id":"2","type":"custom","data":{"title":"Divide","file":"divide.py"}},
        {"id":"3","type":"custom","data":{"title":"After","file":"first.py"}},
        {"id":"t","type":"textInput","data":{"value":"stored"}},
        {"id":"r","type":"result","data":{"title":"Answer"}}],
        "edges":[{"source":"s","target":"1"},{"source":"1","target":"2"},{"source":"t","target":"2","targetHandle":"n"},
        {"source":"2","target":"3"},{"source":"2","target":"r"}]}"#);
    sandbox.write(
        "first.py",
        "def main(data):\n    print('hello')\n    return 1\n",
    );
    sandbox.write("divide.py", "def main(data):\n    return 10 / data['n']\n");
}

#[test]
fn a_flow_is_told_as_it_goes_and_its_results_are_the_data() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox
        .run("aim-worker", ["flow"])
        .exits(1)
        .warns("structure.json");
    dividing(&sandbox);
    let ran = sandbox
        .run("aim-worker", ["flow", "--value", "t=4"])
        .ok()
        .warns("done       First (1)")
        .warns("│ hello")
        .warns("done: 3, failed: 0, skipped: 0");
    assert_eq!(ran.stdout(), "Answer (r): 2.5\n");
    assert!(!ran.stderr().contains('\x1b'), "{ran:?}");
    let ran = sandbox
        .run("aim-worker", ["flow", "--value", "t=0"])
        .exits(1)
        .warns("failed     Divide (2)")
        .warns("division by zero")
        .warns("skipped    After (3)   because of Divide (2)")
        .warns("done: 1, failed: 1, skipped: 1");
    assert_eq!(ran.stdout(), "");
    sandbox
        .run("aim-worker", ["flow", "--value", "t=0", "--keep-going"])
        .exits(1)
        .warns("done: 2, failed: 1, skipped: 0");
    sandbox
        .run("aim-worker", ["flow"])
        .exits(1)
        .warns("unsupported operand type(s) for /: 'int' and 'str'");
    let quiet = sandbox
        .run("aim-worker", ["flow", "--value", "t=4", "--quiet"])
        .ok();
    assert_eq!(
        (quiet.stdout(), quiet.stderr()),
        ("Answer (r): 2.5\n".into(), String::new())
    );
}

#[test]
fn a_result_that_is_an_object_is_shown_as_it_shows_itself() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    dividing(&sandbox);
    sandbox.write(
        "divide.py",
        "class Table:\n    def __str__(self):\n        return 'a  b\\n1  2'\n\n\
        def main(data):\n    return Table()\n",
    );
    let ran = sandbox.run("aim-worker", ["flow"]).ok();
    assert_eq!(ran.stdout(), "Answer (r):\na  b\n1  2\n");
}

#[test]
fn a_flow_for_scripts_is_the_daemons_answer() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    dividing(&sandbox);
    let json = sandbox
        .run("aim-worker", ["flow", "--json", "--value", "t=4"])
        .ok()
        .json();
    assert_eq!(
        (&json["success"], &json["result_nodes"]["r"]),
        (&true.into(), &2.5.into())
    );
    assert!(
        json["run_id"]
            .as_str()
            .is_some_and(|id| id.ends_with("Z-demo")),
        "{json}"
    );
    // A text that is no number fails in the node.
    let json = sandbox
        .run("aim-worker", ["flow", "--json", "--value", "t=four"])
        .exits(1)
        .json();
    assert_eq!(json["execution_results"]["2"]["status"], "error");
    for bad in [
        &["--value", "t"][..],
        &["--value", "=4"],
        &["--max-workers", "0"],
        &["--max-workers", "11"],
        &["--timeout", "0"],
        &["--timeout", "1.5"],
    ] {
        sandbox
            .run("aim-worker", [&["flow"], bad].concat())
            .exits(2);
    }
    sandbox
        .run("aim-worker", ["flow", "--project", "nobody"])
        .exits(4);
}

#[test]
fn a_flow_that_is_interrupted_takes_its_nodes_along() {
    for args in [&["flow"][..], &["flow", "--json"]] {
        let sandbox = Sandbox::ready();
        let _daemon = sandbox.daemon();
        dividing(&sandbox);
        sandbox.write("first.py", &LONG.replace("main()", "main(data)"));
        interrupted(&sandbox, args).warns("cancelled the flow");
        wait_for(&sandbox, "cleaned");
    }
}

#[test]
fn a_node_that_the_flow_does_not_have_is_an_error_with_those_it_has() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    dividing(&sandbox);
    for args in [
        &["--value", "tt=4"][..],
        &["--value", "t=4", "--start", "tt"],
    ] {
        let args = || ["flow"].iter().chain(args);
        sandbox
            .run("aim-worker", args())
            .exits(2)
            .warns("the flow has no node tt")
            .warns("did you mean t?")
            .warns("the flow's nodes: s, 1 (First), 2 (Divide), 3 (After), t, r (Answer)");
        let mut korean = sandbox.command("aim-worker");
        Ran::of(korean.args(args()).env("AIM_LANG", "ko"))
            .exits(2)
            .warns("플로우에 없는 노드: tt")
            .warns("플로우의 노드: s, 1 (First)");
    }
    let ran = sandbox
        .run("aim-worker", ["flow", "--start", "other"])
        .exits(2);
    assert!(!ran.stderr().contains("did you mean"), "{ran:?}");
}
