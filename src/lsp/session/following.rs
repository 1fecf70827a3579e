//! The environment has changed: the server is brought along.

use std::time::{Duration, Instant};

use super::effect::Effect;
use super::state::{Phase, Session};
use super::wanted::{Injection, Wanted};
use crate::lsp::change::{Change, Outcome, Told};
use crate::lsp::strategy::Way;
use crate::lsp::wire::Message;

impl Session {
    /// How long no other change must come before a server is started again that was not ready before the last one.
    const STILLNESS: Duration = Duration::from_millis(200);

    /// The environment has changed.
    pub fn changed(&mut self, change: Change, now: Instant) {
        let wanted = Wanted {
            generation: change.generation,
            since: now,
            change: None,
        };
        match self.phase {
            Phase::Ending | Phase::Over => {}
            // It may have looked already; it is brought along when it can be spoken to.
            _ if !self.memory.is_initialized() => {
                let before = self.wanted.take().and_then(|before| before.change);
                self.wanted = Some(Wanted {
                    change: Some(change.after(before.as_ref())),
                    ..wanted
                });
            }
            _ if self.next.is_some() || self.current.is_none() || self.start_at.is_some() => {
                self.again(wanted, now);
            }
            _ => self.follow(&change, wanted, now),
        }
    }

    /// The client can be spoken to: what changed meanwhile is followed.
    pub(super) fn follow_what_waits(&mut self, now: Instant) {
        let Some(mut wanted) = self.wanted.take() else {
            return;
        };
        if let Some(change) = wanted.change.take() {
            self.follow(&change, wanted, now);
        }
    }

    fn follow(&mut self, change: &Change, wanted: Wanted, now: Instant) {
        let way = if change.needs_new_server {
            Way::Replace
        } else {
            self.strategy.way(change, &mut self.memory)
        };
        match way {
            Way::Nothing => self.synced(&wanted, Outcome::Nothing, now),
            Way::Replace => {
                self.injection = None;
                self.wanted = Some(wanted);
                self.start(now);
            }
            Way::Inject(messages, sign) => {
                let Some(number) = self.number() else {
                    return;
                };
                for message in messages {
                    self.tell(number, message);
                }
                // A change that is not confirmed yet is confirmed with this one.
                let since = self
                    .injection
                    .as_ref()
                    .map_or(wanted.since, |before| before.wanted.since);
                self.injection = Some(Injection {
                    wanted: Wanted { since, ..wanted },
                    sign,
                    until: now + sign.within,
                });
                if sign.methods.is_empty() {
                    self.sign_seen(now);
                }
            }
        }
    }

    /// A server that was being made ready has seen the environment as it was: another begins, once.
    fn again(&mut self, wanted: Wanted, now: Instant) {
        let mut since = wanted.since;
        if let Some(next) = self.next.take() {
            since = next.wanted().map_or(since, |before| before.since);
            self.diagnostics.drop_held();
            self.effects.push_back(Effect::End(next.number()));
        } else if let Some(before) = &self.wanted {
            since = before.since;
        }
        self.wanted = Some(Wanted { since, ..wanted });
        let quiet = now + Self::STILLNESS;
        self.start_at = Some(self.start_at.map_or(quiet, |at| at.max(quiet)));
    }

    /// The current server has said something: is it the sign?
    pub(super) fn look_for_sign(&mut self, message: &Message, now: Instant) {
        let is_sign = |injection: &Injection| injection.sign.methods.contains(&message.method());
        if self.injection.as_ref().is_some_and(is_sign) {
            self.sign_seen(now);
        }
    }

    fn sign_seen(&mut self, now: Instant) {
        if let Some(injection) = self.injection.take() {
            self.synced(&injection.wanted, Outcome::Injected, now);
            // It has told of its diagnostics itself.
            self.refresh(false);
        }
    }

    pub(super) fn injection_failed(&mut self, now: Instant) {
        if let Some(injection) = self.injection.take() {
            self.effects.push_back(Effect::Tell(Told::NoSign));
            self.wanted = Some(injection.wanted);
            self.start(now);
        }
    }

    pub(super) fn synced(&mut self, wanted: &Wanted, how: Outcome, now: Instant) {
        self.effects.push_back(Effect::Tell(Told::Synced {
            generation: wanted.generation,
            how,
            took: now.duration_since(wanted.since),
        }));
    }

    /// Has the client ask again for whatever it shows (LSP 3.17, `workspace/…/refresh`).
    pub(super) fn refresh(&mut self, with_diagnostics: bool) {
        for (method, capability) in [
            ("workspace/diagnostic/refresh", "diagnostics"),
            ("workspace/semanticTokens/refresh", "semanticTokens"),
            ("workspace/inlayHint/refresh", "inlayHint"),
            ("workspace/inlineValue/refresh", "inlineValue"),
            ("workspace/codeLens/refresh", "codeLens"),
            ("workspace/foldingRange/refresh", "foldingRange"),
        ] {
            let is_wanted = with_diagnostics || capability != "diagnostics";
            if is_wanted
                && self
                    .memory
                    .can(&["workspace", capability, "refreshSupport"])
            {
                let id = self.own_id();
                self.tell_client(Message::request(&id, method, None));
            }
        }
    }
}
