//! The daemon's place: what goes while it lives, who else is there, and how it is found by the note that it leaves.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::doors::outside::{Kind, Outside};
use crate::sandbox::{Daemon, Ran, Sandbox, skipped};

/// Returns when `is_so`.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn answers(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

fn note(sandbox: &Sandbox) -> PathBuf {
    sandbox.venv().join(".aim/daemon")
}

/// Waits until the note in the project's environment names `socket`.
#[track_caller]
fn wait_for_note(sandbox: &Sandbox, socket: &Path) {
    let path = note(sandbox);
    wait_until("the note", || {
        std::fs::read_to_string(&path)
            .is_ok_and(|text| text.contains(socket.to_str().expect("UTF-8")))
    });
}

fn pid_of(process: &serde_json::Value) -> Pid {
    let pid = i32::try_from(process.as_i64().expect("a pid")).expect("small");
    Pid::from_raw(pid).expect("a pid")
}

/// A daemon of the sandbox's person that listens at `socket`, where their shells do not look.
fn elsewhere(sandbox: &Sandbox, socket: &Path) -> Daemon {
    let mut command = sandbox.command("aim-backend");
    Daemon::start(
        command
            .arg("serve")
            .env("AIM_SOCKET", socket)
            .env("AIM_LOG", "info"),
    )
}

#[test]
fn a_socket_that_goes_comes_again_and_nothing_is_lost() {
    let sandbox = Sandbox::ready();
    let daemon = sandbox.daemon();
    sandbox.write("one.py", "def main():\n    return 1\n");
    let started = sandbox.run("aim-worker", ["start", "--json"]).ok().json();
    let run = sandbox.socket().parent().expect("a folder").to_path_buf();
    let lock = run.join("backend.sock.lock");
    for gone in [&sandbox.socket(), &lock, &run] {
        if gone.is_dir() {
            std::fs::remove_dir_all(gone).expect("removed");
        } else {
            std::fs::remove_file(gone).expect("removed");
        }
        wait_until("the socket comes again", || {
            lock.exists() && answers(&sandbox.socket())
        });
        let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
        assert_eq!(status["pid"], started["pid"], "the worker goes on");
        sandbox.run("aim-backend", ["serve"]).exits(1);
    }
    // What workers are started from went with the folder.
    sandbox.pip_works();
    sandbox.run("aim-worker", ["restart"]).ok();
    sandbox.run("aim-worker", ["run", "one.py"]).ok();
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert_eq!(std::fs::read_dir(&run).expect("list").count(), 0);
}

#[test]
fn a_daemon_whose_place_another_one_took_ends_with_its_workers_and_leaves_it_alone() {
    let sandbox = Sandbox::ready();
    let first = sandbox.daemon();
    let started = sandbox.run("aim-worker", ["start", "--json"]).ok().json();
    let worker = pid_of(&started["pid"]);
    let process = Pid::from_raw(i32::try_from(first.pid()).expect("small")).expect("a pid");
    kill_process(process, Signal::STOP).expect("stopped");
    std::fs::remove_dir_all(sandbox.socket().parent().expect("a folder")).expect("removed");
    let second = sandbox.daemon();
    kill_process(process, Signal::CONT).expect("goes on");
    let (status, log) = first.ended();
    assert_eq!(status, Some(1), "{log}");
    assert!(test_kill_process(worker).is_err(), "its worker has ended");
    let status = sandbox.run("aim-backend", ["status", "--json"]).ok().json();
    assert_eq!(status["pid"], second.pid());
    sandbox.run("aim-worker", ["start"]).ok();
    assert_eq!(second.terminate().0, Some(0));
}

#[test]
fn what_is_put_in_the_sockets_place_is_left_alone() {
    let sandbox = Sandbox::ready();
    let daemon = sandbox.daemon();
    let started = sandbox.run("aim-worker", ["start", "--json"]).ok().json();
    std::fs::remove_file(sandbox.socket()).expect("removed");
    std::fs::write(sandbox.socket(), "precious").expect("write");
    let (status, log) = daemon.ended();
    assert_eq!(status, Some(1), "{log}");
    assert!(test_kill_process(pid_of(&started["pid"])).is_err());
    let text = std::fs::read_to_string(sandbox.socket()).expect("there");
    assert_eq!(text, "precious");
    let left = std::fs::read_dir(sandbox.root().join("run")).expect("list");
    assert_eq!(left.count(), 1, "all of its own is gone");
}

#[test]
fn at_logout_the_daemon_moves_and_is_found() {
    let uid = rustix::process::getuid().as_raw();
    if Path::new(&format!("/run/user/{uid}")).exists() {
        skipped("this machine has a runtime folder that is not the test's");
        return;
    }
    let sandbox = Sandbox::ready();
    let login = sandbox.root().join("login");
    std::fs::create_dir(&login).expect("folder");
    let with_login = |program: &str, args: &[&str]| {
        let mut command = sandbox.command(program);
        command
            .args(args)
            .env_remove("AIM_SOCKET")
            .env("XDG_RUNTIME_DIR", &login);
        command
    };
    let daemon = Daemon::start(&mut with_login("aim-backend", &["serve"]));
    let run = |program: &str, args: &[&str]| Ran::of(&mut with_login(program, args));
    let started = run("aim-worker", &["start", "--json"]).ok().json();
    let first = login.join("aim/backend.sock");
    wait_for_note(&sandbox, &first);
    std::fs::remove_dir_all(&login).expect("logged out");
    let moved = sandbox.root().join(format!("tmp/aim-{uid}/backend.sock"));
    wait_for_note(&sandbox, &moved);
    assert!(answers(&moved));
    let status = run("aim-worker", &["status", "--json"]).ok().json();
    assert_eq!(status["pid"], started["pid"]);
    run("aim-worker", &["restart"]).ok();
    // And where there is no note: the next login's shells look at every usual place.
    std::fs::create_dir(&login).expect("folder");
    std::fs::remove_file(note(&sandbox)).expect("removed");
    let status = run("aim-backend", &["status", "--json"]).ok().json();
    assert_eq!(status["pid"], daemon.pid());
    assert_eq!(status["socket"], moved.to_str().expect("UTF-8"));
    run("aim-backend", &["stop"]).ok();
    assert!(!moved.exists());
}

#[test]
fn a_daemon_that_listens_elsewhere_is_found_by_its_note() {
    let sandbox = Sandbox::ready();
    let other = sandbox.root().join("other.sock");
    let daemon = elsewhere(&sandbox, &other);
    // Nobody has told the shells where it is.
    sandbox.run("aim-worker", ["status"]).exits(3);
    let ran = Ran::of(
        sandbox
            .command("aim-worker")
            .arg("start")
            .env("AIM_SOCKET", &other),
    );
    ran.ok();
    wait_for_note(&sandbox, &other);
    let found = note(&sandbox).metadata().expect("a note");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status["state"], "idle");
    sandbox
        .run("aim-venv-sync", ["status"])
        .ok()
        .says("running (aim-backend");
    sandbox.pip_works();
    sandbox.run("aim-venv-sync", ["sync", "--wait"]).ok();
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("environment changed"), "the nudge came: {log}");
    assert!(!note(&sandbox).exists(), "taken back");
    assert!(note(&sandbox).parent().expect("a folder").exists());
}

#[test]
fn a_project_that_is_known_has_its_note_before_it_is_used() {
    let sandbox = Sandbox::new().with_venv();
    let first = sandbox.daemon();
    let sandbox = sandbox.with_init();
    wait_for_note(&sandbox, &sandbox.socket());
    first.terminate();
    assert!(!note(&sandbox).exists());
    let other = sandbox.root().join("other.sock");
    let _daemon = elsewhere(&sandbox, &other);
    wait_for_note(&sandbox, &other);
    // Let go of, it has none.
    let mut stream = UnixStream::connect(&other).expect("connects");
    let forget = "DELETE /api/v1/projects/demo HTTP/1.1\r\nhost: aim\r\nconnection: close\r\n\r\n";
    stream.write_all(forget.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains(" 204 "), "{answer}");
    assert!(!note(&sandbox).exists());
}

#[test]
fn two_daemons_are_both_found_and_the_first_keeps_the_project() {
    let sandbox = Sandbox::ready();
    let other = sandbox.root().join("other.sock");
    let first = elsewhere(&sandbox, &other);
    let mut start = sandbox.command("aim-worker");
    Ran::of(start.arg("start").env("AIM_SOCKET", &other)).ok();
    wait_for_note(&sandbox, &other);
    let second = sandbox.daemon();
    let status = sandbox.run("aim-backend", ["status", "--json"]).ok().json();
    assert_eq!(status["pid"], second.pid(), "who names a socket means it");
    assert_eq!(status["others"][0]["pid"], first.pid(), "{status}");
    let line = format!("process {}, at {}", first.pid(), other.display());
    sandbox.run("aim-backend", ["status"]).ok().says(&line);
    // The project's daemon is the first one for everybody who is there.
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status["state"], "idle");
    sandbox.run("aim-backend", ["stop"]).ok();
    assert!(
        note(&sandbox).exists() && answers(&other),
        "the second's end is its own alone"
    );
    assert_eq!(first.terminate().0, Some(0));
    assert_eq!(second.terminate().0, Some(0));
}

#[test]
fn whatever_stands_in_the_notes_place_the_daemon_is_found_and_pip_works() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["start"]).ok();
    let outside = Outside::of(&sandbox);
    let path = note(&sandbox);
    let check = |what: &str| {
        sandbox.pip_works();
        sandbox.run("aim-worker", ["status"]).ok();
        sandbox.run("aim-venv-sync", ["doctor"]);
        outside.is_untouched(what);
    };
    for kind in [
        Kind::LinkToFile,
        Kind::LinkToNothing,
        Kind::LinkToFolder,
        Kind::LinkToZeros,
        Kind::HardLink,
        Kind::Fifo,
        Kind::Socket,
        Kind::Folder,
    ] {
        outside.put(kind, &path);
        check(&format!("{kind:?}"));
    }
    std::fs::remove_dir(&path).expect("removed");
    for text in ["", "{\"schema\":1", &"[".repeat(1 << 20)] {
        std::fs::write(&path, text).expect("write");
        check(&text[..text.len().min(20)]);
    }
}

/// A note as this process would leave it, if it were a daemon that listens at `socket`.
fn forged(sandbox: &Sandbox, socket: &Path) {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    let began: u64 = rest
        .split(' ')
        .nth(19)
        .expect("a time")
        .parse()
        .expect("a number");
    let text = serde_json::json!({
        "schema": 1,
        "socket": socket,
        "pid": std::process::id(),
        "began": began,
        "program": "aim-backend",
    });
    std::fs::write(note(sandbox), text.to_string()).expect("write");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(note(sandbox), private).expect("mode");
}

/// Whether somebody has connected to `listener`.
fn was_called(listener: &UnixListener) -> bool {
    listener.set_nonblocking(true).expect("set");
    listener.accept().is_ok()
}

#[test]
#[cfg(target_os = "linux")]
fn a_note_leads_to_nobody_else() {
    if !rustix::process::geteuid().is_root() {
        skipped("not the superuser, who alone can make another user's socket");
        return;
    }
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    let foreign = sandbox.root().join("foreign.sock");
    let listener = UnixListener::bind(&foreign).expect("bind");
    forged(&sandbox, &foreign);
    // Ours, it is followed: the note is good.
    sandbox.pip_works();
    assert!(was_called(&listener));
    std::os::unix::fs::chown(&foreign, Some(4321), None).expect("given");
    sandbox.pip_works();
    sandbox.run("aim-worker", ["status"]).ok();
    assert!(!was_called(&listener), "another user's socket");
    std::os::unix::fs::chown(&foreign, Some(0), None).expect("given");
    std::os::unix::fs::chown(note(&sandbox), Some(4321), None).expect("given");
    sandbox.pip_works();
    sandbox.run("aim-worker", ["status"]).ok();
    assert!(!was_called(&listener), "another user's note");
}

#[test]
fn the_superusers_pip_tells_the_daemon_of_whom_the_project_belongs_to() {
    use std::os::unix::process::CommandExt as _;

    const PERSON: u32 = 4321;
    if !rustix::process::geteuid().is_root() {
        skipped("not the superuser");
        return;
    }
    let sandbox = Sandbox::ready();
    let program = sandbox.command("aim-backend").get_program().to_owned();
    let can_run = Command::new(program).arg("--version").uid(PERSON).output();
    if !can_run.is_ok_and(|output| output.status.success()) {
        skipped("another user cannot run the built programs");
        return;
    }
    for entry in walkdir::WalkDir::new(sandbox.root()) {
        let path = entry.expect("readable").into_path();
        std::os::unix::fs::lchown(path, Some(PERSON), Some(PERSON)).expect("given");
    }
    let theirs = sandbox.root().join("run/theirs.sock");
    let as_person = |program: &str, arg: &str| {
        let mut command = sandbox.command(program);
        command
            .arg(arg)
            .uid(PERSON)
            .gid(PERSON)
            .env("AIM_SOCKET", &theirs)
            .env("AIM_LOG", "info");
        command
    };
    let daemon = Daemon::start(&mut as_person("aim-backend", "serve"));
    Ran::of(&mut as_person("aim-worker", "status")).ok();
    wait_for_note(&sandbox, &theirs);
    sandbox.pip_works();
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status["env_generation"], sandbox.generation());
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("environment changed"), "{log}");
    assert!(!log.contains("refused"), "{log}");
}

/// Answers every call as another backend would that speaks a version of its own.
fn other_backend(socket: &Path) {
    let listener = UnixListener::bind(socket).expect("bind");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            // Who only looks says nothing.
            if !stream.read(&mut request).is_ok_and(|read| read > 0) {
                continue;
            }
            let body = r#"{"status":"healthy","service":"backend","program":"aim-forge","api_version":"7.0.0"}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
}

#[test]
fn nobody_ends_another_program_or_advises_it() {
    let sandbox = Sandbox::ready();
    other_backend(&sandbox.socket());
    let pid = std::process::id();
    std::fs::write(
        sandbox.root().join("run/backend.sock.lock"),
        format!("{pid}\n"),
    )
    .expect("write");
    sandbox
        .run("aim-backend", ["stop"])
        .exits(1)
        .warns("aim-forge, not aim-backend");
    for (program, args) in [
        ("aim-backend", &["status"][..]),
        ("aim-backend", &["serve"]),
        ("aim-worker", &["status"]),
        ("aim-worker", &["list"]),
        ("aim-venv-sync", &["doctor"]),
        ("aim-venv-sync", &["status"]),
        ("aim-venv-sync", &["sync", "--wait"]),
    ] {
        let ran = sandbox.run(program, args);
        let said = ran.stdout() + &ran.stderr();
        assert!(!said.contains("aim-backend stop"), "{ran:?}");
        assert!(!said.contains("kill"), "{ran:?}");
    }
    let ran = sandbox.run("aim-worker", ["status"]).exits(1);
    assert!(
        ran.stderr().contains("aim-forge goes on as it is"),
        "{ran:?}"
    );
}
