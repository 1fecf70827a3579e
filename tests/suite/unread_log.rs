//! A daemon whose log nobody takes any more: the reader of its pipe went, its terminal was closed, the disk is full,
//! the journal is gone, or whoever reads does not.

use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::sandbox::{Sandbox, skipped};

/// A daemon with its log somewhere else than a test's daemon has it.
struct Logging {
    child: Child,
}

impl Logging {
    fn to(sandbox: &Sandbox, log: impl Into<Stdio>) -> Self {
        let mut command = sandbox.command("aim-backend");
        Self::start(command.arg("serve"), log)
    }

    fn start(command: &mut Command, log: impl Into<Stdio>) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("aim-backend starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("readable");
        assert!(line.starts_with("socket"), "{line}");
        Self { child }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("sent");
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.signal(Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A node runs, the state is as ever, a new worker starts, and what is missing from the log is said.
fn goes_on(sandbox: &Sandbox) {
    sandbox.write("node.py", "def main():\n    return 42\n");
    for _ in 0..2 {
        let ran = sandbox.run("aim-worker", ["run", "node.py"]).ok();
        assert_eq!(ran.stdout().trim(), "42");
        sandbox.run("aim-worker", ["restart"]).ok();
    }
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status["state"], "idle", "{status}");
    let status = sandbox.run("aim-backend", ["status", "--json"]).ok().json();
    let lost = status["log_lines_lost"].as_u64().expect("a number");
    assert!(lost > 2, "{status}");
    assert_eq!(status["status"], "healthy");
    assert!(status.get("faults").is_none(), "{status}");
    let doctor = sandbox.run("aim-venv-sync", ["doctor"]);
    let said = doctor.stdout();
    assert!(
        said.contains("lines of the daemon's log could not be written"),
        "{said}"
    );
}

#[test]
fn the_reader_of_its_pipe_went() {
    let sandbox = Sandbox::ready();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let _daemon = Logging::to(&sandbox, writer);
    drop(reader);
    goes_on(&sandbox);
}

#[test]
fn its_terminal_was_closed() {
    let sandbox = Sandbox::ready();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    // The daemon must not hold it, too.
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC).expect("set");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
    let slave = rustix::fs::open(name.as_c_str(), flags, rustix::fs::Mode::empty()).expect("open");
    let _daemon = Logging::to(&sandbox, slave);
    drop(master);
    goes_on(&sandbox);
}

#[test]
fn its_disk_is_full() {
    let sandbox = Sandbox::ready();
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return skipped("only Linux has a file that is always full");
    };
    let _daemon = Logging::to(&sandbox, full);
    goes_on(&sandbox);
}

#[test]
fn its_file_has_reached_the_limit_of_files() {
    let sandbox = Sandbox::ready();
    let path = sandbox.root().join("log");
    std::fs::write(&path, [b'\n'; 4096]).expect("written");
    let log = File::options().append(true).open(&path).expect("made");
    let mut command = sandbox.command("sh");
    command.args([
        "-c",
        "ulimit -f 2; exec \"$0\" serve",
        env!("CARGO_BIN_EXE_aim-backend"),
    ]);
    let _daemon = Logging::start(&mut command, log);
    let status = sandbox.run("aim-backend", ["status", "--json"]).ok().json();
    assert!(
        status["log_lines_lost"].as_u64().expect("a number") > 0,
        "{status}"
    );
}

#[test]
fn its_journal_is_gone() {
    let sandbox = Sandbox::ready();
    let (reader, writer) = UnixStream::pair().expect("a pair");
    let daemon = Logging::to(&sandbox, OwnedFd::from(writer));
    drop(reader);
    goes_on(&sandbox);
    drop(daemon);
    let (reader, writer) = UnixDatagram::pair().expect("a pair");
    let _daemon = Logging::to(&sandbox, OwnedFd::from(writer));
    drop(reader);
    goes_on(&sandbox);
}

#[test]
fn whoever_reads_it_does_not_and_then_does() {
    let sandbox = Sandbox::ready();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    fill(&writer);
    let _daemon = Logging::to(&sandbox, writer);
    goes_on(&sandbox);
    drain(&mut reader);
    sandbox.run("aim-worker", ["restart"]).ok();
    let said = drain(&mut reader);
    let first = said.lines().next().expect("a line");
    let notice: serde_json::Value = serde_json::from_str(first).expect("JSON");
    assert!(notice["lost"].as_u64().expect("a number") > 2, "{notice}");
    assert_eq!(notice["level"], "WARN");
    assert!(said.contains("worker"), "and it goes on: {said}");
}

#[test]
fn whoever_started_it_by_nohup_may_leave() {
    let sandbox = Sandbox::ready();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = sandbox.command("sh");
    command.args([
        "-c",
        "trap '' HUP; exec \"$0\" serve",
        env!("CARGO_BIN_EXE_aim-backend"),
    ]);
    let daemon = Logging::start(&mut command, writer);
    drop(reader);
    daemon.signal(Signal::HUP);
    goes_on(&sandbox);
}

/// Writes into a pipe until it takes no more.
fn fill(writer: &std::io::PipeWriter) {
    rustix::io::ioctl_fionbio(writer, true).expect("set");
    while rustix::io::write(writer, &[b'\n'; 512]).is_ok() {}
    rustix::io::ioctl_fionbio(writer, false).expect("set");
}

/// What is in a pipe now.
fn drain(reader: &mut PipeReader) -> String {
    let waiting = rustix::io::ioctl_fionread(&*reader).expect("a pipe");
    let mut bytes = vec![0; usize::try_from(waiting).expect("small")];
    reader.read_exact(&mut bytes).expect("there");
    String::from_utf8(bytes).expect("text")
}
