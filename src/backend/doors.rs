//! The ways in: the Unix socket and, if asked for, a TCP address. Each has a task that serves it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::auth::{self, Guard, Token};
use super::connections::{ConnectionLimits, Entrance, Entry};
use super::descriptors::Shares;
use super::handed::Handed;
use super::routes::router;
use super::state::{Daemon, Door};
use super::supervise::{self, Pauses};
use super::terminal::HandedTerminal;
use crate::error::{Explain, Result};
use crate::host::Host;
use crate::words::t;

/// How long calls that are under way have to finish by themselves.
const GRACE: Duration = Duration::from_secs(3);

/// The number of the user who may do everything.
const SUPERUSER: u32 = 0;

/// How long their last words may take once the workers are gone.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(500);

/// The ways in, each with a task that serves it.
pub(super) struct Doors {
    daemon: Arc<Daemon>,
    shares: Shares,
    serving: JoinSet<()>,
    /// The TCP address again, for whoever takes this daemon's place.
    tcp: Option<HandedTcp>,
}

/// The TCP address on its way to the program that takes this one's place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HandedTcp {
    listener: Handed,
    token: String,
}

impl HandedTcp {
    /// What has to stay open on the way.
    pub(super) fn descriptor(&self) -> &Handed {
        &self.listener
    }
}

impl Doors {
    pub(super) fn new(daemon: Arc<Daemon>, shares: Shares) -> Self {
        Self {
            daemon,
            shares,
            serving: JoinSet::new(),
            tcp: None,
        }
    }

    /// Serves `listener` until another is sent in its place.
    pub(super) fn open_socket(
        &mut self,
        listener: StdListener,
    ) -> Result<UnboundedSender<StdListener>> {
        let (sender, next) = unbounded_channel();
        let entrance = OwnerOnly {
            listener: UnixListener::from_std(listener)?,
            next,
        };
        let router = router(Arc::clone(&self.daemon), Door::Socket);
        self.serve(entrance, router, self.shares.socket);
        Ok(sender)
    }

    /// Gives the address that lets a browser in.
    pub(super) async fn open_tcp(
        &mut self,
        host: &Host,
        address: SocketAddr,
        origins: &[String],
    ) -> Result<String> {
        let token = Token::of(host)?;
        let listener = TcpListener::bind(address)
            .await
            .context(t!("backend.cannot_listen", address = address))?;
        self.serve_tcp(listener.into_std()?, token, origins)
    }

    /// As [`Doors::open_tcp`], where the address was handed over.
    pub(super) fn take_up_tcp(&mut self, handed: HandedTcp, origins: &[String]) -> Result<String> {
        let token = Token::handed(handed.token);
        self.serve_tcp(handed.listener.into_inner().into(), token, origins)
    }

    fn serve_tcp(
        &mut self,
        listener: std::net::TcpListener,
        token: Token,
        origins: &[String],
    ) -> Result<String> {
        self.tcp = Some(HandedTcp {
            listener: Handed::again(&listener)?,
            token: token.reveal().to_owned(),
        });
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "others on the network can reach this address; the token crosses it in clear");
        }
        let url = format!("http://{address}/?token={}", token.reveal());
        self.daemon.is_at(&url);
        let guard = Arc::new(Guard::new(token, address, origins));
        let router = router(Arc::clone(&self.daemon), Door::Tcp)
            .layer(middleware::from_fn_with_state(guard, auth::guard));
        self.serve(Everybody(listener), router, self.shares.tcp);
        Ok(url)
    }

    fn serve<E: Entrance>(&mut self, entrance: E, router: Router, most: usize) {
        let limits = ConnectionLimits::new(most);
        let mut entry = Entry::new(entrance, router, Arc::clone(&self.daemon), limits);
        supervise::spawn_on(&mut self.serving, "a door", async move {
            let mut pauses = Pauses::default();
            while supervise::caught("a door", entry.serve()).await.is_err() {
                pauses.next().await;
            }
        });
    }

    /// Takes no new calls, gives running ones some time, and ends the workers; a call that still waits for one ends
    /// with it.
    pub(super) async fn close(mut self) {
        self.daemon.notes().close();
        let daemon = Arc::clone(&self.daemon);
        let end = async { tokio::join!(daemon.terminals().close(), daemon.ordered().end_all()) };
        self.end(end).await;
        self.daemon.discard_scripts();
    }

    /// As [`Doors::close`], but terminals, addresses and commands that projects have run go to the program that takes
    /// this one's place. Who calls meanwhile waits for that one.
    pub(super) async fn hand_over(mut self) -> (Option<HandedTcp>, Vec<HandedTerminal>) {
        let daemon = Arc::clone(&self.daemon);
        let leave =
            async { tokio::join!(daemon.terminals().hand_over(), daemon.ordered().let_go()) };
        let (terminals, ()) = self.end(leave).await;
        (self.tcp, terminals)
    }

    /// Ends all but the terminals and what is ordered, with which `leave` does what is to be done.
    async fn end<T>(&mut self, leave: impl Future<Output = T>) -> T {
        self.daemon.close();
        let finished = async { while self.serving.join_next().await.is_some() {} };
        let is_finished = tokio::time::timeout(GRACE, finished).await.is_ok();
        // Pages of language servers live on the terminals' thread.
        let pages = async {
            self.daemon.language_servers().close().await;
            leave.await
        };
        let ((), left) = tokio::join!(self.daemon.jobs().end_all(), pages);
        if !is_finished {
            let finished = async { while self.serving.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(LAST_WORDS, finished).await;
        }
        left
    }
}

/// The Unix socket's listener, which hangs up on everybody but the daemon's own user and the superuser, who installs
/// packages in other people's projects and could be anybody.
struct OwnerOnly {
    listener: UnixListener,
    /// What comes in its place when the socket was made again.
    next: UnboundedReceiver<StdListener>,
}

impl Entrance for OwnerOnly {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Option<IpAddr>)> {
        let us = rustix::process::geteuid().as_raw();
        loop {
            let (stream, _) = tokio::select! {
                accepted = self.listener.accept() => accepted?,
                Some(next) = self.next.recv() => {
                    self.listener = UnixListener::from_std(next)?;
                    continue;
                }
            };
            match stream.peer_cred() {
                Ok(peer) if [us, SUPERUSER].contains(&peer.uid()) => return Ok((stream, None)),
                Ok(peer) => {
                    tracing::warn!(uid = peer.uid(), "a call of another user is refused");
                }
                Err(error) => {
                    tracing::warn!(%error, "a caller's user cannot be told");
                }
            }
        }
    }
}

/// The TCP listener, which lets everybody in: calls are asked for the token.
struct Everybody(TcpListener);

impl Entrance for Everybody {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Option<IpAddr>)> {
        loop {
            match self.0.accept().await {
                Ok((stream, peer)) => {
                    // A caller's wait, not an error, if it cannot be had.
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, Some(peer.ip())));
                }
                // Of the one connection, not of the listener (accept(2)).
                Err(error) if is_of_the_caller(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_of_the_caller(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
