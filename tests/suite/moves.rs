//! `aim-backend restart`: the daemon moves to another program, and nothing that somebody would miss ends.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::sandbox::{Daemon, Sandbox, program_path};
use crate::worker::wait_for;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node that runs until the file `go` is there.
const HOLD: &str = "import os, time\ndef main():\n    open('started', 'w').close()\n    \
    while not os.path.exists('go'): time.sleep(0.01)\n    return 'held'\n";

/// A page with a terminal.
struct Page {
    socket: WebSocket<UnixStream>,
    ready: Value,
    shown: Vec<u8>,
}

impl Page {
    fn come(sandbox: &Sandbox, wish: &str) -> Self {
        let mut socket = terminal(sandbox, wish, true, PATIENCE);
        let ready = socket.read().expect("ready").into_text().expect("text");
        Self {
            socket,
            ready: serde_json::from_str(&ready).expect("JSON"),
            shown: Vec::new(),
        }
    }

    fn type_in(&mut self, text: &str) {
        let typed = json!({"type": "input", "data": text});
        self.socket
            .send(Message::text(typed.to_string()))
            .expect("taken");
    }

    /// All that was shown, once it has `text`.
    fn until(&mut self, text: &str) -> String {
        loop {
            let shown = String::from_utf8_lossy(&self.shown).into_owned();
            if shown.contains(text) {
                return shown;
            }
            self.read();
        }
    }

    /// Takes in what comes next.
    fn read(&mut self) {
        if let Message::Binary(bytes) = self.socket.read().expect("open") {
            self.shown.extend_from_slice(&bytes);
        }
    }

    /// The number that was shown after `word `.
    fn number(&mut self, word: &str) -> u32 {
        let label = format!("{word} ");
        loop {
            let shown = String::from_utf8_lossy(&self.shown).into_owned();
            // What was typed is shown, too, without a number.
            let numbers = shown
                .split(&label)
                .skip(1)
                .filter_map(|rest| rest.split_once('\r'));
            if let Some(number) = numbers.filter_map(|(number, _)| number.parse().ok()).last() {
                return number;
            }
            self.read();
        }
    }

    /// The code by which it was closed.
    fn closed(&mut self) -> u16 {
        loop {
            match self.socket.read().expect("a close frame") {
                Message::Close(frame) => return frame.expect("a reason").code.into(),
                Message::Binary(bytes) => self.shown.extend_from_slice(&bytes),
                _ => {}
            }
        }
    }

    /// How to come again.
    fn again(&self) -> String {
        let session = self.ready["session"].as_str().expect("a session");
        let begun = self.ready["offset"].as_u64().expect("an offset");
        format!(
            "&session={session}&offset={}",
            begun + self.shown.len() as u64
        )
    }
}

/// A terminal in the project with this `wish` besides, as a page gets it that waits for what is said for so long.
pub(crate) fn terminal(
    sandbox: &Sandbox,
    wish: &str,
    speaks_v1: bool,
    patience: Duration,
) -> WebSocket<UnixStream> {
    let path = sandbox.project().display();
    let url = format!("ws://aim/api/ws/terminal/-?path={path}&cols=80&rows=24{wish}");
    let mut request = url.into_client_request().expect("a request");
    if speaks_v1 {
        let spoken = "aim.terminal.v1".parse().expect("a header");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", spoken);
    }
    let stream = UnixStream::connect(sandbox.socket()).expect("connects");
    stream.set_read_timeout(Some(patience)).expect("set");
    client(request, stream).expect("upgraded").0
}

fn serve(sandbox: &Sandbox) -> Daemon {
    let mut command = sandbox.command("aim-backend");
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("SHELL", "/bin/sh");
    Daemon::start_with_lines(&mut command, 2)
}

fn status(sandbox: &Sandbox) -> Value {
    sandbox.run("aim-backend", ["status", "--json"]).ok().json()
}

/// Asks the daemon to move to `program`; the status of its answer.
fn ask_to_move(sandbox: &Sandbox, program: &Path) -> u16 {
    let body = json!({"program": program}).to_string();
    let mut stream = UnixStream::connect(sandbox.socket()).expect("connects");
    let request = format!(
        "POST /api/v1/restart HTTP/1.1\r\nhost: aim\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
        .split(' ')
        .nth(1)
        .expect("a status")
        .parse()
        .expect("a number")
}

/// Waits until the daemon is another one than that which told `before`.
fn wait_for_another(sandbox: &Sandbox, before: &Value) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = status(sandbox);
        if now["started_at"] != before["started_at"] {
            return now;
        }
        assert!(Instant::now() < deadline, "the daemon does not move");
    }
}

#[test]
fn a_node_that_runs_answers_and_a_terminal_goes_on() {
    let sandbox = Sandbox::ready();
    sandbox.write("hold.py", HOLD);
    let daemon = serve(&sandbox);
    let before = status(&sandbox);
    let mut page = Page::come(&sandbox, "");
    page.type_in("stty -echo; echo\rexport KEPT=yes; echo shell $$\r");
    let shell = page.number("shell");
    page.type_in("cat\rheld on\r");
    page.until("held on");
    std::thread::scope(|scope| {
        let node = scope.spawn(|| sandbox.run("aim-worker", ["run", "hold.py"]));
        wait_for(&sandbox, "started");
        let moves = scope.spawn(|| sandbox.run("aim-backend", ["restart"]));
        // While the node runs, the daemon goes on as ever.
        assert_eq!(status(&sandbox)["started_at"], before["started_at"]);
        sandbox.write("go", "");
        node.join().expect("no panic").ok().says("\"held\"");
        moves
            .join()
            .expect("no panic")
            .ok()
            .warns("terminals that went along: 1");
    });
    let after = status(&sandbox);
    assert_ne!(after["started_at"], before["started_at"]);
    assert_eq!(
        after["pid"].as_u64(),
        Some(daemon.pid().into()),
        "the same process"
    );
    assert_eq!(after["page"], before["page"], "the same address and token");
    assert_eq!(page.closed(), 1001, "it is to come again");
    // What was typed goes to the program that ran before, and then to the same shell.
    let mut again = Page::come(&sandbox, &page.again());
    assert_eq!(again.ready["resumed"], true);
    again.type_in("still here\r\u{4}echo shell $$; echo kept $KEPT\r");
    again.until("still here");
    assert_eq!(again.number("shell"), shell);
    again.until("kept yes");
    // A page that has nothing is shown what was there before.
    let session = again.ready["session"].as_str().expect("a session");
    let mut other = Page::come(&sandbox, &format!("&session={session}"));
    let all = other.until("kept yes");
    assert!(
        all.contains("held on") && all.contains("still here"),
        "{all}"
    );
    // Nodes run on a worker of the new program.
    sandbox
        .run("aim-worker", ["run", "hold.py"])
        .ok()
        .says("\"held\"");
    // The end of a shell that was taken over is seen.
    other.type_in("exit 3\r");
    assert_eq!(other.closed(), 1000);
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("\"msg\":\"taking over\""), "{log}");
    assert!(!sandbox.socket().exists());
}

#[test]
fn what_is_no_program_is_refused_and_what_cannot_be_one_costs_nothing() {
    let sandbox = Sandbox::ready();
    let daemon = serve(&sandbox);
    let mut page = Page::come(&sandbox, "");
    page.type_in("stty -echo; echo\recho shell $$\r");
    let shell = page.number("shell");
    let before = status(&sandbox);
    let text = sandbox.write("text", "not a program\n");
    let other = sandbox.write("other", "#!/bin/sh\necho other 1.0\n");
    let mode = || PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&other, mode()).expect("mode");
    for none in [&text, &other, Path::new("/nowhere"), Path::new("relative")] {
        assert_eq!(ask_to_move(&sandbox, none), 400);
    }
    assert_eq!(status(&sandbox)["started_at"], before["started_at"]);
    // It is one until it is to be started: then the daemon goes on in its own.
    let gone = sandbox.write("gone", "#!/bin/sh\necho aim-backend 9.9\nrm \"$0\"\n");
    std::fs::set_permissions(&gone, mode()).expect("mode");
    assert_eq!(ask_to_move(&sandbox, &gone), 200);
    wait_for_another(&sandbox, &before);
    let mut again = Page::come(&sandbox, &page.again());
    again.type_in("echo shell $$\r");
    assert_eq!(again.number("shell"), shell);
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains("the program cannot be started"), "{log}");
}

#[test]
fn what_is_not_understood_is_no_reason_not_to_serve() {
    let sandbox = Sandbox::ready();
    let odd = sandbox.write("estate", "{\"schema\":99}");
    let script = format!(
        "exec 9<'{}'; AIM_HANDED_OVER=9 exec '{}' serve",
        odd.display(),
        program_path("aim-backend").display()
    );
    let daemon = Daemon::start(sandbox.command("sh").args(["-c", &script]));
    sandbox.run("aim-backend", ["status"]).ok();
    let (status, log) = daemon.terminate();
    assert_eq!(status, Some(0), "{log}");
    assert!(
        log.contains("it has the form 99, and this version knows 1"),
        "{log}"
    );
}

#[test]
fn without_a_daemon_there_is_nothing_to_move() {
    let sandbox = Sandbox::ready();
    sandbox.run("aim-backend", ["restart"]).exits(3);
}
