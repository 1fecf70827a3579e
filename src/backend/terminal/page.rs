//! The page that a session is shown on, at the other end of a WebSocket.
//!
//! What goes to it waits in the session's output, not here: the page has a place in the stream, and takes the next
//! piece when its socket takes one. A page that acknowledges what it has drawn is never more than [`AHEAD`] ahead of
//! its person; one that does not is held up by its socket alone.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink as _, SinkExt as _, StreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::output::{Output, Replay};
use super::protocol::{ACK, Farewell, FromPage, LONGEST, ToPage, understood};
use crate::backend::web_socket::{Came, Wire};

/// Bytes that a page may have been sent and not drawn, or not been sent, before the terminal is read no further.
const AHEAD: u64 = 256 << 10;

/// After so long a silence a page is asked whether it is there.
const PING: Duration = Duration::from_secs(30);

/// After so long a silence it is not: a computer that sleeps, a network that went.
const LOST: Duration = Duration::from_secs(75);

/// Bytes of one message.
const FRAME: usize = 64 << 10;

/// How long a page that was said goodbye to may take to read the last of it.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long a page that is not understood any more is waited for when it says nothing.
const SILENCE: Duration = Duration::from_millis(500);

/// Bytes that are read from the socket at once: keys are few, and a paste need not be fast.
const READ: usize = 4 << 10;

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    socket: WebSocketStream<Wire>,
    speaks_v1: bool,
    /// What is sent before anything of the stream.
    first: VecDeque<Message>,
    /// The place in the stream of what is sent next.
    place: u64,
    /// Bytes that were sent and are not acknowledged.
    undrawn: u64,
    /// When anything came from it last.
    heard_at: Instant,
    /// When it was asked last whether it is there.
    asked_at: Instant,
    events: Option<mpsc::Receiver<String>>,
    /// It sent what cannot be understood, and neither can the rest.
    is_broken: bool,
}

/// What a page does.
#[derive(Debug)]
pub(super) enum Heard {
    /// It says something.
    Said(FromPage),
    /// It is gone, or must go.
    Gone(Option<Farewell>),
}

impl Page {
    /// The page at the end of `came`, which is shown the session `session` as `replay` has it, at its visit `visit`.
    pub(super) async fn new(
        came: Came,
        session: &str,
        visit: u64,
        replay: Replay,
        events: Option<mpsc::Receiver<String>>,
    ) -> Self {
        let mut page = Self {
            speaks_v1: came.speaks_subprotocol,
            socket: socket(came).await,
            first: VecDeque::new(),
            place: replay.from,
            undrawn: 0,
            heard_at: Instant::now(),
            asked_at: Instant::now(),
            events,
            is_broken: false,
        };
        page.say(&ToPage::Ready {
            session,
            resumed: replay.is_resumed,
            offset: replay.offset,
            ack: ACK,
            replay: replay.no_news,
            visit,
        });
        let mut head = Bytes::from(replay.head);
        while !head.is_empty() {
            let piece = head.split_to(FRAME.min(head.len()));
            page.first.push_back(Message::Binary(piece));
        }
        page
    }

    /// Says something beside the stream, if the page understands that.
    pub(super) fn say(&mut self, what: &ToPage<'_>) {
        if self.speaks_v1
            && let Ok(text) = serde_json::to_string(what)
        {
            self.first.push_back(Message::text(text));
        }
    }

    /// When it is to be looked after next: [`Self::is_there`].
    pub(super) fn due(&self) -> Instant {
        let asked_at = self.asked_at.max(self.heard_at);
        (asked_at + PING).min(self.heard_at + LOST)
    }

    /// Whether it is still there, as far as anybody can tell; one that was silent for long is asked.
    pub(super) fn is_there(&mut self, now: Instant) -> bool {
        if self.due() <= now {
            self.asked_at = now;
            self.first.push_back(Message::Ping(Bytes::new()));
        }
        self.heard_at + LOST > now
    }

    /// Up to here it was sent the stream.
    pub(super) fn place(&self) -> u64 {
        self.place
    }

    /// Whether the terminal may be read for it. A page that cannot be heard (`is_deaf`) cannot acknowledge either.
    pub(super) fn keeps_up(&self, output: &Output, is_deaf: bool) -> bool {
        let unsent = output.end() - self.place;
        let undrawn = if self.speaks_v1 && !is_deaf {
            self.undrawn
        } else {
            0
        };
        unsent + undrawn < AHEAD
    }

    /// Ready when the page does something.
    pub(super) fn poll_heard(&mut self, context: &mut Context<'_>) -> Poll<Heard> {
        loop {
            let message = match ready!(self.socket.poll_next_unpin(context)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    self.is_broken = true;
                    return Poll::Ready(Heard::Gone(why(&error)));
                }
                None => return Poll::Ready(Heard::Gone(None)),
            };
            self.heard_at = Instant::now();
            match message {
                Message::Text(text) => match understood(&text) {
                    Ok(FromPage::Ack { bytes }) => {
                        self.undrawn = self.undrawn.saturating_sub(bytes);
                        // Whether there is room now is for the session to see.
                        return Poll::Ready(Heard::Said(FromPage::Ack { bytes }));
                    }
                    Ok(FromPage::Ping) => self.say(&ToPage::Pong),
                    Ok(said) => return Poll::Ready(Heard::Said(said)),
                    Err(error) => self.say(&error),
                },
                Message::Close(_) => return Poll::Ready(Heard::Gone(None)),
                Message::Binary(_) => self.say(&ToPage::Error {
                    code: "not-understood",
                    message: "bytes come from the terminal only".to_owned(),
                }),
                _ => {}
            }
        }
    }

    /// Sends what there is, as far as the socket takes it. Ready when the page is gone.
    pub(super) fn poll_sent(&mut self, context: &mut Context<'_>, output: &Output) -> Poll<()> {
        while let Some(Poll::Ready(Some(event))) =
            self.events.as_mut().map(|events| events.poll_recv(context))
        {
            if self.speaks_v1 {
                self.first.push_back(Message::text(event));
            }
        }
        loop {
            let is_ready = std::pin::Pin::new(&mut self.socket).poll_ready(context);
            if ready!(is_ready).is_err() {
                return Poll::Ready(());
            }
            let Some(message) = self.next(output) else {
                let flushed = std::pin::Pin::new(&mut self.socket).poll_flush(context);
                return if ready!(flushed).is_err() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                };
            };
            if std::pin::Pin::new(&mut self.socket)
                .start_send(message)
                .is_err()
            {
                return Poll::Ready(());
            }
        }
    }

    fn next(&mut self, output: &Output) -> Option<Message> {
        let message = self.first.pop_front().or_else(|| {
            let piece = output.piece(self.place, FRAME)?;
            self.place += piece.len() as u64;
            Some(Message::Binary(piece))
        })?;
        if let Message::Binary(piece) = &message {
            self.undrawn += piece.len() as u64;
        }
        Some(message)
    }

    /// Sends the rest of the stream and says goodbye; returns when the page has gone, too.
    pub(super) async fn part(
        mut self,
        output: Option<Output>,
        last: Option<ToPage<'_>>,
        farewell: &Farewell,
    ) {
        let parting = async {
            while let Some(message) = self.first.pop_front() {
                self.socket.feed(message).await?;
            }
            while let Some(piece) = output
                .as_ref()
                .and_then(|output| output.piece(self.place, FRAME))
            {
                self.place += piece.len() as u64;
                self.socket.feed(Message::Binary(piece)).await?;
            }
            if let Some(last) = last {
                self.say(&last);
            }
            while let Some(message) = self.first.pop_front() {
                self.socket.feed(message).await?;
            }
            goodbye(&mut self.socket, farewell, self.is_broken).await
        };
        let _ = timeout(LAST_WORDS, parting).await;
    }
}

/// Says goodbye to a page that is shown no session.
pub(super) async fn turn_away(came: Came, farewell: &Farewell) {
    let mut socket = socket(came).await;
    let _ = timeout(LAST_WORDS, goodbye(&mut socket, farewell, false)).await;
}

async fn goodbye(
    socket: &mut WebSocketStream<Wire>,
    farewell: &Farewell,
    is_broken: bool,
) -> Result<(), Error> {
    socket.send(Message::Close(Some(farewell.frame()))).await?;
    if is_broken {
        // What it sends cannot be understood any more, but must be taken: a connection that is closed over unread bytes
        // is torn, and with it what is on its way to the page.
        let mut unread = vec![0; READ];
        while let Ok(Ok(1..)) = timeout(SILENCE, socket.get_mut().read(&mut unread)).await {}
    } else {
        // Until the page has said goodbye, too.
        while let Some(Ok(_)) = socket.next().await {}
    }
    Ok(())
}

async fn socket(came: Came) -> WebSocketStream<Wire> {
    let limits = WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(0)
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST));
    let read = came.read.into();
    WebSocketStream::from_partially_read(came.wire, read, Role::Server, Some(limits)).await
}

/// What is to be said to a page that sent what it may not.
fn why(error: &Error) -> Option<Farewell> {
    match error {
        Error::Capacity(_) => Some(Farewell::TooLarge),
        Error::Utf8(_) => Some(Farewell::NotText),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn a_silent_page_is_asked_now_and_then_and_given_up_at_last() {
        let (ours, _theirs) = UnixStream::pair().expect("a pair");
        let came = Came {
            wire: Wire::Unix(ours),
            read: Bytes::new(),
            speaks_subprotocol: false,
        };
        let mut page = Page::new(came, "s", 1, Output::default().replay(None, false), None).await;
        let begun = page.heard_at.max(page.asked_at);
        page.heard_at = begun;
        page.asked_at = begun;
        assert!(page.is_there(begun) && page.first.is_empty());
        for (asked, after) in [(1, PING), (2, PING * 2)] {
            assert_eq!(page.due(), begun + after);
            assert!(page.is_there(begun + after));
            assert!(page.is_there(begun + after), "asked once");
            assert_eq!(page.first.len(), asked);
        }
        assert_eq!(page.due(), begun + LOST);
        assert!(!page.is_there(begun + LOST));
    }
}
