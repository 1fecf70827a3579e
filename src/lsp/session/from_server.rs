//! What a server says.

use std::time::Instant;

use serde_json::Value;

use super::diagnostics::Diagnostics;
use super::names::{self, Number};
use super::state::{Phase, Session};
use crate::lsp::wire::{Kind, Message};

impl Session {
    /// The server of that number has sent `body`. One that has no place any more is not heard.
    pub fn server_said(&mut self, number: Number, body: Vec<u8>, now: Instant) {
        let message = Message::of(body);
        if self.is_current(number) {
            self.look_for_sign(&message, now);
            match message.kind() {
                Kind::Request => self.current_asks(number, message),
                Kind::Notification => self.current_tells(number, message),
                Kind::Response => self.current_answers(number, message, now),
                Kind::Other => self.tell_client(message),
            }
        } else if self
            .next
            .as_ref()
            .is_some_and(|next| next.number() == number)
        {
            match message.kind() {
                Kind::Request => self.next_asks(number, &message),
                Kind::Notification => self.next_tells(message, now),
                Kind::Response if message.id() == format!("\"{}\"", names::own("initialize")) => {
                    self.next_is_initialized(&message, now);
                }
                Kind::Response | Kind::Other => {}
            }
        }
    }

    fn current_answers(&mut self, number: Number, message: Message, now: Instant) {
        let Some(question) = self.asked.answered(message.id(), number) else {
            // An answer to what nobody asked, or that was answered before.
            return;
        };
        self.result_ids.note(&question.message, &message);
        let is_first = question.message.method() == "initialize" && self.phase == Phase::Beginning;
        if is_first {
            self.memory.agree(&message);
            if !message.is_error() {
                self.phase = Phase::Working;
            }
        }
        self.tell_client(message);
        if self.asked.is_empty() {
            self.progress.forget_clients();
        }
        self.take_over_if_ready(now);
    }

    fn current_asks(&mut self, number: Number, mut message: Message) {
        match message.method() {
            "client/registerCapability" => {
                let mut params: Value = message.read(&["params"]).unwrap_or_default();
                self.note_registrations(number, &mut params);
                message = message.with(&["params"], &params.to_string());
            }
            "client/unregisterCapability" => {
                let mut params: Value = message.read(&["params"]).unwrap_or_default();
                for one in params["unregisterations"]
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                {
                    let id = names::registration(number, one["id"].as_str().unwrap_or_default());
                    self.registered.retain(|(known, _)| *known != id);
                    one["id"] = id.into();
                }
                message = message.with(&["params"], &params.to_string());
            }
            "window/workDoneProgress/create" => {
                if let Some(token) = message.text(&["params", "token"]) {
                    let token = names::outward(number, token);
                    message = message.with(&["params", "token"], &token);
                    self.progress.created(token);
                }
            }
            _ => {}
        }
        let id = names::outward(number, message.id());
        self.tell_client(message.with_id(&id));
    }

    fn current_tells(&mut self, number: Number, message: Message) {
        match message.method() {
            Diagnostics::METHOD => self.show(message),
            "$/progress" => self.current_progresses(number, message),
            _ => self.tell_client(message),
        }
    }

    fn current_progresses(&mut self, number: Number, message: Message) {
        let Some(token) = message.text(&["params", "token"]) else {
            return self.tell_client(message);
        };
        let kind: Option<String> = message.read(&["params", "value", "kind"]);
        let is = |name| kind.as_deref() == Some(name);
        if self.progress.is_hidden(token, is("end")) {
            return;
        }
        let outward = names::outward(number, token);
        if self.progress.is_open(&outward) {
            if is("end") {
                self.progress.ended(&outward);
            }
            self.tell_client(message.with(&["params", "token"], &outward));
        } else if self.progress.heard(token, is("begin")) {
            self.result_ids.note_part(&message);
            self.tell_client(message);
        }
    }

    /// What the next server asks is answered for the client where that must not see it yet.
    fn next_asks(&mut self, number: Number, message: &Message) {
        let Some(next) = &mut self.next else {
            return;
        };
        match message.method() {
            "client/registerCapability" => {
                let all = message.read::<Vec<Value>>(&["params", "registrations"]);
                next.registrations.extend(all.unwrap_or_default());
            }
            "client/unregisterCapability" => {
                let all = message.read::<Vec<Value>>(&["params", "unregisterations"]);
                for gone in all.unwrap_or_default() {
                    next.registrations.retain(|one| one["id"] != gone["id"]);
                }
            }
            "window/workDoneProgress/create" => {
                next.tokens
                    .extend(message.text(&["params", "token"]).map(str::to_owned));
            }
            // The client is asked to refresh when there is something to see.
            method if method.ends_with("/refresh") => {}
            _ => {
                let id = names::outward(number, message.id());
                self.tell_client(message.with_id(&id));
                return;
            }
        }
        self.tell(number, Message::answer(message.id(), &Value::Null));
    }

    fn next_tells(&mut self, message: Message, now: Instant) {
        match message.method() {
            Diagnostics::METHOD => {
                self.diagnostics.hold(message);
                self.take_over_if_ready(now);
            }
            "$/progress" => {
                if let (Some(next), Some(token)) =
                    (&mut self.next, message.text(&["params", "token"]))
                    && message
                        .read::<String>(&["params", "value", "kind"])
                        .as_deref()
                        == Some("end")
                {
                    next.tokens.remove(token);
                }
            }
            _ => self.tell_client(message),
        }
    }
}
