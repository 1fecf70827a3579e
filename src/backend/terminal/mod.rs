//! Terminals: shells in projects, each with its environment active, shown on pages.
//!
//! A session outlives the page that it is shown on: a page that comes back takes it up where it left it. All sessions
//! live on one thread of their own ([`Terminals`]), so that nothing that floods there holds up a node. Start reading at
//! `session`, which owns a shell from its first to its last byte; `pty` is the shell on its terminal, `shell` how it is
//! started, `output` what it has put out, `page` where that is shown, `protocol` what the two say to each other.
//! `modes` and `drawing` keep the screen right for a page that has missed too much. `handed` has the sessions go on
//! when another program takes the daemon's place.
//!
//! It knows nothing of workers, and of a project no more than its folder and its environment.

mod drawing;
mod handed;
mod input;
mod leader;
mod modes;
mod output;
mod page;
mod protocol;
mod pty;
mod session;
mod shell;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use self::drawing::Size;
pub(super) use self::handed::HandedTerminal;
use self::page::turn_away;
pub(super) use self::protocol::{Farewell, SUBPROTOCOL};
use self::session::{Order, Session, Visit, sized};
use self::shell::Shell;
use super::events::Events;
use super::idle::idle_limit;
use super::locked::Locked;
use super::script_folder::ScriptFolder;
use super::supervise;
use super::web_socket::Free;
use crate::api::v1::TerminalInfo;
use crate::host::Host;
use crate::project::{Config, Project, ProjectId};
use crate::store::EnvMeta;
use crate::system;

/// The size of a terminal whose page does not say one.
const USUAL: Size = Size { cols: 80, rows: 24 };

/// How long the end of all sessions may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a session has to tell how it is.
const ANSWER: Duration = Duration::from_millis(500);

/// Bytes that are read from a terminal at once.
const READ: usize = 64 << 10;

/// All terminals of a daemon. Clones are the same ones.
#[derive(Debug, Clone)]
pub(super) struct Terminals(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    host: Host,
    scripts: ScriptFolder,
    events: Events,
    sessions: Locked<Sessions>,
    /// How many tasks of sessions there are, for whoever waits for their end.
    count: watch::Sender<usize>,
    buffer: Arc<Locked<Vec<u8>>>,
}

#[derive(Debug, Default)]
struct Sessions {
    /// The runtime of the thread that they live on, made with the first, and what ends that thread when it goes.
    runtime: Option<(Handle, oneshot::Sender<()>)>,
    open: BTreeMap<String, Open>,
    is_closed: bool,
}

/// A session, as others see it.
#[derive(Debug, Clone)]
struct Open {
    project: ProjectId,
    folder: PathBuf,
    shell: PathBuf,
    started_at: DateTime<Utc>,
    /// The environment's then.
    generation: u64,
    orders: mpsc::UnboundedSender<Order>,
}

/// What a page asks for when it comes.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// The session to be taken up; a new one without.
    pub(super) session: Option<String>,
    /// How far the page has seen its stream.
    pub(super) seen: Option<u64>,
    /// The number of the page's last visit.
    pub(super) visit: Option<u64>,
    /// Columns and rows of the page's terminal.
    pub(super) size: Option<(u64, u64)>,
    /// The project's events are to be told.
    pub(super) wants_events: bool,
}

impl Terminals {
    /// No terminals as yet.
    pub(super) fn new(host: Host, scripts: ScriptFolder, events: Events) -> Self {
        Self(Arc::new(Inner {
            host,
            scripts,
            events,
            sessions: Locked::default(),
            count: watch::Sender::new(0),
            buffer: Arc::new(Locked::new(vec![0; READ])),
        }))
    }

    /// Shows the page at the end of `wire` what it wishes for: in `project`, or why not.
    pub(super) fn come(
        &self,
        wire: Free,
        project: Result<(ProjectId, Project), Farewell>,
        wish: Wish,
    ) -> io::Result<()> {
        let runtime = self.runtime()?;
        let here = self.clone();
        supervise::spawn_at(&runtime, "a terminal", async move {
            let Ok(came) = wire.here() else {
                return;
            };
            let opened = match project {
                Ok((id, project)) => here.orders(id, &project, &wish),
                Err(farewell) => Err(farewell),
            };
            let (id, orders) = match opened {
                Ok(opened) => opened,
                Err(farewell) => return turn_away(came, &farewell).await,
            };
            let visit = Visit {
                came,
                seen: wish.seen,
                last: wish.visit,
                size: wish.size.and_then(|(cols, rows)| sized(cols, rows)),
                events: wish.wants_events.then(|| here.told(id)),
            };
            if let Err(unread) = orders.send(Order::Show(Box::new(visit)))
                && let Order::Show(visit) = unread.0
            {
                turn_away(visit.came, &Farewell::NoSession).await;
            }
        });
        Ok(())
    }

    /// The session that a page wishes for, made if it wishes for none.
    fn orders(
        &self,
        project: ProjectId,
        whose: &Project,
        wish: &Wish,
    ) -> Result<(ProjectId, mpsc::UnboundedSender<Order>), Farewell> {
        let Some(session) = &wish.session else {
            let size = wish.size.and_then(|(cols, rows)| sized(cols, rows));
            let orders = self.open(project.clone(), whose, size.unwrap_or(USUAL))?;
            return Ok((project, orders));
        };
        let sessions = self.0.sessions.lock();
        let open = sessions
            .open
            .get(session)
            .filter(|open| open.project == project);
        let open = open.ok_or(Farewell::NoSession)?;
        Ok((project, open.orders.clone()))
    }

    fn open(
        &self,
        project: ProjectId,
        whose: &Project,
        size: Size,
    ) -> Result<mpsc::UnboundedSender<Order>, Farewell> {
        let cannot = |error: io::Error| Farewell::CannotStart(error.to_string());
        let config = Config::load(&self.0.host, Some(&whose.layout()));
        let most = usize::try_from(config.terminal_limit.value).unwrap_or(usize::MAX);
        let idle = idle_limit(config.terminal_idle_minutes.value);
        // Before the shell begins: what it knows of the environment may be newer, never older.
        let generation = EnvMeta::read(&whose.layout()).0.generation().0;
        let mut sessions = self.0.sessions.lock();
        if sessions.is_closed {
            return Err(Farewell::GoingAway);
        }
        if sessions.open.len() >= most {
            return Err(Farewell::TooMany(most));
        }
        let id = uuid::Uuid::now_v7().simple().to_string();
        let files = self.0.scripts.folder().map_err(cannot)?;
        let shell = Shell::of(&self.0.host, whose, &files, &id);
        let (orders, given) = mpsc::unbounded_channel();
        let buffer = Arc::clone(&self.0.buffer);
        let session = Session::start(&id, &shell, size, idle, given, buffer).map_err(|error| {
            let shell = shell.program.display();
            Farewell::CannotStart(format!("{shell} could not be started: {error}"))
        })?;
        let open = Open {
            project,
            folder: whose.root().to_path_buf(),
            shell: shell.program,
            started_at: Utc::now(),
            generation,
            orders: orders.clone(),
        };
        self.begin(&mut sessions, id, open, session);
        Ok(orders)
    }

    /// Has the session live, in the runtime that this is called in.
    fn begin(&self, sessions: &mut Sessions, id: String, open: Open, session: Session) {
        let project = open.project.clone();
        sessions.open.insert(id.clone(), open);
        self.0.count.send_modify(|count| *count += 1);
        let here = self.clone();
        supervise::spawn("a terminal", async move {
            let parting = supervise::caught("a terminal", session.live()).await;
            here.0.sessions.lock().open.remove(&id);
            let is_handed_over = matches!(parting, Ok(None));
            if !is_handed_over {
                here.0.events.terminal_exited(&project, &id);
            }
            if let Ok(Some(parting)) = parting {
                tracing::debug!(session = id, status = ?parting.status, "a terminal has ended");
                let _ = supervise::caught("a terminal", parting.tell()).await;
            }
            here.0.count.send_modify(|count| *count -= 1);
        });
    }

    /// The events of a project, as a page reads them.
    fn told(&self, project: ProjectId) -> mpsc::Receiver<String> {
        let (sender, told) = mpsc::channel(16);
        let events = self.0.events.clone();
        supervise::spawn("events", async move {
            let mut mark = Some(events.now());
            loop {
                let told = tokio::select! {
                    told = events.next_of(mark, Some(&project)) => told,
                    () = sender.closed() => return,
                };
                mark = Some(told.mark);
                let text = serde_json::json!({"type": "event", "event": &*told.event});
                if sender.send(text.to_string()).await.is_err() {
                    return;
                }
            }
        });
        told
    }

    /// All sessions, in the order in which they were begun.
    pub(super) async fn all(&self) -> Vec<TerminalInfo> {
        let open = self.0.sessions.lock().open.clone();
        let mut all = Vec::new();
        for (id, open) in open {
            let (asks, answer) = oneshot::channel();
            if open.orders.send(Order::Tell(asks)).is_err() {
                continue;
            }
            let Ok(Ok(told)) = timeout(ANSWER, answer).await else {
                continue;
            };
            all.push(TerminalInfo {
                session: id,
                project: open.project,
                path: open.folder,
                command: told.foreground.and_then(command),
                shell: open.shell,
                pid: told.pid,
                started_at: open.started_at,
                generation: open.generation,
                is_shown: told.is_shown,
                cols: told.size.cols,
                rows: told.size.rows,
                idle_s: told.idle.as_secs(),
            });
        }
        all
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        *self.0.count.borrow()
    }

    /// Ends a session; false where there is none.
    pub(super) fn end(&self, session: &str) -> bool {
        let sessions = self.0.sessions.lock();
        let open = sessions.open.get(session);
        open.is_some_and(|open| open.orders.send(Order::End(Farewell::Ended)).is_ok())
    }

    /// Ends every session, and takes no more; returns when no shell is left.
    pub(super) async fn close(&self) {
        let mut count = self.0.count.subscribe();
        {
            let mut sessions = self.0.sessions.lock();
            sessions.is_closed = true;
            for open in sessions.open.values() {
                let _ = open.orders.send(Order::End(Farewell::GoingAway));
            }
        }
        let _ = timeout(PATIENCE, count.wait_for(|count| *count == 0)).await;
    }

    /// The runtime of the terminals' thread.
    pub(super) fn runtime(&self) -> io::Result<Handle> {
        let mut sessions = self.0.sessions.lock();
        if let Some((runtime, _)) = &sessions.runtime {
            return Ok(runtime.clone());
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            // A terminal that floods is always ready for more; a key of another one is to be seen after one turn of it,
            // and not after 61, as is usual.
            .event_interval(1)
            .build()?;
        let handle = runtime.handle().clone();
        let (alive, is_over) = oneshot::channel::<()>();
        supervise::thread("terminals", move || {
            let _ = runtime.block_on(is_over);
            runtime.shutdown_background();
        })?;
        sessions.runtime = Some((handle.clone(), alive));
        Ok(handle)
    }
}

/// The command line of a process, as people typed it, nearly.
fn command(pid: u32) -> Option<String> {
    let words = system::command_line_of(pid);
    let words: Vec<_> = words
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    (!words.is_empty()).then(|| crate::secrets::hide(&words.join(" ")).into_owned())
}
