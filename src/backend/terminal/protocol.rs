//! What a page and a session say to each other (design, section 8; compat, section 12).
//!
//! Text is JSON and comes from the page; bytes are the terminal's and go to it. To a page that does not speak
//! [`SUBPROTOCOL`] nothing but bytes is ever sent: it would print the rest.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::backend::web_socket::close_frame;
use crate::secrets;

/// What a page that speaks more than AIM-Forge's asks for.
pub(in crate::backend) const SUBPROTOCOL: &str = "aim.terminal.v1";

/// A page acknowledges at least every so many bytes.
pub(super) const ACK: u64 = 32 << 10;

/// The longest message from a page.
pub(super) const LONGEST: usize = 1 << 20;

/// What a page says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum FromPage {
    /// Typed or pasted.
    Input { data: String },
    /// The page's terminal has another size.
    Resize { cols: u64, rows: u64 },
    /// So many more bytes were drawn.
    Ack { bytes: u64 },
    /// Is anybody there? A browser shows its page no pings of WebSocket's own.
    Ping,
    /// The session is to end.
    Close,
}

/// What a session says, beside the terminal's bytes.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum ToPage<'a> {
    /// The first message.
    Ready {
        session: &'a str,
        resumed: bool,
        offset: u64,
        ack: u64,
        /// So many of the bytes that follow are no news: what the terminal answers to them is not to be sent.
        replay: u64,
        /// The number of this visit, which the page says when it comes again.
        visit: u64,
    },
    /// The shell has ended.
    Exit {
        code: Option<i32>,
        signal: Option<i32>,
    },
    /// The answer to [`FromPage::Ping`].
    Pong,
    /// A message was not understood; the session goes on.
    Error { code: &'a str, message: String },
}

/// Why a connection is closed.
#[derive(Debug, Clone)]
pub(in crate::backend) enum Farewell {
    /// The shell has ended.
    Exited(ExitStatus),
    /// The page, or somebody else, wanted the session to end.
    Ended,
    /// The daemon ends.
    GoingAway,
    /// A message was longer than any may be.
    TooLarge,
    /// A text was none.
    NotText,
    /// No shell could be started.
    CannotStart(String),
    /// No such project.
    NoProject(String),
    /// No such session: it has ended.
    NoSession,
    /// Nothing was typed and nothing printed for too long.
    Idle,
    /// Another page has taken the session up.
    TakenOver,
    /// There are as many sessions as there may be.
    TooMany(usize),
}

impl Farewell {
    /// The close frame that says so.
    pub(super) fn frame(&self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Exited(status) => (1000, ended(*status)),
            Self::Ended => (1000, "closed".to_owned()),
            Self::GoingAway => (1001, "aim-backend is ending".to_owned()),
            Self::NotText => (1007, "a message was not UTF-8".to_owned()),
            Self::TooLarge => (1009, format!("a message was longer than {LONGEST} bytes")),
            Self::CannotStart(why) => (1011, secrets::hide(why).into_owned()),
            Self::NoProject(why) => (4404, secrets::hide(why).into_owned()),
            Self::NoSession => (4404, "this session has ended".to_owned()),
            Self::Idle => (4408, "nothing was typed or printed for too long".to_owned()),
            Self::TakenOver => (4409, "another page has taken this session up".to_owned()),
            Self::TooMany(most) => (4429, format!("there are {most} sessions already")),
        };
        close_frame(code, &reason)
    }
}

/// `exit 0`, `signal SIGKILL`.
fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => {
            let name = signal_hook::low_level::signal_name(signal);
            name.map_or_else(
                || format!("signal {signal}"),
                |name| format!("signal {name}"),
            )
        }
        (None, None) => "ended".to_owned(),
    }
}

/// The message of a shell's end.
pub(super) fn exit(status: ExitStatus) -> ToPage<'static> {
    ToPage::Exit {
        code: status.code(),
        signal: status.signal(),
    }
}

/// What a page said, or why it cannot be understood.
pub(super) fn understood(text: &str) -> Result<FromPage, ToPage<'static>> {
    serde_json::from_str(text).map_err(|error| ToPage::Error {
        code: "not-understood",
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_and_say_what_happened() {
        for (farewell, code, reason) in [
            (Farewell::Exited(ExitStatus::from_raw(0)), 1000, "exit 0"),
            (
                Farewell::Exited(ExitStatus::from_raw(3 << 8)),
                1000,
                "exit 3",
            ),
            (
                Farewell::Exited(ExitStatus::from_raw(9)),
                1000,
                "signal SIGKILL",
            ),
            (
                Farewell::CannotStart("no https://kim:hunter2@host/".to_owned()),
                1011,
                "no https://kim:****@host/",
            ),
        ] {
            let frame = farewell.frame();
            assert_eq!(
                (u16::from(frame.code), frame.reason.as_str()),
                (code, reason)
            );
        }
        let long = Farewell::CannotStart("한".repeat(100)).frame();
        assert_eq!(long.reason.len(), 123 / 3 * 3);
    }

    #[test]
    fn what_is_not_understood_is_said_and_ends_nothing() {
        for text in [
            "",
            "[]",
            "{}",
            "null",
            "7",
            "\"input\"",
            "{\"type\":\"input\"}",
            "{\"type\":\"input\",\"data\":5}",
            "{\"type\":\"resize\",\"cols\":\"x\",\"rows\":1}",
            "{\"type\":\"resize\",\"cols\":-1,\"rows\":1}",
            "{\"type\":\"dance\"}",
        ] {
            assert!(understood(text).is_err(), "{text}");
        }
        for text in [
            "{\"type\":\"input\",\"data\":\"\\u0003\"}",
            "{\"type\":\"resize\",\"cols\":80,\"rows\":24,\"more\":1}",
            "{\"type\":\"ack\",\"bytes\":1}",
            "{\"type\":\"close\"}",
        ] {
            assert!(understood(text).is_ok(), "{text}");
        }
    }
}
