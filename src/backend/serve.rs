//! The daemon's life: take the place, say where, serve until told to stop, leave nothing behind.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::descriptors::{self, Shares};
use super::doors::{Doors, LAST_WORDS};
use super::follow::follow;
use super::idle::idle_limit;
use super::notes::Notes;
use super::own_place::keep;
use super::projects::Projects;
use super::socket::{Awaited, ServedSocket, Taken};
use super::state::Daemon;
use super::supervise;
use super::worker::{JobSettings, kill_orphans};
use super::{init, log, service_manager};
use crate::console::Console;
use crate::error::{Error, Exit, Explain, Result};
use crate::exec::is_ignored;
use crate::host::Host;
use crate::project::{Config, UserLayout};
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
    log::begin(host, console);
    supervise::begin();
    let shares = Shares::of(descriptors::raise());
    let layout = UserLayout::of(host).ok_or_else(|| Error::failed(t!("backend.no_home")))?;
    let projects = Projects::new(layout.registry(), projects_root(host, args)?);
    let (mut place, listener) = match place(host, args)? {
        Awaited::Free(place, listener) => (place, listener),
        Awaited::Served(socket) => {
            announce(&socket, None, console);
            return Ok(Exit::Done);
        }
    };
    let settings = JobSettings::new(place.script_folder(), layout.worker_logs());
    let notes = Notes::new(place.path());
    let daemon = Arc::new(Daemon::new(
        host.without(service_manager::is_for_daemon),
        projects,
        notes,
        settings,
    ));
    let runtime = runtime()?;
    let idle_minutes = if args.on_demand {
        Config::load(host, None).daemon_idle_minutes.value
    } else {
        0
    };
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
        announce(place.path(), url.as_deref(), console);
        service_manager::ready();
        supervise::spawn("signs of life", service_manager::keep_alive());
        tracing::info!(socket = %place.path().display(), pid = std::process::id(), "serving");
        let unused = async {
            match idle_limit(idle_minutes) {
                Some(limit) => daemon.unused(limit).await,
                None => std::future::pending().await,
            }
        };
        let served = tokio::select! {
            name = signals.first() => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            () = unused => {
                tracing::info!(minutes = idle_minutes, "no project was in use for so long; stopping");
                Ok(())
            }
            lost = keep(&mut place, &daemon, &listeners) => {
                tracing::error!(error = %lost, "the place is lost; stopping");
                Err(lost)
            }
        };
        service_manager::stopping();
        doors.close().await;
        served
    });
    // What still runs then is reading or writing files for a caller that is gone.
    runtime.shutdown_timeout(LAST_WORDS);
    drop(place);
    tracing::info!("stopped");
    served.map(|()| Exit::Done)
}

/// The place to serve: the socket that was given, else the usual one.
fn place(host: &Host, args: &ServeArgs) -> Result<Awaited> {
    let given = service_manager::given_socket().context(t!("backend.bad_given_socket"))?;
    if let Some(listener) = given {
        let (place, listener) = ServedSocket::lent(listener)?;
        return Ok(Awaited::Free(place, listener));
    }
    match ServedSocket::take(host) {
        Err(error) if args.on_demand && error.is::<Taken>() => ServedSocket::wait(host),
        taken => taken.map(|(place, listener)| Awaited::Free(place, listener)),
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
