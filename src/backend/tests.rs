//! The daemon whole, in this process: real sockets, the real client, a real worker where Python is there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::projects::Projects;
use super::serve::Doors;
use super::socket::Place;
use super::state::Daemon;
use super::worker::JobSettings;
use crate::api::v1::{
    EnvChanged, Json, NodeRun, RestartRequest, StopRequest, Stream, When, WorkerState,
};
use crate::api::{Address, Client, nudge};
use crate::env_vars;
use crate::error::Exit;
use crate::host::Host;
use crate::project::{Project, ProjectId, UserLayout};

const TOKEN: &str = "a-token-for-tests-only";

/// A daemon with a home of its own.
struct World {
    // The first to go: it ends the workers, and removes the socket.
    served: Option<(Runtime, Doors, Place)>,
    tcp: Option<SocketAddr>,
    host: Host,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::serving(false)
    }

    fn with_tcp() -> Self {
        Self::serving(true)
    }

    fn serving(tcp: bool) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = dir.path().canonicalize().expect("resolved");
        std::fs::create_dir(home.join("root")).expect("folder");
        let host = Host::fake(["aim-backend"])
            .with_var(env_vars::SOCKET, home.join("s"))
            .with_var(env_vars::TOKEN, TOKEN)
            .with_var("XDG_STATE_HOME", home.join("state"));
        let layout = UserLayout::of(&host).expect("folders");
        let (place, listener) = Place::take(&host).expect("free");
        let projects = Projects::new(layout.registry(), Some(home.join("root")));
        let settings = JobSettings::new(place.script_folder(), layout.worker_logs());
        let daemon = Arc::new(Daemon::new(host.clone(), projects, settings));
        let runtime = Runtime::new().expect("a runtime");
        let mut doors = Doors::new(daemon);
        let address = runtime.block_on(async {
            doors.open_socket(listener).expect("open");
            if !tcp {
                return None;
            }
            let any = "127.0.0.1:0".parse().expect("an address");
            let allowed = ["http://localhost:5173".to_owned()];
            let url = doors.open_tcp(&host, any, &allowed).await.expect("open");
            let address = url.strip_prefix("http://")?.split_once("/?token=")?.0;
            Some(address.parse().expect("an address"))
        });
        Self {
            served: Some((runtime, doors, place)),
            tcp: address,
            host,
            dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().expect("resolved").join(name)
    }

    fn client(&self) -> Client {
        Client::connect(&self.host).expect("connects")
    }

    /// A project whose environment is a folder with a `pyvenv.cfg`.
    fn project(&self, name: &str) -> Project {
        let venv = self.path(name).join(".venv");
        std::fs::create_dir_all(&venv).expect("folders");
        std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
        Project::at(&self.path(name)).expect("a project")
    }

    /// A project with a real environment; none, with a printed reason, where there is no Python.
    fn living_project(&self, name: &str) -> Option<Project> {
        let Ok(python) = which::which("python3") else {
            #[expect(clippy::print_stdout, reason = "a skipped test says why")]
            {
                println!("skipped: no python3 on PATH");
            }
            return None;
        };
        let made = Command::new(python)
            .args(["-m", "venv", "--without-pip"])
            .arg(self.path(name).join(".venv"))
            .status()
            .expect("runs");
        assert!(made.success(), "venv");
        Project::at(&self.path(name))
    }

    fn get(&self, path: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\nhost: aim\nconnection: close\n\n");
        ask(
            UnixStream::connect(self.path("s")).expect("connects"),
            &request,
        )
    }

    fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\nhost: aim\nconnection: close\ncontent-length: {length}\n\n{body}"
        );
        ask(
            UnixStream::connect(self.path("s")).expect("connects"),
            &request,
        )
    }

    fn end(&mut self) {
        if let Some((runtime, doors, place)) = self.served.take() {
            runtime.block_on(doors.close());
            runtime.shutdown_timeout(Duration::from_secs(1));
            drop(place);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.end();
    }
}

/// The status and the whole of the answer to `request`, whose lines end in `\n` here.
fn ask(mut to: impl Read + Write, request: &str) -> (u16, String) {
    let request = request.replace('\n', "\r\n");
    to.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    to.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).expect("a status");
    (status.parse().expect("a number"), answer)
}

fn generation(project: &Project, number: u64) {
    let text = format!(r#"{{"updated_at":null,"packages":[],"generation":{number}}}"#);
    let new = project.root().join("new");
    std::fs::write(&new, text).expect("write");
    std::fs::rename(new, project.layout().env_meta()).expect("rename");
}

fn node(file: &str) -> NodeRun {
    NodeRun {
        file: file.to_owned(),
        input: Json::from(serde_json::json!({})),
        timeout_s: None,
    }
}

#[test]
fn health_and_version() {
    let world = World::new();
    let client = world.client();
    let health = client.health().expect("healthy");
    assert_eq!(
        (health.status.as_str(), health.service.as_str()),
        ("healthy", "backend")
    );
    assert_eq!(health.pid, Some(std::process::id()));
    assert_eq!(
        client.version().version.as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(world.get("/").0, 200);
}

#[test]
fn every_refusal_has_one_shape() {
    let world = World::new();
    let long = format!("{{{}", " ".repeat(1 << 20));
    for (method, path, body, expected) in [
        ("GET", "/nowhere", "", (404, "no-such-call")),
        (
            "GET",
            "/api/v1/projects/x/nothing",
            "",
            (404, "no-such-call"),
        ),
        ("PUT", "/api/health", "", (405, "method-not-allowed")),
        (
            "DELETE",
            "/api/v1/projects/x/worker",
            "",
            (405, "method-not-allowed"),
        ),
        ("POST", "/api/v1/projects", "{", (400, "bad-request")),
        ("POST", "/api/v1/projects", "{}", (422, "bad-request")),
        ("POST", "/api/v1/projects", "[1]", (422, "bad-request")),
        (
            "POST",
            "/api/v1/projects",
            r#"{"path":"rel"}"#,
            (400, "bad-request"),
        ),
        (
            "POST",
            "/api/v1/projects",
            r#"{"path":"/nowhere"}"#,
            (404, "no-environment"),
        ),
        ("POST", "/api/v1/projects", &long, (413, "too-large")),
        ("GET", "/api/v1/resolve", "", (400, "bad-request")),
        ("GET", "/api/v1/resolve?path=rel", "", (400, "bad-request")),
        (
            "GET",
            "/api/v1/resolve?path=/nowhere",
            "",
            (404, "no-such-project"),
        ),
        (
            "GET",
            "/api/v1/projects/x/worker",
            "",
            (404, "no-such-project"),
        ),
        (
            "POST",
            "/api/v1/projects/x/nodes/run",
            "{}",
            (404, "no-such-project"),
        ),
    ] {
        let (status, answer) = world.send(method, path, body);
        assert_eq!(status, expected.0, "{method} {path}: {answer}");
        let json = answer.split_once("\r\n\r\n").expect("a body").1;
        let error: serde_json::Value = serde_json::from_str(json).expect(json);
        assert_eq!(error["code"], expected.1, "{method} {path}");
        assert!(
            error["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
    }
}

#[test]
fn hostile_ids_lead_nowhere() {
    let world = World::new();
    world.project("outside");
    for id in [
        "%2E%2E",
        "%2E",
        "..",
        "a%5Cb",
        "a%2Fb",
        "%00",
        "%0A",
        "%ff%fe",
        "%2E%2E%2Foutside",
        "root%2F..%2Foutside",
        "%2F",
        "%2Fnowhere%2Fat%2Fall",
        &"x".repeat(300),
    ] {
        for rest in ["/worker", ""] {
            let (status, answer) = world.get(&format!("/api/v1/projects/{id}{rest}"));
            assert_eq!(status, 404, "{id}: {answer}");
            assert!(answer.contains("\"code\":\"no-such-"), "{id}: {answer}");
        }
    }
    assert!(world.client().projects().expect("a list").is_empty());
}

#[test]
fn projects_come_and_go() {
    let world = World::new();
    let client = world.client();
    world.project("root/below");
    let other = world.project("elsewhere/other");
    let made = client
        .register(&other.root().join(".venv"))
        .expect("registered");
    assert_eq!((made.id.as_str(), made.registered), ("other", true));
    assert_eq!(made.environment.as_deref(), Some(other.venv().root()));
    let ids = || -> Vec<String> {
        let list = client.projects().expect("a list");
        list.into_iter()
            .map(|project| project.id.to_string())
            .collect()
    };
    assert_eq!(ids(), ["below", "other"]);
    let found = client
        .resolve(&other.root().join(".venv"))
        .expect("resolved");
    assert_eq!(found.id.as_str(), "other");
    let worker = found.worker.expect("its worker");
    assert_eq!(worker.state, WorkerState::Stopped);
    client.forget(&made.id).expect("forgotten");
    assert_eq!(ids(), ["below"]);
    let below = ProjectId::new("below").expect("an id");
    assert_eq!(
        client.forget(&below).expect_err("a folder").exit(),
        Exit::Failed
    );
    assert_eq!(
        client.forget(&made.id).expect_err("gone").exit(),
        Exit::NotFound
    );
}

#[test]
fn a_folder_names_its_project_and_only_the_socket_registers_it() {
    let world = World::with_tcp();
    let client = world.client();
    let project = world.project("elsewhere/p");
    let address = Address::from(&project);
    let change = EnvChanged {
        generation: 1,
        run_id: None,
        wait_s: None,
    };
    let error = client
        .env_changed(address.clone(), &change)
        .expect_err("not known");
    assert_eq!(error.exit(), Exit::NotFound);
    let tcp = TcpStream::connect(world.tcp.expect("TCP")).expect("connects");
    let request = format!(
        "GET /api/v1/projects/{}/worker HTTP/1.1\nhost: localhost\nauthorization: Bearer {TOKEN}\nconnection: close\n\n",
        address.as_str()
    );
    assert_eq!(ask(tcp, &request).0, 404);
    assert!(client.projects().expect("a list").is_empty());
    let status = client
        .worker(address.clone())
        .expect("registered on the way");
    assert_eq!(status.project.as_str(), "p");
    generation(&project, 4);
    let status = client.env_changed(address, &change).expect("known by now");
    assert_eq!(
        (status.state, status.env_generation),
        (WorkerState::Stopped, 4)
    );
    assert!(nudge::env_changed(&world.path("s"), project.root(), 4, "r"));
}

#[test]
fn a_project_without_environment_has_no_worker() {
    let world = World::new();
    let client = world.client();
    std::fs::create_dir(world.path("root/drawn")).expect("folder");
    std::fs::write(world.path("root/drawn/structure.json"), "{}").expect("write");
    let id = ProjectId::new("drawn").expect("an id");
    assert_eq!(
        client.worker(&id).expect("a state").state,
        WorkerState::Stopped
    );
    let error = client.start(&id).expect_err("nothing to start");
    assert_eq!(error.exit(), Exit::NotFound);
    assert!(error.hints()[0].contains("aim-venv-sync init"), "{error:?}");
}

#[test]
fn tcp_asks_for_the_token_and_answers_allowed_pages() {
    let world = World::with_tcp();
    let address = world.tcp.expect("TCP");
    let call = |method: &str, path: &str, headers: &str| {
        let stream = TcpStream::connect(address).expect("connects");
        let request =
            format!("{method} {path} HTTP/1.1\nhost: {address}\n{headers}connection: close\n\n");
        ask(stream, &request)
    };
    assert_eq!(call("GET", "/api/health", "").0, 401);
    let (status, answer) = call("GET", "/nowhere", "");
    assert_eq!(status, 401, "what there is, is nobody's business: {answer}");
    let (status, first) = call("GET", &format!("/?token={TOKEN}"), "");
    assert_eq!(status, 200);
    let port = address.port();
    let cookie = format!("set-cookie: aim_token_{port}={TOKEN}; HttpOnly; SameSite=Strict; Path=/");
    assert!(first.contains(&cookie), "{first}");
    let with_cookie = format!("cookie: aim_token_{port}={TOKEN}\n");
    assert_eq!(call("GET", "/api/v1/projects", &with_cookie).0, 200);
    let evil = format!("{with_cookie}origin: http://evil.example\n");
    assert_eq!(call("GET", "/api/v1/projects", &evil).0, 403);
    let (status, answer) = call(
        "OPTIONS",
        "/api/v1/projects",
        "origin: http://localhost:5173\n",
    );
    assert_eq!(status, 204);
    assert!(
        answer.contains("access-control-allow-origin: http://localhost:5173"),
        "{answer}"
    );
    assert_eq!(
        call(
            "OPTIONS",
            "/api/v1/projects",
            "origin: http://evil.example\n"
        )
        .0,
        403
    );
    let page = format!("authorization: Bearer {TOKEN}\norigin: http://localhost:5173\n");
    let (status, answer) = call("GET", "/api/health", &page);
    assert_eq!(status, 200);
    assert!(
        answer.contains("access-control-allow-credentials: true"),
        "{answer}"
    );
}

#[test]
fn a_node_runs_and_its_output_comes_first() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let write = |name: &str, text: &str| {
        std::fs::write(project.root().join(name), text).expect("write");
    };
    write(
        "big.py",
        "import sys\ndef RunScript(n):\n    print('one')\n    print('two', file=sys.stderr)\n    return n * n\n",
    );
    let client = world.client();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let input = Json::parse("{\"n\": 12345678901234567890123}").expect("JSON");
    let run = NodeRun {
        input,
        ..node("big.py")
    };
    let reply = client
        .run_node(&project, &run, |output| {
            match output.stream {
                Stream::Stdout => stdout.push_str(&output.text),
                Stream::Stderr => stderr.push_str(&output.text),
            }
            Ok(())
        })
        .expect("a reply");
    assert!(
        reply
            .as_str()
            .contains("152415787532388367504942236884722755800955129"),
        "{reply}"
    );
    assert_eq!((stdout.as_str(), stderr.as_str()), ("one\n", "two\n"));
    let log = read(client.worker_log(&project, 200, false).expect("a log"));
    assert!(log.contains("one\n") && log.contains("two\n"), "{log}");
    let failed = client.run_node(&project, &node("no.py"), |_| Ok(()));
    let failed: serde_json::Value = failed.expect("a reply").read().expect("JSON");
    assert_eq!(failed["ok"], false, "{failed}");
    let status = client.worker(&project).expect("a state");
    assert_eq!(status.state, WorkerState::Idle);
}

#[test]
fn a_new_generation_is_waited_for() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    generation(&project, 1);
    let client = world.client();
    let first = client.start(&project).expect("started");
    assert!(first.is_ready_at(1), "{first:?}");
    generation(&project, 2);
    let wait = Duration::from_secs(60);
    let second = client.worker_at(&project, 2, wait).expect("a state");
    assert!(second.is_ready_at(2), "{second:?}");
    assert_ne!(second.pid, first.pid);
    generation(&project, 3);
    let change = EnvChanged {
        generation: 3,
        run_id: None,
        wait_s: Some(60.0),
    };
    let third = client.env_changed(&project, &change).expect("a state");
    assert!(third.is_ready_at(3), "{third:?}");
    let request = RestartRequest {
        when: When::Now,
        ..RestartRequest::default()
    };
    let restarted = client.restart(&project, &request).expect("restarted");
    assert!(restarted.restarted && restarted.old_pid == third.pid);
    assert_ne!(restarted.new_pid, third.pid);
    let stopped = client
        .stop(&project, StopRequest::default())
        .expect("stopped");
    assert_eq!(stopped.state, WorkerState::Stopped);
    let at_once = client.worker_at(&project, 9, wait).expect("a state");
    assert_eq!(at_once.state, WorkerState::Stopped, "nothing to wait for");
}

#[test]
fn a_worker_that_does_not_start_is_told_in_words() {
    let world = World::new();
    let project = world.project("p");
    let client = world.client();
    let error = client.start(&project).expect_err("no interpreter");
    assert!(error.to_string().contains("interpreter is gone"), "{error}");
    assert!(error.hints()[0].contains("aim-worker logs"), "{error:?}");
    let reply = client.run_node(&project, &node("a.py"), |_| Ok(()));
    let reply: serde_json::Value = reply.expect("a reply").read().expect("JSON");
    assert_eq!(reply["ok"], false);
    assert!(
        reply["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("환경 갱신 실패"))
    );
}

#[test]
fn a_caller_that_goes_away_does_not_stop_its_node() {
    let world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let text = "def main(data):\n    for n in range(20000):\n        print('line', n)\n    open('done', 'w').close()\n";
    std::fs::write(project.root().join("long.py"), text).expect("write");
    let client = world.client();
    let gone = client.run_node(&project, &node("long.py"), |_| {
        Err(crate::error::Error::failed("enough"))
    });
    assert_eq!(gone.expect_err("left").to_string(), "enough");
    // Nodes run one after the other, so this one's reply comes after the first one's end.
    std::fs::write(
        project.root().join("next.py"),
        "import os\ndef main():\n    return os.path.exists('done')\n",
    )
    .expect("write");
    let reply = client.run_node(&project, &node("next.py"), |_| Ok(()));
    assert!(reply.expect("a reply").as_str().contains("true"));
}

#[test]
fn the_end_takes_workers_along_and_ends_what_follows() {
    let mut world = World::new();
    let Some(project) = world.living_project("p") else {
        return;
    };
    let client = world.client();
    let pid = client
        .start(&project)
        .expect("started")
        .pid
        .expect("a process");
    let log = client.worker_log(&project, 10, true).expect("a log");
    let follower = std::thread::spawn(move || read(log));
    world.end();
    follower.join().expect("the log has an end");
    let process = rustix::process::Pid::from_raw(i32::try_from(pid).expect("small"));
    assert!(rustix::process::test_kill_process(process.expect("a pid")).is_err());
    assert_eq!(
        Client::connect(&world.host).expect_err("nobody").exit(),
        Exit::NoDaemon
    );
    for left in ["s", "s.lock", "s.worker"] {
        assert!(!Path::new(&world.path(left)).exists(), "{left}");
    }
}

fn read(mut log: impl Read) -> String {
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes).expect("to the end");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Puts the calculator of `tests/fixtures` into a project.
fn calculator(project: &Project) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calculator");
    for file in std::fs::read_dir(from).expect("the fixture") {
        let file = file.expect("listed");
        std::fs::copy(file.path(), project.root().join(file.file_name())).expect("copied");
    }
}

/// The body of an answer, its chunks put together.
fn body(answer: &str) -> String {
    let (head, mut rest) = answer.split_once("\r\n\r\n").expect("a body");
    if !head.contains("transfer-encoding: chunked") {
        return rest.to_owned();
    }
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a length");
        body.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
    body
}

#[test]
fn a_flow_runs_and_tells_as_it_goes() {
    let world = World::new();
    let Some(project) = world.living_project("root/calculator") else {
        return;
    };
    calculator(&project);
    let request = r#"{"project_id":"calculator","start_node_id":"9","node_values":{"5":"10","6":"20","7":0.1}}"#;
    let (status, answer) = world.send("POST", "/api/project/execute-flow", request);
    assert_eq!(status, 200, "{answer}");
    let json: serde_json::Value = serde_json::from_str(&body(&answer)).expect("JSON");
    let results = serde_json::json!({"13": 30.0, "10": 3.0, "12": 0.15});
    assert_eq!(json["result_nodes"], results, "{json}");
    assert_eq!(json["success"], true);
    let difference = serde_json::json!({"a - b": 2.85});
    assert_eq!(json["execution_results"]["2"]["output"], difference);

    let (status, answer) = world.send("POST", "/api/project/execute-flow-stream", request);
    assert_eq!(status, 200);
    assert!(
        answer.contains("content-type: text/event-stream"),
        "{answer}"
    );
    let events = body(&answer);
    let kinds: Vec<_> = events
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("data: ").expect("a data line"))
        .map(|event| serde_json::from_str::<serde_json::Value>(event).expect("JSON"))
        .map(|event| event["type"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("start"));
    assert_eq!(kinds.last().map(String::as_str), Some("complete"));
    assert_eq!(kinds.len(), 2 + 7, "four nodes and three results: {events}");

    let (_, answer) = world.get("/api/project/calculator/node/1/full-result");
    let expected =
        r#"{"success":false,"error":"No full data available for this node","node_id":"1"}"#;
    assert_eq!(body(&answer), expected);
}

#[test]
fn a_flow_that_cannot_run_says_why() {
    let world = World::new();
    let project = world.project("root/p");
    let check = |body: &str, expected: u16, detail: &str| {
        let (status, answer) = world.send("POST", "/api/project/execute-flow", body);
        assert_eq!(status, expected, "{answer}");
        assert!(answer.contains(detail), "{answer}");
    };
    check(
        r#"{"project_id":"p"}"#,
        404,
        r#""detail":"Project p not found""#,
    );
    check(
        r#"{"project_id":".."}"#,
        404,
        r#""detail":"Project .. not found""#,
    );
    check(
        "{}",
        422,
        r#"[{"type":"missing","loc":["body","project_id"]"#,
    );
    check("{", 422, "json_invalid");
    std::fs::write(project.root().join("structure.json"), "{").expect("write");
    check(
        r#"{"project_id":"p"}"#,
        500,
        r#""detail":"Flow execution failed: structure.json: "#,
    );
    std::fs::write(project.root().join("structure.json"), "{}").expect("write");
    check(
        r#"{"project_id":"p"}"#,
        400,
        r#""detail":"No start node found in project""#,
    );
    let (status, answer) = world.send(
        "POST",
        "/api/project/execute-flow-stream",
        r#"{"project_id":"p"}"#,
    );
    assert_eq!(status, 200);
    let expected = "data: {\"type\":\"error\",\"error\":\"No start node found in project\"}\n\n";
    assert_eq!(body(&answer), expected);
}
