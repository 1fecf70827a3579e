use super::site::{Site, node, open, within};
use crate::api::v1::{Stream, WorkerState};
use crate::backend::worker::process::log_path;
use crate::json::Json;
use crate::project::ProjectId;

#[tokio::test]
async fn the_first_node_starts_the_worker() {
    let Some(site) = Site::new() else { return };
    let before = site.job.status().await;
    assert_eq!(
        (before.state, before.pid, before.env_generation),
        (WorkerState::Stopped, None, 1)
    );
    let source = "import os, sys\n\
        def main():\n    print('가', end='')\n    sys.stderr.write('나')\n    \
        return [sys.prefix, os.getcwd(), os.environ['GIVEN'], os.environ['VIRTUAL_ENV'], \
        os.environ['WORKER_PROJECT_PATH'], os.getpid()]\n";
    let ran = site.run(source).await;
    let after = site.job.status().await;
    let root = site.root.to_str().expect("UTF-8");
    let venv = format!("{root}/.venv");
    let expected = serde_json::json!([venv, root, "by the daemon", venv, root, after.pid]);
    assert_eq!(ran.reply["output"], expected, "{}", ran.reply);
    assert_eq!(ran.reply["generation"], 1);
    assert_eq!(ran.printed.chars().count(), 2);
    assert_eq!(
        (after.state, after.generation, after.restarts),
        (WorkerState::Idle, Some(1), 0)
    );
    assert!(after.python.is_some() && after.started_at.is_some());
    let log = site.log();
    assert!(
        log.contains("ready at generation 1") && log.contains('가'),
        "{log}"
    );
    assert!(site.job.log().ends_with("logs/project.log"));
    let longest = ProjectId::new("x".repeat(255)).expect("an id");
    assert!(
        log_path(&site.root, &longest)
            .file_name()
            .expect("a name")
            .len()
            < 250
    );
}

#[tokio::test]
async fn output_comes_while_the_node_runs_and_before_its_reply() {
    let Some(site) = Site::new() else { return };
    let gate = super::site::fifo(&site, "gate");
    site.file(
        "node.py",
        "def main():\n    print('before', end='')\n    open('gate').read()\n    print('after', end='')\n",
    );
    let (output, mut chunks) = tokio::sync::mpsc::channel(8);
    let job = site.job.clone();
    let reply = tokio::spawn(async move { job.run(node("node.py", "null"), output).await });
    let first = within(chunks.recv()).await.expect("a chunk");
    assert_eq!(
        (first.stream, first.text.as_str()),
        (Stream::Stdout, "before")
    );
    assert_eq!(
        site.job.status().await.busy_with.as_deref(),
        Some("node.py")
    );
    drop(open(&gate, true).await);
    let reply: Json = within(reply).await.expect("no panic").into_json();
    assert!(reply.as_str().contains("\"ok\":true"), "{reply}");
    assert_eq!(
        chunks.try_recv().expect("printed before the reply").text,
        "after"
    );
    assert_eq!(site.job.status().await.busy_with, None);
}

#[tokio::test]
async fn nodes_run_in_the_order_they_were_asked_for() {
    let Some(site) = Site::new() else { return };
    site.file(
        "node.py",
        "def main(n):\n    with open('order', 'a') as f:\n        f.write('%d ' % n)\n",
    );
    let runs = (0..20).map(|number| {
        let (output, _) = tokio::sync::mpsc::channel(1);
        let job = site.job.clone();
        async move {
            job.run(node("node.py", &number.to_string()), output)
                .await
                .into_json()
        }
    });
    let mut all: tokio::task::JoinSet<Json> = tokio::task::JoinSet::new();
    for run in runs {
        all.spawn(run);
    }
    let replies = within(all.join_all()).await;
    assert!(
        replies
            .iter()
            .all(|reply| reply.as_str().contains("\"ok\":true")),
        "{replies:?}"
    );
    let order = std::fs::read_to_string(site.root.join("order")).expect("read");
    let order: Vec<u32> = order
        .split_whitespace()
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert!(order.into_iter().eq(0..20));
}

#[tokio::test]
async fn large_requests_and_replies_pass() {
    let Some(site) = Site::new() else { return };
    site.file("node.py", "def main(text):\n    return text * 4\n");
    let input = format!("\"{}\"", "x".repeat(3 << 20));
    let ran = site.run_file("node.py", &input).await;
    assert_eq!(ran.reply["output"].as_str().map(str::len), Some(12 << 20));
    site.file("list.py", "def main():\n    return ['가'] * 400000\n");
    let ran = site.run_file("list.py", "null").await;
    assert_eq!(ran.reply["output"].as_array().map(Vec::len), Some(400_000));
    // Nothing of it is kept in the worker.
    let open = "import os\ndef main():\n    \
        links = (os.path.join('/proc/self/fd', fd) for fd in os.listdir('/proc/self/fd'))\n    \
        return [link for link in map(lambda f: os.path.lexists(f) and os.readlink(f), links) if link and 'memfd' in \
        link]\n";
    if cfg!(target_os = "linux") {
        assert_eq!(site.run(open).await.reply["output"].to_string(), "[]");
    }
    let next = site.run("def main():\n    return 1\n").await;
    assert_eq!(next.reply["output"], 1);
}

#[tokio::test]
async fn a_slow_reader_makes_a_flood_wait_and_misses_nothing() {
    const LINES: usize = 400_000;
    let Some(site) = Site::new() else { return };
    site.file(
        "node.py",
        &format!("def main():\n    for _ in range({LINES}):\n        print('x' * 29)\n"),
    );
    let (output, mut chunks) = tokio::sync::mpsc::channel(1);
    let job = site.job.clone();
    let reply = tokio::spawn(async move { job.run(node("node.py", "null"), output).await });
    let mut length = within(chunks.recv()).await.expect("a chunk").text.len();
    // The daemon keeps at most a few chunks: with nobody reading, other calls are still answered.
    assert_eq!(site.job.status().await.state, WorkerState::Busy);
    while let Some(chunk) = within(chunks.recv()).await {
        length += chunk.text.len();
    }
    assert_eq!(length, LINES * 30);
    assert!(
        within(reply)
            .await
            .expect("no panic")
            .into_json()
            .as_str()
            .contains("\"ok\":true")
    );
    let kept: u64 = ["project.log", "project.log.1"]
        .iter()
        .map(|name| {
            site.job
                .log()
                .with_file_name(name)
                .metadata()
                .map_or(0, |found| found.len())
        })
        .sum();
    assert!((4 << 20..10 << 20).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_stop_its_node() {
    let Some(site) = Site::new() else { return };
    let gate = super::site::fifo(&site, "gate");
    site.file(
        "node.py",
        "def main():\n    print('x' * 1000000)\n    open('gate').read()\n    \
        open('done', 'w').close()\n",
    );
    let (output, chunks) = tokio::sync::mpsc::channel(1);
    let job = site.job.clone();
    let run = tokio::spawn(async move { job.run(node("node.py", "null"), output).await });
    site.until(|status| status.state == WorkerState::Busy).await;
    drop(chunks);
    drop(open(&gate, true).await);
    let reply = within(run).await.expect("no panic");
    assert!(reply.into_json().as_str().contains("\"ok\":true"));
    let next = site
        .run("import os\ndef main():\n    return os.path.exists('done')\n")
        .await;
    assert_eq!(next.reply["output"], true, "{}", next.reply);
}
