//! The daemon's life: take the place, say where, serve until told to stop, leave nothing behind.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixListener as StdListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, middleware};
use clap::Args;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::auth::{self, Guard, Token};
use super::connections::{ConnectionLimits, Entrance, Entry};
use super::descriptors::{self, Shares};
use super::follow::follow;
use super::log;
use super::notes::Notes;
use super::own_place::keep;
use super::projects::Projects;
use super::routes::router;
use super::socket::ServedSocket;
use super::state::{Daemon, Door};
use super::supervise::{self, Pauses};
use super::worker::{JobSettings, kill_orphans};
use crate::console::Console;
use crate::error::{Error, Exit, Explain, Result};
use crate::exec::is_ignored;
use crate::host::Host;
use crate::project::UserLayout;
use crate::words::t;

/// How long calls that are under way have to finish by themselves.
const GRACE: Duration = Duration::from_secs(3);

/// The number of the user who may do everything.
const SUPERUSER: u32 = 0;

/// How long their last words may take once the workers are gone.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What the daemon serves, and where.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// A folder whose sub-folders are projects.
    #[arg(long, value_name = "DIR", help = t!("backend.help.projects_root").into_owned())]
    pub projects_root: Option<PathBuf>,
    /// Also listen here, behind a token.
    #[arg(long, value_name = "IP:PORT", help = t!("backend.help.listen").into_owned())]
    pub listen: Option<SocketAddr>,
    /// Web pages of this origin may call the TCP side, too.
    #[arg(
        long = "allow-origin",
        value_name = "URL",
        requires = "listen",
        value_parser = super::auth::origin,
        help = t!("backend.help.allow_origin").into_owned()
    )]
    pub allow_origins: Vec<String>,
}

/// `aim-backend serve`.
pub(super) fn run(host: &Host, args: &ServeArgs, console: &mut Console) -> Result<Exit> {
    log::begin(host, console);
    supervise::begin();
    let shares = Shares::of(descriptors::raise());
    let layout = UserLayout::of(host).ok_or_else(|| Error::failed(t!("backend.no_home")))?;
    let projects = Projects::new(layout.registry(), projects_root(host, args)?);
    let (mut place, listener) = ServedSocket::take(host)?;
    let settings = JobSettings::new(place.script_folder(), layout.worker_logs());
    let notes = Notes::new(place.path());
    let daemon = Arc::new(Daemon::new(host.clone(), projects, notes, settings));
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let mut doors = Doors::new(Arc::clone(&daemon), shares);
        let listeners = doors.open_socket(listener)?;
        let url = match args.listen {
            Some(address) => Some(doors.open_tcp(host, address, &args.allow_origins).await?),
            None => None,
        };
        // What a daemon that was killed could not end; nobody waits for it.
        supervise::spawn("orphans", supervise::blocking("orphans", kill_orphans));
        let thrifty = Arc::clone(&daemon);
        supervise::spawn(
            "thrift",
            async move { thrifty.jobs().let_go_when_short().await },
        );
        supervise::spawn("following", follow(Arc::clone(&daemon)));
        announce(&place, url.as_deref(), console);
        tracing::info!(socket = %place.path().display(), pid = std::process::id(), "serving");
        let served = tokio::select! {
            name = signals.first() => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            lost = keep(&mut place, &daemon, &listeners) => {
                tracing::error!(error = %lost, "the place is lost; stopping");
                Err(lost)
            }
        };
        doors.close().await;
        served
    });
    // What still runs then is reading or writing files for a caller that is gone.
    runtime.shutdown_timeout(LAST_WORDS);
    drop(place);
    tracing::info!("stopped");
    served.map(|()| Exit::Done)
}

/// The daemon's runtime: all that waits is on one thread.
///
/// A quick node takes less than it costs to wake another processor, so the tasks that a call goes through must not be
/// handed from thread to thread. What would keep the thread for long is done elsewhere (`spawn_blocking`).
///
/// # Errors
/// When the system gives no thread.
pub fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
}

fn projects_root(host: &Host, args: &ServeArgs) -> Result<Option<PathBuf>> {
    let Some(root) = &args.projects_root else {
        return Ok(None);
    };
    let root = host.absolute(root);
    let failed = || t!("backend.bad_projects_root", path = root.display());
    let resolved = root.canonicalize().context(failed())?;
    // A file, or a folder that cannot be read, would only show later, as no projects.
    std::fs::read_dir(&resolved).context(failed())?;
    Ok(Some(resolved))
}

/// One line with the socket and, with TCP, one with the page's address. That nobody reads them is no reason to stop.
fn announce(place: &ServedSocket, url: Option<&str>, console: &mut Console) {
    let socket = place.path().display().to_string();
    if console.is_json() {
        let _ = console.json_line(&serde_json::json!({"socket": socket, "url": url}));
        return;
    }
    let _ = console.line(t!("backend.socket", path = socket));
    if let Some(url) = url {
        let _ = console.line(t!("backend.page", url = url));
    }
}

/// The ways in, each with a task that serves it.
pub(super) struct Doors {
    daemon: Arc<Daemon>,
    shares: Shares,
    serving: JoinSet<()>,
}

impl Doors {
    pub(super) fn new(daemon: Arc<Daemon>, shares: Shares) -> Self {
        Self {
            daemon,
            shares,
            serving: JoinSet::new(),
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
        self.daemon.close();
        self.daemon.notes().close();
        let finished = async { while self.serving.join_next().await.is_some() {} };
        let is_finished = tokio::time::timeout(GRACE, finished).await.is_ok();
        // Pages of language servers live on the terminals' thread.
        let pages = async {
            self.daemon.language_servers().close().await;
            self.daemon.terminals().close().await;
        };
        tokio::join!(self.daemon.jobs().end_all(), pages);
        self.daemon.discard_scripts();
        if !is_finished {
            let finished = async { while self.serving.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(LAST_WORDS, finished).await;
        }
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

/// The signals that end the daemon.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// None where whoever started the daemon wants it to outlive the terminal (`nohup`).
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> Result<Self> {
        let hangup = SignalKind::hangup();
        let outlives_terminal = is_ignored(hangup.as_raw_value());
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: (!outlives_terminal).then(|| signal(hangup)).transpose()?,
        })
    }

    async fn first(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = hung_up(self.hangup.as_mut()) => "SIGHUP",
        }
    }
}

async fn hung_up(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
