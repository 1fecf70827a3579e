use rustix::process::{Pid, Signal, kill_process};

use super::site::{Site, fifo, node, open, within};
use crate::api::v1::{RestartRequest, WorkerState};

const BROKEN: &str = "#!/bin/sh\necho printed\necho 'no such library' >&2\nexit 3\n";
const NOTHING: &str = "def main():\n    pass\n";

#[tokio::test]
async fn a_restart_that_fails_says_why_and_is_tried_again_by_the_next_node() {
    let Some(site) = Site::new() else { return };
    site.run(NOTHING).await;
    let mend = site.break_python(BROKEN);
    site.raise(2);
    let ran = site.run(NOTHING).await;
    assert_eq!(
        ran.reply["error"],
        "환경 갱신 실패: the new process ended with exit code 3: no such library"
    );
    assert_eq!(
        (&ran.reply["ok"], &ran.reply["code"]),
        (&false.into(), &"environment-refresh-failed".into())
    );
    let status = site.job.status().await;
    assert_eq!((status.state, status.pid), (WorkerState::Failed, None));
    assert!(status.last_error.expect("an error").contains("exit code 3"));
    let log = site.log();
    for expected in [
        "printed\n",
        "no such library\n",
        "environment refresh failed: the new process ended",
    ] {
        assert!(log.contains(expected), "{log}");
    }
    let error = site
        .job
        .restart(RestartRequest::default())
        .await
        .expect_err("still broken");
    assert!(error.to_string().starts_with("환경 갱신 실패: "), "{error}");
    // The same generation is not worth another try by itself.
    site.raise_and_nudge(2).await;
    assert_eq!(site.job.status().await.state, WorkerState::Failed);
    mend();
    let ran = site.run(NOTHING).await;
    assert_eq!(ran.reply["generation"], 2, "{}", ran.reply);
    assert_eq!(site.job.status().await.last_error, None);
}

#[tokio::test]
async fn a_failed_project_recovers_with_the_next_generation() {
    let Some(site) = Site::new() else { return };
    let mend = site.break_python(BROKEN);
    assert_eq!(
        site.run(NOTHING).await.reply["code"],
        "environment-refresh-failed"
    );
    mend();
    site.raise_and_nudge(2).await;
    site.until(|status| status.is_ready_at(2)).await;
}

#[tokio::test]
async fn an_interpreter_that_is_gone_or_says_nothing_is_a_failed_start() {
    let Some(site) =
        Site::with(|settings| settings.start_limit = std::time::Duration::from_millis(300))
    else {
        return;
    };
    let mend = site.break_python("#!/bin/sh\necho waiting\nexec sleep 600\n");
    let ran = site.run(NOTHING).await;
    assert_eq!(
        ran.reply["error"],
        "환경 갱신 실패: the new process gave no answer in 0.3 s"
    );
    assert!(site.log().contains("waiting\n"));
    mend();
    std::fs::remove_file(site.python()).expect("remove");
    let ran = site.run(NOTHING).await;
    let error = ran.reply["error"].as_str().expect("an error");
    assert!(error.contains("interpreter is gone"), "{error}");
}

#[tokio::test]
async fn an_environment_that_breaks_at_activation_is_a_failed_start() {
    let Some(site) = Site::new() else { return };
    site.run(NOTHING).await;
    site.install(
        "broken.pth",
        "import os; print('on the way', flush=True); os._exit(4)\n",
    );
    site.raise(2);
    let ran = site.run(NOTHING).await;
    assert_eq!(
        ran.reply["error"],
        "환경 갱신 실패: the new process ended with exit code 4: on the way"
    );
}

#[tokio::test]
async fn what_a_start_prints_is_in_the_log_as_it_comes() {
    let Some(site) = Site::new() else { return };
    site.install(
        "slow.pth",
        // Names of such a line are no globals, so a lambda does not find them.
        "import os; print('looking around', flush=True); \
         [__import__('time').sleep(0.001) for _ in iter(lambda: __import__('os').path.exists('go'), True)]\n",
    );
    let log = async {
        while !site.log().contains("looking around\n") {
            tokio::task::yield_now().await;
        }
        let log = site.log();
        site.file("go", "");
        log
    };
    let (ran, log) = tokio::join!(Box::pin(site.run(NOTHING)), within(log));
    assert_eq!(ran.reply["ok"], true, "{}", ran.reply);
    assert!(!log.contains("ready"), "{log}");
    assert!(site.log().contains("ready"), "{}", site.log());
}

#[tokio::test]
async fn a_worker_that_is_killed_answers_its_node_once_and_is_replaced() {
    let Some(site) = Site::new() else { return };
    let source = "import os, signal, sys\ndef main():\n    open('count', 'a').write('x')\n    \
        print('last words')\n    os.kill(os.getpid(), signal.SIGKILL)\n";
    let ran = site.run(source).await;
    assert_eq!(
        (&ran.reply["ok"], &ran.reply["error"], &ran.reply["signal"]),
        (&false.into(), &"worker-exit".into(), &"SIGKILL".into())
    );
    assert!(
        ran.reply["detail"]
            .as_str()
            .expect("text")
            .ends_with("was killed by SIGKILL while it ran node.py")
    );
    assert_eq!(ran.printed, "last words\n");
    assert_eq!(
        std::fs::read_to_string(site.root.join("count")).expect("read"),
        "x"
    );
    let status = site.job.status().await;
    let exit = status.last_exit.expect("an exit");
    assert_eq!(
        (exit.signal.as_deref(), exit.was_running.as_deref()),
        (Some("SIGKILL"), Some("node.py"))
    );
    assert_eq!(status.state, WorkerState::Stopped);
    assert_eq!(site.run(NOTHING).await.reply["ok"], true);
}

#[tokio::test]
async fn a_worker_that_dies_while_idle_is_noticed() {
    let Some(site) = Site::new() else { return };
    site.run(NOTHING).await;
    let pid = site.job.status().await.pid.expect("a pid");
    let process = Pid::from_raw(pid.cast_signed()).expect("a pid");
    kill_process(process, Signal::KILL).expect("killed");
    let status = site
        .until(|status| status.state == WorkerState::Stopped)
        .await;
    assert_eq!(
        status.last_exit.map(|exit| (exit.pid, exit.was_running)),
        Some((pid, None))
    );
    assert_eq!(site.run(NOTHING).await.reply["ok"], true);
}

#[tokio::test]
async fn a_node_that_ends_the_process_gives_its_exit_code() {
    let Some(site) = Site::new() else { return };
    let ran = site.run("import os\ndef main():\n    os._exit(7)\n").await;
    assert_eq!(
        (&ran.reply["error"], &ran.reply["exit_code"]),
        (&"worker-exit".into(), &7.into())
    );
}

#[tokio::test]
async fn a_node_that_closes_the_protocol_loses_only_its_worker() {
    let Some(site) = Site::new() else { return };
    let ran = site
        .run("import os\ndef main():\n    os.closerange(3, 1024)\n    os.kill(os.getpid(), 19)\n")
        .await;
    assert_eq!(ran.reply["error"], "worker-exit", "{}", ran.reply);
    assert_eq!(site.run(NOTHING).await.reply["ok"], true);
}

#[tokio::test]
async fn a_script_that_cannot_be_used_is_a_failed_start_and_no_more() {
    use std::os::unix::fs::PermissionsExt;
    let Some(site) = Site::new() else { return };
    let folder = site.script_folder();
    let allow = |mode| {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).expect("mode");
    };
    std::fs::create_dir(&folder).expect("folder");
    allow(0o755);
    let ran = site.run(NOTHING).await;
    assert_eq!(ran.reply["code"], "environment-refresh-failed");
    let error = ran.reply["error"].as_str().expect("an error");
    assert!(error.contains("is not a private folder of ours"), "{error}");
    allow(0o700);
    std::fs::write(folder.join("aim_worker.py"), "not Python").expect("write");
    let ran = site.run(NOTHING).await;
    assert_eq!(ran.reply["ok"], true, "{}", ran.reply);
}

#[tokio::test]
async fn fifty_projects_have_a_worker_each_at_the_same_time() {
    let Some(site) = Site::new() else { return };
    let sites: Vec<Site> = (0..50).map(|_| site.another()).collect();
    let runs = sites
        .iter()
        .map(|site| site.run("import os\ndef main():\n    return os.getpid()\n"));
    let mut pids = std::collections::BTreeSet::new();
    for ran in futures(runs).await {
        assert_eq!(ran["ok"], true, "{ran}");
        pids.insert(ran["output"].as_u64());
    }
    assert_eq!(pids.len(), 50);
    for site in &sites {
        site.job.clone().shut_down().await;
    }
}

/// All at once.
async fn futures(
    runs: impl Iterator<Item = impl Future<Output = super::site::Ran>>,
) -> Vec<serde_json::Value> {
    let mut runs: Vec<_> = runs.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        runs.retain_mut(|run| match run.as_mut().poll(context) {
            std::task::Poll::Ready(ran) => {
                done.push(ran.reply);
                false
            }
            std::task::Poll::Pending => true,
        });
        if runs.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[tokio::test]
async fn a_panic_ends_neither_the_project_nor_what_waits() {
    let Some(site) = Site::new() else { return };
    let gate = fifo(&site, "gate");
    site.file("slow.py", "def main():\n    open('gate').read()\n");
    site.file(
        "next.py",
        "def main():\n    open('ran', 'a').write('x')\n    return 7\n",
    );
    let events = site.job.events().clone();
    let mark = events.now();
    let (slow, next) = (site.job.clone(), site.job.clone());
    let slow = async move {
        slow.run(node("slow.py", "{}"), tokio::sync::mpsc::channel(1).0)
            .await
    };
    let next = async move {
        next.run(node("next.py", "{}"), tokio::sync::mpsc::channel(1).0)
            .await
    };
    let panicking = async {
        site.until(|status| status.busy_with.as_deref() == Some("slow.py"))
            .await;
        let held = open(&gate, true).await;
        site.job.panic().await;
        held
    };
    let (slow, next, _held) = within(async { tokio::join!(biased; slow, next, panicking) }).await;
    let slow: serde_json::Value = slow.into_json().read().expect("a reply");
    assert_eq!(
        (&slow["ok"], &slow["code"]),
        (&false.into(), &"internal".into()),
        "{slow}"
    );
    assert!(
        slow["detail"].as_str().expect("why").contains("on purpose"),
        "{slow}"
    );
    let next: serde_json::Value = next.into_json().read().expect("a reply");
    assert_eq!(
        (&next["ok"], &next["output"]),
        (&true.into(), &7.into()),
        "{next}"
    );
    let ran = std::fs::read_to_string(site.root.join("ran")).expect("read");
    assert_eq!(ran, "x", "run once");
    let mut mark = Some(mark);
    let failed = loop {
        let told = within(events.next(mark)).await;
        mark = Some(told.mark);
        if told.event.kind == crate::api::v1::EventKind::WorkerFailed {
            break told.event.reason.clone().expect("why");
        }
    };
    assert!(failed.contains("on purpose"), "{failed}");
    assert!(
        site.log().contains("the daemon failed: on purpose"),
        "{}",
        site.log()
    );
}

#[tokio::test]
async fn whoever_asks_is_told_of_a_panic_until_a_worker_starts() {
    let Some(site) = Site::new() else { return };
    let before = site.run(NOTHING).await.reply;
    site.job.panic().await;
    let status = site.until(|status| status.last_error.is_some()).await;
    assert_eq!(status.pid, None);
    assert!(status.last_error.expect("why").contains("on purpose"));
    site.job.panic().await;
    site.job.panic().await;
    let after = site.run(NOTHING).await.reply;
    assert_eq!(
        (&before["ok"], &after["ok"]),
        (&true.into(), &true.into()),
        "{after}"
    );
    assert_eq!(site.job.status().await.last_error, None);
    within(site.job.clone().shut_down()).await;
}

#[tokio::test]
async fn a_worker_that_died_before_its_node_fails_no_node() {
    let Some(site) = Site::new() else { return };
    site.file(
        "counts.py",
        "import os\ndef main():\n    with open('count', 'a') as s: s.write('x')\n    return os.getpid()\n",
    );
    let mut last = site.run_file("counts.py", "{}").await.reply["output"].clone();
    for count in 2..12 {
        let pid = i32::try_from(last.as_i64().expect("a process")).expect("an id");
        let process = Pid::from_raw(pid).expect("an id");
        // Nobody looks at the process meanwhile: this thread goes on at once.
        kill_process(process, Signal::KILL).expect("killed");
        let ran = site.run_file("counts.py", "{}").await;
        assert_eq!(ran.reply["ok"], true, "{}", ran.reply);
        assert_ne!(ran.reply["output"], last);
        last = ran.reply["output"].clone();
        let counted = std::fs::read_to_string(site.file("marker", "").with_file_name("count"));
        assert_eq!(counted.expect("counted").len(), count, "each ran once");
    }
}

/// Writes forged answers, events and nonsense into every descriptor, and once more when it is long done.
const FORGER: &str = r#"
import os, threading

FORGED = ['{"id":%s,"ok":true,"output":"forged","kept":true,"time_ms":0}' % i for i in (
    ['null', '""', '"activate"', '"modules"', '"release"'] + ['"%d"' % n for n in range(1, 40)])]
FORGED += ['{"event":"%s","ok":true}' % e for e in ('interrupted', 'ready', 'spare')] + ['', '{', 'null', '[]']
NOISE = '\n'.join(FORGED).encode() + b'\n\xff\xfe\n{"id":"1",'

def forge(count=1):
    for _ in range(count):
        for fd in range(3, 1100):
            try:
                os.write(fd, NOISE)
            except OSError:
                pass

def RunScript(n):
    forge()
    if n == 2:
        threading.Thread(target=forge, args=(20,)).start()
    return {'real': n}
"#;

#[tokio::test]
async fn nothing_that_a_node_writes_anywhere_is_taken_for_an_answer() {
    let Some(site) = Site::new() else { return };
    site.file("forger.py", FORGER);
    site.file("plain.py", "def RunScript(n):\n    return n\n");
    let mut pid = None;
    for n in 1..=4 {
        let forger = site.run_file("forger.py", &format!(r#"{{"n":{n}}}"#)).await;
        assert_eq!(forger.reply["ok"], true, "{}", forger.reply);
        assert_eq!(forger.reply["output"], serde_json::json!({"real": n}));
        let plain = site.run_file("plain.py", &format!(r#"{{"n":{n}}}"#)).await;
        assert_eq!(plain.reply["output"], n, "{}", plain.reply);
        // Another one is not started for it either.
        let now = site.job.status().await.pid;
        assert_eq!(*pid.get_or_insert(now), now);
    }
    let log = site.log();
    assert_eq!(log.matches("that is no answer").count(), 1, "{log}");
}

#[tokio::test]
async fn an_interrupt_is_not_put_off_by_a_forged_one() {
    let Some(site) = Site::with(|settings| settings.grace = std::time::Duration::from_secs(60))
    else {
        return;
    };
    site.file(
        "stubborn.py",
        "import os, time, signal\n\
         def main():\n    \
             for fd in range(3, 1100):\n        \
                 try: os.write(fd, b'{\"event\":\"interrupted\"}\\n' * 99)\n        \
                 except OSError: pass\n    \
             while True:\n        \
                 try: time.sleep(600)\n        \
                 except KeyboardInterrupt: return 'heard'\n",
    );
    let mut run = node("stubborn.py", "null");
    run.timeout_s = Some(0.2);
    let ran = site.run_node(run).await;
    assert_eq!(ran.reply["output"], "heard", "{}", ran.reply);
}
