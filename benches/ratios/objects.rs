//! What goes from node to node and is no small JSON: workers are asked as the daemon asks them, line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::floor::copy_of;
use crate::measure::{row, timed, turns};
use crate::sandbox::{Sandbox, stored_wheel};

/// Numbers in the list.
const FLOATS: usize = 1_000_000;
/// Bytes of the array.
const ARRAY: usize = 100_000_000;
/// Writes the list as JSON each time it is asked to, after the number of its bytes.
const DUMPS: &str = "
import json, sys
values = [n / 7 for n in range(int(sys.argv[1]))]
for line in sys.stdin:
    text = json.dumps(values).encode()
    sys.stdout.buffer.write(b'%d\\n' % len(text) + text)
    sys.stdout.buffer.flush()
";
const DATA: &str = "VALUES = [n / 7 for n in range(1_000_000)]\n";
const GIVES: &str = "import data\ndef main():\n    return data.VALUES\n";
const TAKES: &str = "def main(values):\n    return len(values)\n";

pub(crate) fn rows() {
    list();
    array();
}

/// A list of floats from one node to the next, over the same by `json.dumps` through a pipe.
fn list() {
    let sandbox = Sandbox::ready();
    sandbox.write("data.py", DATA);
    sandbox.write("gives.py", GIVES);
    sandbox.write("takes.py", TAKES);
    let mut dumps = Dumps::start(&sandbox.bin("python"));
    let mut worker = Worker::start(&sandbox);
    let give =
        r#"{"id":"1","op":"exec_node","file":"gives.py","input":null,"keep":{"ref":"list"}}"#;
    let take = r#"{"id":"2","op":"exec_node","file":"takes.py","edges":[{"ref":"list"}]}"#;
    worker.ask(give);
    let (json, ours) = turns(
        9,
        || dumps.once(),
        || {
            timed(|| {
                assert_eq!(worker.ask(give)["kept"], true);
                assert_eq!(worker.ask(take)["output"], FLOATS);
            })
        },
    );
    row(
        "a list of 1,000,000 floats to the next node / json.dumps",
        json,
        ours,
        "at most 0.1",
    );
}

/// A numpy array from one worker to another, over one copy of it into new memory.
fn array() {
    let sandbox = Sandbox::ready();
    let Some(wheel) = stored_wheel("numpy-") else {
        return;
    };
    let mut pip = sandbox.command(sandbox.bin("pip"));
    let installed = pip.args(["install", "--no-index"]).arg(wheel).output();
    assert!(installed.expect("pip runs").status.success());
    sandbox.write(
        "gives.py",
        &format!("import numpy\ndef main():\n    return numpy.ones({ARRAY}, 'u1')\n"),
    );
    let (mut from, mut to) = (Worker::start(&sandbox), Worker::start(&sandbox));
    from.ask(
        r#"{"id":"1","op":"exec_node","file":"gives.py","input":null,"keep":{"ref":"array"}}"#,
    );
    let pid = from.child.id();
    let (copy, ours) = turns(
        9,
        || copy_of(ARRAY),
        || {
            let time = timed(|| {
                let there = from.ask(r#"{"id":"2","op":"export","ref":"array"}"#);
                let (fd, layout) = (&there["fd"], &there["layout"]);
                to.ask(&format!(
                    r#"{{"id":"3","op":"import","ref":"array","path":"/proc/{pid}/fd/{fd}","layout":{layout}}}"#
                ));
                from.tell(&format!(r#"{{"op":"close_fd","fd":{fd}}}"#));
            });
            to.ask(r#"{"id":"4","op":"release","all":true}"#);
            time
        },
    );
    row(
        "a numpy array of 100 MB to another worker / a copy",
        copy,
        ours,
        "at most 1.2",
    );
}

/// A worker of a sandbox's project, without the daemon.
struct Worker {
    child: Child,
    socket: BufReader<UnixStream>,
}

impl Worker {
    fn start(sandbox: &Sandbox) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("worker/aim_worker.py");
        let child = Command::new(sandbox.bin("python"))
            .args(["-u", "-I", "-S"])
            .arg(script)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .expect("python starts");
        let socket = BufReader::new(ours);
        let mut worker = Self { child, socket };
        worker.line();
        let root = serde_json::to_string(sandbox.project()).expect("a path");
        worker.ask(&format!(
            r#"{{"id":"0","op":"activate","generation":1,"project_root":{root},"shm":true}}"#
        ));
        worker
    }

    fn tell(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.socket
            .get_mut()
            .write_all(line.as_bytes())
            .expect("sent");
    }

    /// The answer, which must be a good one.
    fn ask(&mut self, line: &str) -> Value {
        self.tell(line);
        let answer = self.line();
        assert_eq!(answer["ok"], true, "{answer}");
        answer
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.socket.read_line(&mut line).expect("read");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when nobody is there to ask it any more.
        let _ = self.socket.get_ref().shutdown(std::net::Shutdown::Both);
        let _ = self.child.wait();
    }
}

/// A bare Python child that writes a list as JSON.
struct Dumps {
    child: Child,
    text: BufReader<std::process::ChildStdout>,
}

impl Dumps {
    fn start(python: &Path) -> Self {
        let mut child = Command::new(python)
            .args(["-I", "-S", "-c", DUMPS, &FLOATS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let text = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, text }
    }

    fn once(&mut self) -> Duration {
        timed(|| {
            let mut requests = self.child.stdin.as_ref().expect("open");
            requests.write_all(b"\n").expect("written");
            let mut size = String::new();
            self.text.read_line(&mut size).expect("read");
            let mut text = vec![0; size.trim().parse().expect("a number")];
            self.text.read_exact(&mut text).expect("read");
        })
    }
}

impl Drop for Dumps {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
