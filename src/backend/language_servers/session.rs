//! One page's language server, as others see it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::choice::Kind;
use crate::api::v1::LspHealth;
use crate::backend::locked::Locked;
use crate::lsp::Told;
use crate::project::{Project, ProjectId};

/// Lines that are kept of what a server says beside its messages.
const LINES: usize = 500;
/// A longer line is cut.
const LONGEST_LINE: usize = 2 << 10;

/// What others have a session do.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) enum Order {
    /// The page is to come again.
    Restart,
    /// The server is not wanted any more.
    Stop,
    /// The daemon ends.
    Leave,
}

/// Where a session hears its orders.
pub(super) type Orders = mpsc::UnboundedReceiver<Order>;

/// A session. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) number: u64,
    kind: Kind,
    project: ProjectId,
    folder: String,
    command: String,
    started_at: DateTime<Utc>,
    begun: Instant,
    orders: mpsc::UnboundedSender<Order>,
    state: Arc<Locked<State>>,
}

#[derive(Debug)]
struct State {
    pid: Option<u32>,
    servers: u32,
    generation: u64,
    last_exit: Option<String>,
    last_activity: Instant,
    is_over: bool,
    lines: VecDeque<String>,
}

impl Session {
    pub(super) fn new(
        kind: Kind,
        id: &ProjectId,
        project: &Project,
        command: &[OsString],
    ) -> (Self, Orders) {
        static NEWEST: AtomicU64 = AtomicU64::new(0);
        let (orders, given) = mpsc::unbounded_channel();
        let words = command.iter().map(|word| word.to_string_lossy());
        let session = Self {
            number: NEWEST.fetch_add(1, Ordering::Relaxed),
            kind,
            project: id.clone(),
            folder: project.root().display().to_string(),
            command: words.collect::<Vec<_>>().join(" "),
            started_at: Utc::now(),
            begun: Instant::now(),
            orders,
            state: Arc::new(Locked::new(State {
                pid: None,
                servers: 0,
                generation: 0,
                last_exit: None,
                last_activity: Instant::now(),
                is_over: false,
                lines: VecDeque::new(),
            })),
        };
        (session, given)
    }

    pub(super) fn is_of(&self, project: &ProjectId, kind: Kind) -> bool {
        self.project == *project && self.kind == kind
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn project(&self) -> &ProjectId {
        &self.project
    }

    /// Gives whether there was somebody to order.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }

    pub(super) fn health(&self) -> LspHealth {
        let state = self.state.lock();
        LspHealth {
            running: !state.is_over && state.pid.is_some(),
            reason: None,
            lsp: Some(self.kind.name().to_owned()),
            project_id: Some(self.project.to_string()),
            path: Some(self.folder.clone()),
            command: Some(self.command.clone()),
            pid: state.pid,
            generation: Some(state.generation),
            restarts: state.servers.saturating_sub(1),
            restart_attempts: 0,
            last_exit: state.last_exit.clone(),
            last_activity_ts: Some(state.last_activity_ts()),
            started_at: Some(self.started_at),
            uptime_seconds: Some(self.begun.elapsed().as_secs()),
        }
    }

    pub(super) fn said(&self, most: usize) -> Vec<String> {
        let state = self.state.lock();
        let skipped = state.lines.len().saturating_sub(most);
        state.lines.iter().skip(skipped).cloned().collect()
    }

    /// Something came from the page, or went to it.
    pub(super) fn touch(&self) {
        self.state.lock().last_activity = Instant::now();
    }

    /// When something came or went last.
    pub(super) fn last_activity(&self) -> Instant {
        self.state.lock().last_activity
    }

    pub(super) fn started(&self, pid: u32) {
        let mut state = self.state.lock();
        state.pid = Some(pid);
        state.servers += 1;
    }

    pub(super) fn generation(&self, generation: u64) {
        self.state.lock().generation = generation;
    }

    pub(super) fn told(&self, told: &Told) {
        let mut state = self.state.lock();
        match told {
            Told::Ended { words, .. } => state.last_exit = Some(words.clone()),
            Told::Synced { generation, .. } => state.generation = *generation,
            Told::NoSign | Told::Late => {}
        }
    }

    pub(super) fn say(&self, text: &[u8]) {
        let mut state = self.state.lock();
        for line in text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let line = &line[..line.len().min(LONGEST_LINE)];
            if state.lines.len() == LINES {
                state.lines.pop_front();
            }
            state
                .lines
                .push_back(String::from_utf8_lossy(line).trim_end().to_owned());
        }
    }

    /// The last words of servers that never worked; none where one does.
    pub(super) fn over(&self) -> Option<String> {
        let mut state = self.state.lock();
        state.is_over = true;
        state.last_exit.clone()
    }
}

impl State {
    /// Milliseconds since 1970.
    fn last_activity_ts(&self) -> i64 {
        let ago = i64::try_from(self.last_activity.elapsed().as_millis()).unwrap_or(i64::MAX);
        Utc::now().timestamp_millis().saturating_sub(ago)
    }
}
