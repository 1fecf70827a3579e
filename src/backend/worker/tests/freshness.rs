use super::site::{Site, fifo, is_running, node, open, within};
use crate::api::v1::WorkerState;

const IMPORT: &str = "def main():\n    import fresh\n    return fresh.VERSION\n";

#[tokio::test]
async fn the_next_node_sees_what_was_installed_without_any_nudge() {
    let Some(site) = Site::new() else { return };
    let first = site.run(IMPORT).await;
    assert_eq!(
        first.reply["error"], "No module named 'fresh'",
        "{}",
        first.reply
    );
    let old = site.job.status().await;
    site.install("fresh.py", "VERSION = 1\n");
    site.raise(2);
    let second = site.run_file("node.py", "{}").await;
    assert_eq!(
        (&second.reply["output"], &second.reply["generation"]),
        (&1.into(), &2.into())
    );
    let new = site.job.status().await;
    assert_ne!(new.pid, old.pid);
    assert_eq!((new.generation, new.restarts), (Some(2), 1));
    site.job.stop(crate::api::v1::When::Idle).await;
    assert!(!is_running(old.pid.expect("a pid")));
}

#[tokio::test]
async fn a_nudge_makes_the_worker_ready_before_the_next_node() {
    let Some(site) = Site::new() else { return };
    site.run("def main():\n    pass\n").await;
    site.raise_and_nudge(2).await;
    let ready = site.until(|status| status.is_ready_at(2)).await;
    assert_eq!(
        (ready.state, ready.env_generation, ready.restarts),
        (WorkerState::Idle, 2, 1)
    );
    // A nudge that says nothing new restarts nothing.
    site.raise_and_nudge(2).await;
    assert_eq!(site.job.status().await, ready);
}

#[tokio::test]
async fn a_project_that_nobody_uses_gets_no_process() {
    let Some(site) = Site::new() else { return };
    site.raise_and_nudge(2).await;
    let status = site.job.status().await;
    assert_eq!(
        (status.state, status.pid, status.env_generation),
        (WorkerState::Stopped, None, 2)
    );
}

#[tokio::test]
async fn a_running_node_finishes_where_it_began() {
    let Some(site) = Site::new() else { return };
    let gate = fifo(&site, "gate");
    site.file(
        "node.py",
        "def main():\n    import os\n    open('gate').read()\n    return os.getpid()\n",
    );
    let (output, _chunks) = tokio::sync::mpsc::channel(8);
    let job = site.job.clone();
    let reply = tokio::spawn(async move { job.run(node("node.py", "null"), output).await });
    let old = site.until(|status| status.state == WorkerState::Busy).await;
    site.raise_and_nudge(2).await;
    let meanwhile = site.job.status().await;
    assert_eq!(
        (meanwhile.state, meanwhile.pid),
        (WorkerState::Busy, old.pid)
    );
    drop(open(&gate, true).await);
    let reply: serde_json::Value = within(reply)
        .await
        .expect("no panic")
        .into_json()
        .read()
        .expect("a reply");
    assert_eq!(
        (&reply["output"], &reply["generation"]),
        (&old.pid.into(), &1.into())
    );
    let next = site
        .run("import os\ndef main():\n    return os.getpid()\n")
        .await;
    assert_eq!(next.reply["generation"], 2);
    assert_ne!(next.reply["output"], reply["output"]);
}

#[tokio::test]
async fn a_burst_of_changes_ends_at_the_last_with_few_restarts() {
    let Some(site) = Site::new() else { return };
    site.run("def main():\n    pass\n").await;
    for generation in 2..=21 {
        site.raise_and_nudge(generation).await;
    }
    let last = site.until(|status| status.is_ready_at(21)).await;
    assert!(last.restarts <= 5, "{} restarts", last.restarts);
    assert_eq!((last.generation, last.last_error), (Some(21), None));
    assert_eq!(
        site.run("def main():\n    pass\n").await.reply["generation"],
        21
    );
}

#[tokio::test]
async fn an_environment_that_was_made_again_may_count_from_the_start() {
    let Some(site) = Site::new() else { return };
    site.raise(7);
    site.run("def main():\n    pass\n").await;
    site.raise(1);
    assert_eq!(
        site.run("def main():\n    pass\n").await.reply["generation"],
        1
    );
}

#[tokio::test]
async fn a_clock_that_was_set_back_hides_no_change() {
    let Some(site) = Site::new() else { return };
    site.run("def main():\n    pass\n").await;
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(86400);
    for generation in [2, 3] {
        site.raise(generation);
        std::fs::File::options()
            .append(true)
            .open(site.root.join("env_meta.json"))
            .and_then(|file| file.set_modified(long_ago))
            .expect("set back");
        let ran = site.run("def main():\n    pass\n").await;
        assert_eq!(ran.reply["generation"], generation);
    }
}

#[tokio::test]
async fn an_environment_deleted_and_made_again_is_noticed_at_the_same_generation() {
    let Some(site) = Site::new() else { return };
    let source = "import os\ndef main():\n    return os.getpid()\n";
    let before = site.run(source).await.reply["output"].clone();
    std::fs::remove_dir_all(site.root.join(".venv")).expect("remove");
    let ran = site.run(source).await;
    assert_eq!(ran.reply["code"], "environment-refresh-failed");
    site.make_venv();
    let ran = site.run(source).await;
    assert_eq!(ran.reply["ok"], true, "{}", ran.reply);
    assert_ne!(ran.reply["output"], before);
}

#[tokio::test]
async fn an_upgraded_interpreter_is_noticed_at_the_same_generation() {
    let Some(site) = Site::new() else { return };
    let source = "import os\ndef main():\n    return os.getpid()\n";
    let before = site.run(source).await.reply["output"].clone();
    // Another file at the end of the link, as after an upgrade.
    let real = site.python().canonicalize().expect("resolved");
    let copy = site.root.join("upgraded");
    std::fs::copy(real, &copy).expect("copy");
    std::fs::rename(copy, site.python()).expect("rename");
    let ran = site.run(source).await;
    assert_ne!(ran.reply["output"], before, "{}", ran.reply);
}

#[tokio::test]
async fn a_spare_of_another_interpreter_is_not_used() {
    let Some(site) = Site::new() else { return };
    site.run("def main():\n    pass\n").await;
    // Whether or not the spare is there yet, this environment is another one now.
    site.file(
        ".venv/pyvenv.cfg",
        &std::fs::read_to_string(site.root.join(".venv/pyvenv.cfg"))
            .expect("read")
            .replace("false", "true"),
    );
    site.raise(2);
    let source = "import site\ndef main():\n    return len(site.getsitepackages())\n";
    let ran = site.run(source).await;
    assert_eq!(
        (&ran.reply["ok"], &ran.reply["generation"]),
        (&true.into(), &2.into())
    );
}

#[tokio::test]
async fn a_file_that_was_edited_by_hand_is_in_the_next_node() {
    let Some(site) = Site::new() else { return };
    site.install("installed.py", "X = 1");
    site.file("helper.py", "X = 1");
    let node = "import installed, helper\ndef main():\n    return [installed.X, helper.X]\n";
    let first = site.run(node).await;
    assert_eq!(first.reply["output"], serde_json::json!([1, 1]));
    let pid = site.job.status().await.pid;
    // What is the project's is loaded again, by the same worker.
    let helper = site.file("helper.py", "X = 'two'");
    let second = site.run(node).await;
    assert_eq!(second.reply["output"], serde_json::json!([1, "two"]));
    assert_eq!(site.job.status().await.pid, pid);
    let said = format!("{} changed; the project's modules", helper.display());
    assert!(site.log().contains(&said), "{}", site.log());
    // What is installed needs another one, and the node waits for it.
    site.install("installed.py", "X = 'two'");
    let third = site.run(node).await;
    assert_eq!(third.reply["output"], serde_json::json!(["two", "two"]));
    let status = site.job.status().await;
    assert_ne!(status.pid, pid);
    let why = status.last_refresh.expect("a reason");
    assert!(
        why.ends_with("installed.py changed, which it had loaded"),
        "{why}"
    );
}
