//! `GET /api/v1/events` over the real socket: what is told when other tools change an environment.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::Sandbox;

/// Long enough for a busy machine; a test that waits this long fails.
const LIMIT: Duration = Duration::from_secs(60);

/// What is told from now on, as it comes.
fn listen(sandbox: &Sandbox) -> Receiver<Value> {
    let mut stream = UnixStream::connect(sandbox.socket()).expect("connects");
    write!(
        stream,
        "GET /api/v1/events?project=demo HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    .expect("sent");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.next().expect("a status").contains("200"));
    lines.find(String::is_empty).expect("the end of the head");
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let events = lines.filter_map(|line| {
            let event = serde_json::from_str(line.strip_prefix("data: ")?);
            Some(event.expect("an event"))
        });
        for event in events {
            if tell.send(event).is_err() {
                return;
            }
        }
    });
    told
}

/// The next event, which is to be of this kind and generation.
#[track_caller]
fn expect(told: &Receiver<Value>, kind: &str, generation: u64) -> Value {
    let event = told.recv_timeout(LIMIT).expect("an event");
    assert_eq!(
        (&event["type"], &event["generation"]),
        (&kind.into(), &generation.into()),
        "{event}"
    );
    event
}

/// As uv leaves a distribution.
fn install(sandbox: &Sandbox, name: &str) {
    let info = format!("{name}-1.0.dist-info");
    let folder = sandbox.site_packages().join(&info);
    std::fs::create_dir(&folder).expect("folder");
    std::fs::write(folder.join("INSTALLER"), "uv\n").expect("write");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    std::fs::write(folder.join("METADATA"), metadata).expect("write");
    std::fs::write(folder.join("RECORD"), format!("{info}/INSTALLER,,\n")).expect("write");
}

fn replace(python: &Path, script: &str) {
    let new = python.with_file_name("new");
    std::fs::write(&new, script).expect("write");
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&new, all).expect("mode");
    std::fs::rename(new, python).expect("renamed");
}

#[test]
fn a_change_by_another_tool_is_told_from_its_record_to_the_worker() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    let generation = sandbox.generation() + 1;
    let told = listen(&sandbox);
    install(&sandbox, "one");
    let run = expect(&told, "run-finished", generation);
    let changed = expect(&told, "env-changed", generation);
    let record = sandbox.last_record();
    assert_eq!(record["tool"], "uv");
    assert_eq!(
        (&run["run_id"], &changed["run_id"]),
        (&record["id"], &record["id"])
    );
    let starting = expect(&told, "worker-starting", generation);
    assert_eq!(starting["reason"], "the environment changed");
    let ready = expect(&told, "worker-ready", generation);
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(ready["pid"], status["pid"], "{status}");

    // An environment that takes its interpreter along.
    let generation = generation + 1;
    let python = sandbox.bin("python");
    let kept = sandbox.bin("kept");
    std::fs::rename(&python, &kept).expect("renamed");
    replace(&python, "#!/bin/sh\necho no library >&2\nexit 3\n");
    install(&sandbox, "two");
    expect(&told, "run-finished", generation);
    expect(&told, "env-changed", generation);
    expect(&told, "worker-starting", generation);
    let failed = expect(&told, "worker-failed", generation);
    let reason = failed["reason"].as_str().unwrap_or_default();
    assert!(reason.ends_with("no library"), "{failed}");
    std::fs::rename(kept, python).expect("renamed");
    sandbox.run("aim-worker", ["restart"]).ok();
    // On a busy machine it may have been tried again by itself before.
    while told.recv_timeout(LIMIT).expect("an event")["type"] != "worker-ready" {}
}

#[test]
fn twenty_changes_in_two_seconds_are_few_restarts() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    let before = sandbox.generation();
    let told = listen(&sandbox);
    let mut events = Vec::new();
    for number in 0..20 {
        install(&sandbox, &format!("d{number}"));
        // Listening for a tenth of a second is what lies between two changes.
        events.extend(told.recv_timeout(Duration::from_millis(100)));
    }
    let is_done = |events: &[Value]| {
        let added = |record: &Value| record["added"].as_array().map_or(0, Vec::len);
        let records = sandbox.records();
        let recorded: usize = records
            .iter()
            .filter(|record| record["generation_after"].as_u64() > Some(before))
            .map(added)
            .sum();
        let newest = sandbox.generation();
        recorded == 20
            && events
                .iter()
                .any(|event| event["type"] == "worker-ready" && event["generation"] == newest)
    };
    while !is_done(&events) {
        events.push(told.recv_timeout(LIMIT).expect("the last worker"));
    }
    let count = |kind: &str| {
        let of_kind = events.iter().filter(|event| event["type"] == kind);
        of_kind.count()
    };
    // One or two on an idle machine; a busy one makes pauses of its own between the changes.
    let (changes, workers) = (count("env-changed"), count("worker-ready"));
    println!("20 changes: {changes} generations, {workers} workers");
    assert!((1..=6).contains(&changes), "{events:#?}");
    assert!((1..=changes).contains(&workers), "{events:#?}");
    assert_eq!(count("worker-failed"), 0, "{events:#?}");
}
