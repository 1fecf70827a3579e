//! Terminals over the real socket, with real shells: what they are (`pages`), what they make of a page that goes wrong
//! (`protocol`), how they end (`ends`), and that the environment is active in each shell, however its person has set it
//! up (`shells`).

mod ends;
mod inner;
mod pages;
mod protocol;
mod shells;

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

use super::World;
use crate::host::Host;
use crate::project::Project;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A page, as far as the daemon can tell.
struct Page {
    socket: WebSocket<UnixStream>,
    speaks_v1: bool,
    /// What the terminal was sent.
    shown: Vec<u8>,
    /// What was said beside it.
    told: Vec<Value>,
    /// Why the daemon closed the connection.
    closed: Option<(u16, String)>,
}

impl Page {
    /// One that speaks the subprotocol.
    fn come(world: &World, project: &Path, wish: &str) -> Self {
        Self::speaking(world, project, wish, true)
    }

    fn speaking(world: &World, project: &Path, wish: &str, speaks_v1: bool) -> Self {
        let path = project.display();
        let url = format!("ws://aim/api/ws/terminal/-?path={path}&cols=80&rows=24&{wish}");
        let mut request = url.into_client_request().expect("a request");
        if speaks_v1 {
            let spoken = "other, aim.terminal.v1".parse().expect("a header");
            request
                .headers_mut()
                .insert("sec-websocket-protocol", spoken);
        }
        let stream = UnixStream::connect(world.path("s")).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let (socket, _) = client(request, stream).expect("upgraded");
        let mut page = Self {
            socket,
            speaks_v1,
            shown: Vec::new(),
            told: Vec::new(),
            closed: None,
        };
        if speaks_v1 {
            page.read();
        }
        page
    }

    /// Takes the next message; false when it was the last.
    fn read(&mut self) -> bool {
        match self.socket.read() {
            Ok(Message::Binary(bytes)) => {
                self.shown.extend_from_slice(&bytes);
                if self.speaks_v1 {
                    self.say(&json!({"type": "ack", "bytes": bytes.len()}));
                }
            }
            Ok(Message::Text(text)) => {
                assert!(self.speaks_v1, "old pages print text: {text}");
                self.told.push(serde_json::from_str(&text).expect("JSON"));
            }
            Ok(Message::Close(frame)) => {
                let frame = frame.expect("a reason");
                self.closed = Some((frame.code.into(), frame.reason.to_string()));
            }
            Ok(_) => {}
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return false,
            Err(error) => panic!("{error}; shown: {}", self.text()),
        }
        true
    }

    fn say(&mut self, what: &Value) {
        // A daemon that has hung up is seen by reading.
        let _ = self.socket.send(Message::text(what.to_string()));
    }

    fn type_in(&mut self, text: &str) {
        self.say(&json!({"type": "input", "data": text}));
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Reads until `text` is shown.
    fn until(&mut self, text: &str) -> String {
        let begun = Instant::now();
        let is_shown = |shown: &[u8]| {
            shown
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        let mut searched = 0;
        while !is_shown(&self.shown[searched..]) {
            searched = self.shown.len().saturating_sub(text.len());
            assert!(
                begun.elapsed() < PATIENCE,
                "never: {text}; shown: {}",
                self.text()
            );
            assert!(
                self.read(),
                "closed: {:?}; shown: {}",
                self.closed,
                self.text()
            );
        }
        self.text()
    }

    /// What a command prints, between two marks that its own echo does not have.
    fn output(&mut self, command: &str) -> String {
        self.shown.clear();
        self.type_in(&format!(" echo \"<\"\"<$({command})>\"\">\"\r"));
        let text = self.until(">>");
        let from = text.find("<<").expect("the first mark") + 2;
        let text = text[from..].replace(['\r', '\n'], "");
        text.split(">>").next().expect("some").to_owned()
    }

    fn ready(&self) -> &Value {
        let ready = self.told.first().expect("told");
        assert_eq!(ready["type"], "ready");
        ready
    }

    fn session(&self) -> String {
        self.ready()["session"].as_str().expect("an id").to_owned()
    }

    /// Why the daemon closes the connection.
    fn farewell(&mut self) -> (u16, String) {
        while self.read() {}
        self.closed.clone().expect("a close frame")
    }
}

/// A world in which the person has `shell`, and a project in it.
fn world_with(shell: &str) -> Option<(World, Project)> {
    let Ok(shell) = which::which(shell) else {
        #[expect(clippy::print_stdout, reason = "a skipped test says why")]
        {
            println!("skipped: no {shell} on PATH");
        }
        return None;
    };
    let world = World::started_with(|host: Host, home| {
        std::fs::create_dir(home.join("home")).expect("a home");
        let path = std::env::var_os("PATH").expect("a PATH");
        host.with_var("HOME", home.join("home"))
            .with_var("PATH", path)
            .with_var("SHELL", OsString::from(shell))
    });
    let project = world.project("p");
    for name in ["pip", "python"] {
        program(&project.venv().bin().join(name), "echo the environment\\'s");
    }
    Some((world, project))
}

fn program(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("write");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
}

fn is_alive(pid: &str) -> bool {
    let pid = pid
        .trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    test_kill_process(pid).is_ok()
}

/// Waits until `is_so`.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn list(world: &World) -> Value {
    let (status, answer) = world.get("/api/v1/terminals");
    assert_eq!(status, 200, "{answer}");
    let mut all: Value = serde_json::from_str(&super::body(&answer)).expect("JSON");
    all["terminals"].take()
}
