//! The daemon whole, in this process: real sockets, the real client, a real worker where Python is there.
//!
//! A [`World`] is a daemon with a home of its own; there is a file for each subject.

mod calls;
mod doors;
mod events;
mod flows;
mod language_servers;
mod nodes;
mod projects;
mod strangers;
mod terminals;
mod workers;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::descriptors::Shares;
use super::doors::Doors;
use super::notes::Notes;
use super::projects::Projects;
use super::socket::ServedSocket;
use super::state::Daemon;
use super::worker::JobSettings;
use crate::api::Client;
use crate::api::v1::NodeRun;
use crate::env_vars;
use crate::host::Host;
use crate::json::Json;
use crate::project::{Project, UserLayout};

const TOKEN: &str = "a-token-for-tests-only";

/// A daemon with a home of its own.
struct World {
    // The first to go: it ends the workers, and removes the socket.
    served: Option<(Runtime, Doors, ServedSocket)>,
    tcp: Option<SocketAddr>,
    host: Host,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::serving(false, |host, _| host)
    }

    fn with_tcp() -> Self {
        Self::serving(true, |host, _| host)
    }

    /// One whose daemon was started with more variables; the folder is that of [`Self::path`].
    fn started_with(more: impl FnOnce(Host, &Path) -> Host) -> Self {
        Self::serving(false, more)
    }

    fn serving(tcp: bool, more: impl FnOnce(Host, &Path) -> Host) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = dir.path().canonicalize().expect("resolved");
        std::fs::create_dir(home.join("root")).expect("folder");
        let host = Host::fake(["aim-backend"])
            .with_var(env_vars::SOCKET, home.join("s"))
            .with_var(env_vars::TOKEN, TOKEN)
            .with_var("XDG_STATE_HOME", home.join("state"));
        let host = more(host, &home);
        let layout = UserLayout::of(&host).expect("folders");
        let place = ServedSocket::take(&host).expect("free");
        let projects = Projects::new(layout.registry(), Some(home.join("root")));
        let settings = JobSettings::new(place.script_folder(), layout.worker_logs());
        let notes = Notes::new(place.path());
        let daemon = Arc::new(Daemon::new(host.clone(), projects, notes, settings));
        let runtime = Runtime::new().expect("a runtime");
        let mut doors = Doors::new(
            daemon,
            Shares {
                socket: 32,
                tcp: 16,
            },
        );
        let address = runtime.block_on(async {
            let listener = place.listener().expect("the socket");
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
        Client::connect(&self.host, None).expect("connects")
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

/// The run that made every [`generation`].
const RUN: &str = "0199ab12-cd34-7000-8000-000000000004";

fn generation(project: &Project, number: u64) {
    let change =
        format!(r#"{{"generation":{number},"run_id":"{RUN}","number":{number},"source":"pip"}}"#);
    let text = format!(
        r#"{{"updated_at":null,"packages":[],"generation":{number},"last_change":{change}}}"#
    );
    let new = project.root().join("new");
    std::fs::write(&new, text).expect("write");
    std::fs::rename(new, project.layout().env_meta()).expect("rename");
}

fn node(file: &str) -> NodeRun {
    NodeRun {
        file: file.to_owned(),
        input: Json::from(serde_json::json!({})),
        ..NodeRun::default()
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
