//! How a call becomes a WebSocket (RFC 6455), and how that is handed to another runtime.
//!
//! The calls are answered on one thread, which nothing may hold up. What floods or is flooded by a page lives on
//! another one: so a connection that was upgraded is taken out of the first runtime and put into the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::answer::Refusal;
use crate::api::v1::ErrorCode;

/// A call that is becoming a WebSocket.
#[derive(Debug)]
pub(super) struct Upgrade {
    upgraded: OnUpgrade,
    speaks_subprotocol: bool,
}

/// A connection that has become one, out of its runtime.
#[derive(Debug)]
pub(super) struct Free {
    wire: FreeWire,
    read: Bytes,
    speaks_subprotocol: bool,
}

/// A connection that has become one, in the runtime that it is used in.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) wire: Wire,
    /// What was read of it already.
    pub(super) read: Bytes,
    /// Whether the page asked for the subprotocol that was offered.
    pub(super) speaks_subprotocol: bool,
}

#[derive(Debug)]
enum FreeWire {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

/// A connection by either door.
#[derive(Debug)]
pub(super) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Answers a call that asks for a WebSocket. `subprotocol` is spoken if the page asks for it.
pub(super) fn upgrade(
    mut request: Request,
    subprotocol: &'static str,
) -> Result<(Response, Upgrade), Refusal> {
    let upgraded = hyper::upgrade::on(&mut request);
    let speaks_subprotocol = asks_for(request.headers(), subprotocol);
    let mut response = create_response_with_body(&request, Body::empty).map_err(|error| {
        let detail = format!("a WebSocket is wanted here: {error}");
        Refusal::new(StatusCode::UPGRADE_REQUIRED, ErrorCode::BadRequest, detail)
    })?;
    if speaks_subprotocol {
        let spoken = HeaderValue::from_static(subprotocol);
        response
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, spoken);
    }
    let upgrade = Upgrade {
        upgraded,
        speaks_subprotocol,
    };
    Ok((response, upgrade))
}

fn asks_for(headers: &HeaderMap, subprotocol: &str) -> bool {
    let asked = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let asked = asked.filter_map(|value| value.to_str().ok());
    asked
        .flat_map(|value| value.split(','))
        .any(|asked| asked.trim() == subprotocol)
}

/// The goodbye of a connection; of a long reason, the beginning.
pub(super) fn close_frame(code: u16, reason: &str) -> CloseFrame {
    /// RFC 6455, section 5.5.
    const LONGEST: usize = 123;
    let fits = |end: &usize| reason.is_char_boundary(*end);
    let end = (0..=LONGEST.min(reason.len())).rev().find(fits);
    CloseFrame {
        code: CloseCode::from(code),
        reason: reason[..end.unwrap_or(0)].into(),
    }
}

impl Upgrade {
    /// The connection, once the answer was sent.
    pub(super) async fn free(self) -> io::Result<Free> {
        let upgraded = self.upgraded.await.map_err(io::Error::other)?;
        let (wire, read) = taken(upgraded)?;
        Ok(Free {
            wire,
            read,
            speaks_subprotocol: self.speaks_subprotocol,
        })
    }
}

fn taken(upgraded: Upgraded) -> io::Result<(FreeWire, Bytes)> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => {
            let wire = FreeWire::Tcp(parts.io.into_inner().into_std()?);
            return Ok((wire, parts.read_buf));
        }
        Err(upgraded) => upgraded,
    };
    let parts = upgraded
        .downcast::<TokioIo<UnixStream>>()
        .map_err(|_| io::Error::other("a connection of an unknown kind"))?;
    let wire = FreeWire::Unix(parts.io.into_inner().into_std()?);
    Ok((wire, parts.read_buf))
}

impl Free {
    /// Puts the connection into the runtime of the caller.
    pub(super) fn here(self) -> io::Result<Came> {
        Ok(Came {
            wire: match self.wire {
                FreeWire::Tcp(stream) => Wire::Tcp(TcpStream::from_std(stream)?),
                FreeWire::Unix(stream) => Wire::Unix(UnixStream::from_std(stream)?),
            },
            read: self.read,
            speaks_subprotocol: self.speaks_subprotocol,
        })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
