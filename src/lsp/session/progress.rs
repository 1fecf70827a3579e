//! Work that servers tell the client of (`$/progress`): begun, and not yet ended.

use std::collections::BTreeSet;

use serde_json::json;

use crate::lsp::wire::Message;

/// Tokens (JSON) by who made them.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Those of the current server, as the client knows them, while its work is under way.
    open: BTreeSet<String>,
    /// Those that the current server asked for before it had its place: the client has not heard of them.
    hidden: BTreeSet<String>,
    /// The client's own tokens under which something has come.
    heard: BTreeSet<String>,
    /// The client's own tokens whose work is begun a second time.
    twice: BTreeSet<String>,
}

impl Progress {
    /// The client is about to hear of a token.
    pub(super) fn created(&mut self, token: String) {
        self.open.insert(token);
    }

    /// Whether the client has been told of `token` (as it knows it) by [`Self::created`].
    pub(super) fn is_open(&self, token: &str) -> bool {
        self.open.contains(token)
    }

    /// Whether the client has not heard of the server's `token`. Its end is the last that comes of it.
    pub(super) fn is_hidden(&mut self, token: &str, is_end: bool) -> bool {
        if is_end {
            self.hidden.remove(token)
        } else {
            self.hidden.contains(token)
        }
    }

    /// The work under a token of the server's has ended.
    pub(super) fn ended(&mut self, token: &str) {
        self.open.remove(token);
    }

    /// Something came under a token of the client's own; whether it is to be passed on.
    pub(super) fn heard(&mut self, token: &str, is_begin: bool) -> bool {
        self.heard.insert(token.to_owned());
        !(is_begin && self.twice.remove(token))
    }

    /// Whether something came under this token of the client's.
    pub(super) fn was_heard(&self, token: &str) -> bool {
        self.heard.contains(token)
    }

    /// The work of this token begins again, with another server.
    pub(super) fn begins_again(&mut self, token: &str) {
        if self.heard.contains(token) {
            self.twice.insert(token.to_owned());
        }
    }

    /// Nothing is asked any more, so no token of the client's is in use.
    pub(super) fn forget_clients(&mut self) {
        self.heard.clear();
        self.twice.clear();
    }

    /// Another server is current, which has asked for the tokens `hidden`; what the former one told of is over.
    pub(super) fn take_over(&mut self, hidden: BTreeSet<String>) -> Vec<Message> {
        self.hidden = hidden;
        let ended = std::mem::take(&mut self.open).into_iter();
        ended
            .filter_map(|token| {
                let token: serde_json::Value = serde_json::from_str(&token).ok()?;
                let params = json!({"token": token, "value": {"kind": "end"}});
                Some(Message::notification("$/progress", &params))
            })
            .collect()
    }
}
