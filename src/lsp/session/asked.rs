//! What the client has asked and nobody has answered yet: each is answered once, by whichever server.

use super::names::Number;
use crate::lsp::wire::Message;

/// One request that is under way.
#[derive(Debug)]
pub(super) struct Question {
    /// As the client asked it.
    pub(super) message: Message,
    /// Who has been asked; nobody yet, while there is no server.
    pub(super) of: Option<Number>,
    /// Whether the client does not want it any more.
    pub(super) is_cancelled: bool,
}

impl Question {
    /// Whether it may do more than answer, so that it must not be asked twice.
    pub(super) fn does_something(&self) -> bool {
        matches!(self.message.method(), "workspace/executeCommand")
    }

    /// Token under which parts of the answer come, and that under which the work is told of (JSON).
    pub(super) fn tokens(&self) -> [Option<&str>; 2] {
        ["partialResultToken", "workDoneToken"].map(|name| self.message.text(&["params", name]))
    }
}

/// The requests under way, in the order in which they were asked.
#[derive(Debug, Default)]
pub(super) struct Asked(Vec<Question>);

impl Asked {
    pub(super) fn add(&mut self, message: Message, of: Option<Number>) {
        self.0.push(Question {
            message,
            of,
            is_cancelled: false,
        });
    }

    /// The request with this id (JSON), if `by` is who was asked: it is answered now.
    pub(super) fn answered(&mut self, id: &str, by: Number) -> Option<Question> {
        let is_it = |one: &Question| one.message.id() == id && one.of == Some(by);
        let place = self.0.iter().position(is_it)?;
        Some(self.0.remove(place))
    }

    /// Notes that the client does not want the answer any more; gives who was asked.
    pub(super) fn cancel(&mut self, id: &str) -> Option<&mut Question> {
        let found = self.0.iter_mut().find(|one| one.message.id() == id)?;
        found.is_cancelled = true;
        Some(found)
    }

    /// Takes out a request that nobody was asked yet.
    pub(super) fn withdraw(&mut self, id: &str) -> Option<Question> {
        let is_it = |one: &Question| one.message.id() == id && one.of.is_none();
        let place = self.0.iter().position(is_it)?;
        Some(self.0.remove(place))
    }

    /// Takes all out, to be asked again or answered.
    pub(super) fn take(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Question> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
