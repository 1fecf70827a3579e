//! What the client says.

use std::time::Instant;

use serde_json::Value;

use super::effect::Effect;
use super::life::TOO_OFTEN;
use super::names;
use super::next::Next;
use super::state::{Phase, Session};
use super::takeover::REQUEST_CANCELLED;
use crate::lsp::memory::Memory;
use crate::lsp::wire::{Kind, Message};

impl Session {
    /// The client has sent `body`.
    pub fn client_said(&mut self, body: Vec<u8>, now: Instant) {
        let message = Message::of(body);
        if self.newest == 0 && self.phase == Phase::Beginning {
            self.start(now);
        }
        match message.kind() {
            Kind::Request => self.request(message),
            Kind::Notification => self.notification(message, now),
            Kind::Response => self.answer(&message),
            Kind::Other => self.pass(message),
        }
    }

    fn request(&mut self, mut message: Message) {
        match message.method() {
            "initialize" => {
                // The server's client is this process; the editor's end ends it, too.
                let own = std::process::id().to_string();
                message = message.with(&["params", "processId"], &own);
                self.memory.keep(&message);
            }
            "shutdown" => {
                self.phase = Phase::Ending;
                self.start_at = None;
                if let Some(next) = self.next.take() {
                    self.effects.push_back(Effect::End(next.number()));
                }
            }
            _ => {}
        }
        let number = self.number();
        if number.is_none() && self.is_given_up() {
            let answer = match message.method() {
                "shutdown" => Message::answer(message.id(), &Value::Null),
                _ => self.gone(message.id()),
            };
            self.tell_client(answer);
            return;
        }
        if let Some(number) = number {
            let adapted = self.result_ids.adapted(&message);
            self.tell(number, adapted);
        }
        self.asked.add(message, number);
    }

    /// Whether there is no server, and nobody should wait for one.
    fn is_given_up(&self) -> bool {
        matches!(self.phase, Phase::Ending | Phase::Over) || self.failures >= TOO_OFTEN
    }

    fn notification(&mut self, message: Message, now: Instant) {
        match message.method() {
            "exit" => {
                let is_goodbye = self.phase == Phase::Ending;
                self.pass(message);
                self.leave(is_goodbye);
            }
            "$/cancelRequest" => self.cancel(&message),
            "window/workDoneProgress/cancel" => self.cancel_progress(&message),
            method if Memory::is_kept(method) => {
                let is_initialized = method == "initialized";
                self.memory.keep(&message);
                let next = self.next.as_ref().filter(|next| next.is_told());
                if let Some(number) = next.map(Next::number) {
                    self.tell(number, message.clone());
                }
                self.pass(message);
                if is_initialized {
                    self.follow_what_waits(now);
                }
            }
            _ => self.pass(message),
        }
    }

    fn cancel(&mut self, message: &Message) {
        let id = message
            .text(&["params", "id"])
            .unwrap_or_default()
            .to_owned();
        let of = self.asked.cancel(&id).map(|question| question.of);
        match of {
            Some(None) => {
                if let Some(question) = self.asked.withdraw(&id) {
                    let id = question.message.id();
                    self.tell_client(Message::refusal(id, REQUEST_CANCELLED, "cancelled"));
                }
            }
            Some(Some(number)) => self.tell(number, message.clone()),
            // It was answered meanwhile.
            None => {}
        }
    }

    fn cancel_progress(&mut self, message: &Message) {
        let Some(token) = message.text(&["params", "token"]) else {
            return;
        };
        let (number, token) = if self.progress.is_open(token) {
            names::inward(token)
        } else {
            // A token of the client's own is the same for every server.
            (self.number().unwrap_or_default(), token.to_owned())
        };
        if self.is_current(number) {
            let message = message.with(&["params", "token"], &token);
            self.tell(number, message);
        }
    }

    /// An answer to what a server asked goes to that one. One to a server that is gone, or to us, goes nowhere.
    fn answer(&mut self, message: &Message) {
        if names::own_name(message.id()).is_some() {
            return;
        }
        let (number, id) = names::inward(message.id());
        let is_next = self
            .next
            .as_ref()
            .is_some_and(|next| next.number() == number);
        if is_next || self.is_current(number) {
            self.tell(number, message.with_id(&id));
        }
    }

    fn pass(&mut self, message: Message) {
        if let Some(number) = self.number() {
            self.tell(number, message);
        }
    }
}
