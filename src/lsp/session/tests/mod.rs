//! Every rule of how one server follows another, with servers that say what the test has them say.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a value is written where it is said"
)]

mod crashes;
mod injections;
mod shown;
mod swaps;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Effect, Number, Session};
use crate::lsp::change::{Change, Outcome, Told};
use crate::lsp::strategy::Strategy;

/// A client, its session, and servers that a test speaks for.
struct World {
    session: Session,
    now: Instant,
    to_client: VecDeque<Value>,
    to_servers: VecDeque<(Number, Value)>,
    started: Vec<Number>,
    ended: Vec<Number>,
    told: Vec<Told>,
    left: Option<bool>,
}

impl World {
    fn new(strategy: Strategy) -> Self {
        Self {
            session: Session::new(strategy),
            now: Instant::now(),
            to_client: VecDeque::new(),
            to_servers: VecDeque::new(),
            started: Vec::new(),
            ended: Vec::new(),
            told: Vec::new(),
            left: None,
        }
    }

    /// A client that works with the first server, whose file `a.py` is open.
    fn working(strategy: Strategy, capabilities: &Value) -> Self {
        let mut world = Self::new(strategy);
        world.begin(capabilities);
        world.says(
            "textDocument/didOpen",
            json!({"textDocument": {
                "uri": "file:///a.py", "languageId": "python", "version": 1, "text": "import x\n",
            }}),
        );
        world.heard(1, "textDocument/didOpen");
        world
    }

    fn begin(&mut self, capabilities: &Value) {
        self.asks(
            0,
            "initialize",
            json!({"processId": 1, "capabilities": capabilities}),
        );
        let request = self.heard(1, "initialize");
        assert_eq!(request["params"]["processId"], std::process::id());
        self.answers(
            1,
            &request["id"],
            json!({"capabilities": {"positionEncoding": "utf-16"}}),
        );
        assert_eq!(self.client_heard()["id"], 0);
        self.says("initialized", json!({}));
        self.heard(1, "initialized");
    }

    /// The client asks something.
    fn asks(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let id: Value = id.into();
        self.client(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    }

    /// The client tells something.
    fn says(&mut self, method: &str, params: Value) {
        self.client(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn client(&mut self, message: &Value) {
        self.session
            .client_said(message.to_string().into_bytes(), self.now);
        self.perform();
    }

    fn server(&mut self, number: Number, message: &Value) {
        self.session
            .server_said(number, message.to_string().into_bytes(), self.now);
        self.perform();
    }

    fn answers(&mut self, number: Number, id: &Value, result: Value) {
        self.server(
            number,
            &json!({"jsonrpc": "2.0", "id": id, "result": result}),
        );
    }

    fn server_asks(&mut self, number: Number, id: impl Into<Value>, method: &str, params: Value) {
        let id: Value = id.into();
        self.server(
            number,
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
        );
    }

    fn server_says(&mut self, number: Number, method: &str, params: Value) {
        self.server(
            number,
            &json!({"jsonrpc": "2.0", "method": method, "params": params}),
        );
    }

    fn publishes(&mut self, number: Number, uri: &str, words: &[&str]) {
        let list: Vec<Value> = words
            .iter()
            .map(|words| json!({"message": words}))
            .collect();
        self.server_says(
            number,
            "textDocument/publishDiagnostics",
            json!({"uri": uri, "diagnostics": list}),
        );
    }

    fn changes(&mut self, generation: u64) {
        let change = Change {
            generation,
            ..Change::default()
        };
        self.session.changed(change, self.now);
        self.perform();
    }

    fn dies(&mut self, number: Number, words: &str) {
        self.session.server_ended(number, words, self.now);
        self.perform();
    }

    fn later(&mut self, time: Duration) {
        self.now += time;
        self.session.at(self.now);
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(effect) = self.session.effect() {
            let value = |body: &[u8]| serde_json::from_slice(body).expect("JSON");
            match effect {
                Effect::ToClient(body) => self.to_client.push_back(value(&body)),
                Effect::ToServer(number, body) => self.to_servers.push_back((number, value(&body))),
                Effect::Start(number) => self.started.push(number),
                Effect::End(number) => self.ended.push(number),
                Effect::Tell(told) => self.told.push(told),
                Effect::Leave(is_goodbye) => self.left = Some(is_goodbye),
            }
        }
        self.session.rest();
    }

    /// The next thing that a server hears; it is that server, and that method.
    #[track_caller]
    fn heard(&mut self, number: Number, method: &str) -> Value {
        let (to, message) = self.to_servers.pop_front().expect("something for a server");
        assert_eq!(
            (to, message["method"].as_str()),
            (number, Some(method)),
            "{message}"
        );
        message
    }

    /// The next thing that the client hears.
    #[track_caller]
    fn client_heard(&mut self) -> Value {
        self.to_client
            .pop_front()
            .expect("something for the client")
    }

    #[track_caller]
    fn nobody_heard(&mut self) {
        assert!(self.to_client.is_empty(), "{:?}", self.to_client);
        assert!(self.to_servers.is_empty(), "{:?}", self.to_servers);
    }

    /// The next server begins and answers; it has heard all that it must.
    #[track_caller]
    fn next_begins(&mut self, number: Number) -> Value {
        assert_eq!(self.started.last(), Some(&number));
        let request = self.heard(number, "initialize");
        assert_eq!(request["id"], "aim:initialize");
        assert_eq!(request["params"]["processId"], std::process::id());
        self.answers(number, &request["id"], json!({"capabilities": {}}));
        self.heard(number, "initialized");
        request
    }

    fn synced(&self) -> Vec<(u64, Outcome)> {
        let synced = |told: &Told| match told {
            Told::Synced {
                generation, how, ..
            } => Some((*generation, *how)),
            _ => None,
        };
        self.told.iter().filter_map(synced).collect()
    }
}

/// A client that can nothing in particular, and a server that nobody knows.
fn working() -> World {
    World::working(Strategy::Unknown, &json!({}))
}
