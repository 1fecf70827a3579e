//! One connection: its seat, by which its door sees whether it waits and tells it to go, and the calls on it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::response::IntoResponse as _;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::answer::Refusal;
use super::bodies::{HeldBody, Timed};
use super::idle::{Calls, UnderWay};
use super::metrics;
use super::state::Daemon;
use super::supervise;

/// One connection, as its door sees it.
#[derive(Debug)]
pub(super) struct Seat {
    peer: Option<IpAddr>,
    began: Instant,
    is_in_call: AtomicBool,
    /// Since when it waits, in microseconds after `began`; 0 while it was in no call yet.
    since_us: AtomicU64,
    is_leaving: AtomicBool,
    told_to_leave: Notify,
}

impl Seat {
    /// One that has just come.
    pub(super) fn new(peer: Option<IpAddr>) -> Self {
        Self {
            peer,
            began: Instant::now(),
            is_in_call: AtomicBool::new(false),
            since_us: AtomicU64::new(0),
            is_leaving: AtomicBool::new(false),
            told_to_leave: Notify::new(),
        }
    }

    /// The machine that it comes from, where that may be another one.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Whether it is in no call, and not on its way out.
    pub(super) fn waits(&self) -> bool {
        !self.is_in_call.load(Ordering::Relaxed) && !self.is_leaving()
    }

    /// Whether it was told to leave.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// Since when it waits.
    pub(super) fn since(&self) -> Instant {
        self.began + Duration::from_micros(self.since_us.load(Ordering::Relaxed))
    }

    /// Whether it has been in a call.
    pub(super) fn was_in_call(&self) -> bool {
        self.since_us.load(Ordering::Relaxed) != 0
    }

    /// Has it closed, unless a call came just before.
    pub(super) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
        self.told_to_leave.notify_one();
    }

    /// Returns when it is to be closed; not where a call came just before.
    async fn left(&self) {
        loop {
            self.told_to_leave.notified().await;
            if !self.is_in_call.load(Ordering::Relaxed) {
                return;
            }
            self.is_leaving.store(false, Ordering::Relaxed);
        }
    }
}

/// A call on a connection, until its answer is handed over.
#[derive(Debug)]
pub(super) struct OpenCall {
    seat: Arc<Seat>,
    /// None of a call that is no use of the daemon: somebody's monitor would keep it for ever.
    _counted: Option<UnderWay>,
}

impl OpenCall {
    fn begin(seat: &Arc<Seat>, calls: &Calls, request: &Request<Incoming>) -> Self {
        seat.is_in_call.store(true, Ordering::Relaxed);
        let is_use = request.uri().path() != metrics::PATH;
        Self {
            seat: Arc::clone(seat),
            _counted: is_use.then(|| calls.begin(!request.method().is_safe())),
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let us = u64::try_from(self.seat.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.seat.since_us.store(us.max(1), Ordering::Relaxed);
        self.seat.is_in_call.store(false, Ordering::Relaxed);
    }
}

/// Answers the calls of one connection until it ends, or is to leave.
pub(super) async fn talk<S>(stream: S, router: Router, seat: Arc<Seat>, daemon: &Daemon)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answers = TowerToHyperService::new(router);
    let (here, calls) = (Arc::clone(&seat), daemon.calls().clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let call = OpenCall::begin(&here, &calls, &request);
        let answer = answers.call(request.map(|body| {
            if body.is_end_stream() {
                Body::empty()
            } else {
                Body::new(Timed::new(body))
            }
        }));
        async move {
            let response = match supervise::caught("a call", answer).await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(panicked) => Refusal::internal("the daemon failed", panicked).into_response(),
            };
            Ok::<_, Infallible>(held(response, call))
        }
    });
    let talk = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut talk = pin!(talk.with_upgrades());
    let mut closed = pin!(daemon.closed());
    let mut is_closing = false;
    loop {
        tokio::select! {
            // Callers hang up as they like.
            _ = talk.as_mut() => return,
            () = seat.left() => return,
            () = &mut closed, if !is_closing => {
                is_closing = true;
                talk.as_mut().graceful_shutdown();
            }
        }
    }
}

fn held(response: Response<Body>, call: OpenCall) -> Response<HeldBody<OpenCall>> {
    response.map(|body| HeldBody::new(body, call))
}
