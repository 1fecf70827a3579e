//! The connections of one door: how many there are at most, how long one may be silent, and who goes when there is no
//! room.
//!
//! A connection *waits* when it is in no call: its first request has not come, or not whole; or it was answered and is
//! kept for the next one; or it does not read its answer. One that waits costs a descriptor and does nothing for it, so
//! it is closed after a time, and before that when somebody else wants its place: first the one that has waited longest
//! of whoever has most. One in a call is never closed. When all are, a new caller is turned away with a 503.
//!
//! What a connection does, and whether it waits, is in `seat`.
//!
//! Each door has a share of its own. The TCP side can be reached by every user of the machine, who need no token to be
//! connected; the person's own socket is not narrowed by what they do there.

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::seat::{Seat, talk};
use super::state::Daemon;
use super::supervise;

/// How long a caller that is turned away has to take the words.
const LAST_WORDS: Duration = Duration::from_millis(10);

/// How long to wait after a connection could not be accepted: most likely no descriptor was free.
const BREATH: Duration = Duration::from_millis(100);

/// What the connections of a door may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLimits {
    /// How many at once.
    pub(super) most: usize,
    /// How long the first request may take to come.
    pub(super) first: Duration,
    /// How long one that was answered is kept for the next request. Longer than clients keep theirs, so that it is they
    /// who hang up (`reqwest`: 90 s).
    pub(super) next: Duration,
}

impl ConnectionLimits {
    /// The usual ones, for so many at once.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            first: Duration::from_secs(10),
            next: Duration::from_secs(120),
        }
    }
}

/// Where calls come in.
pub(super) trait Entrance: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and the machine that it comes from where that may be another one. Can be given up without
    /// losing one.
    fn accept(&mut self)
    -> impl Future<Output = io::Result<(Self::Stream, Option<IpAddr>)>> + Send;
}

/// One door, with the connections that came in by it.
pub(super) struct Entry<E> {
    entrance: E,
    router: Router,
    daemon: Arc<Daemon>,
    limits: ConnectionLimits,
    seats: Vec<Arc<Seat>>,
    talks: JoinSet<()>,
    /// When to accept again after a failure.
    rests_until: Option<Instant>,
    /// The last one could not be accepted.
    is_failing: bool,
}

impl<E: Entrance> Entry<E> {
    pub(super) fn new(
        entrance: E,
        router: Router,
        daemon: Arc<Daemon>,
        limits: ConnectionLimits,
    ) -> Self {
        Self {
            entrance,
            router,
            daemon,
            limits,
            seats: Vec::new(),
            talks: JoinSet::new(),
            rests_until: None,
            is_failing: false,
        }
    }

    /// Serves whoever comes until the daemon is on its way out; returns when the last call is answered.
    pub(super) async fn serve(&mut self) {
        let daemon = Arc::clone(&self.daemon);
        let mut closed = pin!(daemon.closed());
        loop {
            let (overdue, rested) = (self.next_deadline(), self.rests_until);
            tokio::select! {
                () = &mut closed => break,
                Some(_) = self.talks.join_next() => self.clear(),
                () = at(overdue) => self.close_overdue(),
                () = at(rested) => self.rests_until = None,
                came = self.entrance.accept(), if rested.is_none() => match came {
                    Ok((stream, peer)) => {
                        self.is_failing = false;
                        self.seat(stream, peer).await;
                    }
                    Err(error) => self.rest(&error),
                },
            }
        }
        while self.talks.join_next().await.is_some() {}
    }

    /// Nobody can be let in for a moment.
    fn rest(&mut self, error: &io::Error) {
        // Told once, or the log would be full of it.
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!(%error, "calls cannot be taken");
        }
        self.make_room();
        let descriptors = self.daemon.descriptors().clone();
        supervise::spawn("thrift", async move { descriptors.make_room().await });
        self.rests_until = Some(Instant::now() + BREATH);
    }

    async fn seat(&mut self, stream: E::Stream, peer: Option<IpAddr>) {
        let taken = self.seats.iter().filter(|seat| !seat.is_leaving()).count();
        if taken >= self.limits.most && !self.make_room() {
            return turn_away(stream).await;
        }
        let seat = Arc::new(Seat::new(peer));
        self.seats.push(Arc::clone(&seat));
        let (router, daemon) = (self.router.clone(), Arc::clone(&self.daemon));
        supervise::spawn_on(&mut self.talks, "a connection", async move {
            talk(stream, router, seat, &daemon).await;
        });
    }

    /// Closes the connection that has waited longest, of the caller who has most; false when all are in calls.
    fn make_room(&self) -> bool {
        let of_peer = |peer| self.seats.iter().filter(|seat| seat.peer() == peer).count();
        let waiting = self.seats.iter().filter(|seat| seat.waits());
        let goes =
            waiting.max_by_key(|seat| (of_peer(seat.peer()), std::cmp::Reverse(seat.since())));
        goes.is_some_and(|seat| {
            seat.leave();
            true
        })
    }

    /// When the next connection will have waited too long. One that is in a call now will not before `limits.next`.
    fn next_deadline(&self) -> Option<Instant> {
        let waiting = self.seats.iter().filter(|seat| seat.waits());
        let deadlines = waiting.map(|seat| self.deadline(seat));
        let last = (!self.seats.is_empty()).then(|| Instant::now() + self.limits.next);
        deadlines.chain(last).min()
    }

    fn deadline(&self, seat: &Seat) -> Instant {
        let (first, next) = (self.limits.first, self.limits.next);
        seat.since() + if seat.was_in_call() { next } else { first }
    }

    fn close_overdue(&self) {
        let now = Instant::now();
        for seat in &self.seats {
            if seat.waits() && self.deadline(seat) <= now {
                seat.leave();
            }
        }
    }

    /// Forgets those that have ended.
    fn clear(&mut self) {
        while self.talks.try_join_next().is_some() {}
        self.seats.retain(|seat| Arc::strong_count(seat) > 1);
    }
}

/// Says why, as far as that can be said at once, and hangs up.
async fn turn_away(mut stream: impl AsyncWrite + Unpin) {
    const BODY: &str = r#"{"detail":"too many connections at once","code":"too-many-connections"}"#;
    let text = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Retry-After: 1\r\nConnection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    let said = async {
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = timeout(LAST_WORDS, said).await;
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{UnixListener, UnixStream};

    use super::*;
    use crate::backend::notes::Notes;
    use crate::backend::projects::Projects;
    use crate::backend::routes::router;
    use crate::backend::state::Door;
    use crate::backend::worker::JobSettings;
    use crate::host::Host;

    const GET: &[u8] = b"GET /api/health HTTP/1.1\r\nhost: aim\r\n\r\n";
    const NEVER: Duration = Duration::from_secs(3_600);
    const SOON: Duration = Duration::from_millis(50);

    struct Open(UnixListener);

    impl Entrance for Open {
        type Stream = UnixStream;

        async fn accept(&mut self) -> io::Result<(UnixStream, Option<IpAddr>)> {
            self.0.accept().await.map(|(stream, _)| (stream, None))
        }
    }

    /// A door in `folder`, open until the daemon closes.
    fn open(folder: &Path, limits: ConnectionLimits) -> Arc<Daemon> {
        let projects = Projects::new(folder.join("registry"), None);
        let settings = JobSettings::new(folder.join("run"), folder.join("logs"));
        let notes = Notes::new(Path::new("/nowhere"));
        let daemon = Arc::new(Daemon::new(Host::fake(["x"]), projects, notes, settings));
        let entrance = Open(UnixListener::bind(folder.join("s")).expect("bind"));
        let router = router(Arc::clone(&daemon), Door::Socket);
        let mut entry = Entry::new(entrance, router, Arc::clone(&daemon), limits);
        supervise::spawn("a door", async move { entry.serve().await });
        daemon
    }

    async fn connect(folder: &Path, said: &[u8]) -> UnixStream {
        let mut stream = UnixStream::connect(folder.join("s"))
            .await
            .expect("connects");
        stream.write_all(said).await.expect("sent");
        stream
    }

    /// All that comes until the other side hangs up.
    async fn to_the_end(mut stream: UnixStream) -> String {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let read = timeout(Duration::from_secs(20), read)
            .await
            .expect("in time");
        read.expect("readable");
        String::from_utf8(bytes).expect("text")
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_more_is_closed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let limits = ConnectionLimits {
            most: 9,
            first: SOON,
            next: NEVER,
        };
        let daemon = open(dir.path(), limits);
        for said in [&b""[..], b"GET /api/health HT", &GET[..GET.len() - 2]] {
            assert_eq!(to_the_end(connect(dir.path(), said).await).await, "");
        }
        daemon.close();
    }

    #[tokio::test]
    async fn an_answered_connection_is_kept_for_a_while() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let limits = ConnectionLimits {
            most: 9,
            first: NEVER,
            next: SOON,
        };
        let daemon = open(dir.path(), limits);
        for more in [&b""[..], b"GET /half"] {
            let said = [GET, GET, more].concat();
            let answers = to_the_end(connect(dir.path(), &said).await).await;
            assert_eq!(answers.matches("200 OK").count(), 2, "{answers}");
        }
        daemon.close();
    }

    #[tokio::test]
    async fn whoever_has_waited_longest_goes_first() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let limits = ConnectionLimits {
            most: 2,
            first: NEVER,
            next: NEVER,
        };
        let daemon = open(dir.path(), limits);
        let first = connect(dir.path(), b"GET /ha").await;
        let second = connect(dir.path(), GET).await;
        let mut head = [0; 12];
        let mut second = second;
        second.read_exact(&mut head).await.expect("answered");
        assert_eq!(&head, b"HTTP/1.1 200");
        let third = connect(dir.path(), b"GET").await;
        assert_eq!(to_the_end(first).await, "");
        let fourth = connect(dir.path(), b"GET").await;
        assert!(to_the_end(second).await.contains("healthy"));
        daemon.close();
        drop((third, fourth));
    }

    #[tokio::test]
    async fn calls_are_never_closed_for_somebody_else() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let limits = ConnectionLimits {
            most: 2,
            first: SOON,
            next: SOON,
        };
        let daemon = open(dir.path(), limits);
        let follow = b"GET /api/v1/events HTTP/1.1\r\nhost: aim\r\n\r\n";
        let mut followers = Vec::new();
        for _ in 0..2 {
            let mut follower = connect(dir.path(), follow).await;
            let mut head = [0; 12];
            follower.read_exact(&mut head).await.expect("answered");
            followers.push(follower);
        }
        let refused = to_the_end(connect(dir.path(), b"").await).await;
        assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
        let (_, body) = refused.split_once("\r\n\r\n").expect("a body");
        let body: crate::api::v1::ErrorBody = serde_json::from_str(body).expect("our shape");
        assert_eq!(body.code, crate::api::v1::ErrorCode::TooManyConnections);
        drop(followers.pop());
        // The place is free once the daemon has noticed.
        loop {
            let answer = to_the_end(connect(dir.path(), GET).await).await;
            if answer.starts_with("HTTP/1.1 200") {
                break;
            }
            assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        }
        daemon.close();
        drop(followers);
    }
}
