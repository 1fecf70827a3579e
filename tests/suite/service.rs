//! The daemon in the care of a service manager, and as the first process of a container.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Daemon, Ran, Sandbox, program_folder, skipped};

/// Starts what follows with its standard input as descriptor 3, as systemd starts a service with its socket.
const ACTIVATE: &str = "import os, sys\n\
    os.dup2(0, 3)\n\
    os.dup2(os.open('/dev/null', os.O_RDONLY), 0)\n\
    os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='x')\n\
    os.execvp(sys.argv[1], sys.argv[1:])\n";

/// A daemon that was given the socket `listener`.
fn activated(sandbox: &Sandbox, listener: &UnixListener) -> Daemon {
    let mut command = sandbox.command(sandbox.python().path());
    command.args(["-I", "-c", ACTIVATE, "aim-backend", "serve", "--on-demand"]);
    let socket = OwnedFd::from(listener.try_clone().expect("a socket"));
    Daemon::start(command.stdin(Stdio::from(socket)))
}

/// What a node sees of the service manager's variables.
const VARIABLES: &str = "import os\ndef main():\n    \
    return sorted(n for n in os.environ if n.split('_')[0] in ('LISTEN', 'NOTIFY', 'WATCHDOG'))\n";

#[test]
fn a_given_socket_is_served_and_left_where_it_is() {
    let sandbox = Sandbox::ready();
    sandbox.write("variables.py", VARIABLES);
    let listener = UnixListener::bind(sandbox.socket()).expect("bind");
    // A call that comes before the daemon waits for it, which is what the socket is for.
    let mut early = UnixStream::connect(sandbox.socket()).expect("connects");
    early
        .write_all(b"GET /api/health HTTP/1.1\r\nhost: aim\r\nconnection: close\r\n\r\n")
        .expect("sent");
    let daemon = activated(&sandbox, &listener);
    let mut answer = String::new();
    early.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    sandbox
        .run("aim-worker", ["run", "variables.py"])
        .ok()
        .says("[]");
    let status = sandbox.run("aim-backend", ["status", "--json"]).ok().json();
    assert_eq!(status["pid"].as_u64(), Some(daemon.pid().into()));
    // It stays a lent one in the program that the daemon moves to.
    sandbox.run("aim-backend", ["restart"]).ok();
    sandbox
        .run("aim-worker", ["run", "variables.py"])
        .ok()
        .says("[]");
    // Its socket's peer is not the daemon, but the one who made the socket.
    sandbox.run("aim-backend", ["stop"]).ok();
    let (status, log) = daemon.ended();
    assert_eq!(status, Some(0), "{log}");
    assert!(sandbox.socket().exists(), "it is the service manager's");
    // And so the next daemon is given it again.
    let daemon = activated(&sandbox, &listener);
    sandbox.run("aim-worker", ["run", "variables.py"]).ok();
    assert_eq!(daemon.terminate().0, Some(0));
}

#[test]
fn what_is_given_and_is_no_socket_is_said() {
    let sandbox = Sandbox::ready();
    let mut command = sandbox.command("aim-backend");
    // Descriptor 3 is not open: a program in between has closed it.
    let program = command.get_program().to_owned();
    command = sandbox.command("sh");
    command
        .args(["-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" serve 3<&-"])
        .arg(program);
    Ran::of(&mut command)
        .exits(1)
        .warns("what the service manager gave is no socket to serve");
}

#[test]
fn the_service_manager_is_told_when_it_serves_lives_and_ends() {
    let sandbox = Sandbox::ready();
    let place = sandbox.root().join("run/notify");
    let told = UnixDatagram::bind(&place).expect("bind");
    told.set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a limit");
    let next = || {
        let mut text = [0; 256];
        let length = told.recv(&mut text).expect("told in time");
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let mut command = sandbox.command("aim-backend");
    command
        .arg("serve")
        .env("NOTIFY_SOCKET", &place)
        .env("WATCHDOG_USEC", "100000");
    let daemon = Daemon::start(&mut command);
    assert_eq!(next(), "READY=1\n");
    for _ in 0..3 {
        assert_eq!(next(), "WATCHDOG=1\n");
    }
    assert_eq!(daemon.terminate().0, Some(0));
    let mut rest = next();
    while rest == "WATCHDOG=1\n" {
        rest = next();
    }
    assert_eq!(rest, "STOPPING=1\n");
}

/// A sandbox whose `systemctl` notes how it was called.
pub(crate) struct Managed(pub(crate) Sandbox);

impl Managed {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::ready();
        let folder = sandbox.root().join("tools");
        std::fs::create_dir(&folder).expect("folder");
        let script = folder.join("systemctl");
        let text = format!(
            "#!/bin/sh\necho \"$@\" >> '{}'\n[ \"$2\" = is-active ] && echo active\nexit 0\n",
            sandbox.root().join("calls").display()
        );
        std::fs::write(&script, text).expect("write");
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("mode");
        Self(sandbox)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.0.command(program);
        let tools = self.0.root().join("tools");
        command.env("PATH", format!("{}:{}", tools.display(), self.0.path()));
        command.env_remove("AIM_SOCKET");
        command
    }

    fn service(&self, args: &[&str]) -> Ran {
        Ran::of(self.command("aim-backend").arg("service").args(args))
    }

    /// How `systemctl` was called since the last time.
    fn calls(&self) -> Vec<String> {
        let place = self.0.root().join("calls");
        let text = std::fs::read_to_string(&place).unwrap_or_default();
        let _ = std::fs::remove_file(place);
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn unit(&self, name: &str) -> PathBuf {
        self.0.root().join("config/systemd/user").join(name)
    }
}

#[test]
fn a_service_is_installed_shown_and_removed() {
    let managed = Managed::new();
    managed
        .service(&["status"])
        .ok()
        .says("no service is installed");
    managed.calls();
    let wrote = managed.service(&["install"]).ok();
    for words in [
        "installed: the daemon starts when it is called",
        "config/systemd/user/aim-backend.socket",
        "config/systemd/user/aim-backend.service",
        "undo: `aim-backend service remove`",
    ] {
        assert!(wrote.stderr().contains(words), "{wrote:?}");
    }
    let expected = [
        "--user show --property=Version",
        "--user daemon-reload",
        "--user enable --now aim-backend.socket",
    ];
    assert_eq!(managed.calls(), expected);
    let text = std::fs::read_to_string(managed.unit("aim-backend.service")).expect("a unit");
    let program = program_folder()
        .canonicalize()
        .expect("resolved")
        .join("aim-backend");
    let started = format!("ExecStart=\"{}\" serve --on-demand\n", program.display());
    assert!(text.contains(&started), "{text}");
    // A second time renews it.
    managed.service(&["install"]).ok();
    let status = managed.service(&["status", "--json"]).ok().json();
    assert_eq!(status["installed"], true);
    assert_eq!(status["states"][0]["state"], "active");
    managed
        .service(&["status"])
        .ok()
        .says("aim-backend.socket: active");
    managed.calls();
    managed.service(&["remove"]).ok().warns("removed");
    let expected = [
        "--user show --property=Version",
        "--user disable --now aim-backend.socket aim-backend.service",
        "--user daemon-reload",
    ];
    assert_eq!(managed.calls(), expected);
    assert!(!managed.unit("aim-backend.socket").exists());
    assert!(!managed.unit("aim-backend.service").exists());
    managed
        .service(&["remove"])
        .ok()
        .warns("no service is installed");
}

#[test]
fn somebody_elses_unit_is_left_alone() {
    let managed = Managed::new();
    let unit = managed.unit("aim-backend.service");
    std::fs::create_dir_all(unit.parent().expect("a folder")).expect("folders");
    std::fs::write(&unit, "[Service]\nExecStart=/mine\n").expect("write");
    managed
        .service(&["install"])
        .exits(1)
        .warns("so it is left alone");
    managed.service(&["remove"]).ok();
    let text = std::fs::read_to_string(&unit).expect("still there");
    assert_eq!(text, "[Service]\nExecStart=/mine\n");
    assert!(!managed.unit("aim-backend.socket").exists());
}

#[test]
fn where_nothing_can_be_written_it_is_said_what_to_do_instead() {
    let managed = Managed::new();
    std::fs::write(managed.0.root().join("config/systemd"), "a file").expect("write");
    managed
        .service(&["install"])
        .exits(1)
        .warns("cannot write the service's files in")
        .warns("commands start the daemon by themselves where none runs");
}

#[test]
fn without_a_service_manager_it_is_said_what_to_do_instead() {
    let sandbox = Sandbox::ready();
    // None on PATH; one that runs for nobody here.
    for path in [program_folder().display().to_string(), sandbox.path()] {
        for args in [&["install"][..], &["status"], &["remove"]] {
            let mut command = sandbox.command("aim-backend");
            let ran = Ran::of(command.env("PATH", &path).arg("service").args(args));
            if args == ["install"] {
                ran.exits(1)
                    .warns("there is no service manager for you here")
                    .warns("commands start the daemon by themselves");
            } else {
                ran.ok();
            }
        }
    }
    assert!(!sandbox.root().join("config/systemd").exists());
}

/// Leaves a process behind that has lost its parent and ends in a moment, out of reach of the daemon's own search.
const ORPHAN: &str = "import subprocess\ndef main():\n    \
    subprocess.run(['/bin/sh', '-c', '(sleep 0.2; exit 7) & echo $!'], start_new_session=True, env={}, \
    stdout=subprocess.DEVNULL)\n    return 'left'\n";

#[test]
fn the_first_process_of_a_container_takes_the_ends_of_all_and_obeys() {
    let sandbox = Sandbox::ready();
    let unshared = ["--pid", "--fork", "--kill-child"];
    let probe = Command::new("unshare").args(unshared).arg("true").output();
    match probe {
        Ok(output) if output.status.success() => {}
        other => return skipped(&format!("no namespace of processes can be made: {other:?}")),
    }
    sandbox.write("orphan.py", ORPHAN);
    let mut command = sandbox.command("unshare");
    command.args(unshared).args(["aim-backend", "serve"]);
    let daemon = Daemon::start(&mut command);
    sandbox.run("aim-worker", ["run", "orphan.py"]).ok();
    let first = children(daemon.pid()).pop().expect("the first process");
    let deadline = Instant::now() + Duration::from_secs(20);
    // The daemon alone is left, and no zombie.
    while children(first).len() > 1 {
        assert!(Instant::now() < deadline, "{:?}", children(first));
        std::thread::yield_now();
    }
    let first = Pid::from_raw(i32::try_from(first).expect("small")).expect("a pid");
    kill_process(first, Signal::TERM).expect("told");
    let (status, log) = daemon.ended();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("\"msg\":\"stopped\""), "{log}");
    assert!(!sandbox.socket().exists());
}

/// The children of a process, those that have ended and were not waited for among them.
fn children(pid: u32) -> Vec<u32> {
    let place = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(Path::new(&place)).unwrap_or_default();
    text.split_whitespace()
        .map(|pid| pid.parse().expect("a pid"))
        .collect()
}
