//! Language servers of pages, over the real socket, with a server that obeys a script.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

use super::{World, body, generation};
use crate::project::Project;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const SCRIPT: &str = include_str!("../../../tests/suite/lsp/fake_server.py");

/// A page with an editor.
struct Page(WebSocket<UnixStream>);

impl Page {
    fn come(world: &World, what: &str, project: &str) -> Self {
        let url = format!("ws://aim/api/lsp/{what}?project_id={project}");
        let stream = UnixStream::connect(world.path("s")).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let (socket, _) = client(url, stream).expect("upgraded");
        Self(socket)
    }

    fn of(world: &World, project: &Project) -> Self {
        let mut page = Self::come(world, "python", &id(project));
        page.ask(
            1,
            "initialize",
            &json!({"capabilities": {"textDocument": {"publishDiagnostics": {}}}}),
        );
        page.say(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
        page
    }

    fn say(&mut self, message: &Value) {
        self.0
            .send(Message::text(message.to_string()))
            .expect("sent");
    }

    /// Asks, and waits for the answer.
    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.until(|message| message["id"] == id)
    }

    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.0.read().expect("a message") {
                Message::Text(text) => {
                    let message = serde_json::from_str(&text).expect("one JSON body a frame");
                    if is_it(&message) {
                        return message;
                    }
                }
                Message::Close(frame) => panic!("closed: {frame:?}"),
                other => assert!(!other.is_binary(), "{other:?}"),
            }
        }
    }

    /// Why the connection is closed, and what was said before.
    fn closed(&mut self) -> (u16, String, Vec<Value>) {
        let (mut said, mut why) = (Vec::new(), None);
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => said.push(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(frame)) => {
                    let frame = frame.expect("a reason");
                    why = Some((u16::from(frame.code), frame.reason.to_string()));
                }
                Ok(_) => {}
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                    let (code, reason) = why.expect("closed with a frame");
                    return (code, reason, said);
                }
                // Over a socket the other side may be gone at once.
                Err(Error::Protocol(_) | Error::Io(_)) if why.is_some() => {
                    let (code, reason) = why.expect("it is there");
                    return (code, reason, said);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn id(project: &Project) -> String {
    project.root().display().to_string().replace('/', "%2F")
}

/// A project whose environment has a server that obeys `words`.
fn site(world: &World, words: &str) -> Option<Project> {
    let Ok(python) = which::which("python3") else {
        #[expect(clippy::print_stdout, reason = "a skipped test says why")]
        {
            println!("skipped: no python3 on PATH");
        }
        return None;
    };
    let project = world.project("p");
    let server = project.venv().script("basedpyright-langserver");
    std::fs::create_dir_all(project.venv().bin()).expect("folders");
    let script = SCRIPT.replacen(
        "os.environ.get(\"AIM_FAKE\", \"\")",
        &format!("{words:?}"),
        1,
    );
    assert_ne!(script, SCRIPT);
    std::fs::write(&server, format!("#!{}\n{script}", python.display())).expect("written");
    std::fs::set_permissions(&server, PermissionsExt::from_mode(0o755)).expect("set");
    generation(&project, 1);
    Some(project)
}

fn get(world: &World, path: &str) -> Value {
    let (status, answer) = world.get(path);
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&body(&answer)).expect("JSON")
}

fn gone(pid: u64) {
    let end = Instant::now() + PATIENCE;
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process");
    while test_kill_process(pid).is_ok() {
        assert!(Instant::now() < end, "{pid:?} is left");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_page_has_a_server_that_follows_the_environment() {
    let world = World::new();
    let Some(project) = site(&world, "chatty") else {
        return;
    };
    let mut page = Page::of(&world, &project);
    let item = json!({"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "한"});
    let open = json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}});
    // With a header, and as binary: what older pages send.
    let text = open.to_string();
    let framed = format!("Content-Length: {}\r\n\r\n{text}", text.len());
    page.0
        .send(Message::Binary(framed.into_bytes().into()))
        .expect("sent");
    let shown = |page: &mut Page| {
        let shown = page.until(|message| message["method"] == "textDocument/publishDiagnostics");
        shown["params"]["diagnostics"][0]["message"].clone()
    };
    assert_eq!(shown(&mut page), "generation 1");
    generation(&project, 2);
    assert_eq!(shown(&mut page), "generation 2");
    let texts = page.ask(2, "fake/texts", &json!({}));
    assert_eq!(texts["result"]["texts"], json!({"file:///a.py": "한"}));
    let of = id(&project);
    let health = get(
        &world,
        &format!("/api/lsp/health?project_id={of}&lsp_type=pyright"),
    );
    let pid = health["pid"].as_u64().expect("a process");
    assert_eq!(
        (
            &health["running"],
            &health["generation"],
            &health["restarts"]
        ),
        (&json!(true), &json!(2), &json!(0))
    );
    assert_eq!(texts["result"]["pid"], pid);
    let both = get(&world, &format!("/api/lsp/health?project_id={of}"));
    assert_eq!(
        (&both["pyright"]["pid"], &both["ruff"]["reason"]),
        (&json!(pid), &json!("not_created"))
    );
    let status = get(&world, "/api/lsp/status");
    assert_eq!(
        (&status["count"], &status["active_processes"][0]["pid"]),
        (&json!(1), &json!(pid))
    );
    let calls = get(&world, "/api/lsp/logs?n=3");
    assert_eq!(calls["count"], 3);
    assert_eq!(calls["events"][1]["method"], "fake/texts");
    let lines = get(&world, &format!("/api/lsp/stdio?project_id={of}"));
    assert!(
        lines["lines"].to_string().contains("hello from the server"),
        "{lines}"
    );
    let worker = get(&world, &format!("/api/v1/projects/{of}/worker"));
    assert_eq!(
        worker.get("language_servers"),
        None,
        "no toolkit is in this environment to leave a note in"
    );
    // A crash costs nothing.
    page.say(&json!({"jsonrpc": "2.0", "method": "fake/crash"}));
    let texts = page.ask(3, "fake/texts", &json!({}));
    assert_eq!(texts["result"]["texts"], json!({"file:///a.py": "한"}));
    gone(pid);
    let pid = texts["result"]["pid"].as_u64().expect("a process");
    let (status, answer) = world.send(
        "POST",
        &format!("/api/lsp/restart/pyright?project_id={of}"),
        "",
    );
    assert_eq!(status, 200, "{answer}");
    assert!(
        answer.contains("Successfully restarted pyright LSP"),
        "{answer}"
    );
    assert_eq!(page.closed().0, 4001);
    gone(pid);
    let (_, answer) = world.send(
        "POST",
        &format!("/api/lsp/stop/pyright?project_id={of}"),
        "",
    );
    assert!(answer.contains("Failed to stop pyright LSP"), "{answer}");
}

#[test]
fn a_page_that_goes_leaves_no_server() {
    let world = World::new();
    let Some(project) = site(&world, "stays child") else {
        return;
    };
    let mut page = Page::of(&world, &project);
    let pid = page.ask(2, "fake/texts", &json!({}))["result"]["pid"]
        .as_u64()
        .expect("a process");
    drop(page);
    gone(pid);
    let mut page = Page::of(&world, &project);
    let (_, answer) = world.send(
        "POST",
        &format!("/api/lsp/stop/python?project_id={}", id(&project)),
        "",
    );
    assert!(
        answer.contains("Successfully stopped pyright LSP"),
        "{answer}"
    );
    assert_eq!(page.closed().0, 1000);
    let end = Instant::now() + PATIENCE;
    while get(&world, "/api/lsp/status")["count"] != 0 {
        assert!(Instant::now() < end);
    }
}

#[test]
fn why_there_is_no_server_is_said() {
    let world = World::new();
    let project = world.project("p");
    let mut page = Page::come(&world, "ruff", &id(&project));
    let (code, reason, said) = page.closed();
    assert_eq!(
        (code, said[0]["error"]["code"].as_i64()),
        (4002, Some(-32603))
    );
    assert!(reason.contains("pip install ruff"), "{reason}");
    assert_eq!(Page::come(&world, "python", "nobody").closed().0, 4404);
    assert_eq!(world.get("/api/lsp/pylance?project_id=p").0, 400);
    assert_eq!(world.get("/api/lsp/python?project_id=p").0, 426);
    assert_eq!(world.get("/api/lsp/health").0, 404);
}

#[test]
fn a_server_that_exits_at_once_is_told_of() {
    let world = World::new();
    let Some(project) = site(&world, "exits") else {
        return;
    };
    let mut page = Page::come(&world, "pyright", &id(&project));
    let answer = page.ask(1, "initialize", &json!({"capabilities": {}}));
    assert_eq!(answer["error"]["code"], -32603);
    let (code, reason, _) = page.closed();
    assert_eq!(code, 4002);
    assert!(reason.contains("no licence"), "{reason}");
}

#[test]
fn a_page_that_says_nothing_for_long_is_closed() {
    let world = World::new();
    let Some(project) = site(&world, "") else {
        return;
    };
    std::fs::write(project.layout().settings(), "[lsp]\nidle_minutes = 1\n").expect("written");
    // It does not wait for an answer: a server may take longer to start than this minute.
    let mut page = Page::come(&world, "python", &id(&project));
    assert_eq!(page.closed().0, 4408);
}

#[test]
fn a_daemon_that_ends_says_so_and_leaves_no_server() {
    let mut world = World::new();
    let Some(project) = site(&world, "stays") else {
        return;
    };
    let mut page = Page::of(&world, &project);
    let pid = page.ask(2, "fake/texts", &json!({}))["result"]["pid"]
        .as_u64()
        .expect("a process");
    world.end();
    // The process of the daemon may be gone a moment later, and nobody ends the server any more.
    let is_there = std::path::Path::new(&format!("/proc/{pid}")).exists();
    assert!(!is_there);
    assert_eq!(page.closed().0, 1001);
}
