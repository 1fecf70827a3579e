//! The calculator of `tests/fixtures`: the results that AIM-Forge's example has from start 9 (compat, section 15).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value as Any, json};

use super::runner::{Answer, Scripted, answer, request, run};
use crate::backend::flow::{OnError, Structure};

const VALUES: [(&str, &str); 3] = [("5", "\"10\""), ("6", "{\"value\": \"20\"}"), ("7", "0.1")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calculator")
}

/// Calls the function of a file with the parameters that it takes, as a worker does.
const CALL: &str = "
import json, sys
names = {}
exec(compile(open(sys.argv[1]).read(), sys.argv[1], 'exec'), names)
function, given = names['RunScript'], json.load(sys.stdin)
taken = function.__code__.co_varnames[:function.__code__.co_argcount]
print(json.dumps(function(**{name: given[name] for name in given if name in taken})))
";

/// Runs a node's file in a Python of its own.
fn call(file: &str, input: &Any) -> Answer {
    let mut python = Command::new("python3")
        .args(["-I", "-S", "-c", CALL])
        .arg(folder().join(file))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for the tests");
    let mut stdin = python.stdin.take().expect("piped");
    stdin
        .write_all(input.to_string().as_bytes())
        .expect("read by the child");
    drop(stdin);
    let output = python.wait_with_output().expect("ended");
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_calculator_gives_the_known_results() {
    let text = fs_err::read(folder().join("structure.json")).expect("the fixture");
    let structure = Arc::new(Structure::parse(&text).expect("an object"));
    let runner = Arc::new(Scripted::of_calls(|node, input| {
        call(node.file.as_deref().expect("a node with code"), input)
    }));
    let run = run(
        structure,
        Some("9"),
        request(4, &VALUES),
        &runner,
        OnError::SkipDownstream,
    );
    let answer = answer(run).await;
    let output = |id: &str| answer["execution_results"][id]["output"].clone();
    assert_eq!(output("1"), json!({"a + b": 30.0}));
    assert_eq!(output("3"), json!({"a x b": 3.0}));
    assert_eq!(output("4"), json!({"a / b": 0.15}));
    assert_eq!(output("2"), json!({"a - b": 2.85}));
    assert_eq!(
        answer["result_nodes"],
        json!({"13": 30.0, "10": 3.0, "12": 0.15})
    );
    assert_eq!(answer["success"], true);
    assert_eq!(
        answer["execution_results"]
            .as_object()
            .map(serde_json::Map::len),
        Some(11)
    );
    assert_eq!(runner.begun(), ["1", "3", "4", "2"]);
}
