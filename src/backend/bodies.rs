//! What surrounds bodies on their way: a time limit for those that come in, and something that lives as long as one
//! that goes out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a caller may be silent in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a whole body may take.
const WHOLE: Duration = Duration::from_secs(600);

/// A body that must come in time. One that is there already costs no timer.
pub(super) struct Timed<B> {
    body: B,
    silence: Duration,
    limit: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<B> Timed<B> {
    pub(super) fn new(body: B) -> Self {
        Self::within(body, SILENCE, WHOLE)
    }

    fn within(body: B, silence: Duration, whole: Duration) -> Self {
        Self {
            body,
            silence,
            limit: Instant::now() + whole,
            alarm: None,
        }
    }
}

impl<B> HttpBody for Timed<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.alarm = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let alarm = this.alarm.get_or_insert_with(|| {
            Box::pin(sleep_until((Instant::now() + this.silence).min(this.limit)))
        });
        alarm.as_mut().poll(context).map(|()| {
            let late = io::Error::new(io::ErrorKind::TimedOut, "it did not come in time");
            Some(Err(axum::Error::new(late)))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that holds a value: the value is dropped when the body has been sent, or nobody wants it any more.
pub(super) struct HeldBody<T> {
    body: Body,
    _held: T,
}

impl<T> HeldBody<T> {
    pub(super) fn new(body: Body, held: T) -> Self {
        Self { body, _held: held }
    }
}

impl<T: Unpin> HttpBody for HeldBody<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tokio::sync::mpsc;
    use tokio_stream::wrappers::ReceiverStream;

    use super::*;

    const SOON: Duration = Duration::from_millis(30);
    const NEVER: Duration = Duration::from_secs(3_600);

    async fn read(body: Body, silence: Duration, whole: Duration) -> Result<usize, String> {
        let body = Body::new(Timed::within(body, silence, whole));
        let read = axum::body::to_bytes(body, 1 << 20).await;
        read.map(|bytes| bytes.len()).map_err(|error| {
            let cause = std::error::Error::source(&error).expect("a cause");
            cause.to_string()
        })
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_in_time_is_an_error() {
        assert_eq!(read(Body::from("all"), SOON, SOON).await, Ok(3));
        let late = Err("it did not come in time".to_owned());
        let (pieces, stream) = mpsc::channel::<Result<&str, Infallible>>(1);
        let body = || Body::from_stream(ReceiverStream::new(stream));
        pieces.send(Ok("some")).await.expect("read");
        assert_eq!(read(body(), SOON, NEVER).await, late);
    }

    #[tokio::test]
    async fn a_body_that_drips_without_end_is_an_error() {
        let (pieces, stream) = mpsc::channel::<Result<&str, Infallible>>(1);
        let dripping = async { while pieces.send(Ok("x")).await.is_ok() {} };
        let body = Body::from_stream(ReceiverStream::new(stream));
        let dripped = async { tokio::join!(dripping, read(body, NEVER, SOON)).1 };
        assert!(dripped.await.is_err());
    }
}
