use std::path::PathBuf;

use super::site::{Ran, Site, fifo, is_running, open, within};
use crate::api::v1::{RestartRequest, When, WorkerState};

/// Leaves children behind, one of which ignores SIGTERM, and says who they are.
const CHILDREN: &str = "import os, signal, subprocess, time\n\
    def main():\n    \
        pids = [subprocess.Popen(['sleep', '600']).pid for _ in range(3)]\n    \
        ready, told = os.pipe()\n    \
        child = os.fork()\n    \
        if child == 0:\n        \
            signal.signal(signal.SIGTERM, signal.SIG_IGN)\n        \
            os.write(told, b'x')\n        \
            time.sleep(600)\n    \
        os.read(ready, 1)\n    \
        return pids + [child]\n";
const WAITS: &str = "def main():\n    open('gate').read()\n    return 'done'\n";

fn pids(ran: &Ran) -> Vec<u32> {
    serde_json::from_value(ran.reply["output"].clone()).expect("pids")
}

#[tokio::test]
async fn children_of_nodes_do_not_outlive_their_worker() {
    let Some(site) = Site::with(|settings| settings.grace = std::time::Duration::from_millis(200))
    else {
        return;
    };
    let children = pids(&site.run(CHILDREN).await);
    assert!(children.iter().all(|pid| is_running(*pid)));
    site.job.stop(When::Idle).await;
    assert_eq!(children.iter().filter(|pid| is_running(**pid)).count(), 0);
    let status = site.job.status().await;
    assert_eq!(
        (status.state, status.pid, status.last_exit),
        (WorkerState::Stopped, None, None)
    );
}

#[tokio::test]
async fn children_of_nodes_do_not_outlive_a_worker_that_died() {
    let Some(site) = Site::new() else { return };
    let children = pids(&site.run(CHILDREN).await);
    site.run("import os\ndef main():\n    os._exit(1)\n").await;
    site.job.clone().shut_down().await;
    assert_eq!(children.iter().filter(|pid| is_running(**pid)).count(), 0);
}

/// Leaves two hundred behind: half of them in sessions of their own.
const CROWD: &str = "import subprocess\ndef main():\n    \
    return [subprocess.Popen(['sleep', '600'], start_new_session=n % 2 == 0).pid for n in range(200)]\n";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn two_hundred_children_go_with_their_worker_wherever_they_hide() {
    let Some(site) = Site::new() else { return };
    let children = pids(&site.run(CROWD).await);
    site.raise(2);
    site.run("").await;
    site.job.stop(When::Idle).await;
    let is_there = |pid: &&u32| {
        std::path::Path::new(&format!("/proc/{pid}/exe"))
            .read_link()
            .is_ok()
    };
    assert_eq!(children.iter().filter(is_there).count(), 0);

    let children = pids(&site.run(CROWD).await);
    assert_eq!(children.iter().filter(is_there).count(), 200);
    site.run("import os\ndef main():\n    os._exit(1)\n").await;
    site.job.stop(When::Idle).await;
    assert_eq!(children.iter().filter(is_there).count(), 0);
}

#[tokio::test]
async fn stop_waits_for_the_node_and_stop_now_does_not() {
    let Some(site) = Site::new() else { return };
    let gate = fifo(&site, "gate");
    let node = site.run(WAITS);
    let opened = async {
        site.until(|status| status.state == WorkerState::Busy).await;
        let stop = site.job.stop(When::Idle);
        tokio::join!(stop, async { drop(open(&gate, true).await) });
    };
    let (ran, ()) = within(Box::pin(async { tokio::join!(node, opened) })).await;
    assert_eq!(ran.reply["output"], "done");
    assert_eq!(site.job.status().await.state, WorkerState::Stopped);

    let node = site.run(WAITS);
    let stopped = async {
        site.until(|status| status.state == WorkerState::Busy).await;
        site.job.stop(When::Now).await;
    };
    let (ran, ()) = within(async { tokio::join!(node, stopped) }).await;
    assert_eq!(
        (&ran.reply["error"], &ran.reply["code"]),
        (&"worker-exit".into(), &"worker-stopped".into())
    );
    assert_eq!(site.job.status().await.pid, None);
}

#[tokio::test]
async fn a_restart_gives_another_process_on_the_same_generation() {
    let Some(site) = Site::new() else { return };
    let first = site.job.start_worker().await.expect("a worker");
    assert_eq!(
        site.job.start_worker().await.expect("the same").pid,
        first.pid
    );
    let restarted = site
        .job
        .restart(RestartRequest::default())
        .await
        .expect("a worker");
    assert!(restarted.restarted);
    assert_eq!(
        (restarted.old_pid, restarted.new_pid),
        (first.pid, restarted.worker.pid)
    );
    assert_ne!(restarted.old_pid, restarted.new_pid);
    assert_eq!(
        (restarted.worker.restarts, restarted.worker.generation),
        (1, Some(1))
    );
}

#[tokio::test]
async fn a_restart_waits_for_the_node_as_long_as_its_asker_does() {
    let Some(site) = Site::new() else { return };
    let gate = fifo(&site, "gate");
    let node = site.run(WAITS);
    let asked = async {
        let busy = site.until(|status| status.state == WorkerState::Busy).await;
        let request = RestartRequest {
            wait_s: Some(0.0),
            ..RestartRequest::default()
        };
        let restarted = site.job.restart(request).await.expect("no failure");
        assert!(!restarted.restarted);
        assert_eq!(
            (restarted.old_pid, restarted.worker.pid),
            (busy.pid, busy.pid)
        );
        drop(open(&gate, true).await);
        site.until(|status| status.restarts == 1).await;
    };
    let (ran, ()) = Box::pin(within(Box::pin(async { tokio::join!(node, asked) }))).await;
    assert_eq!(ran.reply["output"], "done");
}

#[tokio::test]
async fn a_restart_now_ends_the_node() {
    let Some(site) = Site::new() else { return };
    fifo(&site, "gate");
    let node = site.run(WAITS);
    let asked = async {
        site.until(|status| status.state == WorkerState::Busy).await;
        let request = RestartRequest {
            when: When::Now,
            ..RestartRequest::default()
        };
        assert!(site.job.restart(request).await.expect("a worker").restarted);
    };
    let (ran, ()) = within(Box::pin(async { tokio::join!(node, asked) })).await;
    assert_eq!(ran.reply["code"], "worker-restarted");
}

#[tokio::test]
async fn after_the_end_everybody_is_told_so() {
    let Some(site) = Site::new() else { return };
    let pid = site
        .job
        .start_worker()
        .await
        .expect("a worker")
        .pid
        .expect("a pid");
    site.job.clone().shut_down().await;
    assert!(!is_running(pid));
    assert_eq!(site.run("").await.reply["code"], "shutting-down");
    assert!(site.job.start_worker().await.is_err());
}

#[tokio::test]
async fn a_worker_that_is_replaced_or_stopped_does_what_python_does_at_its_end() {
    let Some(site) = Site::new() else { return };
    let leaves = "import sys, tempfile, threading, atexit\ndef main():\n    \
                  sys.left = tempfile.TemporaryDirectory()\n    \
                  atexit.register(print, 'last words')\n    \
                  threading.Thread(target=open, args=(sys.left.name + '.joined', 'w')).start()\n    \
                  return sys.left.name\n";
    for count in 1..=3 {
        let ran = site.run(leaves).await;
        let folder = PathBuf::from(ran.reply["output"].as_str().expect("a path"));
        assert!(folder.is_dir());
        let old = site.job.status().await.pid.expect("a worker");
        if count == 3 {
            site.job.stop(When::Idle).await;
        } else {
            site.raise_and_nudge(count + 1).await;
            site.until(|status| status.is_ready_at(count + 1)).await;
        }
        within(async {
            while is_running(old) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(!folder.exists(), "{count}");
        std::fs::remove_file(folder.with_extension("joined")).expect("it was joined");
    }
    site.job.stop(When::Idle).await;
    assert_eq!(
        site.log().matches("last words").count(),
        3,
        "{}",
        site.log()
    );
}

#[tokio::test]
async fn an_end_that_never_ends_is_cut_off() {
    let Some(site) = Site::with(|settings| settings.grace = std::time::Duration::from_millis(400))
    else {
        return;
    };
    site.run("import atexit, time\ndef main():\n    atexit.register(time.sleep, 600)\n")
        .await;
    within(site.job.stop(When::Idle)).await;
    assert_eq!(site.job.status().await.pid, None);
}
