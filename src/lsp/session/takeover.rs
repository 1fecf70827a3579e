//! The moment in which another server has the place.

use std::time::Instant;

use serde_json::{Value, json};

use super::asked::Question;
use super::effect::Effect;
use super::names::{self, Number};
use super::state::{Current, Session};
use crate::lsp::change::Outcome;
use crate::lsp::wire::Message;

/// The state that the answer is about is another now (LSP 3.17, `ErrorCodes`): the client asks again if it still wants.
const CONTENT_MODIFIED: i32 = -32801;
/// The client does not want it any more.
pub(super) const REQUEST_CANCELLED: i32 = -32800;

impl Session {
    /// The next server becomes the current one.
    pub(super) fn take_over(&mut self, now: Instant) {
        let Some(next) = self.next.take() else {
            return;
        };
        let (number, wanted) = (next.number(), next.wanted().cloned());
        let former = self.current.replace(Current { number, since: now });
        let former_registered = std::mem::take(&mut self.registered);
        self.result_ids.begin_anew();
        // First what is new, then the end of what was: nothing is without a server in between.
        self.register(number, &next.registrations);
        self.unregister(former_registered);
        for message in self.progress.take_over(next.tokens) {
            self.tell_client(message);
        }
        for message in self.diagnostics.release(now) {
            self.show(message);
        }
        self.ask_all(number);
        self.refresh(true);
        if let Some(former) = former {
            self.end_politely(former.number);
        }
        if let Some(wanted) = wanted {
            self.synced(&wanted, Outcome::Replaced, now);
        }
    }

    /// The server is gone: what it told of is over. What it was asked is asked again, or answered if that would do
    /// something twice.
    pub(super) fn lost(&mut self, number: Number) {
        for mut question in self.asked.take() {
            if question.of == Some(number) && question.does_something() {
                let refusal = self.gone(question.message.id());
                self.tell_client(refusal);
            } else {
                question.of = question.of.filter(|of| *of != number);
                let of = question.of;
                self.asked.add(question.message, of);
            }
        }
    }

    /// Asks `number` whatever is not answered.
    pub(super) fn ask_all(&mut self, number: Number) {
        for question in self.asked.take() {
            self.ask_again(number, question);
        }
    }

    fn ask_again(&mut self, number: Number, question: Question) {
        let id = question.message.id().to_owned();
        let [parts, work] = question.tokens().map(|token| token.map(str::to_owned));
        let is_in_parts = parts.is_some_and(|token| self.progress.was_heard(&token));
        let refusal = if question.is_cancelled {
            Some((REQUEST_CANCELLED, "cancelled"))
        } else if is_in_parts || (question.does_something() && question.of.is_some()) {
            Some((CONTENT_MODIFIED, "the environment has changed"))
        } else {
            None
        };
        if let Some((code, words)) = refusal {
            self.tell_client(Message::refusal(&id, code, words));
            return;
        }
        if let Some(token) = work {
            self.progress.begins_again(&token);
        }
        let adapted = self.result_ids.adapted(&question.message);
        self.asked.add(question.message, Some(number));
        self.tell(number, adapted);
    }

    /// Registers with the client what a server has registered before it had its place.
    fn register(&mut self, number: Number, registrations: &[Value]) {
        if registrations.is_empty() {
            return;
        }
        let mut params = json!({"registrations": registrations});
        self.note_registrations(number, &mut params);
        let id = self.own_id();
        self.tell_client(Message::request(
            &id,
            "client/registerCapability",
            Some(&params),
        ));
    }

    /// Gives registrations the ids that the client is to know them by, and notes them.
    pub(super) fn note_registrations(&mut self, number: Number, params: &mut Value) {
        for one in params["registrations"].as_array_mut().into_iter().flatten() {
            let id = names::registration(number, one["id"].as_str().unwrap_or_default());
            let method = one["method"].as_str().unwrap_or_default().to_owned();
            one["id"] = Value::from(id.clone());
            self.registered.push((id, method));
        }
    }

    /// What the client knows by these ids and methods is over.
    fn unregister(&mut self, registered: Vec<(String, String)>) {
        if registered.is_empty() {
            return;
        }
        let all = registered.into_iter();
        let all: Vec<Value> = all
            .map(|(id, method)| json!({"id": id, "method": method}))
            .collect();
        let id = self.own_id();
        // The protocol spells it so.
        let params = json!({"unregisterations": all});
        self.tell_client(Message::request(
            &id,
            "client/unregisterCapability",
            Some(&params),
        ));
    }

    fn end_politely(&mut self, number: Number) {
        self.tell(
            number,
            Message::request(&names::own("shutdown"), "shutdown", None),
        );
        self.effects.push_back(Effect::End(number));
    }
}
