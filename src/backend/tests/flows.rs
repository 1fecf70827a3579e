//! Flows, as AIM-Forge's pages ask for them.

use std::io::Write;
use std::os::unix::net::UnixStream;

use super::{World, body, calculator, node};

#[test]
fn a_flow_runs_and_tells_as_it_goes() {
    let world = World::new();
    let Some(project) = world.living_project("root/calculator") else {
        return;
    };
    calculator(&project);
    let request = r#"{"project_id":"calculator","start_node_id":"9","node_values":{"5":"10","6":"20","7":0.1}}"#;
    let (status, answer) = world.send("POST", "/api/project/execute-flow", request);
    assert_eq!(status, 200, "{answer}");
    let json: serde_json::Value = serde_json::from_str(&body(&answer)).expect("JSON");
    let results = serde_json::json!({"13": 30.0, "10": 3.0, "12": 0.15});
    assert_eq!(json["result_nodes"], results, "{json}");
    assert_eq!(json["success"], true);
    let difference = serde_json::json!({"a - b": 2.85});
    assert_eq!(json["execution_results"]["2"]["output"], difference);

    let (status, answer) = world.send("POST", "/api/project/execute-flow-stream", request);
    assert_eq!(status, 200);
    assert!(
        answer.contains("content-type: text/event-stream"),
        "{answer}"
    );
    let events = body(&answer);
    let kinds: Vec<_> = events
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("data: ").expect("a data line"))
        .map(|event| serde_json::from_str::<serde_json::Value>(event).expect("JSON"))
        .map(|event| event["type"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("start"));
    assert_eq!(kinds.last().map(String::as_str), Some("complete"));
    assert_eq!(kinds.len(), 2 + 7, "four nodes and three results: {events}");

    let (_, answer) = world.get("/api/project/calculator/node/1/full-result");
    let expected =
        r#"{"success":false,"error":"No full data available for this node","node_id":"1"}"#;
    assert_eq!(body(&answer), expected);
}

#[test]
fn a_flow_that_cannot_run_says_why() {
    let world = World::new();
    let project = world.project("root/p");
    let check = |body: &str, expected: u16, detail: &str| {
        let (status, answer) = world.send("POST", "/api/project/execute-flow", body);
        assert_eq!(status, expected, "{answer}");
        assert!(answer.contains(detail), "{answer}");
    };
    check(
        r#"{"project_id":"p"}"#,
        404,
        r#""detail":"Project p not found""#,
    );
    check(
        r#"{"project_id":".."}"#,
        404,
        r#""detail":"Project .. not found""#,
    );
    check(
        "{}",
        422,
        r#"[{"type":"missing","loc":["body","project_id"]"#,
    );
    check("{", 422, "json_invalid");
    std::fs::write(project.root().join("structure.json"), "{").expect("write");
    check(
        r#"{"project_id":"p"}"#,
        500,
        r#""detail":"Flow execution failed: structure.json: "#,
    );
    std::fs::write(project.root().join("structure.json"), "{}").expect("write");
    check(
        r#"{"project_id":"p"}"#,
        400,
        r#""detail":"No start node found in project""#,
    );
    let told = |id: &str, error: &str| {
        let request = format!(r#"{{"project_id":"{id}"}}"#);
        let (status, answer) = world.send("POST", "/api/project/execute-flow-stream", &request);
        assert_eq!(status, 200, "{answer}");
        assert!(
            answer.contains("content-type: text/event-stream"),
            "{answer}"
        );
        let events = body(&answer);
        let event = events.strip_prefix("data: ").expect("a data line");
        let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
        assert_eq!(event["type"], "error", "{event}");
        let why = event["error"].as_str().expect("text");
        assert!(why.contains(error), "{why}");
    };
    told("p", "No start node found in project");
    told("nobody", "Project nobody not found");
    let bare = world.path("root/bare");
    std::fs::create_dir_all(&bare).expect("folder");
    std::fs::write(bare.join("structure.json"), "{}").expect("write");
    told("bare", "no Python environment");
    let (status, answer) = world.send("POST", "/api/project/execute-flow-stream", "{}");
    assert_eq!(status, 422, "{answer}");
}

#[test]
fn a_caller_that_goes_away_takes_its_flow_along() {
    for call in ["execute-flow", "execute-flow-stream"] {
        let world = World::new();
        let Some(project) = world.living_project("root/p") else {
            return;
        };
        let write = |name: &str, text: &str| {
            std::fs::write(project.root().join(name), text).expect("write");
        };
        let nodes = r#"{"nodes":[{"id":"1","data":{"file":"long.py"}},{"id":"2","data":{"file":"never.py"}}],
            "edges":[{"source":"1","target":"2"}]}"#;
        write("structure.json", nodes);
        write(
            "long.py",
            "import time\ndef main(data=None):\n    try:\n        open('began', 'w').close()\n        \
                time.sleep(600)\n    finally:\n        open('ended', 'w').close()\n",
        );
        write(
            "never.py",
            "def main(data):\n    open('never', 'w').close()\n",
        );
        write(
            "next.py",
            "import os\ndef main():\n    return [os.path.exists(name) for name in ('ended', 'never')]\n",
        );
        let body = r#"{"project_id":"p","start_node_id":"1"}"#;
        let mut caller = UnixStream::connect(world.path("s")).expect("connects");
        write!(
            caller,
            "POST /api/project/{call} HTTP/1.1\r\nhost: aim\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !project.root().join("began").exists() {
            assert!(std::time::Instant::now() < limit, "in time");
            std::thread::yield_now();
        }
        drop(caller);
        // On the same worker, so after the first one's end.
        let reply = world
            .client()
            .run_node(&project, &node("next.py"), |_| Ok(()));
        let reply: serde_json::Value = reply.expect("a reply").read().expect("JSON");
        assert_eq!(
            reply["output"],
            serde_json::json!([true, false]),
            "{call}: {reply}"
        );
    }
}
