//! The last messages between pages and their servers: whose, which, how long; not what is in them.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::Utc;

use super::session::Session;
use crate::api::v1::LspCall;
use crate::backend::locked::Locked;
use crate::lsp::Head;

/// How many are kept.
const KEPT: usize = 2_000;

/// Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Arc<Locked<VecDeque<LspCall>>>);

impl Calls {
    /// Notes a message, which `direction` sent: `client` or `server`.
    pub(super) fn note(&self, session: &Session, direction: &str, body: &[u8]) {
        let head = Head::of(body);
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let call = LspCall {
            direction: direction.to_owned(),
            method: said(head.method()),
            id: said(head.id(body)),
            bytes: body.len(),
            project_id: session.project().to_string(),
            lsp: session.kind().name().to_owned(),
            ts: Utc::now().timestamp_millis(),
        };
        let mut calls = self.0.lock();
        if calls.len() == KEPT {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// The newest, oldest first.
    pub(super) fn newest(&self, most: usize) -> Vec<LspCall> {
        let calls = self.0.lock();
        let skipped = calls.len().saturating_sub(most);
        calls.iter().skip(skipped).cloned().collect()
    }
}
