//! A client and its server: what is known of both, and the few things that every rule needs.

use std::collections::VecDeque;
use std::time::Instant;

use super::asked::Asked;
use super::diagnostics::Diagnostics;
use super::effect::Effect;
use super::names::{self, Number};
use super::next::Next;
use super::progress::Progress;
use super::result_ids::ResultIds;
use super::wanted::{Injection, Wanted};
use crate::lsp::memory::Memory;
use crate::lsp::strategy::Strategy;
use crate::lsp::wire::Message;

/// Where the client is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has no answer to `initialize` yet.
    #[default]
    Beginning,
    /// It works.
    Working,
    /// It has asked for the end.
    Ending,
    /// It is over.
    Over,
}

/// The server that answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Current {
    pub(super) number: Number,
    pub(super) since: Instant,
}

/// A client and its server.
#[derive(Debug)]
pub struct Session {
    pub(super) strategy: Strategy,
    pub(super) phase: Phase,
    pub(super) memory: Memory,
    pub(super) asked: Asked,
    pub(super) current: Option<Current>,
    pub(super) next: Option<Next>,
    /// The number of the server that was started last.
    pub(super) newest: Number,
    /// When another is to be started.
    pub(super) start_at: Option<Instant>,
    /// How often servers ended in a row, and the last one's last words.
    pub(super) failures: u32,
    pub(super) last_words: String,
    /// When one failed last.
    pub(super) failed_at: Option<Instant>,
    pub(super) diagnostics: Diagnostics,
    pub(super) progress: Progress,
    /// What the current server has registered: the id that the client knows, and the method.
    pub(super) registered: Vec<(String, String)>,
    pub(super) result_ids: ResultIds,
    /// The change that no server has followed yet.
    pub(super) wanted: Option<Wanted>,
    pub(super) injection: Option<Injection>,
    pub(super) own: u64,
    pub(super) effects: VecDeque<Effect>,
}

impl Session {
    /// A session whose server is brought along by `strategy`. The server is started when the client says something.
    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            phase: Phase::default(),
            memory: Memory::default(),
            asked: Asked::default(),
            current: None,
            next: None,
            newest: 0,
            start_at: None,
            failures: 0,
            last_words: String::new(),
            failed_at: None,
            diagnostics: Diagnostics::default(),
            progress: Progress::default(),
            registered: Vec::new(),
            result_ids: ResultIds::default(),
            wanted: None,
            injection: None,
            own: 0,
            effects: VecDeque::new(),
        }
    }

    /// What is to be done next, in order.
    pub fn effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Does what can wait until nobody does.
    pub fn rest(&mut self) {
        self.memory.take_in();
    }

    /// When [`Self::at`] is to be called, if nothing else happens before.
    pub fn deadline(&self) -> Option<Instant> {
        let of_next = self.next.as_ref().map(Next::deadline);
        let of_injection = self.injection.as_ref().map(Injection::deadline);
        [
            self.start_at,
            of_next,
            of_injection,
            self.first_is_late_at(),
            self.diagnostics.goes_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn number(&self) -> Option<Number> {
        self.current.map(|current| current.number)
    }

    pub(super) fn is_current(&self, number: Number) -> bool {
        self.number() == Some(number)
    }

    pub(super) fn own_id(&mut self) -> String {
        self.own += 1;
        names::own(self.own)
    }

    pub(super) fn tell(&mut self, number: Number, message: Message) {
        self.effects
            .push_back(Effect::ToServer(number, message.into_body()));
    }

    pub(super) fn tell_client(&mut self, message: Message) {
        self.effects
            .push_back(Effect::ToClient(message.into_body()));
    }

    /// Sends diagnostics to the client.
    pub(super) fn show(&mut self, message: Message) {
        self.diagnostics.show(&message);
        self.tell_client(message);
    }
}
