//! A command that needs the daemon starts it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::compare::terminal::Terminal;
use crate::sandbox::{Ran, Sandbox, program_path};

/// What a node of [`World`] gives.
const ANSWER: &str = "\"here\"\n";

/// A sandbox whose commands start its daemon, which ends with it.
struct World(Sandbox);

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::ready();
        sandbox.write("node.py", "def main():\n    return 'here'\n");
        Self(sandbox)
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.0.command(program);
        command.env("AIM_AUTOSTART", "1");
        command
    }

    fn run<const N: usize>(&self, program: &str, args: [&str; N]) -> Ran {
        Ran::of(self.command(program).args(args))
    }

    /// The daemon that runs.
    fn daemon(&self) -> u64 {
        let status = self.run("aim-backend", ["status", "--json"]).ok().json();
        status["pid"].as_u64().expect("a pid")
    }

    /// The daemons of this world.
    fn daemons(&self) -> Vec<u64> {
        let socket = format!("AIM_SOCKET={}", self.0.socket().display());
        let is_one = |process: &Path| {
            let named = std::fs::read(process.join("cmdline")).unwrap_or_default();
            let variables = std::fs::read(process.join("environ")).unwrap_or_default();
            let mut variables = variables.split(|byte| *byte == 0);
            named.ends_with(b"\0serve\0--on-demand\0")
                && variables.any(|variable| variable == socket.as_bytes())
        };
        let processes = std::fs::read_dir("/proc").expect("processes").flatten();
        let processes = processes.map(|entry| entry.path());
        processes
            .filter(|process| is_one(process))
            .filter_map(|process| process.file_name()?.to_str()?.parse().ok())
            .collect()
    }

    /// Waits until these are its daemons: one that gives way, or was stopped, takes a moment to end.
    fn has(&self, expected: &[u64]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.daemons() != expected {
            assert!(
                Instant::now() < deadline,
                "{:?}, not {expected:?}",
                self.daemons()
            );
            std::thread::yield_now();
        }
    }

    fn log(&self) -> PathBuf {
        self.0.root().join("state/aim-toolkit/backend.log")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.run("aim-backend", ["stop"]);
        if !std::thread::panicking() {
            self.has(&[]);
        }
    }
}

#[test]
fn a_node_is_run_and_nothing_is_said_to_a_pipe() {
    let world = World::new();
    let ran = world.run("aim-worker", ["run", "node.py"]).ok();
    assert_eq!((ran.stdout().as_str(), ran.stderr().as_str()), (ANSWER, ""));
    world.has(&[world.daemon()]);
    world
        .run("aim-worker", ["run", "node.py"])
        .ok()
        .says(ANSWER);
    let log = std::fs::read_to_string(world.log()).expect("a log");
    assert!(log.contains("\"msg\":\"serving\""), "{log}");
}

#[test]
fn a_terminal_is_told_once() {
    let world = World::new();
    let line = "AIM_AUTOSTART=1 NO_COLOR=1 aim-worker run node.py";
    let first = Terminal::start(&world.0, line, 110).end(&world.0);
    assert!(
        first
            .shown
            .contains("note: started the daemon; it ends by itself when unused"),
        "{}",
        first.shown
    );
    let second = Terminal::start(&world.0, line, 110).end(&world.0);
    assert_eq!(second.shown, "\"here\"\r\n");
}

#[test]
fn whoever_only_looks_starts_nothing() {
    let world = World::new();
    for args in [
        &["status"][..],
        &["list"],
        &["logs"],
        &["stop"],
        &["interrupt"],
    ] {
        let ran = Ran::of(world.command("aim-worker").args(args));
        ran.exits(3).warns("start it with `aim-backend serve`");
    }
    world.run("aim-backend", ["status"]).exits(3);
    world.run("aim-backend", ["stop"]).exits(3);
    world.run("aim-venv-sync", ["status"]).ok();
    world.run("aim-venv-sync", ["doctor"]);
    Ran::of(
        world
            .command(world.0.bin("pip"))
            .args(["uninstall", "-y", "nothing"]),
    )
    .ok();
    assert_eq!(world.daemons(), [0; 0]);
    // Nor does a command that has no project to need it for.
    Ran::of(
        world
            .command("aim-worker")
            .args(["run", "node.py"])
            .current_dir("/"),
    )
    .exits(3);
    assert_eq!(world.daemons(), [0; 0]);
}

#[test]
fn commands_at_the_same_moment_get_one_daemon() {
    let world = World::new();
    let begun: Vec<_> = (0..6)
        .map(|_| {
            let mut command = world.command("aim-worker");
            let command = command.args(["run", "node.py"]);
            let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
            piped.spawn().expect("starts")
        })
        .collect();
    for child in begun {
        let ended = child.wait_with_output().expect("ends");
        assert_eq!(String::from_utf8_lossy(&ended.stdout), ANSWER, "{ended:?}");
    }
    world.has(&[world.daemon()]);
}

#[test]
fn a_setting_keeps_commands_from_it() {
    let world = World::new();
    world.0.write(".aim.toml", "autostart = false\n");
    let mut command = world.command("aim-worker");
    let ran = Ran::of(command.args(["run", "node.py"]).env_remove("AIM_AUTOSTART"));
    ran.exits(3).warns("start it with `aim-backend serve`");
    world.run("aim-worker", ["run", "node.py"]).ok();
}

#[test]
fn it_has_nothing_of_the_command_that_started_it() {
    let world = World::new();
    let given = world.0.write("given.txt", "");
    let script = format!(
        "trap '' INT HUP; exec 9<{}; exec {} run node.py",
        given.display(),
        program_path("aim-worker").display()
    );
    Ran::of(world.command("sh").args(["-c", &script]))
        .ok()
        .says(ANSWER);
    let pid = world.daemon();
    let process = PathBuf::from(format!("/proc/{pid}"));
    let link = |name: &str| std::fs::read_link(process.join(name)).expect("a link");
    assert_eq!(link("cwd"), Path::new("/"));
    assert_eq!(link("fd/0"), Path::new("/dev/null"));
    assert_eq!(link("fd/2"), world.log());
    let open = std::fs::read_dir(process.join("fd"))
        .expect("descriptors")
        .flatten();
    let open: Vec<_> = open
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .collect();
    assert!(!open.contains(&given), "{open:?}");
    let status = std::fs::read_to_string(process.join("status")).expect("a status");
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:\t"))
        .expect("signals");
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a mask");
    assert_eq!(ignored & 0b11, 0, "neither SIGHUP nor SIGINT");
    let stat = std::fs::read_to_string(process.join("stat")).expect("a stat");
    let (_, rest) = stat.rsplit_once(") ").expect("the command's end");
    let session = rest.split(' ').nth(3).expect("a session");
    assert_eq!(session, pid.to_string());
}

#[test]
fn why_it_does_not_start_is_said_with_its_own_words() {
    let world = World::new();
    let open = world.0.root().join("tmp/open");
    std::fs::create_dir(&open).expect("folder");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&open, mode).expect("mode");
    let mut command = world.command("aim-worker");
    let ran = Ran::of(
        command
            .args(["run", "node.py"])
            .env("AIM_SOCKET", open.join("s")),
    );
    ran.exits(1)
        .warns("the daemon did not start: others could change files in the socket's folder")
        .warns(&format!("hint: its log: {}", world.log().display()));
    // A folder of state that cannot be made costs the log, and is told.
    let state = world.0.write("state", "a file");
    let mut command = world.command("aim-worker");
    command
        .args(["run", "node.py"])
        .env("XDG_STATE_HOME", state);
    let ran = Ran::of(command.env("AIM_SOCKET", open.join("s")));
    ran.exits(1)
        .warns("the daemon did not start: it said nothing")
        .warns("it has no log");
}

#[test]
fn a_daemon_on_demand_is_content_with_the_one_that_serves() {
    let world = World::new();
    let daemon = world.0.daemon();
    let ran = world.run("aim-backend", ["serve", "--on-demand"]).ok();
    assert_eq!(ran.stdout().trim_end(), daemon.lines()[0]);
    assert_eq!(daemon.terminate().0, Some(0));
}
