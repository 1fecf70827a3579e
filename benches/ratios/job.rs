//! Workers inside the daemon, without the socket: the job is called as the daemon's routes call it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use aim_toolkit::testing::{
    Freshness, Host, Job, JobSettings, Json, NodeOutput, NodeRun, Project, ProjectId,
    RestartRequest,
};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::floor::{Echo, memcpy};
use crate::measure::{blocks, quick_turns, row, run, timed, turns};
use crate::memory::Workers;
use crate::sandbox::Sandbox;

const SUM: &str = "def RunScript(a=0, b=0):\n    return {'sum': a + b}\n";
const INPUT: &str = r#"{"a":1,"b":2}"#;
const LARGE: &str = "TEXT = 'x' * 100_000_000\ndef main():\n    return TEXT\n";

/// A job on a sandbox's project, in a runtime like the daemon's.
struct Site {
    runtime: Runtime,
    job: Job,
    project: Project,
    sandbox: Sandbox,
    workers: RefCell<Workers>,
}

impl Site {
    fn new() -> Self {
        let sandbox = Sandbox::ready();
        sandbox.write("sum.py", SUM);
        sandbox.write("large.py", LARGE);
        let project = Project::at(sandbox.project()).expect("a project");
        let host = Host::real();
        let root = sandbox.root();
        let settings = JobSettings::new(root.join("run/worker"), root.join("state"));
        let runtime = aim_toolkit::testing::runtime().expect("a runtime");
        let id = ProjectId::new("demo").expect("an id");
        let job = {
            let _runtime = runtime.enter();
            Job::start(project.clone(), id, &host, settings)
        };
        let site = Self {
            runtime,
            job,
            project,
            sandbox,
            workers: RefCell::default(),
        };
        site.run("sum.py", INPUT, 50);
        site
    }

    /// Runs a node `count` times in a task of the runtime, as a call's handler does, and gives how long each took.
    fn run(&self, file: &'static str, input: &'static str, count: usize) -> Vec<Duration> {
        let job = self.job.clone();
        let task = async move {
            let mut times = Vec::new();
            for _ in 0..count {
                let (output, _printed) = mpsc::channel::<NodeOutput>(16);
                let began = Instant::now();
                let reply = job.run(node(file, input), output).await;
                times.push(began.elapsed());
                drop(reply);
            }
            times
        };
        self.runtime
            .block_on(self.runtime.spawn(task))
            .expect("no panic")
    }

    /// Has a string of 100 MB from a node, piece by piece as it goes to a caller.
    fn large(&self) -> Duration {
        let job = self.job.clone();
        let task = async move {
            let (output, _printed) = mpsc::channel::<NodeOutput>(16);
            let began = Instant::now();
            let reply = job.run(node("large.py", "0"), output).await;
            let length: usize = reply.pieces().map(|piece| piece.expect("read").len()).sum();
            assert!(length > 100_000_000);
            began.elapsed()
        };
        self.runtime
            .block_on(self.runtime.spawn(task))
            .expect("no panic")
    }

    /// From "restart" to the first node's answer.
    fn restart(&self) -> Duration {
        let worker = self.runtime.block_on(self.job.status()).pid;
        let root = self.sandbox.root();
        self.workers
            .borrow_mut()
            .wait_for_spare(worker.expect("a worker"), &root);
        let job = self.job.clone();
        let task = async move {
            let (output, _printed) = mpsc::channel::<NodeOutput>(16);
            let began = Instant::now();
            job.restart(RestartRequest::default())
                .await
                .expect("restarted");
            job.run(node("sum.py", "{}"), output).await;
            began.elapsed()
        };
        self.runtime
            .block_on(self.runtime.spawn(task))
            .expect("no panic")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.runtime.block_on(self.job.clone().shut_down());
    }
}

fn node(file: &str, input: &str) -> NodeRun {
    NodeRun {
        file: file.to_owned(),
        input: Json::parse(input).expect("JSON"),
        ..NodeRun::default()
    }
}

pub(crate) fn rows() {
    let site = Site::new();
    let mut echo = Echo::start(&site.sandbox.bin("python"));
    let (bare, trivial) = blocks(
        60,
        || (0..50).map(|_| echo.once()).collect(),
        || site.run("sum.py", INPUT, 50),
    );
    row(
        "a trivial node in the daemon / a bare echo",
        bare,
        trivial,
        "at most 2.5x",
    );

    let mut freshness = Freshness::new(site.project.layout(), site.project.venv());
    let meta = site.project.layout().env_meta();
    let (stat, look) = quick_turns(
        60,
        || timed(|| std::fs::metadata(&meta)),
        || timed(|| freshness.look()),
    );
    row(
        "is the worker fresh? / one stat",
        stat,
        look,
        "at most 5 us",
    );

    let python = site.sandbox.bin("python");
    let (bare, restart) = turns(
        15,
        || {
            run(site
                .sandbox
                .command(&python)
                .args(["-I", "-S", "-c", "pass"]))
        },
        || site.restart(),
    );
    row(
        "restart to the first answer / bare python -ISc pass",
        bare,
        restart,
        "at most 2 ms",
    );

    site.large();
    let (copy, large) = turns(7, || memcpy(100_000_000), || site.large());
    row(
        "a string of 100 MB to the daemon / one memcpy",
        copy,
        large,
        "at most 12x",
    );
}
