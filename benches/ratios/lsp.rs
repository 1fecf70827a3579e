//! What standing between an editor and its language server costs, and how soon the server knows of an install.

use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::measure::{median, row, timed};
use crate::sandbox::{Ran, Sandbox};

/// The word with which this program is the server of its own measurements.
pub(crate) const SERVER: &str = "language-server";

pub(crate) fn rows() {
    latency();
    large();
    swaps();
    installs();
}

/// One side of a stream of messages.
struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    last_id: u64,
}

impl Peer {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut peer = Self {
            input: child.stdin.take(),
            output: child
                .stdout
                .take()
                .map(|output| BufReader::with_capacity(1 << 20, output)),
            child,
            last_id: 0,
        };
        peer.ask(
            "initialize",
            &json!({"processId": null, "capabilities": {
                "workspace": {"configuration": true}, "textDocument": {"publishDiagnostics": {}},
            }}),
        );
        peer.tell("initialized", &json!({}));
        peer
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let input = self.input.as_mut().expect("open");
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Asks, and waits for the answer.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.read();
            if message.get("method").is_none() && message["id"] == id {
                return message;
            }
            self.serve(&message);
        }
    }

    /// Answers what a server may ask.
    fn serve(&mut self, message: &Value) {
        if message.get("method").is_some() && message.get("id").is_some() {
            let items = message["params"]["items"]
                .as_array()
                .map(|items| vec![Value::Null; items.len()]);
            self.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": items}));
        }
    }

    fn read(&mut self) -> Value {
        read(self.output.as_mut().expect("a stream")).expect("a message")
    }

    /// Waits until diagnostics come that are as `is_right` says.
    fn shows(&mut self, is_right: impl Fn(&str) -> bool) {
        loop {
            let message = self.read();
            self.serve(&message);
            if message["method"] == "textDocument/publishDiagnostics"
                && is_right(&message["params"]["diagnostics"].to_string())
            {
                return;
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

fn read(stream: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        length = line.trim().strip_prefix("Content-Length: ")?.parse().ok()?;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// This program as a server: answers every request, and speaks of a file that is opened.
pub(crate) fn serve() {
    let (mut input, mut output) = (
        BufReader::new(std::io::stdin().lock()),
        std::io::stdout().lock(),
    );
    let mut send = |message: Value| {
        let body = message.to_string();
        let _ = write!(output, "Content-Length: {}\r\n\r\n{body}", body.len());
        let _ = output.flush();
    };
    while let Some(message) = read(&mut input) {
        match (
            message["method"].as_str().unwrap_or_default(),
            message.get("id"),
        ) {
            ("exit", _) => return,
            ("textDocument/didOpen" | "textDocument/didChange", _) => {
                let uri = &message["params"]["textDocument"]["uri"];
                let params = json!({"uri": uri, "diagnostics": [{"message": "one"}]});
                send(
                    json!({"jsonrpc": "2.0", "method": "textDocument/publishDiagnostics", "params": params}),
                );
            }
            ("", _) | (_, None) => {}
            (_, Some(id)) => {
                let result = message["params"]["n"].clone();
                send(
                    json!({"jsonrpc": "2.0", "id": id, "result": {"n": result, "capabilities": {}}}),
                );
            }
        }
    }
}

fn own_server() -> String {
    std::env::current_exe()
        .expect("a path")
        .display()
        .to_string()
}

fn direct(sandbox: &Sandbox, command: &[&str]) -> Command {
    let mut direct = sandbox.command(command[0]);
    direct
        .args(&command[1..])
        .env("VIRTUAL_ENV", sandbox.venv())
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", sandbox.bin("").display()),
        );
    direct
}

fn proxied(sandbox: &Sandbox, command: &[&str]) -> Command {
    let mut proxied = sandbox.command("aim-lsp");
    proxied.arg("--").args(command);
    proxied
}

fn latency() {
    let sandbox = Sandbox::ready();
    let server = own_server();
    let command = [server.as_str(), SERVER];
    let mut sides = [
        Peer::start(&mut direct(&sandbox, &command)),
        Peer::start(&mut proxied(&sandbox, &command)),
    ];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..3_000 {
        for (side, times) in sides.iter_mut().zip(&mut times) {
            times.push(timed(|| drop(side.ask("echo", &json!({"n": 1})))));
        }
    }
    let [direct, proxied] = times.map(median);
    let added = proxied.saturating_sub(direct) / 2;
    row(
        "a question and its answer, direct / through aim-lsp",
        direct,
        proxied,
        "",
    );
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 50 us",
        "  added a message",
        "",
        format!("{added:.1?}"),
        ""
    );
    let pid = sides[1].child.id();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read");
    let memory = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default()
        .to_owned();
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 8 MB",
        "memory of aim-lsp",
        "",
        memory.trim_start_matches("VmHWM:").trim(),
        ""
    );
}

/// A server that parses what it is sent, as every server must, in Python.
const PARSER: &str = r#"
import json, sys
i, o = sys.stdin.buffer, sys.stdout.buffer
while True:
    line = i.readline()
    if not line: break
    length = int(line.split(b":")[1]); i.readline()
    m = json.loads(i.read(length))
    if m.get("method") == "exit": break
    if "id" in m and "method" in m:
        b = json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {"capabilities": {}}}).encode()
        o.write(b"Content-Length: %d\r\n\r\n" % len(b) + b); o.flush()
"#;

fn large() {
    let sandbox = Sandbox::ready();
    sandbox.write("parser.py", PARSER);
    let python = sandbox.python().path().display().to_string();
    let own = own_server();
    // Lines of code, as they are escaped in a message.
    let text = "    value = compute(\"name\", 1)\n".repeat((1 << 20) / 32);
    for (what, command) in [
        (
            "1 MB to a server in Python, direct / through aim-lsp",
            [python.as_str(), "parser.py"],
        ),
        ("  the same to one in Rust", [own.as_str(), SERVER]),
    ] {
        let mut sides = [
            Peer::start(&mut direct(&sandbox, &command)),
            Peer::start(&mut proxied(&sandbox, &command)),
        ];
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..100 {
            for (side, times) in sides.iter_mut().zip(&mut times) {
                times.push(timed(|| drop(side.ask("echo", &json!({ "text": text })))));
            }
        }
        let [direct, proxied] = times.map(median);
        row(what, direct, proxied, "at most 1.05");
    }
}

/// A thousand changes of the environment while somebody types and asks.
fn swaps() {
    const SWAPS: u64 = 1_000;
    let sandbox = Sandbox::ready();
    let server = own_server();
    let mut peer = Peer::start(&mut proxied(&sandbox, &[&server, SERVER]));
    let uri = "file:///a.py";
    let item = json!({"uri": uri, "languageId": "python", "version": 1, "text": ""});
    peer.tell("textDocument/didOpen", &json!({ "textDocument": item }));
    let file = sandbox.project().join("env_meta.json");
    let (mut asked, mut answered, mut doubled, mut wrong) =
        (0_u64, std::collections::HashSet::new(), 0, 0);
    let begun = Instant::now();
    let mut output = peer.output.take().expect("a stream");
    let (sender, messages) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Some(message) = read(&mut output) {
            let _ = sender.send(message);
        }
    });
    let mut take = |message: Value, peer: &mut Peer| {
        if message.get("method").is_some() {
            peer.serve(&message);
        } else if let Some(id) = message["id"].as_u64() {
            doubled += u32::from(!answered.insert(id));
            wrong += u32::from(message["result"]["n"] != id);
        }
    };
    for generation in 1..=SWAPS {
        let mut meta = sandbox.env_meta();
        meta["generation"] = json!(generation + 1_000);
        let beside = file.with_extension("new");
        std::fs::write(&beside, meta.to_string()).expect("written");
        std::fs::rename(&beside, &file).expect("renamed");
        // Long enough for most swaps; the others are those of a burst.
        let until = Instant::now() + Duration::from_millis(15);
        while Instant::now() < until {
            asked += 1;
            let id = asked + 1_000;
            let document = json!({"uri": uri, "version": asked + 1});
            let changes = json!([{"text": asked.to_string()}]);
            peer.tell(
                "textDocument/didChange",
                &json!({"textDocument": document, "contentChanges": changes}),
            );
            peer.send(&json!({"jsonrpc": "2.0", "id": id, "method": "echo", "params": {"n": id}}));
            while let Ok(message) = messages.recv_timeout(Duration::from_micros(300)) {
                take(message, &mut peer);
            }
        }
    }
    while let Ok(message) = messages.recv_timeout(Duration::from_secs(2)) {
        take(message, &mut peer);
    }
    let took = begun.elapsed();
    let lost = asked - answered.len() as u64;
    let status = Ran::of(sandbox.command("aim-lsp").args(["status", "--json"])).json();
    println!(
        "{:<58} {:>10} {:>10} {:>8}  0 lost, 0 doubled, 0 wrong",
        format!("{SWAPS} changes under {asked} questions in {took:.1?}"),
        "",
        format!("{lost}, {doubled}, {wrong}"),
        format!("{} servers", status[0]["servers"]),
    );
}

/// From pip's exit to the first right diagnostics, by hand and by aim-lsp.
fn installs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = std::fs::read_dir(root.join("target/tmp"))
        .into_iter()
        .flatten()
        .flatten();
    let made: Option<PathBuf> = made
        .map(|entry| entry.path())
        .find(|path| path.join("bin/ty").exists() && path.join("made-of").exists());
    let Some(made) = made else {
        println!("skipped: no language servers in target/tmp, where the suite's tests make them");
        return;
    };
    let ty = made.join("bin/ty").display().to_string();
    let pyright = made
        .join("bin/basedpyright-langserver")
        .display()
        .to_string();
    let created = |sandbox: &Sandbox| {
        let uri = format!("file://{}", sandbox.site_packages().display());
        (
            "workspace/didChangeWatchedFiles",
            json!({"changes": [{"uri": uri, "type": 1}]}),
        )
    };
    let configured = |_: &Sandbox| {
        (
            "workspace/didChangeConfiguration",
            json!({"settings": null}),
        )
    };
    install("ty", &[&ty, "server"], created);
    install("basedpyright", &[&pyright, "--stdio"], configured);
}

/// How often a server is started anew for either way.
const TURNS: usize = 12;

fn install(name: &str, command: &[&str], by_hand: impl Fn(&Sandbox) -> (&'static str, Value)) {
    let mut times = [Vec::new(), Vec::new()];
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("alpha", "1.0").display().to_string();
    let text = "import alpha\n";
    let uri = format!("file://{}", sandbox.write("main.py", text).display());
    let misses = |words: &str| words.contains("resolve");
    // By turns, so that whatever else the machine does falls on both.
    for turn in 0..TURNS {
        let hand = turn % 2 == 0;
        let mut server = if hand {
            direct(&sandbox, command)
        } else {
            proxied(&sandbox, command)
        };
        let mut peer = Peer::start(server.current_dir(sandbox.project()));
        let item = json!({"uri": uri, "languageId": "python", "version": 1, "text": text});
        peer.tell("textDocument/didOpen", &json!({ "textDocument": item }));
        peer.shows(misses);
        for _ in 0..3 {
            for (args, is_right) in [
                (vec!["install", "--no-index", "--no-deps", &wheel], false),
                (vec!["uninstall", "-y", "alpha"], true),
            ] {
                sandbox.pip(args).ok();
                let ended = Instant::now();
                if hand {
                    let (method, params) = by_hand(&sandbox);
                    peer.tell(method, &params);
                }
                peer.shows(|words| misses(words) == is_right);
                times[turn % 2].push(ended.elapsed());
            }
        }
    }
    let [hand, ours] = times.map(median);
    row(
        &format!("{name}: pip's exit to the right diagnostics, by hand / ours"),
        hand,
        ours,
        "at most 1.1",
    );
}
