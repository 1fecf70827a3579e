use std::time::Duration;

use super::site::{Ran, Site, fifo, node, within};
use crate::api::v1::{NodeRun, WorkerState};

/// Says that it runs, then waits for what never comes.
const WAITS: &str = "import time\ndef main():\n    open('runs', 'a').write('x')\n    \
    print('waiting', flush=True)\n    time.sleep(600)\n";
/// A call into C that looks at no signal.
const DEAF: &str =
    "def main():\n    print('counting', flush=True)\n    return sum(range(10 ** 14))\n";
const PID: &str = "import os\ndef main():\n    return os.getpid()\n";

fn limited(file: &str, timeout_s: f64) -> NodeRun {
    NodeRun {
        timeout_s: Some(timeout_s),
        ..node(file, "{}")
    }
}

fn quick() -> Option<Site> {
    Site::with(|settings| settings.grace = Duration::from_millis(300))
}

/// Interrupts what runs once it has printed something.
async fn interrupted(site: &Site, source: &str) -> Ran {
    site.file("node.py", source);
    let (output, mut chunks) = tokio::sync::mpsc::channel(8);
    let run = site.job.run(node("node.py", "{}"), output);
    let interrupt = async {
        let printed = within(chunks.recv()).await.expect("a chunk").text;
        assert_eq!(site.job.interrupt(None).await, 1);
        printed
    };
    let (reply, printed) = within(async { tokio::join!(run, interrupt) }).await;
    Ran {
        reply: reply.into_json().read().expect("a reply"),
        printed,
    }
}

#[tokio::test]
async fn a_node_out_of_time_is_interrupted_and_its_worker_lives_on() {
    let Some(site) = Site::new() else { return };
    let before = site.run(PID).await.reply["output"].clone();
    site.file("waits.py", WAITS);
    let ran = site.run_node(limited("waits.py", 0.2)).await;
    assert_eq!(
        (&ran.reply["error"], &ran.reply["code"]),
        (&"Node timed out after 0.2 s".into(), &"timeout".into())
    );
    let traceback = ran.reply["traceback"].as_str().expect("a traceback");
    assert!(
        traceback.contains("time.sleep(600)") && traceback.contains("KeyboardInterrupt"),
        "{traceback}"
    );
    assert_eq!(
        std::fs::read_to_string(site.root.join("runs")).expect("read"),
        "x"
    );
    assert_eq!(site.run(PID).await.reply["output"], before);
}

#[tokio::test]
async fn a_node_that_hears_no_interrupt_is_killed_and_not_run_again() {
    let Some(site) = quick() else { return };
    let before = site.run(PID).await.reply["output"].clone();
    site.file("deaf.py", DEAF);
    let ran = site.run_node(limited("deaf.py", 0.1)).await;
    assert_eq!(
        (&ran.reply["error"], &ran.reply["code"]),
        (&"Node timed out after 0.1 s".into(), &"timeout".into()),
        "{}",
        ran.reply
    );
    assert_eq!(ran.printed, "counting\n");
    let after = site.run(PID).await.reply;
    assert_eq!(after["ok"], true, "{after}");
    assert_ne!(after["output"], before);
}

#[tokio::test]
async fn a_node_that_is_done_in_time_hears_nothing_of_its_limit() {
    let Some(site) = Site::new() else { return };
    site.file("node.py", PID);
    for limit in [60.0, f64::MAX] {
        let ran = site.run_node(limited("node.py", limit)).await;
        assert_eq!(ran.reply["ok"], true, "{}", ran.reply);
    }
}

#[tokio::test]
async fn an_interrupt_ends_the_node_that_runs() {
    let Some(site) = quick() else { return };
    let ran = interrupted(&site, WAITS).await;
    assert_eq!(
        (&ran.reply["ok"], &ran.reply["code"]),
        (&false.into(), &"interrupted".into()),
        "{}",
        ran.reply
    );
    let ran = interrupted(&site, DEAF).await;
    assert_eq!(ran.reply["code"], "interrupted");
    assert_eq!(site.job.interrupt(None).await, 0);
    assert_eq!(site.run(PID).await.reply["ok"], true);
}

#[tokio::test]
async fn an_interrupt_takes_nodes_of_that_file_from_the_queue() {
    let Some(site) = Site::new() else { return };
    fifo(&site, "gate");
    site.file("first.py", "def main():\n    open('gate').read()\n");
    site.file("second.py", "def main():\n    open('ran', 'w').close()\n");
    let first = site.run_file("first.py", "{}");
    let second = async {
        site.until(|status| status.state == WorkerState::Busy).await;
        let second = site.run_file("second.py", "{}");
        let interrupt = async {
            while site.job.interrupt(Some("second.py")).await == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(site.job.interrupt(Some("first.py")).await, 1);
        };
        tokio::join!(second, interrupt).0
    };
    let (first, second) = tokio::join!(Box::pin(first), Box::pin(second));
    assert_eq!(first.reply["code"], "interrupted");
    assert_eq!(second.reply["code"], "interrupted");
    assert!(!site.root.join("ran").exists());
}

#[tokio::test]
async fn a_node_that_nobody_waits_for_any_more_is_cancelled() {
    let Some(site) = Site::new() else { return };
    let before = site.run(PID).await.reply["output"].clone();
    site.file("node.py", WAITS);
    let (output, mut chunks) = tokio::sync::mpsc::channel(8);
    let job = site.job.clone();
    let run = tokio::spawn(async move { job.run(node("node.py", "{}"), output).await });
    within(chunks.recv()).await.expect("a chunk");
    run.abort();
    assert_eq!(site.run(PID).await.reply["output"], before);
}
