//! Outputs that JSON has no form for, and more of it than anybody reads: every answer is valid, and memory is bounded.

use std::io::Read;

use serde_json::{Value, json};

use super::{ask, call, flow, serving, structure, until};
use crate::sandbox::Sandbox;

#[test]
fn any_output_makes_a_valid_answer() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    structure(
        &sandbox,
        &[("a", "custom"), ("b", "custom"), ("r", "result")],
        &["a>b.x", "b>r"],
    );
    sandbox.write("b.py", "def RunScript(x):\n    return x\n");
    for (output, expected) in [
        ("float('nan')", json!(null)),
        (
            "[float('inf'), -float('inf'), 1.5]",
            json!([null, null, 1.5]),
        ),
        (
            "{1: 'a', None: 'b', True: 'c', 2.5: 'd'}",
            json!({"1": "c", "null": "b", "2.5": "d"}),
        ),
        ("{'key': (1, 2)}", json!({"key": [1, 2]})),
        ("''", json!("")),
        ("'\\u2028\\0\\n'", json!("\u{2028}\0\n")),
    ] {
        sandbox.write("a.py", &format!("def main():\n    return {output}\n"));
        let (status, body) = ask(
            &sandbox,
            "POST",
            "/api/v1/projects/demo/nodes/run",
            r#"{"file":"a.py","input":{}}"#,
        );
        assert_eq!(status, 200, "{output}: {body}");
        let last: Value = serde_json::from_str(body.lines().last().expect("a line")).expect("JSON");
        assert_eq!(last["reply"]["output"], expected, "{output}");
        let answer = flow(&sandbox, "a");
        assert_eq!(
            answer["execution_results"]["b"]["output"], expected,
            "{output}: {answer}"
        );
        let request = r#"{"project_id":"demo","start_node_id":"a"}"#;
        let (status, events) = ask(
            &sandbox,
            "POST",
            "/api/project/execute-flow-stream",
            request,
        );
        assert_eq!(status, 200);
        for event in events.split_terminator("\n\n") {
            let json = event.strip_prefix("data: ").expect("a data line");
            serde_json::from_str::<Value>(json)
                .unwrap_or_else(|error| panic!("{output}: {error}: {event}"));
        }
        assert!(
            events.contains(r#"{"type":"complete""#),
            "{output}: {events}"
        );
    }
}

/// A half of a character is not Unicode: no strict reader of JSON may meet one.
#[test]
fn half_characters_and_a_hundred_megabytes_make_valid_answers() {
    let sandbox = Sandbox::ready();
    let _daemon = serving(&sandbox);
    structure(&sandbox, &[("a", "custom"), ("r", "result")], &["a>r"]);
    sandbox.write(
        "a.py",
        "def main():\n    return {'\\ud800': 'x\\udfff', 'ok': '\\ud83d\\ude00'}\n",
    );
    assert_eq!(
        flow(&sandbox, "a")["execution_results"]["a"]["status"],
        "success"
    );
    let request = r#"{"file":"a.py","input":{}}"#;
    let (status, body) = ask(&sandbox, "POST", "/api/v1/projects/demo/nodes/run", request);
    assert_eq!(status, 200);
    let last: Value =
        serde_json::from_str(body.lines().last().expect("a line")).expect("strict JSON");
    assert_eq!(last["reply"]["ok"], true, "{last}");

    sandbox.write("a.py", "def main():\n    return 'x' * 100_000_000\n");
    let (status, body) = ask(&sandbox, "POST", "/api/v1/projects/demo/nodes/run", request);
    assert_eq!(status, 200);
    assert!(body.len() > 100_000_000, "{} bytes", body.len());
    let answer = flow(&sandbox, "a");
    let output = answer["execution_results"]["a"]["output"]
        .as_str()
        .map(str::len);
    assert_eq!(output, Some(100_000_000));
}

#[cfg(target_os = "linux")]
#[test]
fn a_flood_that_nobody_reads_costs_no_memory() {
    let sandbox = Sandbox::ready();
    let daemon = serving(&sandbox);
    sandbox.write(
        "flood.py",
        "import os\ndef main():\n    for number in range(300):\n        os.write(1, b'x' * (1 << 20))\n        \
         open('progress', 'w').write(str(number))\n",
    );
    sandbox.run("aim-worker", ["start"]).ok();
    let peak = || {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("a peak");
        let kib = line
            .trim()
            .strip_suffix(" kB")
            .and_then(|number| number.parse::<u64>().ok());
        kib.expect("a number") / 1024
    };
    let before = peak();
    let mut stream = call(
        &sandbox,
        "POST",
        "/api/v1/projects/demo/nodes/run",
        r#"{"file":"flood.py","input":{}}"#,
    );
    // It prints until all pipes between are full; then a reader comes and takes everything.
    until("it floods", || sandbox.project().join("progress").exists());
    let mut bytes = vec![0_u8; 1 << 16];
    let (mut total, mut end) = (0_usize, Vec::new());
    loop {
        let count = stream.read(&mut bytes).expect("read");
        if count == 0 {
            break;
        }
        total += count;
        end.extend_from_slice(&bytes[..count]);
        let cut = end.len().saturating_sub(1 << 10);
        end.drain(..cut);
    }
    assert!(total > 300 << 20, "{total} bytes");
    let end = String::from_utf8_lossy(&end);
    assert!(end.contains(r#""ok":true"#), "{end}");
    let grown = peak() - before;
    println!("a flood of 300 MiB grew the daemon by {grown} MiB");
    assert!(grown < 32, "the daemon grew by {grown} MiB");
}
