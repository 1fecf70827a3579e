//! Another backend than ours: `examples/backend-stdlib` and `examples/backend-fastapi`, which offer the starred calls
//! of `docs/api.md` and nothing else, under every command.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, skipped};

/// An example backend, which ends with its test.
struct Backend {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Backend {
    /// Starts `command`, and waits for a line with `ready` in it.
    fn start(command: &mut Command, ready: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the backend starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (to, lines) = mpsc::channel();
        std::thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| to.send(line))
        });
        let stdin = child.stdin.take();
        let backend = Self {
            child,
            stdin,
            lines,
        };
        backend.says(ready);
        backend
    }

    /// The one of the standard library alone, with the sandbox's project.
    fn stdlib(sandbox: &Sandbox) -> Self {
        let mut command = sandbox.command(sandbox.python().path());
        command
            .arg(example("backend-stdlib/main.py"))
            .arg(sandbox.project());
        Self::start(&mut command, "serves at")
    }

    /// Waits for a line with `text` in it, and gives it.
    fn says(&self, text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut said = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("{error}: no {text:?} in {said:?}"));
            if line.contains(text) {
                return line;
            }
            said.push(line);
        }
    }

    /// Asks the worker of the sandbox's project for a module.
    fn ask(&mut self, module: &str) -> String {
        self.ask_of("demo", module)
    }

    fn ask_of(&mut self, project: &str, module: &str) -> String {
        let stdin = self.stdin.as_mut().expect("open");
        writeln!(stdin, "{project} {module}").expect("asked");
        self.says(&format!("{project} has"))
    }

    /// Ends it as a person would.
    fn interrupt(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("told");
        self.child.wait().expect("ended");
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

fn worker(sandbox: &Sandbox) -> Value {
    sandbox.run("aim-worker", ["status", "--json"]).ok().json()
}

/// Every command with the starred calls alone.
fn all_commands_work(sandbox: &Sandbox) {
    sandbox.run("aim-venv-sync", ["init"]).ok().says("demo");
    let waited = sandbox
        .run("aim-venv-sync", ["sync", "--wait", "--json"])
        .ok()
        .json();
    let generation = sandbox.generation();
    assert_eq!(waited["worker"]["generation"], generation, "{waited}");
    let wheel = sandbox.wheel("greeting", "1.0");
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    assert_eq!(sandbox.generation(), generation + 1);
    sandbox
        .run("aim-venv-sync", ["sync", "--wait"])
        .ok()
        .says(&format!("ready at generation {}", generation + 1));
    let before = worker(sandbox);
    assert_eq!(before["env_generation"], generation + 1, "{before}");
    sandbox.run("aim-worker", ["restart"]).ok();
    let after = worker(sandbox);
    assert_ne!(before["pid"], after["pid"]);
    assert_eq!(after["generation"], generation + 1, "{after}");
    sandbox.run("aim-worker", ["restart", "--now"]).ok();
    assert_ne!(worker(sandbox)["pid"], after["pid"]);
    sandbox.run("aim-worker", ["status"]).ok().says("demo");
    sandbox
        .run("aim-venv-sync", ["status"])
        .ok()
        .says("ready at generation");
    sandbox
        .run("aim-backend", ["status"])
        .ok()
        .says("this backend does not offer a list of them");
    let status = sandbox.run("aim-backend", ["status", "--json"]).ok().json();
    assert_eq!(status["running"], true, "{status}");
    let doctor = sandbox.run("aim-venv-sync", ["doctor", "--json"]).stdout();
    assert!(
        !doctor.contains("not understood") && !doctor.contains("Not Found"),
        "{doctor}"
    );

    sandbox.write("one.py", "def main():\n    return 1\n");
    sandbox.write("structure.json", r#"{"nodes": [], "edges": []}"#);
    for (args, call) in [
        (&["list"][..], "GET /api/v1/projects"),
        (&["start"], "POST /api/v1/projects/{id}/worker/start"),
        (&["stop"], "POST /api/v1/projects/{id}/worker/stop"),
        (
            &["interrupt"],
            "POST /api/v1/projects/{id}/worker/interrupt",
        ),
        (&["logs"], "GET /api/v1/projects/{id}/worker/log"),
        (&["run", "one.py"], "POST /api/v1/projects/{id}/nodes/run"),
        (&["flow"], "POST /api/project/execute-flow-stream"),
        (&["flow", "--json"], "POST /api/project/execute-flow"),
    ] {
        let ran = sandbox.run("aim-worker", args).exits(1);
        let words = format!("this backend does not offer `{call}`");
        assert!(ran.stderr().contains(&words), "{args:?}: {ran:?}");
        assert!(
            !ran.stderr().contains("aim-backend stop"),
            "{args:?}: {ran:?}"
        );
    }
}

#[test]
fn a_backend_of_the_standard_library_works_with_every_command() {
    let sandbox = Sandbox::ready();
    let mut backend = Backend::stdlib(&sandbox);
    assert_eq!(worker(&sandbox)["state"], "stopped");
    all_commands_work(&sandbox);
    assert!(backend.ask("greeting").contains("demo has"));
    let wheel = sandbox.wheel("greeting", "2.0");
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    backend.says(&format!("changed demo {}", sandbox.generation()));
    assert_eq!(backend.ask("greeting"), "demo has 2.0");
}

/// Whose environment another project keeps, and whose lies elsewhere.
#[test]
fn a_second_project_and_an_environment_elsewhere_are_served_as_well() {
    let sandbox = Sandbox::ready();
    let [second, far] = ["second", "far"].map(|name| sandbox.root().join("projects").join(name));
    for folder in [&second, &far] {
        fs::create_dir_all(folder).expect("a folder");
    }
    std::os::unix::fs::symlink(sandbox.venv(), second.join(".venv")).expect("linked");
    let elsewhere = sandbox.root().join("elsewhere");
    let python = sandbox.command(sandbox.python().path());
    let mut make = python;
    make.args(["-m", "venv", "--without-pip"]).arg(&elsewhere);
    assert!(make.status().expect("runs").success());
    let init = |folder: &Path, args: &[&str]| {
        let mut init = sandbox.command("aim-venv-sync");
        Ran::of(init.current_dir(folder).arg("init").args(args)).ok();
    };
    init(&second, &[]);
    init(&far, &["--env", elsewhere.to_str().expect("utf-8")]);
    let mut command = sandbox.command(sandbox.python().path());
    command.arg(example("backend-stdlib/main.py")).args([
        &sandbox.project().to_path_buf(),
        &second,
        &far,
    ]);
    let mut backend = Backend::start(&mut command, "serves at");
    for word in [
        sandbox.venv().join(".aim/daemon"),
        elsewhere.join(".aim/daemon"),
    ] {
        assert!(word.exists(), "{}", word.display());
    }
    for version in ["1.0", "2.0"] {
        let wheel = sandbox.wheel("greeting", version);
        sandbox
            .pip(["install", wheel.to_str().expect("utf-8")])
            .ok();
        let has = format!("second has {version}");
        assert_eq!(backend.ask_of("second", "greeting"), has);
    }
    backend.interrupt();
    assert!(!elsewhere.join(".aim/daemon").exists());
}

#[test]
fn it_leaves_word_in_the_environment_and_takes_all_back() {
    let sandbox = Sandbox::ready();
    let word = sandbox.venv().join(".aim/daemon");
    let backend = Backend::stdlib(&sandbox);
    let said: Value = serde_json::from_slice(&fs::read(&word).expect("word")).expect("JSON");
    assert_eq!(said["pid"], backend.child.id());
    assert_eq!(said["program"], "example-backend");
    let stat = fs::read_to_string(format!("/proc/{}/stat", backend.child.id()));
    if let Ok(stat) = stat {
        assert_eq!(
            stat.split(' ').nth(21),
            Some(said["began"].to_string().as_str())
        );
    }
    assert_eq!(said["socket"], sandbox.socket().to_str().expect("utf-8"));
    for path in [&word, &sandbox.socket()] {
        let mode = path.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    // Where it serves, nobody else does.
    let refused = sandbox.run("aim-backend", ["serve"]).exits(1).stderr();
    assert!(refused.contains("example-backend"), "{refused}");
    assert!(!refused.contains("aim-backend stop"), "{refused}");
    backend.interrupt();
    assert!(!word.exists() && !sandbox.socket().exists());
    let _daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["list"]).ok();
}

#[test]
fn beside_a_daemon_it_serves_at_a_place_of_its_own() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let backend = Backend::stdlib(&sandbox);
    let word = fs::read(sandbox.venv().join(".aim/daemon")).expect("word");
    let word: Value = serde_json::from_slice(&word).expect("JSON");
    let own = format!("{}.{}", sandbox.socket().display(), backend.child.id());
    assert_eq!(word["socket"], own);
    // The daemon is not disturbed.
    let status = sandbox.run("aim-backend", ["status", "--json"]).ok().json();
    assert!(status["projects"].is_array(), "{status}");
    backend.interrupt();
    assert!(!Path::new(&own).exists() && sandbox.socket().exists());
}

#[test]
fn a_killed_one_is_replaced() {
    let sandbox = Sandbox::ready();
    let mut killed = Backend::stdlib(&sandbox);
    killed.child.kill().expect("killed");
    killed.child.wait().expect("ended");
    assert!(sandbox.socket().exists());
    let _backend = Backend::stdlib(&sandbox);
    assert_eq!(worker(&sandbox)["state"], "stopped");
}

/// The environment that uvicorn runs in.
fn uvicorn(sandbox: &Sandbox) -> Option<PathBuf> {
    let wheels = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-wheels/backends");
    if !wheels.join(".fastapi").exists() || !wheels.join(".uvicorn").exists() {
        skipped(
            "no fastapi or no uvicorn in target/test-wheels/backends, where `.ci/fetch` puts them",
        );
        return None;
    }
    let venv = sandbox.root().join("uvicorn");
    sandbox.python().copy_venv(&venv);
    let python = venv.join("bin/python");
    sandbox
        .run(
            &python,
            [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--find-links",
                wheels.to_str()?,
                "fastapi",
                "uvicorn",
            ],
        )
        .ok();
    Some(python)
}

#[test]
fn under_uvicorn_every_command_works_while_the_event_loop_is_blocked() {
    let sandbox = Sandbox::ready();
    let Some(python) = uvicorn(&sandbox) else {
        return;
    };
    // An `async` route that never lets the loop go, until the test says so.
    sandbox.write(
        "host/blocked.py",
        "import os, time\nfrom app import app\n\n\
        @app.get('/block')\nasync def block():\n    print('blocked', flush=True)\n    \
        while not os.path.exists('go'):\n        time.sleep(0.01)\n    return 'done'\n",
    );
    let http = sandbox.root().join("run/http");
    let mut command = sandbox.command(&python);
    command
        .args(["-m", "uvicorn", "blocked:app", "--uds"])
        .arg(&http)
        .current_dir(sandbox.project().join("host"))
        .env("PROJECTS", sandbox.project().parent().expect("a folder"))
        .env("PYTHONPATH", example("backend-fastapi"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        // uvicorn says on standard error that it runs.
        .args(["--log-config"])
        .arg(log_config(&sandbox));
    let backend = Backend::start(&mut command, "Uvicorn running");
    let ask = |path: &str| {
        let mut stream = std::os::unix::net::UnixStream::connect(&http).expect("connects");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("asked");
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).expect("answered");
        answer
    };
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| ask("/block"));
        // Also where a command fails: the scope waits for the thread.
        let release = Release(sandbox.project().join("host/go"));
        backend.says("blocked");
        all_commands_work(&sandbox);
        drop(release);
        assert!(blocked.join().expect("joined").ends_with("\"done\""));
    });
    let wheel = sandbox.wheel("greeting", "2.0");
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    assert!(ask("/projects/demo/modules/greeting").contains("2.0"));
    let word = sandbox.venv().join(".aim/daemon");
    assert!(word.exists());
    backend.interrupt();
    assert!(!word.exists() && !sandbox.socket().exists());
}

/// Makes a file when it goes.
struct Release(PathBuf);

impl Drop for Release {
    fn drop(&mut self) {
        let _ = fs::write(&self.0, "");
    }
}

/// All that uvicorn logs goes to standard output.
fn log_config(sandbox: &Sandbox) -> PathBuf {
    sandbox.write(
        "host/log.json",
        r#"{"version": 1, "disable_existing_loggers": false,
        "handlers": {"all": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
        "root": {"handlers": ["all"], "level": "INFO"}}"#,
    )
}
