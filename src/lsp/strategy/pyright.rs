//! pyright and basedpyright: notice files by their own watching after five seconds, path files never, and look at
//! everything anew at once when they are told that their settings have changed, even if those are the same.

use serde_json::json;

use super::way::{Sign, Way};
use crate::lsp::memory::Memory;
use crate::lsp::wire::Message;

pub(super) fn way(memory: &mut Memory) -> Way {
    let again = memory.configuration().cloned();
    // Without settings of the client's, `null` leaves those that it asked for; `{}` would not.
    let nothing = || {
        Message::notification(
            "workspace/didChangeConfiguration",
            &json!({"settings": null}),
        )
    };
    let again = again.unwrap_or_else(nothing);
    Way::Inject(vec![again], Sign::of_diagnostics(memory))
}
