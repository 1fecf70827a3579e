//! What the client has said that a server must know: kept, so that a new one can be told.
//!
//! **Invariant:** what was said last counts; what a message of another shape says is nobody's loss but its own.

mod documents;
mod text;

use serde_json::{Map, Value, json};

use self::documents::Documents;
pub use self::text::Encoding;
use super::wire::{Kind, Message};

/// What is kept of a client.
#[derive(Debug, Default)]
pub struct Memory {
    initialize: Option<Message>,
    is_initialized: bool,
    configuration: Option<Message>,
    trace: Option<Message>,
    folders: Option<Vec<Value>>,
    documents: Documents,
    encoding: Encoding,
    /// What came and is not yet taken in: who only passes messages on does not wait for that.
    waiting: Vec<Message>,
}

/// What a new server is told after it has answered to `initialize`.
#[derive(Debug)]
pub struct Replay {
    /// That the client has heard the answer, and its settings.
    pub beginning: Vec<Message>,
    /// What is open.
    pub opening: Vec<Message>,
}

impl Memory {
    /// Whether a notification of this method is about what a server must know, so that two that run beside each other
    /// must both hear it.
    pub fn is_kept(method: &str) -> bool {
        matches!(
            method,
            "workspace/didChangeConfiguration"
                | "workspace/didChangeWorkspaceFolders"
                | "workspace/didChangeWatchedFiles"
                | "$/setTrace"
                | "initialized"
        ) || is_about_documents(method)
    }

    /// Keeps what `message` says, if it is of that kind.
    pub fn keep(&mut self, message: &Message) {
        match (message.kind(), message.method()) {
            (Kind::Request, "initialize") => self.initialize = Some(message.clone()),
            (Kind::Notification, "initialized") => self.is_initialized = true,
            (Kind::Notification, "workspace/didChangeConfiguration") => {
                self.configuration = Some(message.clone());
            }
            (Kind::Notification, "$/setTrace") => self.trace = Some(message.clone()),
            (Kind::Notification, "workspace/didChangeWorkspaceFolders") => {
                self.change_folders(message);
            }
            (Kind::Notification, method) if is_about_documents(method) => {
                self.waiting.push(message.clone());
            }
            _ => {}
        }
    }

    /// Takes in what was kept for later. To be called when nobody waits.
    pub fn take_in(&mut self) {
        for message in self.waiting.drain(..) {
            self.documents.follow(&message, self.encoding);
        }
    }

    /// Whether the client said `initialized`.
    pub fn is_initialized(&self) -> bool {
        self.is_initialized
    }

    /// The settings that the client sent last.
    pub fn configuration(&self) -> Option<&Message> {
        self.configuration.as_ref()
    }

    /// Notes what positions count, by a server's answer to `initialize`.
    pub fn agree(&mut self, answer: &Message) {
        let name: Option<String> = answer.read(&["result", "capabilities", "positionEncoding"]);
        self.encoding = name.map_or(Encoding::Utf16, |name| Encoding::named(&name));
    }

    /// Whether the client says at `path` of its capabilities that it can something: `true`, or an object.
    pub fn can(&self, path: &[&str]) -> bool {
        let whole = [&["params", "capabilities"], path].concat();
        let said: Option<Value> = self
            .initialize
            .as_ref()
            .and_then(|message| message.read(&whole));
        said.is_some_and(|value| value.as_bool().unwrap_or(value.is_object()))
    }

    /// The parameters with which a later server is to begin: this process as the client, the folders of now, and the
    /// positions that the client has heard of.
    pub fn initialize_anew(&self) -> Option<Value> {
        let mut params: Map<String, Value> = self.initialize.as_ref()?.read(&["params"])?;
        if let Some(folders) = &self.folders {
            params.insert("workspaceFolders".to_owned(), json!(folders));
        }
        let general = params
            .get_mut("capabilities")
            .and_then(Value::as_object_mut)
            .and_then(|all| all.get_mut("general"))
            .and_then(Value::as_object_mut);
        if let Some(general) = general {
            general.insert(
                "positionEncodings".to_owned(),
                json!([self.encoding.name()]),
            );
        }
        params.insert("processId".to_owned(), json!(std::process::id()));
        // A progress of the client's own is told once.
        params.remove("workDoneToken");
        Some(Value::Object(params))
    }

    /// What a new server is to be told.
    pub fn replay(&mut self) -> Replay {
        self.take_in();
        let initialized = self
            .is_initialized
            .then(|| Message::notification("initialized", &json!({})));
        let said = [initialized, self.configuration.clone(), self.trace.clone()];
        Replay {
            beginning: said.into_iter().flatten().collect(),
            opening: self.documents.opening(),
        }
    }

    /// The URIs of what is open.
    pub fn open_uris(&mut self) -> Vec<String> {
        self.take_in();
        self.documents.uris().map(str::to_owned).collect()
    }

    fn change_folders(&mut self, message: &Message) {
        let changed = |which| {
            message
                .read::<Vec<Value>>(&["params", "event", which])
                .unwrap_or_default()
        };
        let begun_with = || {
            let message = self.initialize.as_ref()?;
            message.read::<Vec<Value>>(&["params", "workspaceFolders"])
        };
        let mut folders = self.folders.take().or_else(begun_with).unwrap_or_default();
        for gone in changed("removed").into_iter().chain(changed("added")) {
            folders.retain(|folder| folder["uri"] != gone["uri"]);
        }
        folders.extend(changed("added"));
        self.folders = Some(folders);
    }
}

fn is_about_documents(method: &str) -> bool {
    let kinds = ["didOpen", "didChange", "didClose", "didSave"];
    let rest = method
        .strip_prefix("textDocument/")
        .or(method.strip_prefix("notebookDocument/"));
    rest.is_some_and(|rest| kinds.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(memory: &mut Memory, method: &str, params: &Value) {
        memory.keep(&Message::notification(method, params));
    }

    #[test]
    fn a_new_server_begins_where_the_client_is() {
        let mut memory = Memory::default();
        let params = json!({
            "processId": 1,
            "rootUri": "file:///p",
            "workDoneToken": "w",
            "workspaceFolders": [{"uri": "file:///p", "name": "p"}],
            "capabilities": {"general": {"positionEncodings": ["utf-16", "utf-8"], "x": 1}},
        });
        memory.keep(&Message::request("1", "initialize", Some(&params)));
        memory.agree(&Message::answer(
            "1",
            &json!({"capabilities": {"positionEncoding": "utf-8"}}),
        ));
        said(&mut memory, "initialized", &json!({}));
        let event = json!({"event": {"added": [{"uri": "file:///q", "name": "q"}], "removed": [{"uri": "file:///p"}]}});
        said(&mut memory, "workspace/didChangeWorkspaceFolders", &event);
        said(
            &mut memory,
            "workspace/didChangeConfiguration",
            &json!({"settings": 1}),
        );
        said(
            &mut memory,
            "workspace/didChangeConfiguration",
            &json!({"settings": 2}),
        );
        let expected = json!({
            "processId": std::process::id(),
            "rootUri": "file:///p",
            "workspaceFolders": [{"uri": "file:///q", "name": "q"}],
            "capabilities": {"general": {"positionEncodings": ["utf-8"], "x": 1}},
        });
        assert_eq!(memory.initialize_anew(), Some(expected));
        let replay = memory.replay();
        let told: Vec<_> = replay.beginning.iter().map(Message::method).collect();
        assert_eq!(told, ["initialized", "workspace/didChangeConfiguration"]);
        assert_eq!(
            replay.beginning[1].read::<i32>(&["params", "settings"]),
            Some(2)
        );
        assert!(replay.opening.is_empty());
    }

    #[test]
    fn what_a_client_can_is_what_it_says() {
        let mut memory = Memory::default();
        let can = json!({"workspace": {"diagnostics": {"refreshSupport": true}, "x": {"refreshSupport": false}},
                         "textDocument": {"diagnostic": {}, "y": null}});
        memory.keep(&Message::request(
            "1",
            "initialize",
            Some(&json!({"capabilities": can})),
        ));
        assert!(memory.can(&["workspace", "diagnostics", "refreshSupport"]));
        assert!(memory.can(&["textDocument", "diagnostic"]));
        assert!(!memory.can(&["workspace", "x", "refreshSupport"]));
        assert!(!memory.can(&["textDocument", "y"]));
        assert!(!memory.can(&["nothing"]));
        assert!(!Memory::default().can(&["nothing"]));
    }
}
