//! Servers begin and end, and time passes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::effect::Effect;
use super::names::{self, Number};
use super::next::{Next, TO_INITIALIZE};
use super::state::{Current, Phase, Session};
use super::wanted::Injection;
use crate::lsp::change::Told;
use crate::lsp::wire::Message;
use crate::words::t;

/// A server that ended so often in a row is told of, and asked nothing any more while it is down.
pub(super) const TOO_OFTEN: u32 = 3;
/// How long a server has to live so that its end is not one of a row.
const LONG_ENOUGH: Duration = Duration::from_secs(60);
/// A failure that long ago is not one of a row: longer than a server lives that has not lived long enough, and the
/// wait before it.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// The longest wait before a server is started again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Session {
    /// Time has passed.
    pub fn at(&mut self, now: Instant) {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        for message in self.diagnostics.clear(now) {
            self.show(message);
        }
        if is_due(self.injection.as_ref().map(Injection::deadline)) {
            self.injection_failed(now);
        }
        if is_due(self.next.as_ref().map(Next::deadline)) {
            self.next_is_late(now);
        }
        if is_due(self.first_is_late_at()) {
            self.first_is_late(now);
        }
        if is_due(self.start_at) {
            self.start(now);
        }
    }

    /// When the first server, which the client waits for, has had its time to answer.
    pub(super) fn first_is_late_at(&self) -> Option<Instant> {
        let first = self.current.filter(|_| self.phase == Phase::Beginning);
        first.map(|first| first.since + TO_INITIALIZE)
    }

    fn first_is_late(&mut self, now: Instant) {
        let Some(Current { number, .. }) = self.current.take() else {
            return;
        };
        self.effects.push_back(Effect::Tell(Told::Late));
        self.effects.push_back(Effect::End(number));
        self.lost(number);
        self.failed(Told::SILENT, now);
    }

    /// The client's stream has ended.
    pub fn client_gone(&mut self) {
        self.leave(self.phase == Phase::Ending);
    }

    /// The server is there no more; `words` are its last.
    pub fn server_ended(&mut self, number: Number, words: &str, now: Instant) {
        if self
            .next
            .as_ref()
            .is_some_and(|next| next.number() == number)
        {
            self.give_up_next(words, now);
        } else if let Some(current) = self.current.filter(|current| current.number == number) {
            self.current = None;
            self.injection = None;
            if now.duration_since(current.since) > LONG_ENOUGH {
                self.failures = 0;
            }
            self.lost(number);
            match self.phase {
                Phase::Ending | Phase::Over => self.answer_all_of_nobody(),
                _ if self.next.is_some() => self.take_over_if_ready(now),
                _ => self.failed(words, now),
            }
        }
    }

    /// Starts a server: in the place of none where the client still waits for its first answer, else as the next.
    pub(super) fn start(&mut self, now: Instant) {
        self.start_at = None;
        if matches!(self.phase, Phase::Ending | Phase::Over) || self.next.is_some() {
            return;
        }
        self.newest += 1;
        let number = self.newest;
        self.effects.push_back(Effect::Start(number));
        if self.phase == Phase::Beginning {
            self.current = Some(Current { number, since: now });
            self.ask_all(number);
            return;
        }
        let change = self.wanted.take();
        self.next = Some(Next::begun(number, now, change));
        if let Some(params) = self.memory.initialize_anew() {
            let request = Message::request(&names::own("initialize"), "initialize", Some(&params));
            self.tell(number, request);
        }
    }

    /// A server has ended that was not to end. Another one is tried, later each time.
    pub(super) fn failed(&mut self, words: &str, now: Instant) {
        if let Some(before) = self.failed_at.replace(now)
            && now.duration_since(before) > FORGOTTEN
        {
            self.failures = 0;
        }
        self.failures += 1;
        words.clone_into(&mut self.last_words);
        self.effects.push_back(Effect::Tell(Told::Ended {
            words: words.to_owned(),
            in_a_row: self.failures,
        }));
        let is_hopeless = self.failures >= TOO_OFTEN;
        if is_hopeless && self.current.is_none() {
            self.refuse_all();
        }
        if is_hopeless && self.phase == Phase::Beginning {
            // It has never worked: the client is told by the answer to `initialize`, and then by our end.
            self.leave(false);
            return;
        }
        if self.failures == TOO_OFTEN {
            const ERROR: u8 = 1;
            let words = t!("lsp.goes_on_failing", words = self.last_words).into_owned();
            let params = json!({"type": ERROR, "message": words});
            self.tell_client(Message::notification("window/showMessage", &params));
        }
        let wait = match self.failures {
            1 => Duration::ZERO,
            failures => Duration::from_secs(1) * (1 << (failures - 2).min(5)),
        };
        self.start_at = Some(now + wait.min(LONGEST_WAIT));
    }

    /// Nobody is left to answer what nobody was asked.
    pub(super) fn answer_all_of_nobody(&mut self) {
        for question in self.asked.take() {
            let answer = match question.message.method() {
                "shutdown" => Message::answer(question.message.id(), &Value::Null),
                _ => self.gone(question.message.id()),
            };
            self.tell_client(answer);
        }
    }

    pub(super) fn refuse_all(&mut self) {
        for question in self.asked.take() {
            let refusal = self.gone(question.message.id());
            self.tell_client(refusal);
        }
    }

    /// The answer to a request while there is no server (JSON-RPC, `InternalError`, as AIM-Forge says it; compat,
    /// section 13).
    pub(super) fn gone(&self, id: &str) -> Message {
        const INTERNAL_ERROR: i32 = -32603;
        let words = match self.last_words.as_str() {
            "" => "the language server has ended".to_owned(),
            words => format!("the language server has ended: {words}"),
        };
        Message::refusal(id, INTERNAL_ERROR, &words)
    }

    pub(super) fn leave(&mut self, is_goodbye: bool) {
        self.phase = Phase::Over;
        self.start_at = None;
        let next = self.next.take().map(|next| next.number());
        let current = self.current.take().map(|current| current.number);
        for number in next.into_iter().chain(current) {
            self.effects.push_back(Effect::End(number));
        }
        self.effects.push_back(Effect::Leave(is_goodbye));
    }
}
