//! The ways to bring a server along.

use std::time::Duration;

use crate::lsp::memory::Memory;
use crate::lsp::wire::Message;

/// How a server is brought along.
#[derive(Debug)]
pub enum Way {
    /// It looks by itself, at the next request.
    Nothing,
    /// It is told, and shows that it heard.
    Inject(Vec<Message>, Sign),
    /// Another one takes its place.
    Replace,
}

/// By what it is seen that a server has heard.
#[derive(Debug, Clone, Copy)]
pub struct Sign {
    /// It sends one of these; without any, nobody waits.
    pub methods: &'static [&'static str],
    /// This is how long it has.
    pub within: Duration,
}

/// Whether a client asks for diagnostics (LSP 3.17).
#[derive(Debug, Clone, Copy)]
pub(super) struct Asks {
    pub(super) by_itself: bool,
    /// A server may tell it to.
    pub(super) can_be_told_to: bool,
}

impl Asks {
    pub(super) fn of(memory: &mut Memory) -> Self {
        Self {
            by_itself: memory.can(&["textDocument", "diagnostic"]),
            can_be_told_to: memory.can(&["workspace", "diagnostics", "refreshSupport"]),
        }
    }
}

impl Sign {
    /// What a server that has looked again says by itself: what it found in the open files, or that the client is to
    /// ask for that. None is waited for where it has nothing to say so of.
    pub(super) fn of_diagnostics(memory: &mut Memory) -> Self {
        let client = Asks::of(memory);
        let is_deaf = client.by_itself && !client.can_be_told_to;
        let methods: &[&str] = match (memory.open_uris().is_empty(), is_deaf) {
            (false, false) => &[
                "textDocument/publishDiagnostics",
                "workspace/diagnostic/refresh",
            ],
            _ => &[],
        };
        Self {
            methods,
            within: Duration::from_secs(10),
        }
    }
}
