use std::sync::Arc;
use std::time::Duration;

use super::site::{Site, fifo, open, within};
use crate::backend::flow::{EdgeValue, NodeCall, NodeDone, Object, Output, Runner, Value};
use crate::backend::worker::handle::Kept;
use crate::json::JsonText;

/// An object that JSON has no form for, but pickle has.
const MAKES: &str = "def main():\n    return {1, 2, 3}\n";
const COUNTS: &str = "def RunScript(a=(), b=()):\n    return len(a) + len(b)\n";
const PID: &str = "import os\ndef main():\n    return os.getpid()\n";

fn call(node: &str, edges: Vec<EdgeValue<Kept>>) -> NodeCall<Kept> {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    NodeCall {
        node: node.into(),
        file: Some(format!("{node}.py").into()),
        edges,
        input: Some(JsonText::empty_object()),
        timeout: Duration::from_secs(20),
        listener: None,
        keep: format!("{node}_{number}"),
    }
}

fn edge(value: Value<Kept>, into: &str) -> EdgeValue<Kept> {
    EdgeValue {
        value,
        handle: None,
        into: Some(into.into()),
    }
}

async fn run(site: &Site, call: NodeCall<Kept>) -> Output<Kept> {
    let done = Runner::run(&site.job, call);
    within(done).await.result.expect("an output")
}

async fn made(site: &Site) -> Kept {
    run(site, call("makes", Vec::new()))
        .await
        .object
        .expect("an object")
}

fn text(output: &Output<Kept>) -> &str {
    std::str::from_utf8(output.json.as_bytes()).expect("UTF-8")
}

async fn objects(site: &Site, of: &Kept) -> serde_json::Value {
    let request = crate::backend::worker::protocol::Request::Objects {};
    let reply = within(of.task().ask_about(request, of.pid())).await;
    let _ = site;
    let reply: serde_json::Value = reply.into_json().read().expect("JSON");
    reply["objects"].clone()
}

fn site() -> Option<Site> {
    let site = Site::with(|settings| settings.branch_idle = Duration::from_millis(100))?;
    site.file("makes.py", MAKES);
    site.file("counts.py", COUNTS);
    site.file("pid.py", PID);
    Some(site)
}

#[tokio::test]
async fn values_and_objects_flow_from_node_to_node() {
    let Some(site) = site() else { return };
    let object = made(&site).await;
    let value = Value::Json(JsonText::trusted("[7, 8]"));
    let edges = vec![edge(Value::Object(object.clone()), "a"), edge(value, "b")];
    assert_eq!(text(&run(&site, call("counts", edges)).await), "5");
    assert_eq!(
        site.job.display(&object).await.as_deref(),
        Some("{1, 2, 3}")
    );
    let full = site.job.full_result("makes").await.expect("a result");
    assert_eq!(full.as_bytes(), b"\"{1, 2, 3}\"");
    assert_eq!(site.job.full_result("counts").await, None);
    // A node without code gives what was put together for it.
    let whole = EdgeValue {
        into: None,
        ..edge(Value::Object(object), "")
    };
    let result = NodeCall {
        file: None,
        ..call("result", vec![whole])
    };
    assert!(run(&site, result).await.object.is_some());
}

#[tokio::test]
async fn objects_that_nobody_holds_are_let_go_of() {
    let Some(site) = site() else { return };
    let first = made(&site).await;
    let second = made(&site).await;
    assert_eq!(
        objects(&site, &first).await.as_array().map(Vec::len),
        Some(2)
    );
    drop(first);
    let left = objects(&site, &second).await;
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(left[0]["ref"], second.id());
}

#[tokio::test]
async fn an_object_whose_worker_is_gone_is_an_error_that_says_so() {
    let Some(site) = site() else { return };
    let object = made(&site).await;
    site.raise(2);
    let edges = vec![edge(Value::Object(object.clone()), "a")];
    let done = within(Runner::run(&site.job, call("counts", edges))).await;
    let error = done.result.expect_err("gone").message;
    let expected = format!("worker {}, which had it, has ended", object.pid());
    assert!(error.contains(&expected), "{error}");
    assert!(error.ends_with("Run node makes again"), "{error}");
    assert_eq!(site.job.display(&object).await, None);
    assert_eq!(site.job.full_result("makes").await, None);
}

#[tokio::test]
async fn branches_run_side_by_side_and_objects_get_across() {
    let Some(site) = site() else { return };
    let gate = fifo(&site, "gate");
    site.file(
        "waits.py",
        "def main():\n    open('gate').read()\n    return bytearray(100)\n",
    );
    let waits = Runner::run(&site.job, call("waits", Vec::new()));
    // Only a second worker can do this while the first waits.
    let beside = async {
        let beside = made(&site).await;
        drop(open(&gate, true).await);
        beside
    };
    let both = within(async { tokio::join!(waits, beside) });
    let (waited, beside) = Box::pin(both).await;
    let waited: Kept = result(waited).object.expect("an object");
    assert_ne!(waited.pid(), beside.pid());
    let edges = vec![
        edge(Value::Object(waited.clone()), "a"),
        edge(Value::Object(beside.clone()), "b"),
    ];
    assert_eq!(text(&run(&site, call("counts", edges)).await), "103");
    // What was brought for the node alone is gone again.
    assert_eq!(
        objects(&site, &waited).await.as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_worker_for_branches_ends_when_it_is_not_used() {
    let Some(site) = site() else { return };
    let branch = beside(&site).await;
    assert_ne!(Some(branch), site.job.status().await.pid);
    within(async {
        while super::site::is_running(branch) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Runs two nodes side by side; gives the process of the second worker.
async fn beside(site: &Site) -> u32 {
    let gate = fifo(site, "gate");
    site.file("waits.py", "def main():\n    open('gate').read()\n");
    let waits = Runner::run(&site.job, call("waits", Vec::new()));
    let second = async {
        let pid = text(&run(site, call("pid", Vec::new())).await).to_owned();
        drop(open(&gate, true).await);
        pid.parse::<u32>().expect("a pid")
    };
    let both = within(async { tokio::join!(waits, second) });
    let (waited, pid) = Box::pin(both).await;
    result(waited);
    std::fs::remove_file(gate).expect("removed");
    pid
}

/// Interpreters of the site that run.
#[cfg(target_os = "linux")]
fn interpreters(site: &Site) -> usize {
    let script = site.script_folder();
    let script = script.to_str().expect("UTF-8").as_bytes();
    let processes = std::fs::read_dir("/proc").expect("processes");
    processes
        .filter_map(|process| std::fs::read(process.ok()?.path().join("cmdline")).ok())
        .filter(|line| line.windows(script.len()).any(|part| part == script))
        .count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_worker_for_branches_is_made_of_the_spare() {
    use std::os::unix::fs::PermissionsExt;
    let Some(site) = site() else { return };
    run(&site, call("pid", Vec::new())).await;
    within(async {
        while interpreters(&site) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // From here on no interpreter can be started.
    let everyone = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.script_folder(), everyone).expect("mode");
    assert_ne!(Some(beside(&site).await), site.job.status().await.pid);
}

#[tokio::test]
async fn workers_for_branches_stay_for_the_next_flow_of_the_same_environment() {
    let Some(site) = Site::new() else { return };
    site.file("pid.py", PID);
    let branch = beside(&site).await;
    assert_eq!(beside(&site).await, branch);
    site.raise_and_nudge(2).await;
    within(async {
        while super::site::is_running(branch) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_ne!(beside(&site).await, branch);
}

#[tokio::test]
async fn after_the_end_a_flow_is_told_so() {
    let Some(site) = site() else { return };
    site.job.clone().shut_down().await;
    let done = within(Runner::run(&site.job, call("pid", Vec::new()))).await;
    let error = done.result.expect_err("no worker").message;
    assert_eq!(error, "the daemon is shutting down");
}

#[tokio::test]
async fn many_quick_nodes_need_no_second_process() {
    let Some(site) = site() else { return };
    run(&site, call("pid", Vec::new())).await;
    let mut pids = std::collections::BTreeSet::new();
    for _ in 0..50 {
        pids.insert(text(&run(&site, call("pid", Vec::new())).await).to_owned());
    }
    assert_eq!(pids.len(), 1);
}

#[tokio::test]
async fn a_flow_that_is_dropped_cancels_its_nodes() {
    let Some(site) = site() else { return };
    let before = text(&run(&site, call("pid", Vec::new())).await).to_owned();
    fifo(&site, "gate");
    site.file(
        "waits.py",
        "def main():\n    open('started', 'w').close()\n    open('gate').read()\n",
    );
    let job = Arc::new(site.job.clone());
    let flow = tokio::spawn(async move { Runner::run(&*job, call("waits", Vec::new())).await });
    site.until(|status| status.busy_with.as_deref() == Some("waits.py"))
        .await;
    flow.abort();
    site.until(|status| status.busy_with.is_none()).await;
    assert_eq!(text(&run(&site, call("pid", Vec::new())).await), before);
}

/// Under load a worker gets to its node late.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_interrupt_that_comes_before_its_node_is_picked_up_is_not_lost() {
    use rustix::process::{Pid, Signal, kill_process};
    let Some(site) = site() else { return };
    let before = text(&run(&site, call("pid", Vec::new())).await).to_owned();
    let number: i32 = before.parse().expect("a pid");
    let worker = Pid::from_raw(number).expect("a pid");
    kill_process(worker, Signal::STOP).expect("stopped");
    fifo(&site, "gate");
    site.file("waits.py", "def main():\n    open('gate').read()\n");
    let job = site.job.clone();
    let flow = tokio::spawn(async move { Runner::run(&job, call("waits", Vec::new())).await });
    site.until(|status| status.busy_with.as_deref() == Some("waits.py"))
        .await;
    flow.abort();
    let waits_for_it = || {
        let status =
            std::fs::read_to_string(format!("/proc/{number}/status")).expect("it is there");
        let signals = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
        let signals = u64::from_str_radix(signals.expect("a line").trim(), 16).expect("a number");
        signals & (1 << (Signal::INT.as_raw() - 1)) != 0
    };
    within(async {
        while !waits_for_it() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // It hears of the interrupt first, and of the node then.
    kill_process(worker, Signal::CONT).expect("goes on");
    assert_eq!(text(&run(&site, call("pid", Vec::new())).await), before);
}

fn result(done: NodeDone<Kept>) -> Output<Kept> {
    done.result.expect("an output")
}

#[tokio::test]
async fn what_json_would_change_goes_on_as_it_is() {
    let Some(site) = site() else { return };
    site.file(
        "gives.py",
        "def main():\n    return {1: (1, 2), 'n': float('nan')}\n",
    );
    site.file("looks.py", "def RunScript(a):\n    return repr(a)\n");
    let output = run(&site, call("gives", Vec::new())).await;
    assert_eq!(text(&output), r#"{"1":[1,2],"n":null}"#);
    assert!(output.is_whole, "answers show it as JSON");
    let object = output.object.expect("an object");
    let output = run(&site, call("looks", vec![edge(Value::Object(object), "a")])).await;
    assert_eq!(text(&output), r#""{1: (1, 2), 'n': nan}""#);
    assert!(output.object.is_none());
}
