//! The daemon under strangers: connections that ask nothing, and descriptors that run out.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use crate::place::wait_until;
use crate::sandbox::{Daemon, Sandbox, program_path};

/// A daemon with a TCP side, and its address.
fn with_tcp(sandbox: &Sandbox) -> (Daemon, String) {
    let mut command = sandbox.command("aim-backend");
    let daemon = Daemon::start_with_lines(command.args(["serve", "--listen", "127.0.0.1:0"]), 2);
    let url = daemon.lines()[1].split("http://").nth(1).expect("a URL");
    let address = url.split('/').next().expect("an address").to_owned();
    (daemon, address)
}

/// A program of ours, or another, with these limits of descriptors.
fn limited(sandbox: &Sandbox, limits: &str) -> Command {
    let mut command = sandbox.command("sh");
    let script = format!("{limits}; exec \"$0\" \"$@\"");
    command.args(["-c", &script]);
    command
}

/// A daemon with these limits of descriptors.
fn limited_daemon(sandbox: &Sandbox, limits: &str) -> Daemon {
    let mut command = limited(sandbox, limits);
    Daemon::start(command.args([env!("CARGO_BIN_EXE_aim-backend"), "serve"]))
}

#[test]
fn three_hundred_half_requests_stop_no_node() {
    let sandbox = Sandbox::ready();
    let (_daemon, address) = with_tcp(&sandbox);
    sandbox.write("node.py", "def main():\n    return 42\n");
    let mut halves = Vec::new();
    for number in 0..300 {
        let mut stream = TcpStream::connect(&address).expect("connects");
        let half = ["", "G", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nhost: a"][number % 4];
        stream.write_all(half.as_bytes()).expect("sent");
        halves.push(stream);
    }
    for _ in 0..3 {
        let ran = sandbox.run("aim-worker", ["run", "node.py"]).ok();
        assert_eq!(ran.stdout().trim(), "42");
    }
    // The newest still have their time; the page's requests come whole.
    let mut stream = TcpStream::connect(&address).expect("connects");
    write!(
        stream,
        "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    drop(halves);
}

#[test]
fn half_requests_on_the_socket_with_few_descriptors_stop_no_node() {
    let sandbox = Sandbox::ready();
    let _daemon = limited_daemon(&sandbox, "ulimit -n 128");
    sandbox.write("node.py", "def main():\n    return 42\n");
    let halves: Vec<UnixStream> = (0..300)
        .map(|_| UnixStream::connect(sandbox.socket()).expect("connects"))
        .collect();
    sandbox.run("aim-worker", ["run", "node.py"]).ok();
    drop(halves);
}

#[test]
fn the_daemon_takes_the_hard_limit_and_workers_have_the_persons() {
    let sandbox = Sandbox::ready();
    let daemon = limited_daemon(&sandbox, "ulimit -Sn 70; ulimit -Hn 900");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid()));
    if let Ok(limits) = limits {
        let open = limits
            .lines()
            .find(|line| line.starts_with("Max open files"))
            .expect("a line");
        let numbers: Vec<&str> = open.split_whitespace().skip(3).take(2).collect();
        assert_eq!(numbers, ["900", "900"]);
    }
    let node = "import resource\ndef main():\n    return list(resource.getrlimit(resource.RLIMIT_NOFILE))\n";
    sandbox.write("node.py", node);
    let ran = sandbox.run("aim-worker", ["run", "node.py"]).ok();
    let seen: Vec<u64> = serde_json::from_str(ran.stdout().trim()).expect("JSON");
    assert_eq!(seen, [70, 900]);
}

/// What a command says with so few descriptors: as much as with enough of them, or that it failed.
#[test]
fn out_of_descriptors_is_an_error_in_every_list_and_look() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("lonely", "1.0");
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    let before = (sandbox.records(), sandbox.env_meta());
    let commands: [&[&str]; 5] = [
        &["aim-venv-sync", "status", "--json"],
        &["aim-venv-sync", "sync", "--check"],
        &["aim-venv-sync", "sync"],
        &["aim-logs", "list", "--json"],
        &["aim-logs", "show", "last"],
    ];
    for command in commands {
        let (program, args) = command.split_first().expect("a program");
        let whole = sandbox.run(program, args).ok().stdout();
        let mut failed = 0;
        for limit in 3..20 {
            let mut few = limited(&sandbox, &format!("ulimit -n {limit}"));
            let ran = few.arg(program_path(program)).args(args).output();
            let ran = ran.expect("runs");
            let said = String::from_utf8_lossy(&ran.stdout);
            if ran.status.success() {
                assert_eq!(said, whole, "{command:?} with {limit}");
            } else {
                failed += 1;
            }
        }
        assert!(failed > 0, "{command:?} never ran short");
    }
    assert_eq!((sandbox.records(), sandbox.env_meta()), before);
}

#[test]
fn pip_with_few_descriptors_enters_nothing_that_did_not_happen() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("lonely", "1.0");
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    let before = (sandbox.records(), sandbox.env_meta());
    for limit in 3..24 {
        let mut few = limited(&sandbox, &format!("ulimit -n {limit}"));
        few.arg(sandbox.bin("pip"))
            .args(["uninstall", "-y", "not-there"])
            .output()
            .expect("runs");
    }
    let entered = sandbox.records().split_off(before.0.len());
    let changed = entered
        .iter()
        .find(|record| record["generation_before"] != record["generation_after"]);
    assert_eq!(changed, None);
    assert_eq!(sandbox.env_meta()["packages"], before.1["packages"]);
    sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
}

/// Projects whose workers and spares would take more descriptors than there are.
fn many_projects(count: usize, limit: usize) {
    let sandbox = Sandbox::ready();
    let projects: Vec<PathBuf> = (0..count)
        .map(|number| bare_project(&sandbox, number))
        .collect();
    let mut command = limited(&sandbox, &format!("ulimit -n {limit}"));
    let daemon = Daemon::start(command.args([env!("CARGO_BIN_EXE_aim-backend"), "serve"]));
    for round in 0..2 {
        for project in projects.iter().skip(round * (count - 3)) {
            let mut run = sandbox.command("aim-worker");
            let run = run.current_dir(project).args(["run", "node.py"]);
            let run = run.output().expect("runs");
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{}: {said}", project.display());
        }
    }
    let list = sandbox.run("aim-worker", ["list", "--json"]).ok().json();
    let listed = list
        .as_array()
        .map_or_else(|| list["projects"].as_array().map_or(0, Vec::len), Vec::len);
    assert!(listed >= count, "{listed}: {list}");
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("idle workers let go"), "{log}");
    all_are_followed(&sandbox, &projects, limit);
}

/// A daemon that nobody asks for anything: what other tools do in the last of `projects` is recorded, and no process
/// runs.
fn all_are_followed(sandbox: &Sandbox, projects: &[PathBuf], limit: usize) {
    for project in projects {
        // As `init` marks an environment that has the hook.
        std::fs::write(project.join(".venv/.aim/version"), "1\n").expect("write");
    }
    let mut command = limited(sandbox, &format!("ulimit -n {limit}"));
    let daemon = Daemon::start(command.args([env!("CARGO_BIN_EXE_aim-backend"), "serve"]));
    let project = projects.last().expect("projects");
    let runs = project.join(".pip-logs/runs.jsonl");
    let packages = sandbox.site_packages();
    let packages = packages.strip_prefix(sandbox.venv()).expect("below");
    let packages = project.join(".venv").join(packages);
    for version in ["1.0", "2.0"] {
        let name = format!("followed-{version}.dist-info");
        let info = packages.join(&name);
        std::fs::create_dir(&info).expect("folder");
        let write = |file: &str, text: &str| std::fs::write(info.join(file), text).expect("write");
        write("INSTALLER", "uv\n");
        let metadata = format!("Metadata-Version: 2.1\nName: followed\nVersion: {version}\n");
        write("METADATA", &metadata);
        write("RECORD", &format!("{name}/INSTALLER,,\n"));
        wait_until("the change in the history", || {
            std::fs::read_to_string(&runs).is_ok_and(|runs| runs.contains(version))
        });
    }
    let status = sandbox.run("aim-backend", ["status"]).ok();
    status.says("(running workers: 0)");
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
}

/// A project with an environment of a few files.
fn bare_project(sandbox: &Sandbox, number: usize) -> PathBuf {
    let project = sandbox.root().join(format!("many/{number}"));
    let venv = project.join(".venv");
    std::fs::create_dir_all(venv.join("bin")).expect("folders");
    std::fs::copy(sandbox.venv().join("pyvenv.cfg"), venv.join("pyvenv.cfg")).expect("copied");
    let site = sandbox.site_packages();
    let place = site.strip_prefix(sandbox.venv()).expect("below");
    std::fs::create_dir_all(venv.join(place)).expect("folders");
    let python = sandbox.bin("python").canonicalize().expect("there");
    std::os::unix::fs::symlink(python, venv.join("bin/python")).expect("link");
    std::fs::write(project.join("node.py"), "def main():\n    return 1\n").expect("write");
    project
}

#[test]
fn more_projects_than_descriptors_work_one_after_the_other() {
    many_projects(40, 128);
}

#[test]
#[ignore = "takes minutes; the same with fewer runs always"]
fn five_hundred_projects_work_on_1024_descriptors() {
    many_projects(500, 1024);
}
