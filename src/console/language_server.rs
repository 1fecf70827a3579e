//! A language server in a person's words.

use std::borrow::Cow;

use anstyle::Style;
use chrono::{DateTime, Utc};

use super::style::{BAD, GOOD, ODD, PLAIN};
use super::table::Cell;
use super::time;
use crate::api::v1::LanguageServer;
use crate::words::t;

/// Whether it is as it should be.
pub fn state(server: &LanguageServer) -> Cell {
    let (style, words) = judged(server);
    Cell::styled(style, words)
}

fn judged(server: &LanguageServer) -> (Style, Cow<'static, str>) {
    match &server.error {
        Some(why) => (BAD, t!("console.language_server.failing", why = why)),
        None if server.is_behind() => {
            let has = server.generation;
            (ODD, t!("console.language_server.behind", generation = has))
        }
        None => (GOOD, t!("console.language_server.ready")),
    }
}

/// When and how it was brought along last; empty where it was not.
pub fn synced(server: &LanguageServer, now: DateTime<Utc>) -> String {
    let Some(at) = server.synced_at else {
        return String::new();
    };
    let ago = time::ago(at, now);
    let ms = server.took_ms.unwrap_or_default();
    let words = match server.how.as_deref() {
        Some("injected") => t!("console.language_server.injected", ago = ago, ms = ms),
        Some("replaced") => t!("console.language_server.replaced", ago = ago, ms = ms),
        _ => t!("console.language_server.nothing", ago = ago),
    };
    words.into_owned()
}

/// Both on one line, with its name.
pub fn line(server: &LanguageServer, now: DateTime<Utc>) -> Cell {
    let synced = synced(server, now);
    let gap = if synced.is_empty() { "" } else { ", " };
    let (style, words) = judged(server);
    Cell::from(format!("{} ", server.server))
        .and(style, words)
        .and(PLAIN, format!("{gap}{synced}"))
}
