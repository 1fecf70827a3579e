//! Running one node.

use super::events::Ear;
use super::{World, node, read};
use crate::api::v1::{
    Event, EventKind, InterruptRequest, NodeEvent, NodeRun, OnDisconnect, Stream, WaitFor,
    WorkerState,
};
use crate::json::Json;

#[test]
fn a_nodes_text_is_read_and_saved_over_what_was_read() {
    let world = World::new();
    let project = world.project("p");
    std::fs::create_dir(project.root().join("nodes")).expect("folder");
    std::fs::write(project.root().join("nodes/a.py"), "한\n").expect("written");
    let register = serde_json::json!({"path": project.root()}).to_string();
    assert_eq!(world.send("POST", "/api/v1/projects", &register).0, 200);
    let of = project.root().display().to_string().replace('/', "%2F");
    let call = |method: &str, file: &str, body: &serde_json::Value| {
        let path = format!("/api/v1/projects/{of}/nodes/text?file={file}");
        let (status, answer) = match method {
            "GET" => world.get(&path),
            _ => world.send(method, &path, &body.to_string()),
        };
        let body: serde_json::Value = serde_json::from_str(&super::body(&answer)).expect("JSON");
        (status, body)
    };
    let null = serde_json::Value::Null;
    let (status, read) = call("GET", "nodes/a.py", &null);
    assert_eq!((status, &read["text"]), (200, &serde_json::json!("한\n")));
    let path = project.root().join("nodes/a.py").display().to_string();
    assert_eq!(read["path"], serde_json::json!(path));
    let new = serde_json::json!({"text": "x = 1\n", "version": read["version"]});
    let (status, saved) = call("PUT", "nodes/a.py", &new);
    assert_eq!(
        (status, &saved["text"]),
        (200, &serde_json::json!("x = 1\n")),
        "{saved}"
    );
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "x = 1\n");
    let (status, refused) = call("PUT", "nodes/a.py", &new);
    assert_eq!(
        (status, &refused["code"]),
        (409, &serde_json::json!("changed-meanwhile"))
    );
    let (status, _) = call("PUT", "new.py", &serde_json::json!({"text": ""}));
    assert_eq!(status, 200);
    let (status, _) = call("PUT", "new.py", &serde_json::json!({"text": "y"}));
    assert_eq!(status, 409, "it is there already");
    std::os::unix::fs::symlink("/etc", project.root().join("etc")).expect("a link");
    std::os::unix::fs::symlink("/etc/passwd", project.root().join("link.py")).expect("a link");
    for (file, expected) in [
        ("none.py", 404),
        ("none/a.py", 404),
        ("../p/nodes/a.py", 400),
        ("%2Fetc%2Fpasswd", 400),
        ("etc/a.py", 400),
        ("link.py", 400),
        (".venv/a.py", 400),
        ("nodes", 400),
        ("nodes/a.txt", 400),
        ("", 400),
    ] {
        assert_eq!(call("GET", file, &null).0, expected, "{file}");
    }
}

#[test]
fn a_node_runs_and_its_output_comes_first() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let write = |name: &str, text: &str| {
        std::fs::write(project.root().join(name), text).expect("write");
    };
    write(
        "big.py",
        "import sys\ndef RunScript(n):\n    print('one')\n    print('two', file=sys.stderr)\n    return n * n\n",
    );
    let client = world.client();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let input = Json::parse("{\"n\": 12345678901234567890123}").expect("JSON");
    let run = NodeRun {
        input,
        ..node("big.py")
    };
    let reply = client
        .run_node(&project, &run, |event| {
            let NodeEvent::Output(output) = event else {
                panic!("it was not asked what it waits for: {event:?}");
            };
            match output.stream {
                Stream::Stdout => stdout.push_str(&output.text),
                Stream::Stderr => stderr.push_str(&output.text),
            }
            Ok(())
        })
        .expect("a reply");
    assert!(
        reply
            .as_str()
            .contains("152415787532388367504942236884722755800955129"),
        "{reply}"
    );
    assert_eq!((stdout.as_str(), stderr.as_str()), ("one\n", "two\n"));
    let log = read(client.worker_log(&project, 200, false).expect("a log"));
    assert!(log.contains("one\n") && log.contains("two\n"), "{log}");
    let failed = client.run_node(&project, &node("no.py"), |_| Ok(()));
    let failed: serde_json::Value = failed.expect("a reply").read().expect("JSON");
    assert_eq!(failed["ok"], false, "{failed}");
    let status = client.worker(&project).expect("a state");
    assert_eq!(status.state, WorkerState::Idle);
}

#[test]
fn a_caller_that_goes_away_does_not_stop_its_node() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let text = "def main(data):\n    for n in range(20000):\n        print('line', n)\n    open('done', 'w').close()\n";
    std::fs::write(project.root().join("long.py"), text).expect("write");
    let client = world.client();
    let gone = client.run_node(&project, &node("long.py"), |_| {
        Err(crate::error::Error::failed("enough"))
    });
    assert_eq!(gone.expect_err("left").to_string(), "enough");
    // Nodes run one after the other, so this one's reply comes after the first one's end.
    std::fs::write(
        project.root().join("next.py"),
        "import os\ndef main():\n    return os.path.exists('done')\n",
    )
    .expect("write");
    let reply = client.run_node(&project, &node("next.py"), |_| Ok(()));
    assert!(reply.expect("a reply").as_str().contains("true"));
}

#[test]
fn a_caller_that_asks_for_it_takes_its_node_along() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let text = "import time\ndef main():\n    try:\n        print('here', flush=True)\n        time.sleep(600)\n    \
        finally:\n        open('ended', 'w').close()\n";
    std::fs::write(project.root().join("long.py"), text).expect("write");
    let run = NodeRun {
        on_disconnect: OnDisconnect::Cancel,
        ..node("long.py")
    };
    let client = world.client();
    let gone = client.run_node(&project, &run, |_| {
        Err(crate::error::Error::failed("enough"))
    });
    assert_eq!(gone.expect_err("left").to_string(), "enough");
    std::fs::write(
        project.root().join("next.py"),
        "import os\ndef main():\n    return os.path.exists('ended')\n",
    )
    .expect("write");
    // Waits for its turn, which comes when the first has been interrupted.
    let reply = client.run_node(&project, &node("next.py"), |_| Ok(()));
    assert!(reply.expect("a reply").as_str().contains("true"));
}

#[test]
fn a_node_that_hears_nothing_is_killed() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    // In C, which releases nothing and looks at no signal; an interrupt that comes just before it is not heard either.
    let text = "def main():\n    while True:\n        try:\n            print('here', flush=True)\n            \
        sum(range(10 ** 14))\n        except KeyboardInterrupt:\n            pass\n";
    std::fs::write(project.root().join("deaf.py"), text).expect("write");
    let client = world.client();
    let none = InterruptRequest::default();
    assert_eq!(
        client.interrupt(&project, &none).expect("told").interrupted,
        0
    );
    let mut is_told = false;
    let reply = client.run_node(&project, &node("deaf.py"), |_| {
        if !std::mem::replace(&mut is_told, true) {
            assert_eq!(client.interrupt(&project, &none)?.interrupted, 1);
        }
        Ok(())
    });
    let reply: serde_json::Value = reply.expect("a reply").read().expect("JSON");
    assert_eq!(reply["code"], "interrupted", "{reply}");
    assert!(
        reply["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("killed")),
        "{reply}"
    );
}

#[test]
fn a_node_that_waits_says_for_what() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let hold = "import os, time\ndef main():\n    open('started', 'w').close()\n    \
        while not os.path.exists('go'): time.sleep(0.01)\n";
    for (name, text) in [
        ("hold.py", hold),
        ("next.py", "def main():\n    return 1\n"),
    ] {
        std::fs::write(project.root().join(name), text).expect("write");
    }
    let mut page = Ear::to(&world, "", None);
    let client = world.client();
    std::thread::scope(|scope| {
        let holds = scope.spawn(|| client.run_node(&project, &node("hold.py"), |_| Ok(())));
        while !project.root().join("started").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let run = NodeRun {
            tells_waiting: true,
            ..node("next.py")
        };
        let mut told = Vec::new();
        let reply = client.run_node(&project, &run, |event| {
            let NodeEvent::Waiting(waiting) = event else {
                panic!("it prints nothing: {event:?}");
            };
            std::fs::write(project.root().join("go"), "").expect("write");
            told.push(waiting);
            Ok(())
        });
        assert!(reply.expect("a reply").as_str().contains("\"ok\":true"));
        holds.join().expect("no panic").expect("a reply");
        let first = told.first().expect("it waited");
        assert_eq!(
            (first.r#for, first.file.as_deref()),
            (WaitFor::Node, Some("hold.py"))
        );
        // The first one may have waited for a worker.
        let is_it = |event: &Event| event.file.as_deref() == Some("next.py");
        let event = std::iter::from_fn(|| page.next())
            .find(is_it)
            .expect("told");
        assert_eq!(
            (event.kind, event.waiting.as_ref()),
            (EventKind::NodeWaiting, Some(first))
        );
    });
}
