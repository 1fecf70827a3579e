//! An editor, as far as a language server can tell.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a value is written where it is said"
)]

use std::collections::HashMap;
use std::io::{BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// How long anything may take on a machine that has other work.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What an editor can do with diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    /// They are sent to it.
    Push,
    /// It asks for them, and can be told to ask again.
    Pull,
}

/// An editor and the server that it has started.
pub(super) struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    profile: Profile,
    last_id: u64,
    /// What is shown, by URI.
    shown: HashMap<String, Vec<String>>,
    /// Every file that was opened.
    open: Vec<String>,
    asked: HashMap<u64, String>,
    pub(super) answers: HashMap<u64, Value>,
    /// Everything that came, for who wants to look.
    pub(super) heard: Vec<Value>,
}

impl Editor {
    /// Starts `aim-lsp -- command` in the project and says hello.
    pub(super) fn start(sandbox: &Sandbox, command: &[&str], profile: Profile) -> Self {
        let mut editor = Self::spawn(proxy(sandbox, command), profile);
        editor.hello(sandbox);
        editor
    }

    /// Starts `command`, which speaks the protocol.
    pub(super) fn spawn(mut command: Command, profile: Profile) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let output = child.stdout.take().expect("a stream");
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            messages,
            profile,
            last_id: 0,
            shown: HashMap::new(),
            open: Vec::new(),
            asked: HashMap::new(),
            answers: HashMap::new(),
            heard: Vec::new(),
        }
    }

    /// Begins as an editor does.
    pub(super) fn hello(&mut self, sandbox: &Sandbox) {
        let root = format!("file://{}", sandbox.project().display());
        let mut capabilities = json!({
            "workspace": {
                "configuration": true,
                "didChangeConfiguration": {"dynamicRegistration": true},
                "didChangeWatchedFiles": {"dynamicRegistration": true},
                "workspaceFolders": true,
            },
            "textDocument": {"publishDiagnostics": {}, "synchronization": {"didSave": true}},
            "window": {"workDoneProgress": true},
        });
        if self.profile == Profile::Pull {
            capabilities["textDocument"]["diagnostic"] = json!({"dynamicRegistration": true});
            capabilities["workspace"]["diagnostics"] = json!({"refreshSupport": true});
        }
        let id = self.ask(
            "initialize",
            json!({
                "processId": std::process::id(), "rootUri": root, "capabilities": capabilities,
                "workspaceFolders": [{"uri": root, "name": "project"}],
            }),
        );
        self.answer_to(id);
        self.tell("initialized", json!({}));
    }

    pub(super) fn open(&mut self, sandbox: &Sandbox, name: &str, text: &str) -> String {
        let uri = format!("file://{}", sandbox.write(name, text).display());
        self.tell(
            "textDocument/didOpen",
            json!({"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}}),
        );
        self.open.push(uri.clone());
        self.pull();
        uri
    }

    pub(super) fn ask(&mut self, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        self.asked.insert(self.last_id, method.to_owned());
        self.send(
            &json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}),
        );
        self.last_id
    }

    pub(super) fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    pub(super) fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("still open");
        // A server that is gone is seen elsewhere.
        let _ = input.write_all(bytes).and_then(|()| input.flush());
    }

    /// The answer to a request.
    #[track_caller]
    pub(super) fn answer_to(&mut self, id: u64) -> Value {
        self.until(&format!("an answer to {id}"), |editor| {
            editor.answers.remove(&id)
        })
    }

    /// Waits until `look` finds something.
    #[track_caller]
    pub(super) fn until<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            match self
                .messages
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(message) => self.take_in(message),
                Err(RecvTimeoutError::Timeout) => panic!("no {what}; heard: {:#?}", self.tail()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the server is gone before {what}: {:#?}", self.tail())
                }
            }
        }
    }

    /// Takes in what comes for so long.
    pub(super) fn listen(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(message) = self
            .messages
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            self.take_in(message);
        }
    }

    /// Waits until what is shown of the file is as `is_right` says.
    #[track_caller]
    pub(super) fn shows(&mut self, uri: &str, what: &str, is_right: impl Fn(&[String]) -> bool) {
        self.until(what, |editor| {
            let shown = editor.shown.get(uri);
            shown.is_some_and(|shown| is_right(shown)).then_some(())
        });
    }

    fn take_in(&mut self, message: Value) {
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        match (method.as_str(), message.get("id")) {
            ("textDocument/publishDiagnostics", _) => {
                let uri = message["params"]["uri"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                self.show(&uri, &message["params"]["diagnostics"]);
            }
            ("workspace/configuration", Some(id)) => {
                let items = message["params"]["items"].as_array().map_or(0, Vec::len);
                let answer =
                    json!({"jsonrpc": "2.0", "id": id, "result": vec![Value::Null; items]});
                self.send(&answer);
            }
            ("", Some(id)) => {
                let id = id.as_u64().unwrap_or_default();
                if self.asked.remove(&id).as_deref() == Some("textDocument/diagnostic") {
                    let uri = message["result"]["aim"].as_str().map(str::to_owned);
                    let uri = uri
                        .or_else(|| self.open.last().cloned())
                        .unwrap_or_default();
                    self.show(&uri, &message["result"]["items"]);
                } else {
                    let doubled = self.answers.insert(id, message.clone());
                    assert_eq!(doubled, None, "answered twice");
                }
            }
            (method, Some(id)) => {
                self.send(&json!({"jsonrpc": "2.0", "id": id, "result": null}));
                let is_new = method == "workspace/diagnostic/refresh"
                    || message["params"]
                        .to_string()
                        .contains("textDocument/diagnostic");
                if is_new {
                    self.pull();
                }
            }
            _ => {}
        }
        self.heard.push(message);
    }

    fn pull(&mut self) {
        if self.profile == Profile::Pull {
            for uri in self.open.clone() {
                self.ask(
                    "textDocument/diagnostic",
                    json!({"textDocument": {"uri": uri}}),
                );
            }
        }
    }

    fn show(&mut self, uri: &str, list: &Value) {
        let Some(list) = list.as_array() else {
            return;
        };
        let text = |one: &Value, name| one[name].as_str().unwrap_or_default().to_owned();
        let words = list
            .iter()
            .map(|one| text(one, "code") + " " + &text(one, "message"));
        self.shown.insert(uri.to_owned(), words.collect());
    }

    fn tail(&self) -> &[Value] {
        &self.heard[self.heard.len().saturating_sub(10)..]
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Closes the stream without a word.
    pub(super) fn hang_up(&mut self) {
        self.input = None;
    }

    /// Waits until the process has ended; gives its status.
    #[track_caller]
    pub(super) fn ended(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("asked") {
                return status.code();
            }
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Says goodbye as the protocol has it.
    #[track_caller]
    pub(super) fn goodbye(mut self) {
        let id = self.ask("shutdown", Value::Null);
        self.answer_to(id);
        self.tell("exit", Value::Null);
        assert_eq!(self.ended(), Some(0));
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.input = None;
        if std::thread::panicking() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// `aim-lsp -- command`, to be started in the project.
pub(super) fn proxy(sandbox: &Sandbox, command: &[&str]) -> Command {
    let mut proxy = sandbox.command("aim-lsp");
    proxy.arg("--").args(command).stderr(Stdio::inherit());
    proxy
}

fn read(output: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => break,
            line => {
                let number = line.strip_prefix("Content-Length: ");
                length = number
                    .and_then(|number| number.parse().ok())
                    .unwrap_or(length);
            }
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("a message is JSON"))
}
