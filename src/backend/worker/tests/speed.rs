//! Ratios against the least that is possible, measured in one run:
//! `cargo test --release --lib backend::worker::tests::speed -- --ignored --nocapture --test-threads 1`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::site::{Site, node, within};
use crate::api::v1::RestartRequest;

const ROUNDS: usize = 3000;
const SUM: &str = "def RunScript(a=0, b=0):\n    return {'sum': a + b}\n";

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A program and a bare Python child that echoes JSON lines over pipes.
fn echo(python: &std::path::Path) -> Duration {
    let script = "import sys, json\nfor line in sys.stdin.buffer:\n    \
        sys.stdout.buffer.write(json.dumps(json.loads(line)).encode() + b'\\n')\n    sys.stdout.buffer.flush()\n";
    let mut child = Command::new(python)
        .args(["-I", "-S", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    let times = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            input
                .write_all(b"{\"id\": \"1\", \"input\": {\"a\": 1, \"b\": 2}}\n")
                .expect("written");
            line.clear();
            output.read_line(&mut line).expect("read");
            began.elapsed()
        })
        .collect();
    drop(input);
    child.wait().expect("ends");
    median(times)
}

/// A hundred megabytes from one place in memory to another.
fn memcpy() -> Duration {
    let from = vec![1_u8; 100_000_000];
    let mut to = vec![0_u8; from.len()];
    let times = (0..5)
        .map(|_| {
            let began = Instant::now();
            to.copy_from_slice(std::hint::black_box(&from));
            std::hint::black_box(&mut to);
            began.elapsed()
        })
        .collect();
    median(times)
}

#[expect(
    clippy::print_stderr,
    reason = "what it measures is all that it is for"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn ratios() {
    let Some(site) = Site::new() else { return };
    site.run(SUM).await;
    let limit = echo(&site.python());
    let job = site.job.clone();
    let times = tokio::spawn(async move {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let (output, _) = tokio::sync::mpsc::channel(8);
            let began = Instant::now();
            let reply = job.run(node("node.py", r#"{"a":1,"b":2}"#), output).await;
            times.push(began.elapsed());
            drop(reply);
        }
        times
    });
    let times = times.await.expect("no panic");
    let ratio = |time: Duration| time.as_secs_f64() / limit.as_secs_f64();
    let trivial = median(times);
    eprintln!(
        "echo {limit:?}; trivial node {trivial:?}: {:.2} x",
        ratio(trivial)
    );

    let mut restarts = Vec::new();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let began = Instant::now();
        let restarted = site.job.restart(RestartRequest::default()).await;
        restarted.expect("a worker");
        site.run_file("node.py", r#"{"a":1,"b":2}"#).await;
        restarts.push(began.elapsed());
    }
    eprintln!("restart to the first answer {:?}", median(restarts));

    site.file(
        "large.py",
        "TEXT = 'x' * 100_000_000\ndef main():\n    return TEXT\n",
    );
    let one = memcpy();
    let mut large = Vec::new();
    for _ in 0..5 {
        let (output, _) = tokio::sync::mpsc::channel(8);
        let began = Instant::now();
        let reply = within(site.job.run(node("large.py", "0"), output)).await;
        let bytes = reply.into_large_output().expect("read");
        large.push(began.elapsed());
        assert_eq!(bytes.map(|bytes| bytes.len()), Some(100_000_002));
    }
    let large = median(large);
    eprintln!(
        "100 MB {large:?}, memcpy {one:?}: {:.1} x",
        large.as_secs_f64() / one.as_secs_f64()
    );
}
