//! The daemon's life: take the place, say where, serve until told to stop, leave nothing behind.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::descriptors::{self, Shares};
use super::doors::{Doors, HandedTcp, LAST_WORDS};
use super::follow::follow;
use super::hand_over::{self, Estate};
use super::idle::idle_limit;
use super::notes::Notes;
use super::own_place::keep;
use super::projects::Projects;
use super::socket::{Awaited, HandedPlace, ServedSocket, Taken};
use super::state::Daemon;
use super::successor::Successor;
use super::supervise;
use super::terminal::HandedTerminal;
use super::worker::{JobSettings, kill_orphans};
use super::{chronicle, init, log, service_manager};
use crate::console::Console;
use crate::env_vars;
use crate::error::{Error, Exit, Explain, Result};
use crate::exec::is_ignored;
use crate::host::Host;
use crate::project::{Config, UserLayout};
use crate::store::WorkerRecords;
use crate::words::t;

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
    /// Ends when it is not in use, and is content with a daemon that serves already.
    #[arg(long, help = t!("backend.help.on_demand").into_owned())]
    pub on_demand: bool,
}

/// `aim-backend serve`.
pub(super) fn run(host: &Host, args: &ServeArgs, console: &mut Console) -> Result<Exit> {
    if init::is_first(host) {
        return init::run(host);
    }
    let received = hand_over::received(host);
    log::begin(host, console);
    supervise::begin();
    let left = received.and_then(|received| {
        let unread = |error| tracing::warn!(%error, "what the daemon before left is not understood and has ended");
        received.map_err(unread).ok()
    });
    let shares = Shares::of(descriptors::raise());
    let layout = UserLayout::of(host).ok_or_else(|| Error::failed(t!("backend.no_home")))?;
    let projects = Projects::new(layout.registry(), projects_root(host, args)?);
    let is_announced = left.is_none();
    let (handed, tcp, terminals) = left.map_or((None, None, Vec::new()), |left| {
        tracing::info!(
            version = left.version,
            terminals = left.terminals.len(),
            "taking over"
        );
        (Some(left.place), left.tcp, left.terminals)
    });
    let mut place = match place(host, args, handed)? {
        Awaited::Free(place) => place,
        Awaited::Served(socket) => {
            announce(&socket, None, console);
            return Ok(Exit::Done);
        }
    };
    let settings = JobSettings::new(place.script_folder(), layout.worker_logs());
    let notes = Notes::new(place.path());
    let of_children = host.without(is_for_daemon);
    let daemon = Arc::new(Daemon::new(of_children, projects, notes, settings));
    let runtime = runtime()?;
    let left = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let mut doors = Doors::new(Arc::clone(&daemon), shares);
        // Before a page can come back to one.
        daemon.terminals().take_up(terminals)?;
        let listeners = doors.open_socket(place.listener()?)?;
        let url = match (args.listen, tcp) {
            (Some(_), Some(handed)) => Some(doors.take_up_tcp(handed, &args.allow_origins)?),
            (Some(address), None) => {
                Some(doors.open_tcp(host, address, &args.allow_origins).await?)
            }
            (None, _) => None,
        };
        begin_tasks(&daemon, host, &layout);
        if is_announced {
            announce(place.path(), url.as_deref(), console);
        }
        service_manager::ready();
        supervise::spawn("signs of life", service_manager::keep_alive());
        tracing::info!(socket = %place.path().display(), pid = std::process::id(), "serving");
        let end = tokio::select! {
            name = signals.first() => End::Told(name),
            minutes = unused(host, args, &daemon) => End::Unused(minutes),
            successor = daemon.is_to_move() => End::Moves(successor),
            lost = keep(&mut place, &daemon, &listeners) => End::Lost(lost),
        };
        if args.on_demand {
            // Whoever started it starts the next one, and a first node waits for it.
            daemon.leave_scripts();
        }
        leave(end, doors).await
    });
    // What still runs then is reading or writing files for a caller that is gone.
    runtime.shutdown_timeout(LAST_WORDS);
    if let Some(left) = left? {
        let estate = Estate::new(place.hand_over()?, left.tcp, left.terminals);
        descriptors::lower();
        let failed = estate.pass_on(host, &left.successor.program);
        return Err(Error::from(failed).context(t!("backend.restart.cannot_move")));
    }
    drop(place);
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Whether a variable is none of what the daemon starts.
fn is_for_daemon(name: &OsStr) -> bool {
    service_manager::is_for_daemon(name) || name == env_vars::HANDED_OVER
}

/// Begins what lives as long as the daemon.
fn begin_tasks(daemon: &Arc<Daemon>, host: &Host, layout: &UserLayout) {
    let (records, since) = (WorkerRecords::of(layout), daemon.events().now());
    let days = Config::load(host, None).retention_days.value;
    let chronicled = chronicle::keep(Arc::clone(daemon), records, days, since);
    supervise::spawn("the chronicle", chronicled);
    // What a daemon that was killed could not end; nobody waits for it.
    supervise::spawn("orphans", supervise::blocking("orphans", kill_orphans));
    let thrifty = Arc::clone(daemon);
    supervise::spawn(
        "thrift",
        async move { thrifty.jobs().let_go_when_short().await },
    );
    supervise::spawn("following", follow(Arc::clone(daemon)));
}

/// Why the daemon ends.
enum End {
    /// It was told so, by this signal.
    Told(&'static str),
    /// No project was in use for so many minutes.
    Unused(u64),
    /// Another program takes its place.
    Moves(Successor),
    /// It has no place any more.
    Lost(Error),
}

/// What goes to the program that takes this one's place.
struct Left {
    successor: Successor,
    tcp: Option<HandedTcp>,
    terminals: Vec<HandedTerminal>,
}

/// Ends all that is to end; gives what is to go on.
async fn leave(end: End, doors: Doors) -> Result<Option<Left>> {
    let outcome = match end {
        End::Moves(successor) => {
            tracing::info!(program = %successor.program.display(), "moving to another program");
            let (tcp, terminals) = doors.hand_over().await;
            return Ok(Some(Left {
                successor,
                tcp,
                terminals,
            }));
        }
        End::Told(name) => {
            tracing::info!(signal = name, "stopping");
            Ok(None)
        }
        End::Unused(minutes) => {
            tracing::info!(minutes, "no project was in use for so long; stopping");
            Ok(None)
        }
        End::Lost(lost) => {
            tracing::error!(error = %lost, "the place is lost; stopping");
            Err(lost)
        }
    };
    service_manager::stopping();
    doors.close().await;
    outcome
}

/// Returns when a daemon that was started on demand was not in use for long enough: for so many minutes.
async fn unused(host: &Host, args: &ServeArgs, daemon: &Daemon) -> u64 {
    if args.on_demand {
        let minutes = Config::load(host, None).daemon_idle_minutes.value;
        if let Some(limit) = idle_limit(minutes) {
            daemon.unused(limit).await;
            return minutes;
        }
    }
    std::future::pending().await
}

/// The place to serve: the one that was handed over, else the socket that was given, else the usual one.
fn place(host: &Host, args: &ServeArgs, handed: Option<HandedPlace>) -> Result<Awaited> {
    if let Some(handed) = handed {
        return ServedSocket::take_up(handed).map(Awaited::Free);
    }
    let given = service_manager::given_socket().context(t!("backend.bad_given_socket"))?;
    if let Some(listener) = given {
        return ServedSocket::lent(listener).map(Awaited::Free);
    }
    match ServedSocket::take(host) {
        Err(error) if args.on_demand && error.is::<Taken>() => ServedSocket::wait(host),
        taken => taken.map(Awaited::Free),
    }
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
fn announce(socket: &Path, url: Option<&str>, console: &mut Console) {
    let socket = socket.display().to_string();
    if console.is_json() {
        let _ = console.json_line(&serde_json::json!({"socket": socket, "url": url}));
        return;
    }
    let _ = console.line(t!("backend.socket", path = socket));
    if let Some(url) = url {
        let _ = console.line(t!("backend.page", url = url));
    }
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
