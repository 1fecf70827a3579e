//! The next server is made ready.

use std::time::Instant;

use super::effect::Effect;
use super::next::Next;
use super::state::Session;
use crate::lsp::change::Told;
use crate::lsp::wire::Message;

impl Session {
    /// The next server has answered to `initialize`: it is told what the client has said so far.
    pub(super) fn next_is_initialized(&mut self, answer: &Message, now: Instant) {
        let Some(next) = &mut self.next else {
            return;
        };
        let number = next.number();
        if answer.is_error() {
            let words = answer
                .text(&["error", "message"])
                .unwrap_or_default()
                .to_owned();
            self.effects.push_back(Effect::End(number));
            self.give_up_next(&words, now);
            return;
        }
        next.told(now);
        let replay = self.memory.replay();
        for message in replay.beginning.into_iter().chain(replay.opening) {
            self.tell(number, message);
        }
        self.take_over_if_ready(now);
    }

    /// The next server takes over as soon as nothing is lost by it.
    pub(super) fn take_over_if_ready(&mut self, now: Instant) {
        let Some(next) = &self.next else {
            return;
        };
        if !next.is_told() {
            return;
        }
        let waits_for = |session: &mut Self| {
            let is_working = session
                .asked
                .iter()
                .any(|one| one.does_something() && one.of.is_some());
            is_working || {
                let open = session.memory.open_uris();
                !session.diagnostics.is_held_for(&open)
            }
        };
        if self.current.is_none() || !waits_for(self) {
            self.take_over(now);
        }
    }

    /// The next server has had its time. One that knows everything takes over; one that never answered is given up.
    pub(super) fn next_is_late(&mut self, now: Instant) {
        let Some(next) = &self.next else {
            return;
        };
        if next.is_told() {
            self.take_over(now);
            return;
        }
        let number = next.number();
        self.effects.push_back(Effect::Tell(Told::Late));
        self.effects.push_back(Effect::End(number));
        self.give_up_next(Told::SILENT, now);
    }

    /// There is no next server after all; what it was started for is still wanted.
    pub(super) fn give_up_next(&mut self, words: &str, now: Instant) {
        self.wanted = self.next.take().and_then(Next::into_wanted);
        self.diagnostics.drop_held();
        self.failed(words, now);
    }
}
