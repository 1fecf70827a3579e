//! Between a page's `WebSocket` and the stream of a relay: a frame is a message, with or without its header.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::calls::Calls;
use super::session::{Order, Orders, Session};
use crate::backend::web_socket::{Came, Wire, close_frame};
use crate::lsp::{Frame, Frames, header};
use crate::secrets;

/// Close codes (compat, section 13, and those of terminals).
const RESTARTING: u16 = 4001;
const ERROR: u16 = 4002;
pub(super) const NO_PROJECT: u16 = 4404;
const IDLE: u16 = 4408;
/// RFC 6455, section 7.4.1.
const NOT_TEXT: u16 = 1007;
const TOO_LARGE: u16 = 1009;

/// Bytes of one message of a page.
const LONGEST: usize = 64 << 20;
/// Bytes that are read at once.
const READ: usize = 64 << 10;
/// How long a page may take to read the last that it is sent.
const FAREWELL: Duration = Duration::from_secs(3);

type Socket = WebSocketStream<Wire>;

/// One page's bridge.
pub(super) struct Bridge {
    pub(super) session: Session,
    pub(super) calls: Calls,
    /// How long nothing need come or go.
    pub(super) idle: Option<Duration>,
}

impl Bridge {
    /// Serves the page until one side has gone, or somebody orders the end.
    pub(super) async fn live(self, came: Came, near: UnixStream, mut orders: Orders) {
        let (mut to_page, from_page) = socket(came).await.split();
        let (from_server, to_server) = near.into_split();
        // Both directions at once: a side that does not read holds up nobody but who writes to it.
        let (code, reason) = tokio::select! {
            farewell = self.hear_page(from_page, to_server) => farewell,
            () = self.hear_server(&mut to_page, from_server) => match self.session.over() {
                Some(words) => (ERROR, words),
                None => (1000, "the server has ended".to_owned()),
            },
            order = orders.recv() => match order {
                Some(Order::Restart) => (RESTARTING, "restarting".to_owned()),
                Some(Order::Stop) => (1000, "stopped".to_owned()),
                Some(Order::Leave) | None => (1001, "the daemon is ending".to_owned()),
            },
            () = self.is_idle() => (IDLE, "idle".to_owned()),
        };
        close(&mut to_page, code, &reason).await;
    }

    /// Passes on what the page says; gives with what it is to be said goodbye to.
    async fn hear_page(
        &self,
        mut page: SplitStream<Socket>,
        mut server: OwnedWriteHalf,
    ) -> (u16, String) {
        while let Some(message) = page.next().await {
            let text = match message {
                Ok(Message::Text(text)) => Bytes::from(text),
                Ok(Message::Binary(bytes)) => bytes,
                Ok(Message::Close(_)) => break,
                Ok(_) => continue,
                Err(Error::Capacity(_)) => {
                    return (TOO_LARGE, "the message is too long".to_owned());
                }
                Err(Error::Utf8(_)) => return (NOT_TEXT, "the message is no text".to_owned()),
                Err(_) => break,
            };
            self.session.touch();
            for body in bodies(&text) {
                self.calls.note(&self.session, "client", &body);
                let header = header(body.len());
                for piece in [header.as_bytes(), &body] {
                    if server.write_all(piece).await.is_err() {
                        return (1000, String::new());
                    }
                }
            }
        }
        (1000, String::new())
    }

    async fn hear_server(&self, page: &mut SplitSink<Socket, Message>, mut server: OwnedReadHalf) {
        let (mut frames, mut buffer) = (Frames::default(), vec![0; READ]);
        loop {
            let read = match server.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(read) => read,
            };
            let mut piece = &buffer[..read];
            while !piece.is_empty() {
                // Memory can be read.
                let _ = frames.read_from(&mut piece);
                while let Some(Frame::Body(body)) = frames.frame() {
                    self.session.touch();
                    self.calls.note(&self.session, "server", &body);
                    let text = String::from_utf8_lossy(&body).into_owned();
                    if page.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Ends when nothing has come or gone for as long as the setting says.
    async fn is_idle(&self) {
        let Some(idle) = self.idle else {
            return std::future::pending().await;
        };
        loop {
            let until = self.session.last_activity() + idle;
            if until <= std::time::Instant::now() {
                return;
            }
            sleep_until(Instant::from_std(until)).await;
        }
    }
}

/// What a page sends as one frame: a message, or messages with their headers.
fn bodies(text: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let trimmed = text.trim_ascii_start();
    if trimmed.starts_with(b"{") || trimmed.starts_with(b"[") {
        return vec![Cow::Borrowed(text)];
    }
    let (mut frames, mut rest, mut all) = (Frames::default(), text, Vec::new());
    while !rest.is_empty() {
        let _ = frames.read_from(&mut rest);
        while let Some(frame) = frames.frame() {
            if let Frame::Body(body) = frame {
                all.push(Cow::Owned(body));
            }
        }
    }
    all
}

async fn socket(came: Came) -> Socket {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST));
    WebSocketStream::from_partially_read(came.wire, came.read.into(), Role::Server, Some(limits))
        .await
}

/// Says why there is no server, as an error of the protocol, and closes.
pub(super) async fn refuse(came: Came, why: &str) {
    let (mut page, _) = socket(came).await.split();
    let error = serde_json::json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32603, "message": why}});
    let _ = timeout(FAREWELL, page.send(Message::text(error.to_string()))).await;
    close(&mut page, ERROR, why).await;
}

/// Closes at once.
pub(super) async fn turn_away(came: Came, code: u16, why: &str) {
    let (mut page, _) = socket(came).await.split();
    close(&mut page, code, why).await;
}

async fn close(page: &mut SplitSink<Socket, Message>, code: u16, reason: &str) {
    let frame = close_frame(code, &secrets::hide(reason));
    let farewell = async {
        page.send(Message::Close(Some(frame))).await?;
        page.flush().await
    };
    let _ = timeout(FAREWELL, farewell).await;
}
