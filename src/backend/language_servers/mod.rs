//! Language servers of pages: one a page, at the other end of a `WebSocket`, kept in step with its project's
//! environment.
//!
//! The work is done by [`crate::lsp`], as for any editor: a session has a thread of its own with one loop, whose client
//! is one end of a socket pair. At the other end [`bridge`] turns messages into frames of a page.
//!
//! What a page may ask is AIM-Forge's (compat, section 13); its faults are avoided: nobody reads a stream that somebody
//! else reads, and a page is sent one JSON body a text frame.
//!
//! **Invariant:** knows the protocol of language servers nowhere; what a page says is passed on as it is.

mod bridge;
mod calls;
mod choice;
mod observer;
mod session;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use self::bridge::Bridge;
use self::calls::Calls;
pub(super) use self::choice::Kind;
use self::observer::PageObserver;
pub(super) use self::session::Order;
use self::session::Session;
use super::events::Events;
use super::idle::idle_limit;
use super::locked::Locked;
use super::supervise;
use super::terminal::Terminals;
use super::web_socket::{Came, Free};
use crate::api::v1::{LspCall, LspHealth, LspStatus};
use crate::host::Host;
use crate::lsp::{Client, Note, Strategy};
use crate::project::{Config, Project, ProjectId};

/// How long the end of all servers may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// All language servers of a daemon's pages. Clones are the same ones.
#[derive(Debug, Clone)]
pub(super) struct LanguageServers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    host: Host,
    events: Events,
    /// Pages live where those of terminals do: what floods there takes nothing from a node.
    terminals: Terminals,
    open: Locked<BTreeMap<u64, Session>>,
    calls: Calls,
    /// Of relays, each of which lasts until its processes are gone.
    count: watch::Sender<usize>,
}

/// One relay more, until this goes.
struct Running(Arc<Inner>);

impl Running {
    fn one_more(of: &Arc<Inner>) -> Self {
        of.count.send_modify(|count| *count += 1);
        Self(of.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| *count -= 1);
    }
}

impl LanguageServers {
    pub(super) fn new(host: Host, events: Events, terminals: Terminals) -> Self {
        Self(Arc::new(Inner {
            host,
            events,
            terminals,
            open: Locked::default(),
            calls: Calls::default(),
            count: watch::Sender::new(0),
        }))
    }

    /// Gives the page at the end of `wire` a language server in `project`, or says why not.
    pub(super) fn come(
        &self,
        wire: Free,
        kind: Kind,
        project: Result<(ProjectId, Project), String>,
    ) -> io::Result<()> {
        let here = self.clone();
        supervise::spawn_at(
            &self.0.terminals.runtime()?,
            "a language server's page",
            async move {
                let Ok(came) = wire.here() else {
                    return;
                };
                match project {
                    Ok((id, project)) => here.serve(came, kind, id, project).await,
                    Err(why) => bridge::turn_away(came, bridge::NO_PROJECT, &why).await,
                }
            },
        );
        Ok(())
    }

    async fn serve(&self, came: Came, kind: Kind, id: ProjectId, project: Project) {
        let config = Config::load(&self.0.host, Some(&project.layout()));
        let command = match choice::command(kind, &config, &project, &self.0.host) {
            Ok(command) => command,
            Err(why) => return bridge::refuse(came, &why).await,
        };
        let (session, orders) = Session::new(kind, &id, &project, &command);
        let begun = self.begin(&session, command, project);
        let near = match begun {
            Ok(near) => near,
            Err(error) => return bridge::refuse(came, &error.to_string()).await,
        };
        let number = session.number;
        let bridge = Bridge {
            session: session.clone(),
            calls: self.0.calls.clone(),
            idle: idle_limit(config.lsp_idle_minutes.value),
        };
        self.0.open.lock().insert(number, session);
        let _ =
            supervise::caught("a language server's page", bridge.live(came, near, orders)).await;
        self.0.open.lock().remove(&number);
    }

    /// Starts the loop that serves the session; gives the other end of its client's stream.
    fn begin(
        &self,
        session: &Session,
        command: Vec<std::ffi::OsString>,
        project: Project,
    ) -> io::Result<tokio::net::UnixStream> {
        let (near, far) = std::os::unix::net::UnixStream::pair()?;
        near.set_nonblocking(true)?;
        let client = Client {
            input: far.try_clone()?.into(),
            output: far.into(),
            stop: None,
        };
        let strategy = Strategy::of(&command);
        let mut observer = PageObserver {
            host: self.0.host.clone(),
            note: Note::begin(&project, &command),
            command,
            project,
            session: session.clone(),
            events: self.0.events.clone(),
        };
        let running = Running::one_more(&self.0);
        supervise::thread("a language server", move || {
            let _running = running;
            if let Err(error) = crate::lsp::run(client, strategy, &mut observer) {
                tracing::warn!(%error, "a language server could not be served");
            }
        })?;
        tokio::net::UnixStream::from_std(near)
    }

    /// How the newest session of that kind in a project is.
    pub(super) fn health(&self, project: &ProjectId, kind: Kind) -> LspHealth {
        self.newest(project, kind)
            .map_or_else(LspHealth::not_created, |session| session.health())
    }

    /// All sessions.
    pub(super) fn status(&self) -> LspStatus {
        let open = self.0.open.lock();
        let active_processes: Vec<LspHealth> = open.values().map(Session::health).collect();
        LspStatus {
            count: active_processes.len(),
            active_processes,
        }
    }

    /// Whether there are any.
    pub(super) fn are_open(&self) -> bool {
        *self.0.count.borrow() > 0
    }

    /// The newest messages, oldest first.
    pub(super) fn calls(&self, most: usize) -> Vec<LspCall> {
        self.0.calls.newest(most)
    }

    /// The last lines that the newest session of that kind said beside its messages.
    pub(super) fn said(&self, project: &ProjectId, kind: Kind, most: usize) -> Vec<String> {
        self.newest(project, kind)
            .map(|session| session.said(most))
            .unwrap_or_default()
    }

    fn newest(&self, project: &ProjectId, kind: Kind) -> Option<Session> {
        let open = self.0.open.lock();
        let mut all = open.values().rev();
        all.find(|session| session.is_of(project, kind)).cloned()
    }

    /// Has the sessions of that kind in a project do something; gives how many there were.
    pub(super) fn order(&self, project: &ProjectId, kind: Kind, order: Order) -> usize {
        self.order_those(order, |session| session.is_of(project, kind))
    }

    /// Ends all, and waits for it.
    pub(super) async fn close(&self) {
        self.order_those(Order::Leave, |_| true);
        let mut count = self.0.count.subscribe();
        let all = count.wait_for(|count| *count == 0);
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }

    fn order_those(&self, order: Order, is_meant: impl Fn(&Session) -> bool) -> usize {
        let open = self.0.open.lock();
        let meant = open.values().filter(|session| is_meant(session));
        meant.filter(|session| session.order(order)).count()
    }
}
