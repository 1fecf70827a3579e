//! `aim-backend`: socket, TCP with its token, start and stop, faults around it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use crate::sandbox::{Daemon, Sandbox};

#[test]
fn it_serves_its_owner_alone_and_leaves_nothing_behind() {
    let sandbox = Sandbox::ready();
    let daemon = sandbox.daemon();
    let socket = sandbox.socket();
    assert!(
        daemon.lines()[0].contains(socket.to_str().expect("utf-8")),
        "{:?}",
        daemon.lines()
    );
    assert_eq!(
        socket.metadata().expect("a socket").permissions().mode() & 0o777,
        0o600
    );
    let health = get(&sandbox, "/api/health");
    assert!(health.contains("\"healthy\""), "{health}");
    sandbox.run("aim-worker", ["start"]).ok();
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(!socket.exists());
    sandbox.run("aim-backend", ["status"]).exits(3);
}

#[test]
fn a_second_daemon_is_refused_and_a_stale_socket_replaced() {
    let sandbox = Sandbox::ready();
    let mut first = sandbox.daemon();
    sandbox.run("aim-backend", ["serve"]).exits(1);
    first.kill();
    assert!(
        sandbox.socket().exists(),
        "a killed daemon leaves its socket"
    );
    let _second = sandbox.daemon();
    sandbox.run("aim-backend", ["status"]).ok();
    sandbox.run("aim-backend", ["stop"]).ok();
    sandbox.run("aim-backend", ["stop"]).exits(3);
}

#[test]
fn workers_do_not_outlive_a_killed_daemon() {
    let sandbox = Sandbox::ready();
    let mut daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    let pid = i32::try_from(status["pid"].as_i64().expect("a pid")).expect("small");
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    daemon.kill();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while rustix::process::test_kill_process(pid).is_ok() {
        assert!(
            std::time::Instant::now() < deadline,
            "the worker outlives its daemon"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_daemon_killed_while_a_node_runs_leaves_nothing_that_runs_and_everything_else() {
    let sandbox = Sandbox::ready();
    let mut daemon = sandbox.daemon();
    // In C, and deaf to everything: only the kernel can end it.
    let node = "def main():\n    open('started', 'w').close()\n    return sum(range(10 ** 14))\n";
    std::fs::write(sandbox.project().join("deaf.py"), node).expect("write");
    std::fs::write(
        sandbox.project().join("one.py"),
        "def main():\n    return 1\n",
    )
    .expect("write");
    sandbox.run("aim-worker", ["start"]).ok();
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    let pid = i32::try_from(status["pid"].as_i64().expect("a pid")).expect("small");
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let in_time = || assert!(std::time::Instant::now() < deadline, "in time");
    std::thread::scope(|scope| {
        scope.spawn(|| sandbox.run("aim-worker", ["run", "deaf.py"]));
        while !sandbox.project().join("started").exists() {
            in_time();
            std::thread::yield_now();
        }
        daemon.kill();
    });
    while rustix::process::test_kill_process(pid).is_ok() {
        in_time();
        std::thread::yield_now();
    }
    let _second = sandbox.daemon();
    sandbox.run("aim-worker", ["run", "one.py"]).ok();
}

#[test]
fn hostile_ids_and_paths_are_refused_in_the_errors_own_shape() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    for (path, status) in [
        ("/api/v1/projects/nobody/worker", 404),
        ("/api/v1/projects/%2E%2E/worker", 404),
        ("/api/v1/projects/a%5Cb/worker", 404),
        ("/api/v1/projects/%00/worker", 404),
        ("/nowhere", 404),
    ] {
        let answer = get(&sandbox, path);
        let code: u16 = answer
            .split(' ')
            .nth(1)
            .expect("a status")
            .parse()
            .expect("a number");
        assert!(code == status || code == 400, "{path}: {answer}");
        assert!(
            answer.contains("\"detail\"") && answer.contains("\"code\""),
            "{path}: {answer}"
        );
    }
    for id in ["../nobody", "nobody", "a/b"] {
        sandbox
            .run("aim-worker", ["status", "--project", id])
            .exits(4);
    }
}

#[test]
fn sub_folders_of_the_projects_root_are_projects() {
    let sandbox = Sandbox::ready();
    let mut command = sandbox.command("aim-backend");
    let _daemon = Daemon::start(
        command
            .args(["serve", "--projects-root"])
            .arg(sandbox.root().join("projects")),
    );
    let projects = get(&sandbox, "/api/v1/projects");
    assert!(projects.contains("\"demo\""), "{projects}");
    let mut elsewhere = sandbox.command("aim-worker");
    let output = elsewhere
        .current_dir("/")
        .args(["status", "--project", "demo", "--json"])
        .output()
        .expect("runs");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn registrations_survive_the_daemon() {
    let sandbox = Sandbox::new().with_venv();
    let daemon = sandbox.daemon();
    let sandbox = sandbox.with_init();
    assert!(get(&sandbox, "/api/v1/projects").contains("\"demo\""));
    daemon.terminate();
    let _again = sandbox.daemon();
    assert!(get(&sandbox, "/api/v1/projects").contains("\"demo\""));
}

#[test]
fn tcp_wants_the_token_and_a_known_host() {
    let sandbox = Sandbox::ready();
    let mut command = sandbox.command("aim-backend");
    let daemon = Daemon::start_with_lines(command.args(["serve", "--listen", "127.0.0.1:0"]), 2);
    let url = daemon.lines()[1]
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .expect("a URL")
        .to_owned();
    let (address, token) = url
        .trim_start_matches("http://")
        .split_once("/?token=")
        .expect("a token");
    let ask = |host: &str, extra: &str| {
        let mut stream = TcpStream::connect(address).expect("connects");
        write!(
            stream,
            "GET /api/v1/projects HTTP/1.1\r\nHost: {host}\r\n{extra}Connection: close\r\n\r\n"
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
            .split(' ')
            .nth(1)
            .expect("a status")
            .parse::<u16>()
            .expect("a number")
    };
    let bearer = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(ask(address, &bearer), 200);
    assert_eq!(ask(address, ""), 401);
    assert_eq!(ask(address, "Authorization: Bearer wrong\r\n"), 401);
    assert_eq!(ask("evil.example", &bearer), 403);
    assert_eq!(
        ask(address, &format!("{bearer}Origin: http://evil.example\r\n")),
        403
    );
}

#[test]
fn garbage_on_the_socket_harms_nobody() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    for garbage in [
        &b"\0\0\0\0"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/projects HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n{",
    ] {
        let mut stream = UnixStream::connect(sandbox.socket()).expect("connects");
        let _ = stream.write_all(garbage);
    }
    assert!(get(&sandbox, "/api/health").contains("healthy"));
}

/// The whole answer, head and body, to a GET on the sandbox's socket.
#[test]
fn a_project_is_named_by_its_id_or_its_folder() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let folder = sandbox
        .project()
        .to_str()
        .expect("utf-8")
        .replace('/', "%2F");
    let status = |path: &str| get(&sandbox, path)[9..12].to_owned();
    let worker = |id: &str, query: &str| status(&format!("/api/v1/projects/{id}/worker{query}"));
    assert_eq!(worker("demo", ""), "404", "nobody knows it yet");
    assert_eq!(worker("-", &format!("?path={folder}")), "200");
    assert_eq!(worker("demo", ""), "200");
    assert_eq!(worker(&folder, ""), "200");
    let both = format!("?generation=0&wait_s=0&path={folder}");
    assert_eq!(
        worker("another", &both),
        "200",
        "the folder goes before the id"
    );
    assert_eq!(worker("demo", "?path=%2Fnowhere"), "404");
    assert_eq!(worker("demo", "?path=relative"), "400");
    assert_eq!(status(&format!("/api/v1/projects/-?path={folder}")), "200");
    let result = "/api/project/-/node/1/full-result";
    assert_eq!(status(&format!("{result}?path={folder}")), "200");
    assert_eq!(status(result), "404");
}

#[test]
fn it_describes_itself() {
    let sandbox = Sandbox::new();
    let _daemon = sandbox.daemon();
    let answer = get(&sandbox, "/api/openapi.json");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let said: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let kept: serde_json::Value =
        serde_json::from_slice(&std::fs::read("openapi.json").expect("read")).expect("JSON");
    assert_eq!(said, kept);
}

fn get(sandbox: &Sandbox, path: &str) -> String {
    let mut stream = UnixStream::connect(sandbox.socket()).expect("connects");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
