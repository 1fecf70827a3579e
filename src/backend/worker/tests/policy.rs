use std::time::Duration;

use super::site::Site;
use crate::api::v1::{RestartRequest, WorkerState};

/// Its worker's memory tells whether it is the same one.
const USES: &str = "import sys, used\ndef main():\n    sys.count = getattr(sys, 'count', 0) + 1\n    \
    return [sys.count, used.VERSION]\n";

fn with_policy(policy: &str) -> Option<Site> {
    let site = Site::new()?;
    site.file(".aim.toml", &format!("[worker]\npolicy = \"{policy}\"\n"));
    site.install("used.py", "VERSION = 1\n");
    Some(site)
}

async fn last_refresh(site: &Site) -> String {
    site.job.status().await.last_refresh.unwrap_or_default()
}

#[tokio::test]
async fn loaded_keeps_the_worker_while_nothing_that_it_has_loaded_changes() {
    let Some(site) = with_policy("loaded") else {
        return;
    };
    assert_eq!(site.run(USES).await.reply["output"].to_string(), "[1,1]");
    site.install("other.py", "VERSION = 7\n");
    site.raise(2);
    let ran = site.run_file("node.py", "{}").await;
    assert_eq!(
        (ran.reply["output"].to_string(), &ran.reply["generation"]),
        ("[2,1]".to_owned(), &2.into())
    );
    assert!(last_refresh(&site).await.starts_with("kept: "));
    let ran = site
        .run("import other\ndef main():\n    return other.VERSION\n")
        .await;
    assert_eq!(ran.reply["output"], 7, "{}", ran.reply);
    // A nudge while nothing runs is followed at once.
    site.raise_and_nudge(3).await;
    let status = site.until(|status| status.is_ready_at(3)).await;
    assert_eq!(status.restarts, 0);
}

#[tokio::test]
async fn loaded_replaces_the_worker_when_a_loaded_file_changed_or_went() {
    let Some(site) = with_policy("loaded") else {
        return;
    };
    site.run(USES).await;
    site.install("used.py", "VERSION = 'second'\n");
    site.raise(2);
    let ran = site.run(USES).await;
    assert_eq!(
        ran.reply["output"].to_string(),
        "[1,\"second\"]",
        "{}",
        ran.reply
    );
    let why = last_refresh(&site).await;
    assert!(
        why.starts_with("replaced: ") && why.contains("used.py changed"),
        "{why}"
    );
    site.install("more.pth", "/tmp\n");
    site.raise(3);
    assert_eq!(site.run(USES).await.reply["output"][0], 1);
    assert!(last_refresh(&site).await.contains("more.pth"));
}

#[tokio::test]
async fn loaded_asks_a_busy_worker_when_it_is_done() {
    let Some(site) = with_policy("loaded") else {
        return;
    };
    let gate = super::site::fifo(&site, "gate");
    site.file("waits.py", "def main():\n    open('gate').read()\n");
    let node = site.run_file("waits.py", "{}");
    let change = async {
        site.until(|status| status.state == WorkerState::Busy).await;
        site.raise_and_nudge(2).await;
        drop(super::site::open(&gate, true).await);
        site.until(|status| status.is_ready_at(2)).await
    };
    let (ran, status) = tokio::join!(node, change);
    assert_eq!((&ran.reply["generation"], status.restarts), (&1.into(), 0));
}

#[tokio::test]
async fn manual_waits_for_a_restart_by_hand() {
    let Some(site) = with_policy("manual") else {
        return;
    };
    site.run(USES).await;
    site.install("used.py", "VERSION = 'second'\n");
    site.raise_and_nudge(2).await;
    let ran = site.run_file("node.py", "{}").await;
    assert_eq!(
        (ran.reply["output"].to_string(), &ran.reply["generation"]),
        ("[2,1]".to_owned(), &1.into())
    );
    let status = site.job.status().await;
    assert_eq!((status.generation, status.env_generation), (Some(1), 2));
    assert!(status.stays);
    assert!(last_refresh(&site).await.contains("stale"));
    site.job
        .restart(RestartRequest::default())
        .await
        .expect("a worker");
    assert_eq!(
        site.run_file("node.py", "{}").await.reply["output"].to_string(),
        "[1,\"second\"]"
    );
    assert!(!site.job.status().await.stays);
}

#[tokio::test]
async fn a_failed_start_is_tried_again_by_itself() {
    let Some(site) = Site::with(|settings| settings.retry = Duration::from_millis(20)) else {
        return;
    };
    site.run(USES).await;
    let mend = site.break_python("#!/bin/sh\nexit 3\n");
    site.raise_and_nudge(2).await;
    site.until(|status| status.last_error.is_some()).await;
    mend();
    // The mended interpreter is another file than the one before: this is the nudge's own try or the one after it.
    site.until(|status| status.is_ready_at(2)).await;
}

#[tokio::test]
async fn the_old_worker_is_kept_on_failure_where_the_project_says_so() {
    let Some(site) = Site::new() else { return };
    site.file(".aim.toml", "[worker]\nkeep_old_on_failure = true\n");
    site.install("used.py", "VERSION = 1\n");
    site.run(USES).await;
    let mend = site.break_python("#!/bin/sh\nexit 3\n");
    site.raise_and_nudge(2).await;
    site.until(|status| status.last_error.is_some()).await;
    let ran = site.run(USES).await;
    assert_eq!(
        (ran.reply["output"].to_string(), &ran.reply["generation"]),
        ("[2,1]".to_owned(), &1.into())
    );
    mend();
    let restarted = site.job.restart(RestartRequest::default()).await;
    assert_eq!(restarted.expect("a worker").worker.generation, Some(2));
}

#[tokio::test]
async fn manual_keeps_a_worker_whose_files_were_edited_by_hand() {
    let Some(site) = with_policy("manual") else {
        return;
    };
    site.install("installed.py", "X = 1");
    let node = "import installed\ndef main():\n    return installed.X\n";
    assert_eq!(site.run(node).await.reply["output"], 1);
    let pid = site.job.status().await.pid;
    site.install("installed.py", "X = 'two'");
    for _ in 0..3 {
        assert_eq!(site.run(node).await.reply["output"], 1);
    }
    assert_eq!(site.job.status().await.pid, pid);
    assert!(last_refresh(&site).await.starts_with("kept: "));
    site.job
        .restart(RestartRequest::default())
        .await
        .expect("restarted");
    assert_eq!(site.run(node).await.reply["output"], "two");
}
