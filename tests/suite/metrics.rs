//! `GET /metrics`: what happened is counted, in a form that monitors read, and the example dashboard asks for no more.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;
use serde_json::Value;

use crate::place::wait_until;
use crate::sandbox::{Sandbox, stored_wheel};

/// The text that the sandbox's daemon gives.
fn scraped(sandbox: &Sandbox) -> String {
    let mut stream = UnixStream::connect(sandbox.socket()).expect("a daemon");
    let request = "GET /metrics HTTP/1.1\r\nhost: aim\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    body.to_owned()
}

/// The families with their types, and each sample's value; panics at a line that the format does not have.
fn read(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    let sample =
        Regex::new(r#"^([a-z_]+)(?:\{[a-z_]+="[^"\\]*"(?:,[a-z_]+="[^"\\]*")*\})? (\S+)$"#);
    let sample = sample.expect("a pattern");
    let (mut families, mut samples) = (BTreeMap::new(), BTreeMap::new());
    let mut helped = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help");
            assert!(help.len() > 10, "{line}");
            name.clone_into(&mut helped);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(name, helped, "{line}");
            let before = families.insert(name.to_owned(), kind.to_owned());
            assert_eq!(before, None, "twice: {line}");
        } else if !line.starts_with("# UNIT") {
            let parts = sample.captures(line).unwrap_or_else(|| panic!("{line}"));
            let (name, value) = (&parts[1], parts[2].parse().expect("a number"));
            let ends = ["", "_bucket", "_sum", "_count"];
            let is_known = ends.iter().any(|end| {
                name.strip_suffix(end)
                    .is_some_and(|family| families.contains_key(family))
            });
            assert!(is_known, "of no family: {line}");
            let (labelled, _) = line.rsplit_once(' ').expect("a value");
            let before = samples.insert(labelled.to_owned(), value);
            assert_eq!(before, None, "twice: {line}");
        }
    }
    (families, samples)
}

#[test]
fn what_happened_is_counted_and_read_by_a_monitor() {
    let sandbox = Sandbox::ready();
    sandbox.write(".aim.toml", "group = \"pilot\"\n");
    sandbox.write("node.py", "def main():\n    return 1\n");
    let _daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["run", "node.py"]).ok();
    let value = |text: &str, sample: &str| {
        let (_, samples) = read(text);
        samples
            .get(sample)
            .copied()
            .unwrap_or_else(|| panic!("no {sample}:\n{text}"))
    };
    let of = |name: &str, more: &str| format!("{name}{{project=\"demo\",group=\"pilot\"{more}}}");
    let (ok, failed) = (
        of("aim_pip_runs_total", ",outcome=\"ok\""),
        of("aim_pip_runs_total", ",outcome=\"failed\""),
    );
    let restarts = of("aim_worker_restarts_total", "");
    let first = scraped(&sandbox);
    for sample in [&ok, &failed, &restarts] {
        assert!(value(&first, sample).abs() < 0.5, "{sample}");
    }
    sandbox.wheel("greeting", "1.0");
    sandbox.pip(["install", "--no-index", "greeting"]).ok();
    sandbox.pip(["install", "--no-index", "nowhere"]).exits(1);
    wait_until("the restart is counted", || {
        (value(&scraped(&sandbox), &restarts) - 1.0).abs() < 0.5
    });
    let text = scraped(&sandbox);
    for (sample, expected) in [
        (ok, 1.0),
        (failed, 1.0),
        (of("aim_environment_changes_total", ",tool=\"pip\""), 1.0),
        (of("aim_worker_restart_failures_total", ""), 0.0),
        (
            "aim_pip_run_duration_seconds_count{group=\"pilot\"}".to_owned(),
            2.0,
        ),
        (
            "aim_worker_restart_duration_seconds_count{group=\"pilot\"}".to_owned(),
            1.0,
        ),
        ("aim_worker_processes{project=\"demo\"}".to_owned(), 1.0),
        ("aim_worker_queued_nodes{project=\"demo\"}".to_owned(), 0.0),
        ("aim_projects".to_owned(), 1.0),
        ("aim_terminal_sessions".to_owned(), 0.0),
        ("aim_backend_faults_total".to_owned(), 0.0),
    ] {
        assert!(
            (value(&text, &sample) - expected).abs() < 0.1,
            "{sample} is not {expected}:\n{text}"
        );
    }
    let took = value(&text, "aim_pip_run_duration_seconds_sum{group=\"pilot\"}");
    assert!(took > 0.1, "{text}");
    // Asking counts nothing.
    assert_eq!(read(&scraped(&sandbox)), read(&text));

    let families = read(&text).0;
    dashboard_asks_for_no_more_than(&families);
    page_names_each_of(&families);
    monitors_library_reads(&text, &families);
}

/// The official library of Prometheus for Python reads the same families.
fn monitors_library_reads(text: &str, families: &BTreeMap<String, String>) {
    let Some(wheel) = stored_wheel("prometheus_client-") else {
        return;
    };
    let script = "import sys, json\n\
        from prometheus_client.parser import text_string_to_metric_families as families\n\
        print(json.dumps({family.name: family.type for family in families(sys.stdin.read())}))";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .env("PYTHONPATH", wheel)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut stdin = python.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("written");
    drop(stdin);
    let output = python.wait_with_output().expect("an end");
    assert!(output.status.success(), "{output:?}");
    let seen: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).expect("JSON");
    let plain = |name: &str| name.strip_suffix("_total").unwrap_or(name).to_owned();
    let expected = families
        .iter()
        .map(|(name, kind)| (plain(name), kind.clone()));
    assert_eq!(seen, expected.collect());
}

fn dashboard_asks_for_no_more_than(families: &BTreeMap<String, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("examples/grafana/aim-toolkit.json"));
    let dashboard: Value = serde_json::from_str(&text.expect("the example")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let asked: String = targets
        .flatten()
        .map(|target| target["expr"].as_str().expect("a query").to_owned() + "\n")
        .collect();
    let asked = named(&asked);
    assert!(asked.len() > 8, "{asked:?}");
    let known = |name: &str| families.contains_key(name);
    let unknown: Vec<_> = asked.iter().filter(|name| !known(name)).collect();
    assert_eq!(unknown, Vec::<&String>::new(), "no such metric");
}

/// docs/rollout.md has a row for each, and for nothing else.
fn page_names_each_of(families: &BTreeMap<String, String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/rollout.md")).expect("the page");
    assert_eq!(named(&text), families.keys().cloned().collect());
}

/// The families that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\baim_[a-z_]+").expect("a pattern");
    let names = name.find_iter(text).map(|name| name.as_str());
    let family = |name: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        let stem = ends.iter().find_map(|end| name.strip_suffix(end));
        stem.unwrap_or(name).to_owned()
    };
    names.map(family).collect()
}
